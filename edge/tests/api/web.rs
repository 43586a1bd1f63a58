//! What central sold on the web stands in the day's reports as a channel of its own.

use crate::house::now;
use crate::line::Line;
use reqwest::Method;
use serde_json::{Value, json};
use shared::ids::{BookingId, RequestId, SeatId, ShowNumber, Side, TicketId};
use shared::ledger::HoldKind;
use sync_protocol::replica::Held;

const SHOW: ShowNumber = ShowNumber(7);

/// Sells so many of its own seats, at 150.00 or 250.00.
fn sell_at_central(line: &Line, count: usize) -> Vec<TicketId> {
    let mut central = line.central.lock().unwrap();
    let show = central.replica.ledger().show(SHOW).unwrap();
    let own = show.plan.seats().map(|(id, _)| id);
    let own: Vec<SeatId> = own.filter(|id| show.seat(*id).unwrap().authority() == Side::Central).take(count).collect();
    let held = central.replica.hold(SHOW, &own, HoldKind::Web, now()).unwrap();
    let Held::Now(hold) = held else { panic!("{held:?}") };
    let sold = central.replica.sell(hold.id, BookingId([5; 16]), RequestId([6; 8]), now()).unwrap();
    central.keep();
    sold.into_iter().map(|line| line.at.ticket).collect()
}

async fn web(line: &Line, manager: &str) -> (Value, String) {
    let (status, day) = line.house.get("/v1/day", manager).await;
    assert_eq!(status, 200, "{day}");
    let path = format!("/v1/reports/collection.csv?date={}", day["date"].as_str().unwrap());
    let text = line.house.request(Method::GET, &path, manager, None).await.text().await.unwrap();
    let of_web: Vec<_> = text.lines().filter(|row| row.trim_end().ends_with(",web")).collect();
    (day["web"].clone(), of_web.join("\n"))
}

#[tokio::test]
async fn web_sales_and_what_went_back_of_them_are_told_by_day_once_over_a_restart_too() {
    let mut line = Line::up().await;
    let manager = line.house.log_in("manager").await;
    line.house.post("/v1/shows/12-7/sales", &manager, json!({"best": 1, "tender": "cash"})).await;
    let tickets = sell_at_central(&line, 2);
    let told = |sold: u32, void: u32, minor: i64| json!({"sold": sold, "void": void, "net": {"minor": minor, "currency": "INR"}});
    let net = |web: &Value| web["net"]["minor"].as_i64().unwrap();
    line.until("the box knows of both", async |_| web(&line, &manager).await.0["sold"] == 2).await;
    let (all, rows) = web(&line, &manager).await;
    assert!([30_000, 40_000, 50_000].contains(&net(&all)) && rows.contains(",,,"), "{all} {rows}");
    line.central.lock().unwrap().replica.void(tickets[0], now()).unwrap();
    line.until("one went back", async |_| web(&line, &manager).await.0["void"] == 1).await;
    let (left, rows) = web(&line, &manager).await;
    let price = net(&left);
    assert!([15_000, 25_000].contains(&price), "{left}");
    let counts: i64 = rows.lines().map(|row| row.split(',').nth(10).unwrap().parse::<i64>().unwrap()).sum();
    assert_eq!(counts, 1, "{rows}");
    line.house.stop().await;
    line.house.start().await;
    let manager = line.house.log_in("manager").await;
    assert_eq!(web(&line, &manager).await, (told(2, 1, price), rows));
    line.down().await;
}
