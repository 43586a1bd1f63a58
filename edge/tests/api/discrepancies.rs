//! What a person must settle: listed from the ledger and the doors alike, settled once, and dead letters tried again.

use crate::house::{House, THEATRE, now};
use node::ledger_store;
use node::zone::Zone;
use serde_json::{Value, json};
use shared::entry::{Entry, Fact};
use shared::ids::{ShowNumber, Side, TheatreId};
use shared::time::Timestamp;
use sync_protocol::replica::{Changes, DeadLetter, Discrepancy, DiscrepancyKind};

/// Lets the box find, at its next start, what its replica would have written.
fn write(house: &House, changes: Changes) {
    let mut db = house.db();
    let tx = db.transaction().unwrap();
    ledger_store::write(&tx, TheatreId(THEATRE), changes).unwrap();
    tx.commit().unwrap();
}

/// A house with two stories of the ledger and, later than these, one of its doors.
async fn with_stories() -> House {
    let mut house = House::open().await;
    let show = house.add_show(30).await;
    house.stop().await;
    let early = Timestamp(now().0 - 60_000);
    let story = |kind| Discrepancy { log: Side::Edge, seq: 2, kind, at: early };
    let number = ShowNumber(show.split('-').nth(1).unwrap().parse().unwrap());
    let stories = vec![story(DiscrepancyKind::Fork), story(DiscrepancyKind::ShowsOverlap(number))];
    write(&house, Changes { discrepancies: stories, ..Changes::default() });
    house.start().await;
    let door = house.pair("Door A").await;
    let code = house.sell(&show, &["A1"]).await["tickets"][0]["code"].clone();
    let scan = |id: u8, offset_s: i64| {
        let at = Zone::utc().rfc3339(Timestamp(now().0 + offset_s * 1000));
        let local = json!({"verdict": "admit", "code": "ok", "guarantee": "SOLO"});
        json!({"id": format!("{id:032x}"), "code": code, "at": at, "door": "Door A", "local": local})
    };
    let (status, answers) = house.post("/v1/door/scans", &door, json!([scan(1, -60), scan(2, -30)])).await;
    assert_eq!(status, 200, "{answers}");
    house
}

async fn list(house: &House, token: &str, query: &str) -> (Vec<String>, Value) {
    let (status, page) = house.get(&format!("/v1/discrepancies?{query}"), token).await;
    assert_eq!(status, 200, "{page}");
    let word = |one: &Value| format!("{} {}", one["n"].as_str().unwrap(), one["kind"].as_str().unwrap());
    (page["discrepancies"].as_array().unwrap().iter().map(word).collect(), page["next"].clone())
}

async fn open_counts(house: &House) -> (u64, u64) {
    let (_, status) = house.get("/v1/status", "").await;
    (status["link"]["discrepancies"].as_u64().unwrap(), status["door_discrepancies"].as_u64().unwrap())
}

#[tokio::test]
async fn stories_of_the_ledger_and_of_the_doors_stand_in_one_list_page_by_page() {
    let mut house = with_stories().await;
    assert_eq!(open_counts(&house).await, (2, 1));
    let supervisor = house.log_in("supervisor").await;
    let all = ["1 fork", "2 shows_overlap", "d1 admitted_twice"];
    assert_eq!(list(&house, &supervisor, "").await, (all.map(String::from).to_vec(), Value::Null));
    let (first, next) = list(&house, &supervisor, "limit=2").await;
    assert_eq!(first, all[..2]);
    let rest = list(&house, &supervisor, &format!("limit=2&after={}", next.as_str().unwrap())).await;
    assert_eq!(rest, (vec![all[2].to_owned()], Value::Null));

    let (_, page) = house.get("/v1/discrepancies", &supervisor).await;
    let (fork, door) = (&page["discrepancies"][0], &page["discrepancies"][2]);
    assert_eq!((&fork["log"], &fork["proposed"]["code"]), (&json!("edge"), &json!("two_persons_open")));
    assert!(fork["found_at"].as_str().unwrap().ends_with("+05:30"), "{fork}");
    assert_eq!((&door["log"], &door["proposed"]["code"]), (&Value::Null, &json!("check_both_guests")));
    assert_eq!(
        (&door["ours"]["seats"][0]["label"], &door["ours"]["seats"][0]["title"]),
        (&json!("A1"), &json!("The Late Show"))
    );
    assert_eq!(
        (&door["ours"]["admitted"]["door"], &door["theirs"]["admitted"]["guarantee"]),
        (&json!("Door A"), &json!("SOLO"))
    );
    for bad in ["after=nonsense", "settled=maybe", "limit=many"] {
        let (status, problem) = house.get(&format!("/v1/discrepancies?{bad}"), &supervisor).await;
        assert_eq!(status, 400, "{bad}: {problem}");
    }
    house.stop().await;
}

