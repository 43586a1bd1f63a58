//! What the customer gives for a sale, and what comes back.

use node::problem::Problem;
use shared::money::Money;
use shared::till::Tender;

/// Why a tender does not pay the total.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TenderRefusal {
    /// Less than the total.
    TooLittleReceived {
        /// What is to be paid.
        total: Money,
    },
    /// Another currency than the total's.
    WrongCurrency {
        /// What is to be paid.
        total: Money,
    },
}

impl From<TenderRefusal> for Problem {
    fn from(refusal: TenderRefusal) -> Self {
        match refusal {
            TenderRefusal::TooLittleReceived { total } => {
                Self::unprocessable("too_little_received", format!("The total is {total}.")).with("total", total)
            }
            TenderRefusal::WrongCurrency { total } => {
                Self::unprocessable("wrong_currency", format!("The total is {total}.")).with("total", total)
            }
        }
    }
}

/// The change of a sale: cash without an amount is taken as exact, the others give none.
///
/// # Errors
/// If what was received does not pay the total.
pub fn change(tender: Tender, total: Money, received: Option<Money>) -> Result<Option<Money>, TenderRefusal> {
    if tender != Tender::Cash {
        return Ok(None);
    }
    let received = received.unwrap_or(total);
    if received.currency != total.currency {
        return Err(TenderRefusal::WrongCurrency { total });
    }
    if received.minor < total.minor {
        return Err(TenderRefusal::TooLittleReceived { total });
    }
    Ok(Some(Money { minor: received.minor.saturating_sub(total.minor), ..total }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::money::Currency;

    #[test]
    fn change_is_given_for_cash_only() {
        let total = Money::inr(30_000);
        let table = [
            (Tender::Cash, Some(50_000), Ok(Some(20_000))),
            (Tender::Cash, Some(30_000), Ok(Some(0))),
            (Tender::Cash, None, Ok(Some(0))),
            (Tender::Cash, Some(29_999), Err(TenderRefusal::TooLittleReceived { total })),
            (Tender::Cash, Some(-1), Err(TenderRefusal::TooLittleReceived { total })),
            (Tender::Card, None, Ok(None)),
            (Tender::Upi, Some(1), Ok(None)),
            (Tender::Complimentary, None, Ok(None)),
        ];
        for (tender, received, expected) in table {
            let given = change(tender, total, received.map(Money::inr)).map(|change| change.map(|money| money.minor));
            assert_eq!(given, expected, "{tender:?} {received:?}");
        }
    }

    #[test]
    fn another_currency_is_refused() {
        let euro = Money { minor: 100_000, currency: Currency::parse("EUR").expect("code") };
        let total = Money::inr(1);
        assert_eq!(change(Tender::Cash, total, Some(euro)), Err(TenderRefusal::WrongCurrency { total }));
    }
}
