//! Shifts at random: what the reports, the journal and the sales tell must agree to the paisa.

use super::{journal, refunds, reports};
use crate::schema::SCHEMA;
use node::sqlite::NODE_TABLES;
use proptest::prelude::*;
use rusqlite::{Connection, params};
use shared::ids::{BookingId, TicketId};
use shared::money::{Currency, Money};
use shared::till::drawer::{Direction, Drawer};
use shared::till::{Pieces, ShiftNumber, Tender, TillEntry, TillFact, total};
use shared::time::Timestamp;
use std::collections::BTreeMap;

const CASHIERS: [&str; 3] = ["asha", "binod", "chitra"];
/// 40 runs of 25 shifts.
const RUNS: u32 = 40;
const START: Timestamp = Timestamp(1_800_000_000_000);
const DAY_MS: i64 = 24 * 3_600_000;
const SHIFTS: usize = 25;

#[derive(Debug, Clone)]
enum Step {
    Open {
        cashier: usize,
        float: u32,
    },
    Sell {
        cashier: usize,
        tender: usize,
        prices: Vec<i64>,
    },
    Void {
        nth: usize,
        by: usize,
        used: usize,
        /// The doors had to be asked first.
        waited: bool,
    },
    /// The price of a ticket whose void waited is given back.
    HandOver {
        nth: usize,
        by: usize,
    },
    /// A sale that the box had forgotten is there again.
    Recover {
        prices: Vec<i64>,
    },
    /// That some tickets were taken back is known again.
    RecoverVoid {
        nth: usize,
        used: usize,
    },
    Move {
        cashier: usize,
        out: bool,
        minor: i64,
    },
    Close {
        cashier: usize,
        off: i64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let cashier = || 0..CASHIERS.len();
    prop_oneof![
        1 => (cashier(), 0_u32..100).prop_map(|(cashier, float)| Step::Open { cashier, float }),
        6 => (cashier(), 0..Tender::TAKEN.len(), prop::collection::vec(1_i64..50_000, 1..5))
            .prop_map(|(cashier, tender, prices)| Step::Sell { cashier, tender, prices }),
        2 => (any::<usize>(), cashier(), 0_usize..4, any::<bool>())
            .prop_map(|(nth, by, used, waited)| Step::Void { nth, by, used, waited }),
        1 => (any::<usize>(), cashier()).prop_map(|(nth, by)| Step::HandOver { nth, by }),
        1 => prop::collection::vec(1_i64..50_000, 1..5).prop_map(|prices| Step::Recover { prices }),
        1 => (any::<usize>(), 0_usize..4).prop_map(|(nth, used)| Step::RecoverVoid { nth, used }),
        1 => (cashier(), any::<bool>(), 0_i64..5_000).prop_map(|(cashier, out, minor)| Step::Move { cashier, out, minor }),
        1 => (cashier(), -300_i64..300).prop_map(|(cashier, off)| Step::Close { cashier, off }),
    ]
}

/// A sale of this counter, with the price of each ticket.
struct Made {
    tender: Tender,
    tickets: Vec<(TicketId, i64)>,
    void: bool,
}

/// A counter without its ledger: the tables that the till reads and writes.
struct Counter {
    db: Connection,
    now: Timestamp,
    sales: Vec<Made>,
    serial: i64,
    /// What came back and is in no journal: sold, and taken off what went back.
    recovered: Vec<(Timestamp, i64)>,
    differences: BTreeMap<ShiftNumber, i64>,
    /// Tickets that are void and whose price nobody has given back, and how it goes back.
    owed: Vec<(TicketId, i64, Tender)>,
    /// What all tickets that are not void come to, as a ledger has it.
    live: i64,
}

impl Counter {
    fn new() -> Self {
        let db = Connection::open_in_memory().expect("open");
        let migrations = NODE_TABLES.iter().chain(SCHEMA.migrations);
        migrations.for_each(|migration| db.execute_batch(migration.sql).expect(migration.name));
        Self {
            db,
            now: START,
            sales: Vec::new(),
            serial: 0,
            recovered: Vec::new(),
            differences: BTreeMap::new(),
            owed: Vec::new(),
            live: 0,
        }
    }

