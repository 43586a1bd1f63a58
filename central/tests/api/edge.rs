//! A box for tests: a real replica over the real broker, with a door that answers every void.

use crate::server::{OPERATOR_TOKEN, TestCentral, now};
use node::ledger_store::{self, StoredLogs};
use node::mqtt::{self, LinkConfig, LinkEvent};
use node::shutdown::Shutdown;
use rusqlite::Connection;
use serde_json::{Value, json};
use shared::entry::Fact;
use shared::ids::{ClaimId, Side, TheatreId};
use shared::keys::{Certificate, PublicKey, SecretKey};
use shared::ledger::HoldTimes;
use std::sync::Mutex;
use std::time::Duration;
use sync_protocol::message::Channel;
use sync_protocol::replica::{Event, LinkKeys, Snapshot, Transmit};
use sync_protocol::{Replica, Settings};

const PUNE: TheatreId = TheatreId(1);

/// The claims that boxes of these tests have heard.
pub(crate) static HEARD: Mutex<Vec<ClaimId>> = Mutex::new(Vec::new());

/// What a box does by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Habit {
    /// Its doors accept the end of every ticket.
    AnswersVoids,
    /// Whoever holds a ticket is in before its void arrives.
    AdmitsFirst,
    /// It cancels every show it hears of.
    CancelsShows,
}

/// What one commit of the box does; returns what may leave after it.
fn turn(replica: &mut Replica, store: &mut Connection, habit: Habit) -> Vec<Transmit> {
    let tx = store.transaction().expect("begin");
    while let Some(event) = replica.poll_event() {
        match event {
            Event::Applied { fact: Fact::Sold { show, seats, .. }, .. } if habit == Habit::AdmitsFirst => {
                for sold in seats {
                    let at = shared::entry::TicketRef {
                        show,
                        seat: sold.seat,
                        generation: sold.generation,
                        ticket: sold.ticket,
                    };
                    replica.admit(at, now(), "Door A".into(), now()).expect("admitted");
                }
            }
            Event::ClaimHeard { claim, .. } => HEARD.lock().expect("not poisoned").push(claim),
            Event::Applied { fact: Fact::ShowAdded(facts), .. } if habit == Habit::CancelsShows => {
                replica.cancel_show(facts.number, now()).expect("cancelled");
            }
            Event::Applied { fact: Fact::VoidRequested(at), .. } => {
                replica.answer_void(at.ticket, now()).expect("answered");
            }
            _ => {}
        }
    }
    ledger_store::write(&tx, PUNE, replica.take_changes()).expect("written");
    let transmits = replica.poll_transmit(now(), &StoredLogs::new(&tx, PUNE)).expect("read");
    tx.commit().expect("commit");
    transmits
}

/// Connects a box until the shutdown.
async fn run_box(config: LinkConfig, key: SecretKey, central: PublicKey, habit: Habit, shutdown: Shutdown) {
    let filters = ["down", "down/log"].map(|part| format!("usher/v1/{PUNE}/{part}")).to_vec();
    let (publisher, mut events) = mqtt::connect(config, filters, shutdown.clone());
    let mut store = Connection::open_in_memory().expect("store");
    for migration in [ledger_store::MIGRATION, ledger_store::TICKETS_BY_SEAT] {
        store.execute_batch(migration.sql).expect("tables");
    }
    let settings = Settings {
        heartbeat: Duration::from_millis(100),
        suspect_after: Duration::from_secs(1),
        ..Settings::with_holds(HoldTimes::COUNTER)
    };
    let keys = LinkKeys { own: key, own_before: None, peer: vec![central] };
    let mut replica = Replica::new(PUNE, Side::Edge, settings, keys, Snapshot::default(), [9; 32], now());
    loop {
        let transmits = turn(&mut replica, &mut store, habit);
        for transmit in transmits {
            let part = if transmit.channel == Channel::Log { "up/log" } else { "up" };
            publisher.publish(&format!("usher/v1/{PUNE}/{part}"), transmit.bytes);
        }
        let wait = replica
            .poll_timeout()
            .map_or(Duration::from_millis(50), |due| due.since(now()))
            .min(Duration::from_millis(50));
        tokio::select! {
            () = shutdown.wait() => return,
            event = events.recv() => match event {
                Some(LinkEvent::Up) => replica.handle_connected(now()),
                Some(LinkEvent::Down) => replica.handle_disconnected(now()),
                Some(LinkEvent::Message { payload, .. }) => {
                    replica.handle_message(&payload, now(), &StoredLogs::new(&store, PUNE)).expect("taken");
                }
                None => return,
            },
            () = tokio::time::sleep(wait) => replica.handle_timeout(now()),
        }
    }
}