#[tokio::test]
async fn a_discrepancy_is_settled_once_by_whose_login_it_is_and_counts_as_open_no_more() {
    let mut house = with_stories().await;
    let (supervisor, manager) = (house.log_in("supervisor").await, house.log_in("manager").await);
    let how = |how: &str| json!({"how": how});
    for (n, left) in [("1", (1, 1)), ("d1", (1, 0))] {
        let path = format!("/v1/discrepancies/{n}/settlement");
        let (status, settled) = house.post(&path, &supervisor, how(" asked both guests ")).await;
        assert_eq!((status, &settled["n"]), (200, &json!(n)), "{settled}");
        assert_eq!(
            (&settled["settled"]["by"], &settled["settled"]["how"]),
            (&json!("supervisor"), &json!("asked both guests"))
        );
        assert_eq!(open_counts(&house).await, left, "{n}");
        let (status, problem) = house.post(&path, &manager, how("something else")).await;
        assert_eq!((status, &problem["code"]), (409, &json!("already_settled")));
        assert_eq!(open_counts(&house).await, left, "a refusal counts nothing down");
    }
    assert_eq!(list(&house, &supervisor, "").await.0, ["2 shows_overlap"]);
    assert_eq!(list(&house, &supervisor, "settled=only").await.0, ["1 fork", "d1 admitted_twice"]);
    assert_eq!(list(&house, &supervisor, "settled=true").await.0.len(), 3);

    house.stop().await;
    house.start().await;
    assert_eq!(open_counts(&house).await, (1, 0), "counted again from the disk");
    let (_, page) = house.get("/v1/discrepancies?settled=only", &supervisor).await;
    for one in page["discrepancies"].as_array().unwrap() {
        assert_eq!(
            (&one["settled"]["by"], &one["settled"]["how"]),
            (&json!("supervisor"), &json!("asked both guests"))
        );
    }
    house.stop().await;
}

#[tokio::test]
async fn settling_is_refused_by_what_is_wrong_with_it() {
    let mut house = with_stories().await;
    let (counter, supervisor) = (house.log_in("counter").await, house.log_in("supervisor").await);
    let long = "x".repeat(501);
    let table = [
        (&counter, "1", json!({"how": "x"}), 403, "role_not_allowed"),
        (&supervisor, "1", json!({"how": "  "}), 422, "words_missing"),
        (&supervisor, "1", json!({"how": long}), 422, "words_missing"),
        (&supervisor, "1", json!({"how": "x", "by": "somebody else"}), 422, "unprocessable_body"),
        (&supervisor, "9", json!({"how": "x"}), 404, "unknown_discrepancy"),
        (&supervisor, "d9", json!({"how": "x"}), 404, "unknown_discrepancy"),
        (&supervisor, "x", json!({"how": "x"}), 404, "unknown_discrepancy"),
    ];
    for (token, n, body, status, code) in table {
        let answer = house.post(&format!("/v1/discrepancies/{n}/settlement"), token, body.clone()).await;
        assert_eq!((answer.0, &answer.1["code"]), (status, &json!(code)), "{n} {body}: {}", answer.1);
    }
    for path in ["/v1/discrepancies", "/v1/dead-letters", "/v1/unknown"] {
        let (status, problem) = house.get(path, &counter).await;
        assert_eq!((status, &problem["code"]), (403, &json!("role_not_allowed")), "{path}");
        assert_eq!(house.get(path, "").await.0, 401, "{path}");
    }
    assert_eq!(open_counts(&house).await, (2, 1));
    house.stop().await;
}

#[tokio::test]
async fn a_dead_letter_is_tried_again_and_keeps_what_it_came_to() {
    let mut house = House::open().await;
    house.stop().await;
    let letter = |why: &str, bytes: Vec<u8>| DeadLetter { at: now(), why: why.into(), bytes };
    let entry = Entry { at: now(), seen: 0, fact: Fact::ShowCancelled { show: ShowNumber(7) } };
    let letters = vec![letter("malformed", vec![1, 2, 3]), letter("cut off", entry.encode().unwrap())];
    write(&house, Changes { dead_letters: letters, ..Changes::default() });
    house.start().await;
    let supervisor = house.log_in("supervisor").await;
    let (status, listed) = house.get("/v1/dead-letters", &supervisor).await;
    assert_eq!((status, &listed["dropped"]), (200, &json!(0)));
    let first = &listed["dead_letters"][0];
    assert_eq!(
        (&first["why"], &first["begins"], &first["replayed"]),
        (&json!("malformed"), &json!("010203"), &Value::Null)
    );
    let (status, replayed) = house.post("/v1/dead-letters/1/replay", &supervisor, json!({})).await;
    assert_eq!(status, 200, "{replayed}");
    assert_ne!(replayed["outcome"], "taken", "three bytes are no message");
    let (_, readable) = house.post("/v1/dead-letters/2/replay", &supervisor, json!({})).await;
    assert_eq!(readable["outcome"], "readable");
    let (_, listed) = house.get("/v1/dead-letters", &supervisor).await;
    let letters = listed["dead_letters"].as_array().unwrap();
    assert_eq!(letters.len(), 2, "a letter that fails again is not kept twice: {letters:?}");
    assert_eq!((&letters[0]["replayed"], &letters[1]["replayed"]), (&replayed, &readable));
    for unknown in ["9", "x"] {
        let (status, problem) = house.post(&format!("/v1/dead-letters/{unknown}/replay"), &supervisor, json!({})).await;
        assert_eq!((status, &problem["code"]), (404, &json!("unknown_dead_letter")), "{unknown}");
    }
    let counter = house.log_in("counter").await;
    assert_eq!(house.post("/v1/dead-letters/1/replay", &counter, json!({})).await.0, 403);
    house.stop().await;
}