    fn take(&mut self, step: Step) {
        // Some days for all of them: what is taken back is often of another day than its sale.
        self.now = Timestamp(self.now.0 + 1_200_000);
        let now = self.now;
        let tx = self.db.transaction().expect("begin");
        let shift = |cashier: usize| journal::open_shift(&tx, CASHIERS[cashier]).expect("read");
        let drawer = |shift| journal::drawer(&tx, shift).expect("read").expect("there");
        match step {
            Step::Open { cashier, float } if shift(cashier).is_none() => {
                let float = vec![Pieces { face_minor: 100, count: float }];
                journal::open(&tx, CASHIERS[cashier], Currency::INR, float, now).expect("open");
            }
            Step::Sell { cashier, tender, prices } => {
                let (staff, tender) = (CASHIERS[cashier], Tender::TAKEN[tender]);
                let prices: Vec<i64> = prices.into_iter().map(|price| tender.charges(price)).collect();
                let sale = sell(&tx, staff, tender, &prices, &mut self.sales, &mut self.serial, now);
                self.live += prices.iter().sum::<i64>();
                journal::note_sale(&tx, staff, sale, tender, Money::inr(prices.iter().sum()), now).expect("journal");
            }
            Step::Recover { prices } => {
                sell(&tx, "", Tender::Recovered, &prices, &mut self.sales, &mut self.serial, now);
                self.live += prices.iter().sum::<i64>();
                self.recovered.push((now, prices.iter().sum()));
            }
            Step::Void { nth, by, used, waited } if !self.sales.is_empty() => {
                let nth = nth % self.sales.len();
                let Made { tender, tickets, void } = &mut self.sales[nth];
                if !std::mem::replace(void, true) {
                    // The first ones turn out to have been used: their void comes to nothing.
                    for (ticket, price) in tickets.iter().skip(used) {
                        self.live -= price;
                        if *tender == Tender::Recovered {
                            let update = "UPDATE sale_tickets SET back = ?2 WHERE ticket = ?1";
                            tx.execute(update, params![ticket.0, Tender::TAKEN[by].word()]).expect("back");
                        }
                        if !waited {
                            journal::note_void(&tx, *ticket, CASHIERS[by], now).expect("journal");
                            continue;
                        }
                        let shifts = shift_count(&tx);
                        refunds::owe(&tx, *ticket, now).expect("owe");
                        assert_eq!(shift_count(&tx), shifts, "no shift is opened for what nobody has given back");
                        let back = if *tender == Tender::Recovered { Tender::TAKEN[by] } else { *tender };
                        self.owed.push((*ticket, *price, back));
                    }
                }
            }
            Step::HandOver { nth, by } if !self.owed.is_empty() => {
                let (ticket, price, back) = self.owed.swap_remove(nth % self.owed.len());
                let of = || shift(by).map(drawer);
                let gone = || of().and_then(|of| of.voided.get(&back).copied()).unwrap_or_default();
                let in_the_drawer = || of().map(|of| of.expected_cash()).unwrap_or_default();
                let (before, cash) = (gone(), in_the_drawer());
                assert_eq!(refunds::hand_over(&tx, ticket, CASHIERS[by], now).expect("hand over"), Money::inr(price));
                let after = (gone().count, gone().minor);
                assert_eq!(
                    after,
                    (before.count + 1, before.minor + price),
                    "it is in the shift of whoever gives it back"
                );
                let left = if back == Tender::Cash { price } else { 0 };
                assert_eq!(in_the_drawer(), cash - left, "only cash leaves a drawer");
            }
            Step::RecoverVoid { nth, used } if !self.sales.is_empty() => {
                let nth = nth % self.sales.len();
                let Made { tickets, void, .. } = &mut self.sales[nth];
                if !std::mem::replace(void, true) {
                    for (ticket, price) in tickets.iter().skip(used) {
                        let update = "UPDATE sale_tickets SET (voided_at, back) = (?2, 'recovered') WHERE ticket = ?1";
                        tx.execute(update, params![ticket.0, now.0]).expect("void");
                        self.live -= price;
                        self.recovered.push((now, -price));
                    }
                }
            }
            Step::Move { cashier, out, minor } => {
                let (direction, amount) = (if out { Direction::Out } else { Direction::In }, Money::inr(minor));
                let moved = shift(cashier)
                    .and_then(|shift| Some((shift, drawer(shift).move_cash(direction, amount, "milk").ok()?)));
                if let Some((shift, fact)) = moved {
                    let entry = TillEntry { at: now, shift, staff: CASHIERS[cashier].into(), fact };
                    journal::append(&tx, &entry).expect("journal");
                }
            }
            Step::Close { cashier, off } => {
                let Some(shift) = shift(cashier) else { return };
                let found = (drawer(shift).expected_cash() + off).max(0);
                let counted = vec![Pieces { face_minor: 1, count: u32::try_from(found).expect("small") }];
                let z = journal::next_z(&tx).expect("read");
                self.differences.insert(shift, total(&counted).expect("count") - drawer(shift).expected_cash());
                let fact = drawer(shift).close(z, counted).expect("closes");
                let entry = TillEntry { at: now, shift, staff: CASHIERS[cashier].into(), fact };
                journal::append(&tx, &entry).expect("journal");
                journal::close(&tx, shift, z).expect("close");
            }
            Step::Open { .. } | Step::Void { .. } | Step::HandOver { .. } | Step::RecoverVoid { .. } => {}
        }
        tx.commit().expect("commit");
    }

