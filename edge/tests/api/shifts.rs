//! Shifts at random at a real box: sales, voids of all and of some tickets, duplicates, cash in and out, stretches without a line, prices
//! that change, disks that are put back. What the numbered reports, the journal, the collection of the day and both sides' ledgers
//! tell must agree to the paisa.

use crate::house::now;
use crate::line::{Line, show};
use reqwest::Method;
use serde_json::{Value, json};
use shared::ids::{ShowNumber, Side};
use shared::ledger::VoidAnswer;
use shared::ticket::booking_code;
use shared::till::Tender;
use std::collections::BTreeMap;

/// Shifts at one box.
const SHIFTS: u32 = 25;
/// In every so many-th shift the box forgets some sales.
const FORGETS_EVERY: usize = 8;
/// Shows follow each other with a break, on one screen.
const SHOW_EVERY_MIN: u32 = 150;

/// How many shifts in all; `tests/nightly` takes a thousand.
#[expect(clippy::disallowed_methods, reason = "a test has no command line of its own")]
fn shifts() -> u32 {
    std::env::var("USHER_SHIFTS").ok().and_then(|number| number.parse().ok()).unwrap_or(SHIFTS)
}

/// Numbers that come the same way for the same seed (SplitMix64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

fn inr(minor: i64) -> Value {
    json!({ "minor": minor, "currency": "INR" })
}

fn minor(money: &Value) -> i64 {
    money["minor"].as_i64().expect("minor units")
}

/// One box with its cashier and manager.
struct Till<'l> {
    line: &'l mut Line,
    counter: String,
    manager: String,
    dice: Dice,
    sold: Vec<String>,
    /// Net of what the box had forgotten and has again.
    recovered: i64,
    /// What happened, so that a run in which nothing did is no proof.
    done: BTreeMap<&'static str, u32>,
}

