//! Tickets and receipts on paper: the sale stands whatever becomes of the print, and nothing comes out twice unmarked.

use crate::house::House;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Status answers of a printer that is well.
const WELL: u8 = 0b0001_0010;
const NO_PAPER: u8 = WELL | 0b0110_0000;
const KICK: &[u8] = b"\x1bp\x00\x32\xfa";
const CUT: &[u8] = b"\x1dVB\x03";

/// A receipt printer on the network.
struct Printer {
    address: String,
    /// The papers that came out, one a connection.
    papers: Arc<Mutex<Vec<Vec<u8>>>>,
    /// What it answers to a question for its state; nothing, if it does not tell.
    says: Arc<Mutex<Option<u8>>>,
}

impl Printer {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (papers, says) = (Arc::default(), Arc::new(Mutex::new(Some(WELL))));
        let (taken, told) = (Arc::clone(&papers), says.clone());
        tokio::spawn(async move {
            while let Ok((mut line, _)) = listener.accept().await {
                let (mut paper, mut some) = (Vec::new(), [0; 4096]);
                while let Ok(read @ 1..) = line.read(&mut some).await {
                    paper.extend(&some[..read]);
                    // Questions come before the paper and after it, perhaps in one piece with it.
                    while let Some(at) = paper.windows(2).position(|asked| asked == b"\x10\x04") {
                        paper.drain(at..(at + 3).min(paper.len()));
                        let says = *told.lock().unwrap();
                        if let Some(state) = says {
                            line.write_all(&[state]).await.unwrap();
                        }
                    }
                }
                let papers: &Mutex<Vec<Vec<u8>>> = &taken;
                papers.lock().unwrap().push(paper);
            }
        });
        Self { address, papers, says }
    }

    fn papers(&self) -> Vec<Vec<u8>> {
        self.papers.lock().unwrap().clone()
    }
}

fn has(paper: &[u8], part: &[u8]) -> usize {
    paper.windows(part.len()).filter(|window| *window == part).count()
}

async fn with_printers(printers: &[String]) -> House {
    let mut house = House::open().await;
    house.stop().await;
    house.printers = printers.to_vec();
    house.start().await;
    house
}