    /// Every day on which something was done.
    fn days(&self) -> impl Iterator<Item = (Timestamp, Timestamp)> + use<> {
        let (first, last) = (START.0 / DAY_MS, self.now.0 / DAY_MS);
        (first..=last).map(|day| (Timestamp(day * DAY_MS), Timestamp((day + 1) * DAY_MS)))
    }

    /// What the journal tells of a day, by tender: sold on it, less what went back on it.
    fn told_on(&self, (from, until): (Timestamp, Timestamp)) -> BTreeMap<Tender, i64> {
        let mut select = self.db.prepare("SELECT entry FROM till_journal").expect("journal");
        let rows = select.query_map([], |row| row.get::<_, Vec<u8>>(0)).expect("rows");
        let mut told = BTreeMap::new();
        for entry in rows.map(|bytes| TillEntry::decode(&bytes.expect("a row")).expect("an entry")) {
            let (tender, minor) = match entry.fact {
                TillFact::Sold { tender, minor, .. } => (tender, minor),
                TillFact::Voided { tender, minor, .. } => (tender, -minor),
                _ => continue,
            };
            if (from..until).contains(&entry.at) {
                *told.entry(tender).or_default() += minor;
            }
        }
        told
    }

    /// What came back on a day.
    fn recovered_on(&self, (from, until): (Timestamp, Timestamp)) -> i64 {
        self.recovered.iter().filter(|(at, _)| (from..until).contains(at)).map(|(_, minor)| minor).sum()
    }

    fn collection(&self, day: (Timestamp, Timestamp)) -> Vec<Vec<String>> {
        let date_of = |_: Timestamp| "2027-01-15".to_owned();
        reports::collection(&self.db, &BTreeMap::new(), "2027-01-15", day, date_of).expect("report")
    }