impl Till<'_> {
    async fn post(&self, path: &str, token: &str, body: Value) -> (u16, Value) {
        self.line.house.post(path, token, body).await
    }

    fn note(&mut self, what: &'static str) {
        *self.done.entry(what).or_default() += 1;
    }

    /// One shift of the cashier in one show; the cash that the drawer should have.
    async fn shift(&mut self, number: ShowNumber, forgets: Option<&ShowNumber>) {
        let hundreds = self.dice.below(10);
        let float = json!({ "float": [{ "face_minor": 10_000, "count": hundreds }] });
        let (status, shift) = self.post("/v1/shifts", &self.counter, float).await;
        assert_eq!(status, 201, "{shift}");
        let path = format!("/v1/shifts/{}", shift["shift"]);
        for _ in 0..3 + self.dice.below(6) {
            match self.dice.below(10) {
                0..=4 => self.sell(number).await,
                5 => self.void().await,
                6 => self.duplicate().await,
                7 => self.move_cash(&path).await,
                8 => self.switch_line().await,
                _ => self.set_price(number),
            }
        }
        if let Some(next) = forgets {
            self.forget(*next).await;
        }
        let (_, told) = self.line.house.get(&path, &self.manager).await;
        let expected = minor(&told["expected_cash"]);
        let off = i64::try_from(self.dice.below(3)).expect("small") * 50 - 50;
        let found = u64::try_from((expected + off).max(0)).expect("not negative");
        let counted = json!({ "counted": [{ "face_minor": 1, "count": found }] });
        let (status, z) = self.post(&format!("{path}/close"), &self.counter, counted).await;
        assert_eq!((status, minor(&z["expected_cash"])), (200, expected), "{z}");
        assert_eq!(minor(&z["difference"]), i64::try_from(found).expect("small") - expected, "{z}");
        self.note("closed");
    }

    async fn sell(&mut self, show: ShowNumber) {
        let (best, tender) = (1 + self.dice.below(2), Tender::TAKEN[self.dice.below(3) as usize]);
        let mut body = json!({ "best": best, "tender": tender.word() });
        if tender == Tender::Card {
            body["slip"] = json!({ "digits": "4242", "approval": "C0FFEE" });
        }
        let (status, sale) = self.post(&format!("/v1/shows/12-{}/sales", show.0), &self.counter, body).await;
        if status == 201 {
            self.sold.push(sale["sale"].as_str().expect("id").to_owned());
            return self.note("sold");
        }
        let code = sale["code"].as_str().expect("a code");
        // The last one until central has said again that it sells: the box was started anew.
        let sold_out = ["no_seats_together", "seat_elsewhere", "seat_in_transit", "link_down", "peer_closed"];
        assert!(sold_out.contains(&code), "{sale}");
        self.note("refused");
    }

    async fn void(&mut self) {
        if self.sold.is_empty() {
            return;
        }
        let nth = self.dice.below(self.sold.len() as u64) as usize;
        let sale = self.sold.swap_remove(nth);
        let mut body = json!({ "reason": "wrong film", "paper_surrendered": true });
        if self.dice.below(2) == 0 {
            let first = self.found(&sale).await["tickets"][0]["ticket"].clone();
            body["tickets"] = json!([first]);
            self.note("voided in part");
        }
        self.take_back(&sale, body).await;
        self.note("voided");
    }

    async fn take_back(&self, sale: &str, body: Value) {
        let (status, voided) = self.post(&format!("/v1/sales/{sale}/void"), &self.manager, body).await;
        assert_eq!((status, &voided["state"]), (200, &json!("voided")), "{voided}");
    }

    /// A sale as the counter finds it.
    async fn found(&self, sale: &str) -> Value {
        let code = booking_code(sale.parse().expect("an id"));
        let (_, found) = self.line.house.get(&format!("/v1/sales?code={code}"), &self.counter).await;
        assert_eq!(found["sales"][0]["sale"], sale, "{found}");
        found["sales"][0].clone()
    }

    /// The box's disk is put back to where it was some sales ago: central gives them back, and one is taken back once more.
    async fn forget(&mut self, show: ShowNumber) {
        self.line.house.stop().await;
        let image = self.line.house.image();
        self.line.house.start().await;
        self.all_is_there().await;
        let before = self.sold.len();
        for _ in 0..3 {
            self.sell(show).await;
        }
        let lost = self.sold.split_off(before);
        let Some(first) = lost.first() else { return };
        for sale in &lost {
            self.recovered += minor(&self.found(sale).await["total"]);
        }
        let ticket = self.found(first).await["tickets"][0].clone();
        let body = json!({ "reason": "x", "paper_surrendered": true, "tickets": [ticket["ticket"]] });
        self.take_back(first, body).await;
        self.recovered -= minor(&ticket["price"]);
        self.all_is_there().await;

        self.line.house.stop().await;
        self.line.house.put_back(&image);
        self.line.house.vouched = false;
        self.line.house.start().await;
        self.line.house.vouched = true;
        let token = self.counter.clone();
        let code = booking_code(lost[lost.len() - 1].parse().expect("an id"));
        self.line
            .until("the last sale is back", async |house| {
                let (_, found) = house.get(&format!("/v1/sales?code={code}"), &token).await;
                found["sales"][0]["tender"] == "recovered"
            })
            .await;
        self.line.house.vouch(&self.line.house.url("")).await;
        self.line.until("the box is open", async |house| house.get("/v1/status", "").await.1["can_sell"] == true).await;
        self.all_is_there().await;
        if let Some(again) = lost.get(1) {
            let back = ["cash", "card", "upi"][self.dice.below(3) as usize];
            let by = json!({ "staff": "manager", "pin": crate::house::PIN });
            let body = json!({ "reason": "x", "paper_surrendered": true, "back": back, "approved_by": by });
            let (status, voided) = self.post(&format!("/v1/sales/{again}/void"), &self.counter, body).await;
            assert_eq!((status, &voided["state"]), (200, &json!("voided")), "{voided}");
            self.note("recovered and voided");
        }
        self.note("forgotten");
    }

    async fn all_is_there(&self) {
        self.line
            .until("both sides are equal", async |house| {
                let (_, status) = house.get("/v1/status", "").await;
                let cut = self.line.central.lock().expect("not poisoned").replica.cut();
                status["link"]["backlog"] == 0 && status["link"]["digest"] == format!("{:032x}", cut.digest)
            })
            .await;
    }

    async fn duplicate(&mut self) {
        let Some(sale) = self.sold.last().cloned() else { return };
        let second = json!({ "staff": "manager", "pin": crate::house::PIN });
        let first = json!({ "documents": ["tickets"], "printer": "pdf" });
        let again = json!({ "documents": ["tickets"], "printer": "pdf", "second": second });
        for body in [first, again] {
            let (status, printed) = self.post(&format!("/v1/sales/{sale}/prints"), &self.counter, body).await;
            assert!(status < 300 || printed["code"] == "second_person_needed", "{printed}");
        }
        self.note("printed");
    }

    async fn move_cash(&mut self, path: &str) {
        let (direction, amount) = (["in", "out"][self.dice.below(2) as usize], self.dice.below(9_000) as i64 + 1);
        let body = json!({ "direction": direction, "amount": inr(amount), "reason": "change" });
        let (status, answer) = self.post(&format!("{path}/cash"), &self.counter, body).await;
        assert_eq!(status, 200, "{answer}");
        self.note("moved");
    }

    async fn switch_line(&mut self) {
        let offline = self.dice.below(2) == 0;
        let (status, answer) = self.post("/v1/link", &self.manager, json!({ "work_offline": offline })).await;
        assert_eq!(status, 200, "{answer}");
        self.note(if offline { "offline" } else { "online" });
    }

    fn set_price(&mut self, show: ShowNumber) {
        let (category, price) = (self.dice.below(2) as u8, 5_000 + self.dice.below(300) as u32 * 100);
        let mut central = self.line.central.lock().expect("not poisoned");
        central.replica.set_price(show, category, price, now()).expect("a price is set");
        central.keep();
        drop(central);
        self.note("repriced");
    }

    async fn csv(&self, file: &str, date: &str) -> Vec<BTreeMap<String, String>> {
        let path = format!("/v1/reports/{file}?date={date}");
        let answer = self.line.house.request(Method::GET, &path, &self.manager, None).await;
        let text = answer.text().await.expect("text");
        let mut lines = text.trim_start_matches('\u{feff}').lines().map(|line| line.split(',').map(str::to_owned));
        let header: Vec<String> = lines.next().expect("a header").collect();
        lines.map(|line| header.iter().cloned().zip(line).collect()).collect()
    }
}