/// Plugs the box of Pune in and waits until its link is live.
pub(crate) async fn plug_in(test: &TestCentral, habit: Habit) -> Shutdown {
    let file = test.join_file();
    let login = |member: &str| file["broker"][member].as_str().expect("text").to_owned();
    let central = test.central.as_ref().expect("running");
    let config = LinkConfig {
        url: central.broker_url().clone(),
        client_id: login("client_id"),
        username: login("username"),
        password: login("password"),
        tls: mqtt::TlsFiles::default(),
        keep_alive: Duration::from_secs(2),
    };
    let root = PublicKey::from_hex(file["root_key"].as_str().expect("text")).expect("root");
    let certificate =
        Certificate::read(file["central_certificate"].as_str().expect("text"), &root).expect("certificate");
    let shutdown = Shutdown::new();
    tokio::spawn(run_box(config, test.edge_key.clone(), certificate.public_key, habit, shutdown.clone()));
    until_live(test).await;
    shutdown
}

pub(crate) async fn until_live(test: &TestCentral) {
    for _ in 0..200 {
        if test.get("/v1/theatres/1/link").await.expect(200)["state"] == "live" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never live: {}", test.get("/v1/theatres/1/link").await.expect(200));
}

#[tokio::test]
async fn an_accepted_cancellation_pays_back_and_the_seat_is_sold_again() {
    let test = TestCentral::start().await;
    let show = test.show("Pune", "Sholay").await;
    let booking = test.book(&show, &["A1", "A2"]).await;
    test.pay(&booking).await;
    test.gateway.decide("captured");
    test.until(&booking, "booked").await;
    let path = format!("/v1/bookings/{}", booking["booking"].as_str().expect("id"));
    test.post(&format!("{path}/cancellation"), "c", json!({})).await.expect(202);
    let edge = plug_in(&test, Habit::AnswersVoids).await;
    test.until(&booking, "cancelled").await;
    for _ in 0..100 {
        if test.get(&path).await.expect(200)["cancellation"]["refund"]["state"] == "succeeded" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let cancelled = test.get(&path).await.expect(200);
    let refund = json!({ "state": "succeeded", "amount": { "minor": 30_000, "currency": "INR" } });
    assert_eq!(cancelled["cancellation"], json!({ "state": "accepted", "refund": refund }));
    assert_eq!(cancelled["tickets"][0]["state"], "void");
    let again = test.book(&show, &["A1", "A2"]).await;
    test.pay(&again).await;
    test.gateway.decide("captured");
    test.until(&again, "booked").await;
    let tickets = test.get(&format!("{path}/tickets")).await.expect(200);
    assert_eq!(tickets["tickets"], json!([]), "void tickets have no codes any more");
    assert_eq!(test.as_operator("/v1/discrepancies").await.expect(200)["discrepancies"], json!([]));
    edge.trigger();
}

#[tokio::test]
async fn a_used_ticket_cannot_be_cancelled() {
    let test = TestCentral::start().await;
    let show = test.show("Pune", "Don").await;
    let booking = test.book(&show, &["A1"]).await;
    let path = format!("/v1/bookings/{}", booking["booking"].as_str().expect("id"));
    test.post(&format!("{path}/cancellation"), "c", json!({})).await.expect(202);
    let edge = plug_in(&test, Habit::AdmitsFirst).await;
    let refused = test.until(&booking, "booked").await;
    assert_eq!(refused["cancellation"], json!({ "state": "refused", "refund": null }));
    assert_eq!(refused["tickets"][0]["state"], "used");
    assert_eq!(test.post(&format!("{path}/cancellation"), "d", json!({})).await.problem(409), "already_admitted");
    edge.trigger();
}

#[tokio::test]
async fn central_comes_back_on_its_ports_and_the_box_finds_it() {
    let mut test = TestCentral::start().await;
    let edge = plug_in(&test, Habit::AnswersVoids).await;
    let broker = test.central.as_ref().and_then(central::Central::broker_addr).expect("embedded");
    let address = test.central.as_ref().expect("running").local_addr();
    test.stop().await;
    test.config.mqtt = format!("embedded:{broker}");
    let listener = tokio::net::TcpListener::bind(address).await.expect("the same port");
    test.central = Some(central::Central::start(test.config.clone(), listener).await.expect("starts"));
    until_live(&test).await;
    edge.trigger();
}

#[tokio::test]
async fn a_show_that_the_theatre_cancels_is_paid_back() {
    let test = TestCentral::start().await;
    let show = test.show("Pune", "Sholay").await;
    let paid = test.book(&show, &["A1"]).await;
    test.pay(&paid).await;
    test.gateway.decide("captured");
    test.until(&paid, "booked").await;
    let unpaid = test.book(&show, &["A2"]).await;
    let edge = plug_in(&test, Habit::CancelsShows).await;
    test.until(&paid, "cancelled").await;
    test.until(&unpaid, "expired").await;
    for _ in 0..100 {
        if test.gateway.refunds().first().is_some_and(|refund| refund["state"] == "succeeded") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(test.gateway.refunds()[0]["amount"]["minor"], 15_000);
    let refused = test.post(&format!("/v1/shows/{show}/holds"), "k", json!({ "seats": ["A3"] })).await;
    assert_eq!(refused.problem(410), "show_cancelled");
    edge.trigger();
}

#[tokio::test]
async fn a_cancellation_pays_back_from_the_payment_that_bought_the_tickets() {
    let test = TestCentral::start().await;
    let show = test.show("Pune", "Sholay").await;
    let booking = test.book(&show, &["A1"]).await;
    test.pay(&booking).await;
    test.gateway.decide("declined");
    test.until(&booking, "awaiting_payment").await;
    test.pay(&booking).await;
    test.gateway.decide("captured");
    test.until(&booking, "booked").await;
    test.gateway.force("state", "captured".into());
    let refunds = async |count: usize| {
        for _ in 0..200 {
            if test.gateway.refunds().len() == count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{:?}", test.gateway.refunds());
    };
    refunds(1).await;
    assert_eq!(test.gateway.refunds()[0]["payment"], "pay_0", "what was declined and paid later was paid twice");
    let path = format!("/v1/bookings/{}", booking["booking"].as_str().expect("id"));
    test.post(&format!("{path}/cancellation"), "c", json!({})).await.expect(202);
    let edge = plug_in(&test, Habit::AnswersVoids).await;
    test.until(&booking, "cancelled").await;
    refunds(2).await;
    assert_eq!(test.gateway.refunds()[1]["payment"], "pay_1");
    edge.trigger();
}

/// A paid booking of one seat whose cancellation is asked for while the box is away.
async fn cancelled_while_away(test: &TestCentral) -> (Value, String) {
    let show = test.show("Pune", "Sholay").await;
    let booking = test.book(&show, &["A1"]).await;
    test.pay(&booking).await;
    test.gateway.decide("captured");
    test.until(&booking, "booked").await;
    let path = format!("/v1/bookings/{}", booking["booking"].as_str().expect("id"));
    test.post(&format!("{path}/cancellation"), "c", json!({})).await.expect(202);
    (booking, path)
}

async fn kinds(test: &TestCentral) -> Vec<String> {
    let listed = test.as_operator("/v1/discrepancies").await.expect(200);
    let listed = listed["discrepancies"].as_array().expect("list").iter();
    listed.map(|found| format!("{} {}", found["kind"], found["proposed"]["code"]).replace('"', "")).collect()
}

#[tokio::test]
async fn long_before_the_show_money_goes_back_at_once_where_the_policy_says_so_and_never_twice() {
    for (hours, habit) in [(1, Habit::AnswersVoids), (1, Habit::AdmitsFirst), (1_000_000, Habit::AnswersVoids)] {
        let test = TestCentral::start_with(|config| config.early_refund_h = hours).await;
        let (booking, path) = cancelled_while_away(&test).await;
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert_eq!(test.get(&path).await.expect(200)["state"], "cancelling");
        assert_eq!(test.gateway.refunds().len(), usize::from(hours == 1));
        let edge = plug_in(&test, habit).await;
        let used = habit == Habit::AdmitsFirst;
        test.until(&booking, if used { "booked" } else { "cancelled" }).await;
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert_eq!(test.gateway.refunds().len(), 1, "{hours} {used}");
        let listed: &[&str] = if used { &["refunded_but_used compare_payments"] } else { &[] };
        assert_eq!(kinds(&test).await, listed);
        edge.trigger();
    }
}

#[tokio::test]
async fn a_cancellation_that_no_theatre_answers_goes_to_a_person_once() {
    let mut test = TestCentral::start().await;
    cancelled_while_away(&test).await;
    assert!(kinds(&test).await.is_empty());
    for _ in 0..2 {
        test.stop().await;
        test.alter("UPDATE schedule SET ends_at = 1");
        test.start_again().await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(kinds(&test).await, ["void_unanswered refund"]);
    }
}

#[tokio::test]
async fn a_retired_box_answers_no_cancellation_any_more() {
    let test = TestCentral::start().await;
    cancelled_while_away(&test).await;
    let persons = json!({ "persons": ["first person", "second person"] }).to_string();
    let operator = [("authorization", format!("Bearer {OPERATOR_TOKEN}"))];
    test.raw("/v1/theatres/1/box/retire", &operator, persons).await.expect(200);
    assert_eq!(kinds(&test).await, ["void_unanswered refund"]);
}