    fn drawers(&self) -> Vec<Drawer> {
        let of = |closed| journal::drawers(&self.db, closed, u32::MAX).expect("read");
        [of(true), of(false)].concat()
    }
}

fn shift_count(tx: &rusqlite::Transaction<'_>) -> i64 {
    tx.query_row("SELECT count(*) FROM shifts", [], |row| row.get(0)).expect("count")
}

/// The rows of a sale.
fn sell(
    tx: &rusqlite::Transaction<'_>,
    staff: &str,
    tender: Tender,
    prices: &[i64],
    sales: &mut Vec<Made>,
    serial: &mut i64,
    now: Timestamp,
) -> BookingId {
    let number = sales.len() as u64;
    let sale = BookingId(u128::from(number).to_be_bytes());
    let insert = "INSERT INTO sales (sale, code, show, staff, tender, currency, total_minor, sold_at)
                  VALUES (?1, ?2, ?3, ?4, ?5, 'INR', ?6, ?7)";
    let (code, show, sum) = (number.to_string(), number % 3, prices.iter().sum::<i64>());
    let row = params![sale.0, code, show as u32, staff, tender.word(), sum, now.0];
    tx.execute(insert, row).expect("sale");
    let mut tickets = Vec::new();
    for price in prices {
        *serial += 1;
        let ticket = TicketId(serial.to_be_bytes());
        let insert = "INSERT INTO sale_tickets (ticket, sale, seat, category, price_minor, code, series, serial)
                      VALUES (?1, ?2, 'A1', ?3, ?4, '', 'counter', ?5)";
        let category = if *price > 20_000 { "Gold" } else { "Silver" };
        tx.execute(insert, params![ticket.0, sale.0, category, price, *serial]).expect("ticket");
        tickets.push((ticket, *price));
    }
    sales.push(Made { tender, tickets, void: false });
    sale
}

/// Paise of a column that holds `12.34`, summed over the lines that `wanted` names.
fn sum(lines: &[Vec<String>], column: &str, wanted: impl Fn(&[String]) -> bool) -> i64 {
    let at = lines[0].iter().position(|name| name == column).expect("column");
    let minor = |text: &str| text.replace('.', "").parse::<i64>().expect("amount");
    lines[1..].iter().filter(|line| wanted(line)).map(|line| minor(&line[at])).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(RUNS))]
    #[test]
    fn reports_journal_and_sales_agree_to_the_paisa(steps in prop::collection::vec(step(), 100..300)) {
        let mut counter = Counter::new();
        steps.into_iter().for_each(|step| counter.take(step));
        // As many shifts as it takes, each with a sale.
        while counter.drawers().len() < SHIFTS {
            counter.take(Step::Sell { cashier: 0, tender: 0, prices: vec![15_000] });
            counter.take(Step::Close { cashier: 0, off: 0 });
        }
        let last = journal::check(&counter.db).expect("read").expect("untouched");
        prop_assert!(last.seq > 0);
        let drawers = counter.drawers();
        for day in counter.days() {
            let told = counter.told_on(day);
            let tenders = reports::by_tender(&counter.db, "2027-01-15", day).expect("report");
            let collection = counter.collection(day);
            let recovered = sum(&tenders, "net", |line| line[2] == Tender::Recovered.word());
            prop_assert_eq!(recovered, counter.recovered_on(day), "what came back, on {:?}", day);
            for tender in Tender::TAKEN {
                let net = sum(&tenders, "net", |line| line[2] == tender.word());
                prop_assert_eq!(net, told.get(&tender).copied().unwrap_or_default(), "{:?} on {:?}", tender, day);
            }
            let all = told.values().sum::<i64>() + recovered;
            prop_assert_eq!(sum(&collection, "gross", |_| true), all, "on {:?}", day);
        }
        let day = (Timestamp(0), Timestamp(i64::MAX));
        let tenders = reports::by_tender(&counter.db, "2027-01-15", day).expect("report");
        for tender in Tender::TAKEN {
            let told = sum(&tenders, "net", |line| line[2] == tender.word());
            prop_assert_eq!(told, drawers.iter().map(|drawer| drawer.net(tender)).sum::<i64>(), "{:?}", tender);
        }
        let collection = counter.collection(day);
        let gross = sum(&collection, "gross", |_| true);
        let paid = sum(&tenders, "net", |line| line[2] != Tender::Complimentary.word());
        prop_assert_eq!(gross, paid, "what was given away is in no collection");
        let parts: i64 = ["net", "cgst", "sgst"].iter().map(|part| sum(&collection, part, |_| true)).sum();
        prop_assert_eq!(gross, parts);
        let owed: i64 = counter.owed.iter().map(|(_, price, _)| price).sum();
        prop_assert_eq!(gross, counter.live + owed, "the ledger's live tickets, and what is to be given back");
        let at = collection[0].iter().position(|name| name == "issued").expect("column");
        let issued: i64 = collection[1..].iter().map(|line| line[at].parse::<i64>().expect("number")).sum();
        prop_assert_eq!(issued, counter.serial, "every serial is in the collection once");
        let mut reports: Vec<u32> = drawers.iter().filter_map(|drawer| Some(drawer.closed.as_ref()?.z)).collect();
        reports.sort_unstable();
        prop_assert_eq!(&reports, &(1..=reports.len() as u32).collect::<Vec<_>>(), "no number is left out");
        for drawer in &drawers {
            prop_assert_eq!(drawer.difference(), counter.differences.get(&drawer.shift).copied());
        }
    }
}