async fn ended(house: &House, token: &str, print: &Value) -> Value {
    for _ in 0..400 {
        let (status, found) = house.get(&format!("/v1/prints/{}", print["print"].as_str().unwrap()), token).await;
        assert_eq!(status, 200, "{found}");
        if found["state"] != "waiting" {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("the print waits for ever: {print}");
}

async fn print(house: &House, token: &str, sale: &Value, body: Value) -> (u16, Value) {
    house.post(&format!("/v1/sales/{}/prints", sale["sale"].as_str().unwrap()), token, body).await
}

#[tokio::test]
async fn tickets_and_a_receipt_come_out_once_and_the_drawer_opens_for_cash() {
    let printer = Printer::start().await;
    let house = with_printers(&[format!("counter=tcp://{};58mm;drawer", printer.address)]).await;
    let show = house.add_show(30).await;
    let counter = house.log_in("counter").await;
    let (_, printers) = house.get("/v1/printers", &counter).await;
    assert_eq!(printers, json!({"printers": [{"name": "counter", "documents": ["tickets", "receipt", "group"]}]}));
    let sale = house.sell(&show, &["A1", "A2"]).await;
    let both = json!({"documents": ["receipt", "tickets"]});
    let (status, asked) = print(&house, &counter, &sale, both.clone()).await;
    assert_eq!(status, 200, "{asked}");
    for (asked, document) in asked["prints"].as_array().unwrap().iter().zip(["tickets", "receipt"]) {
        let ended = ended(&house, &counter, asked).await;
        assert_eq!(
            (&ended["state"], &ended["document"], &ended["copy"]),
            (&json!("printed"), &json!(document), &json!(0))
        );
    }
    let papers = printer.papers();
    assert_eq!(papers.len(), 2);
    let tickets = papers.iter().find(|paper| has(paper, CUT) == 2).expect("two tickets, each cut off");
    let receipt = papers.iter().find(|paper| has(paper, CUT) == 1).expect("a receipt");
    assert_eq!((has(tickets, KICK), has(receipt, KICK)), (1, 0), "the drawer opens once");
    assert_eq!((has(tickets, b"\x1dv0\x00"), has(receipt, b"INR 300.00")), (2, 1));
    assert_eq!(has(tickets, b"DUPLICATE"), 0);

    let (status, problem) = print(&house, &counter, &sale, json!({"documents": ["tickets"]})).await;
    assert_eq!((status, &problem["code"]), (403, &json!("second_person_needed")));
    let second = |staff: &str, pin: &str| json!({"documents": ["tickets"], "second": {"staff": staff, "pin": pin}});
    for (body, status, code) in [
        (second("supervisor", "0000"), 401, "wrong_pin"),
        (second("counter", crate::house::PIN), 403, "same_person"),
        (second("door", crate::house::PIN), 403, "role_not_allowed"),
    ] {
        let (found, problem) = print(&house, &counter, &sale, body).await;
        assert_eq!((found, &problem["code"]), (status, &json!(code)));
    }
    for copy in 1..=2 {
        let (status, asked) = print(&house, &counter, &sale, second("supervisor", crate::house::PIN)).await;
        assert_eq!(status, 200, "{asked}");
        assert_eq!(ended(&house, &counter, &asked["prints"][0]).await["copy"], json!(copy));
        let last = printer.papers().pop().unwrap();
        assert_eq!(has(&last, format!("DUPLICATE {copy}").as_bytes()), 2, "each ticket says so");
        assert_eq!(has(&last, KICK), 0);
    }
    let persons: (String, String) = house
        .db()
        .query_row("SELECT asked_by, second FROM prints WHERE copy = 2", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert_eq!(persons, ("counter".to_owned(), "supervisor".to_owned()));
}

#[tokio::test]
async fn the_drawer_opens_once_whichever_printer_it_hangs_on() {
    let (roll, receipts) = (Printer::start().await, Printer::start().await);
    let house = with_printers(&[
        format!("roll=tcp://{};tickets", roll.address),
        format!("receipts=tcp://{};receipts;drawer", receipts.address),
    ])
    .await;
    let show = house.add_show(30).await;
    let counter = house.log_in("counter").await;
    let kicks =
        || [&roll, &receipts].map(|printer| printer.papers().iter().map(|paper| has(paper, KICK)).sum::<usize>());
    for (seat, asked_for, kicked) in [
        ("A1", vec![json!(["tickets", "receipt"])], [0, 1]),
        ("A2", vec![json!(["receipt"]), json!(["tickets"])], [0, 2]),
    ] {
        let sale = house.sell(&show, &[seat]).await;
        for documents in asked_for {
            let (status, asked) = print(&house, &counter, &sale, json!({"documents": documents})).await;
            assert_eq!(status, 200, "{asked}");
            for asked in asked["prints"].as_array().unwrap() {
                assert_eq!(ended(&house, &counter, asked).await["state"], "printed");
            }
        }
        assert_eq!(kicks(), kicked, "{seat}");
    }
}

#[tokio::test]
async fn a_drawer_that_is_opened_without_a_sale_is_written_down_and_counted() {
    let mut house = with_printers(&[]).await;
    let counter = house.log_in("counter").await;
    let change = json!({"reason": "change for a guest"});
    let (status, problem) = house.post("/v1/drawer", &counter, change.clone()).await;
    assert_eq!((status, &problem["code"]), (409, &json!("no_drawer")));
    house.stop().await;
    let printer = Printer::start().await;
    house.printers = vec![format!("counter=tcp://{};drawer", printer.address)];
    house.start().await;
    let (status, problem) = house.post("/v1/drawer", &counter, json!({"reason": " "})).await;
    assert_eq!((status, &problem["code"]), (422, &json!("bad_reason")));
    assert_eq!(house.get("/v1/shifts", &counter).await.1, json!({"shifts": []}), "what is refused begins no shift");
    for times in 1..=2 {
        let opened = house.post("/v1/drawer", &counter, change.clone()).await;
        assert_eq!(opened, (200, json!({"opened": true, "times": times})));
    }
    *printer.says.lock().unwrap() = Some(NO_PAPER);
    for _ in 0..2 {
        let (_, stays) = house.post_under("stays shut", "/v1/drawer", &counter, &change).await;
        assert_eq!(
            (&stays["opened"], &stays["reason"], &stays["times"]),
            (&json!(false), &json!("paper_out"), &json!(3))
        );
    }
    let (status, problem) = house.post_under("", "/v1/drawer", &counter, &change).await;
    assert_eq!((status, &problem["code"]), (400, &json!("idempotency_key_required")));
    assert_eq!(printer.papers().iter().map(|paper| has(paper, KICK)).sum::<usize>(), 2);
    let (_, shifts) = house.get("/v1/shifts", &counter).await;
    assert_eq!(shifts["shifts"][0]["drawer_opened"], 3, "whether it opened or not: {shifts}");
    let (_, check) = house.get("/v1/till/check", &house.log_in("manager").await).await;
    assert_eq!((&check["tampered"], &check["rows"]), (&Value::Null, &json!(4)));
}

/// A house whose first printer nobody reaches; the other one is this.
async fn with_the_first_away(other: &Printer) -> House {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let away = format!("away=tcp://{}", nobody.local_addr().unwrap());
    drop(nobody);
    with_printers(&[away, format!("other=tcp://{}", other.address)]).await
}

#[tokio::test]
async fn a_print_that_fails_is_tried_again_elsewhere_or_skipped_and_the_sale_stands() {
    let printer = Printer::start().await;
    let house = with_the_first_away(&printer).await;
    let show = house.add_show(30).await;
    let counter = house.log_in("counter").await;
    let sale = house.sell(&show, &["A1"]).await;
    let tickets = json!({"documents": ["tickets"]});
    let (_, asked) = print(&house, &counter, &sale, tickets.clone()).await;
    let failed = ended(&house, &counter, &asked["prints"][0]).await;
    assert_eq!(
        (&failed["state"], &failed["reason"], &failed["maybe_out"]),
        (&json!("failed"), &json!("unreachable"), &json!(false))
    );
    assert_eq!(house.state_of(&show, "A1").await, "sold");
    let (_, open) = house.get("/v1/prints", &counter).await;
    assert_eq!(open["prints"][0]["print"], failed["print"], "another terminal finds it");
    let (_, same) = print(&house, &counter, &sale, tickets.clone()).await;
    assert_eq!(same["prints"][0]["print"], failed["print"], "asking again makes no second print");

    let path = format!("/v1/prints/{}", failed["print"].as_str().unwrap());
    let retry = |printer: &str| json!({"do": "retry", "printer": printer});
    let (status, problem) = house.post(&path, &counter, retry("none")).await;
    assert_eq!((status, &problem["code"]), (409, &json!("no_printer")));
    *printer.says.lock().unwrap() = Some(NO_PAPER);
    let (_, again) = house.post(&path, &counter, retry("other")).await;
    assert_eq!(ended(&house, &counter, &again).await["reason"], "paper_out");
    *printer.says.lock().unwrap() = None;
    let (_, again) = house.post(&path, &counter, retry("other")).await;
    let printed = ended(&house, &counter, &again).await;
    assert_eq!((&printed["state"], &printed["copy"]), (&json!("printed"), &json!(0)), "{printed}");
    assert_eq!(has(&printer.papers().pop().unwrap(), b"DUPLICATE"), 0, "nothing was out before");
    let (status, problem) = house.post(&path, &counter, json!({"do": "skip"})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("not_failed")));

    let sale = house.sell(&show, &["A2"]).await;
    let (_, asked) = print(&house, &counter, &sale, tickets.clone()).await;
    let failed = ended(&house, &counter, &asked["prints"][0]).await;
    let path = format!("/v1/prints/{}", failed["print"].as_str().unwrap());
    let (_, skipped) = house.post(&path, &counter, json!({"do": "skip"})).await;
    assert_eq!(skipped["state"], "skipped");
    let settled = "SELECT group_concat(DISTINCT settled_by || state) FROM prints WHERE settled_by IS NOT NULL";
    let settled: String = house.db().query_row(settled, [], |row| row.get(0)).unwrap();
    assert_eq!(settled, "counterprinted,counterskipped", "whoever tried again or gave up is written down");
    let (status, asked) = print(&house, &counter, &sale, json!({"documents": ["tickets"], "printer": "pdf"})).await;
    assert_eq!(
        (status, &asked["prints"][0]["copy"]),
        (200, &json!(0)),
        "what was skipped unprinted is no duplicate: {asked}"
    );
}

#[tokio::test]
async fn a_print_that_was_under_way_at_a_restart_comes_again_as_a_duplicate() {
    let mut house = with_printers(&[]).await;
    let show = house.add_show(30).await;
    let sale = house.sell(&show, &["A1"]).await;
    house.stop().await;
    let roll = house.data.path().join("lp0");
    std::fs::write(&roll, "").unwrap();
    house.printers = vec![format!("usb={}", roll.display())];
    let id = [7_u8; 16];
    let sold: Vec<u8> = house.db().query_row("SELECT sale FROM sales", [], |row| row.get(0)).unwrap();
    house
        .db()
        .execute(
            "INSERT INTO prints (print, sale, document, copy, printer, state, kick, asked_by, asked_at)
             VALUES (?1, ?2, 'tickets', 0, 'usb', 'waiting', 1, 'counter', 1)",
            rusqlite::params![id, sold],
        )
        .unwrap();
    house.start().await;
    let counter = house.log_in("counter").await;
    let path = format!("/v1/prints/{}", "07".repeat(16));
    let (_, found) = house.get(&path, &counter).await;
    assert_eq!(
        (&found["state"], &found["reason"], &found["maybe_out"]),
        (&json!("failed"), &json!("box_restarted"), &json!(true))
    );
    let (_, again) = house.post(&path, &counter, json!({"do": "retry"})).await;
    assert_eq!(ended(&house, &counter, &again).await["state"], "printed");
    let paper = std::fs::read(&roll).unwrap();
    assert_eq!((has(&paper, b"DUPLICATE 1"), has(&paper, KICK)), (1, 0));
    assert!(has(&paper, &sale["code"].as_str().unwrap().as_bytes()[..4]) > 0);
}

#[tokio::test]
async fn a_receipt_that_is_tried_again_says_what_was_not_taken_back_meanwhile() {
    let printer = Printer::start().await;
    let house = with_the_first_away(&printer).await;
    let show = house.add_show(30).await;
    let (counter, manager) = (house.log_in("counter").await, house.log_in("manager").await);
    let cash = json!({"seats": ["A1", "A2"], "tender": "cash", "received": {"minor": 50_000, "currency": "INR"}});
    let (_, sale) = house.post(&format!("/v1/shows/{show}/sales"), &counter, cash).await;
    let (_, asked) = print(&house, &counter, &sale, json!({"documents": ["receipt"]})).await;
    let failed = ended(&house, &counter, &asked["prints"][0]).await;
    assert_eq!(failed["state"], "failed");
    let void = format!("/v1/sales/{}/void", sale["sale"].as_str().unwrap());
    let end = |n: usize| {
        let ticket = sale["tickets"][n]["ticket"].clone();
        json!({"reason": "wrong film", "paper_surrendered": true, "tickets": [ticket]})
    };
    assert_eq!(house.post(&void, &manager, end(0)).await.0, 200);
    let path = format!("/v1/prints/{}", failed["print"].as_str().unwrap());
    let retry = |printer: &str| json!({"do": "retry", "printer": printer});
    *printer.says.lock().unwrap() = Some(NO_PAPER);
    let (_, again) = house.post(&path, &counter, retry("other")).await;
    assert_eq!(ended(&house, &counter, &again).await["reason"], "paper_out");
    *printer.says.lock().unwrap() = None;
    let (_, again) = house.post(&path, &counter, retry("other")).await;
    ended(&house, &counter, &again).await;
    let paper = printer.papers().pop().unwrap();
    assert_eq!((has(&paper, b"150.00") > 0, has(&paper, b"300.00"), has(&paper, b"500.00")), (true, 0, 0));

    let (_, sale) = house
        .post(
            &format!("/v1/shows/{show}/sales"),
            &counter,
            json!({"seats": ["A3"], "tender": "cash", "received": {"minor": 15_000, "currency": "INR"}}),
        )
        .await;
    let (_, asked) = print(&house, &counter, &sale, json!({"documents": ["receipt"]})).await;
    let failed = ended(&house, &counter, &asked["prints"][0]).await;
    let void = format!("/v1/sales/{}/void", sale["sale"].as_str().unwrap());
    let all = json!({"reason": "wrong film", "paper_surrendered": true});
    assert_eq!(house.post(&void, &manager, all).await.0, 200);
    let path = format!("/v1/prints/{}", failed["print"].as_str().unwrap());
    let (status, problem) = house.post(&path, &counter, retry("other")).await;
    assert_eq!((status, &problem["code"]), (409, &json!("sale_void")));
    assert_eq!(house.post(&path, &counter, json!({"do": "skip"})).await.0, 200);
}

#[tokio::test]
async fn without_a_printer_the_tickets_are_a_document_and_a_sale_taken_back_is_not_printed() {
    let house = with_printers(&[]).await;
    let show = house.add_show(30).await;
    let (counter, manager) = (house.log_in("counter").await, house.log_in("manager").await);
    let sale = house.sell(&show, &["A1", "A2"]).await;
    let (status, problem) = print(&house, &counter, &sale, json!({"documents": ["tickets"]})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("no_printer")));
    let pdf = json!({"documents": ["tickets"], "printer": "pdf"});
    let (status, asked) = print(&house, &counter, &sale, pdf.clone()).await;
    assert_eq!((status, &asked["prints"][0]["state"]), (200, &json!("printed")));
    let answer = house.request(reqwest::Method::GET, asked["prints"][0]["pdf"].as_str().unwrap(), "", None).await;
    assert_eq!(answer.headers()["content-type"], "application/pdf");
    let document = answer.bytes().await.unwrap();
    assert!(document.starts_with(b"%PDF-") && has(&document, b"/Count 2") == 1);
    let (status, problem) = house.get(asked["prints"][0]["pdf"].as_str().unwrap(), "").await;
    assert_eq!((status, &problem["code"]), (409, &json!("already_read")), "nothing comes out twice unmarked");
    let (status, problem) = print(&house, &counter, &sale, pdf.clone()).await;
    assert_eq!((status, &problem["code"]), (403, &json!("second_person_needed")));
    let void = json!({"reason": "wrong film", "paper_surrendered": true});
    let path = format!("/v1/sales/{}/void", sale["sale"].as_str().unwrap());
    assert_eq!(house.post(&path, &manager, void).await.0, 200);
    let (status, problem) = print(&house, &counter, &sale, pdf).await;
    assert_eq!((status, &problem["code"]), (409, &json!("sale_void")));
}

#[tokio::test]
async fn the_papers_of_a_sale_that_was_given_away_ask_for_nothing_and_hold_no_tax() {
    let printer = Printer::start().await;
    let house = with_printers(&[format!("counter=tcp://{};80mm;drawer", printer.address)]).await;
    let show = house.add_show(30).await;
    let supervisor = house.log_in("supervisor").await;
    let free = json!({"seats": ["A1"], "tender": "complimentary", "reason": "press"});
    let (status, sale) = house.post(&format!("/v1/shows/{show}/sales"), &supervisor, free).await;
    assert_eq!(status, 201, "{sale}");
    let (_, asked) = print(&house, &supervisor, &sale, json!({"documents": ["receipt", "tickets"]})).await;
    for asked in asked["prints"].as_array().unwrap() {
        assert_eq!(ended(&house, &supervisor, asked).await["state"], "printed");
    }
    let papers = printer.papers();
    assert_eq!(papers.len(), 2);
    for paper in papers {
        assert_eq!((has(&paper, b"150.00"), has(&paper, b"GST"), has(&paper, KICK)), (0, 0, 0));
        assert!(has(&paper, b"0.00") > 0);
    }
}

#[tokio::test]
async fn the_number_for_the_tax_stands_on_every_paper_where_it_is_set() {
    let printer = Printer::start().await;
    let mut house = with_printers(&[format!("counter=tcp://{};80mm", printer.address)]).await;
    house.stop().await;
    house.gstin = "27AAPFU0939F1ZV".to_owned();
    house.start().await;
    let (_, status) = house.get("/v1/status", "").await;
    assert_eq!((&status["issuer"]["gstin"], &status["issuer"]["legal_name"]), (&json!(house.gstin), &Value::Null));
    let show = house.add_show(30).await;
    let counter = house.log_in("counter").await;
    let sale = house.sell(&show, &["A1", "A2"]).await;
    let (_, asked) = print(&house, &counter, &sale, json!({"documents": ["receipt", "tickets"]})).await;
    for asked in asked["prints"].as_array().unwrap() {
        assert_eq!(ended(&house, &counter, asked).await["state"], "printed");
    }
    let wish = json!({"best": 2, "group": "Rex School"});
    let manager = house.log_in("manager").await;
    let (_, held) = house.post(&format!("/v1/shows/{show}/holds"), &manager, wish).await;
    let body = json!({"hold": held["hold"], "tender": "upi"});
    let (_, group) = house.post(&format!("/v1/shows/{show}/sales"), &manager, body).await;
    let (_, asked) = print(&house, &manager, &group, json!({"documents": ["group"]})).await;
    assert_eq!(ended(&house, &manager, &asked["prints"][0]).await["state"], "printed");
    let papers = printer.papers();
    let told: usize = papers.iter().map(|paper| has(paper, b"GSTIN 27AAPFU0939F1ZV")).sum();
    assert_eq!((papers.len(), told), (3, 4), "two tickets, a receipt and a group's paper");
    let taxed = papers.iter().filter(|paper| has(paper, b"GST is inside: net") == 1);
    assert_eq!(taxed.count(), 2, "receipt and group's paper");
    house.stop().await;
}