/// Paise of `12.34`.
fn paise(text: &str) -> i64 {
    text.replace('.', "").parse().expect("an amount")
}

#[tokio::test]
async fn reports_journal_collection_and_both_ledgers_agree_to_the_paisa() {
    for house in 0..shifts().div_ceil(SHIFTS) {
        a_house_agrees(u64::from(house)).await;
    }
}

async fn a_house_agrees(seed: u64) {
    let mut line = Line::up().await;
    let numbers: Vec<ShowNumber> = (0..SHIFTS).map(|n| ShowNumber(100 + n)).collect();
    for (n, number) in (1..).zip(&numbers) {
        let mut central = line.central.lock().expect("not poisoned");
        central.replica.add_show(show(*number, 30 + n * SHOW_EVERY_MIN), now()).expect("a show");
        central.keep();
    }
    let (counter, manager) = (line.house.log_in("counter").await, line.house.log_in("manager").await);
    line.until("the shows are here", async |house| {
        let (_, map) = house.get(&format!("/v1/shows/12-{}/seats", 100 + SHIFTS - 1), "").await;
        map["rows"].is_array()
    })
    .await;
    let (dice, sold, done) = (Dice(seed), Vec::new(), BTreeMap::new());
    let mut at = Till { line: &mut line, counter, manager, dice, sold, recovered: 0, done };
    for (nth, number) in numbers.iter().enumerate() {
        at.shift(*number, numbers.get(nth + 1).filter(|_| nth % FORGETS_EVERY == 3)).await;
    }
    at.post("/v1/link", &at.manager, json!({ "work_offline": false })).await;
    at.all_is_there().await;

    let (_, check) = at.line.house.get("/v1/till/check", &at.manager).await;
    assert_eq!(check["tampered"], Value::Null, "{check}");
    let (_, reports) = at.line.house.get("/v1/z", &at.manager).await;
    let reports = reports["shifts"].as_array().expect("reports");
    let mut numbers: Vec<u64> = reports.iter().map(|z| z["z"].as_u64().expect("a number")).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=u64::from(SHIFTS)).collect::<Vec<_>>(), "no number is left out");
    let mut by_tender: BTreeMap<String, i64> = BTreeMap::new();
    for tender in reports.iter().flat_map(|z| z["tenders"].as_array().expect("tenders")) {
        *by_tender.entry(tender["tender"].as_str().expect("a word").to_owned()).or_default() += minor(&tender["net"]);
    }
    by_tender.retain(|_, net| *net != 0);
    let date = reports[0]["opened_at"].as_str().expect("a time")[..10].to_owned();
    let mut tenders: BTreeMap<String, i64> = BTreeMap::new();
    for sold in at.csv("tenders.csv", &date).await {
        *tenders.entry(sold["tender"].clone()).or_default() += paise(&sold["net"]);
    }
    tenders.retain(|_, net| *net != 0);
    let all: i64 = tenders.values().sum();
    assert_eq!(tenders.remove("recovered").unwrap_or_default(), at.recovered, "what came back is in nobody's shift");
    assert_eq!(by_tender, tenders, "the reports and the sales by tender");
    let collection = at.csv("collection.csv", &date).await;
    let column = |name: &str| collection.iter().map(|row| paise(&row[name])).sum::<i64>();
    assert_eq!(
        (column("gross"), column("net") + column("cgst") + column("sgst")),
        (all, all),
        "the collection of the day"
    );
    let paid: i64 = {
        let central = at.line.central.lock().expect("not poisoned");
        let tickets = central.replica.ledger().tickets();
        let paid =
            tickets.filter(|ticket| ticket.answer != Some(VoidAnswer::Accepted)).filter_map(|ticket| ticket.sale);
        paid.filter(|sale| sale.seller == Side::Edge).map(|sale| i64::from(sale.price)).sum()
    };
    assert_eq!(paid, all, "central's ledger");
    assert!(at.line.central.lock().expect("not poisoned").replica.can_sell(), "central was never closed for good");
    let all_of_it = ["sold", "voided", "voided in part", "printed", "moved", "offline", "online", "repriced"];
    for what in all_of_it.into_iter().chain(["forgotten", "recovered and voided"]) {
        assert!(at.done.get(what).is_some_and(|times| *times > 0), "nothing was {what}: {:?}", at.done);
    }
    line.down().await;
}
