//! The book's rules, without HTTP.

use super::*;

const NOW: Timestamp = Timestamp(1_000_000);

fn book() -> Book {
    let mut book = Book::default();
    let order = Order {
        reference: "b1".into(),
        amount: Money::inr(30_000),
        return_url: "http://shop/".into(),
        webhook_url: "http://shop/hook".into(),
        expires_at: None,
    };
    book.create("pay_1".into(), order, Some(NOW + Duration::from_secs(60)), "http://sim/pay/pay_1".into());
    book
}

fn kinds(book: &mut Book) -> Vec<&'static str> {
    book.take_notices().into_iter().map(|notice| notice.kind).collect()
}

#[test]
fn a_payment_is_decided_once_and_reported_once() {
    let mut book = book();
    assert_eq!(
        book.settle("pay_1", PaymentState::Captured, NOW).map(|payment| payment.state),
        Ok(PaymentState::Captured)
    );
    assert_eq!(
        book.settle("pay_1", PaymentState::Declined, NOW).map(|payment| payment.state),
        Ok(PaymentState::Captured)
    );
    assert_eq!(
        book.settle("pay_1", PaymentState::Expired, NOW).map(|payment| payment.state),
        Ok(PaymentState::Captured)
    );
    assert_eq!(kinds(&mut book), ["payment.captured"]);
}

#[test]
fn a_payment_cannot_be_paid_after_its_time() {
    let mut book = book();
    let late = NOW + Duration::from_secs(60);
    assert_eq!(
        book.settle("pay_1", PaymentState::Captured, late).map(|payment| payment.state),
        Ok(PaymentState::Expired)
    );
    book.handle_timeout(late);
    assert_eq!(kinds(&mut book), ["payment.expired"]);
}

#[test]
fn refunds_never_exceed_the_payment() {
    let mut book = book();
    let refused = |book: &mut Book, minor| book.give_back("re_x".into(), "pay_1", Money::inr(minor), NOW).err();
    assert_eq!(refused(&mut book, 1), Some(No::NotCaptured));
    book.settle("pay_1", PaymentState::Captured, NOW).expect("captured");
    book.give_back("re_1".into(), "pay_1", Money::inr(20_000), NOW).expect("refund");
    assert_eq!(refused(&mut book, 10_001), Some(No::RefundAmount));
    assert_eq!(refused(&mut book, 0), Some(No::RefundAmount));
    book.give_back("re_2".into(), "pay_1", Money::inr(10_000), NOW).expect("refund");
    book.handle_timeout(NOW + Duration::from_secs(1));
    assert_eq!(book.payment("pay_1").expect("payment").state, PaymentState::Refunded);
    assert_eq!(kinds(&mut book), ["payment.captured", "refund.succeeded", "refund.succeeded"]);
}

#[test]
fn a_refund_that_fails_can_be_asked_for_again() {
    let mut book = book();
    book.settle("pay_1", PaymentState::Captured, NOW).expect("captured");
    book.faults.fail_refunds = true;
    book.give_back("re_1".into(), "pay_1", Money::inr(30_000), NOW).expect("refund");
    book.handle_timeout(NOW + Duration::from_secs(1));
    assert_eq!(book.refund("re_1").expect("refund").state, RefundState::Failed);
    assert_eq!(kinds(&mut book), ["payment.captured", "refund.failed"]);
    book.faults.fail_refunds = false;
    book.give_back("re_2".into(), "pay_1", Money::inr(30_000), NOW).expect("refund");
}
