//! Who may do what: every route that takes a login, and the roles that may use it alone. The table is the rule and its test.

use crate::house::House;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const ROLES: [&str; 4] = ["cashier", "supervisor", "manager", "door"];
const ANYONE: &str = "cashier supervisor manager door";
const COUNTER: &str = "cashier supervisor manager";
const SUPERVISORS: &str = "supervisor manager";
const MANAGERS: &str = "manager";

fn table() -> Vec<(&'static str, &'static str, Value)> {
    let sale = json!({"seats": ["A1"], "tender": "cash"});
    let void = json!({"reason": "x"});
    vec![
        ("POST /v1/shows/{show}/holds", COUNTER, json!({"seats": ["A1"]})),
        ("GET /v1/holds", COUNTER, Value::Null),
        ("POST /v1/holds/{hold}", COUNTER, Value::Null),
        ("DELETE /v1/holds/{hold}", COUNTER, Value::Null),
        ("GET /v1/holds/{hold}/upi.svg", COUNTER, Value::Null),
        ("POST /v1/shows/{show}/sales", COUNTER, sale),
        ("GET /v1/sales", COUNTER, Value::Null),
        ("POST /v1/sales/{sale}/void", SUPERVISORS, void),
        ("POST /v1/sales/{sale}/prints", COUNTER, json!({"documents": ["tickets"]})),
        ("GET /v1/prints", COUNTER, Value::Null),
        ("GET /v1/prints/{file}", COUNTER, Value::Null),
        ("POST /v1/prints/{file}", COUNTER, json!({"do": "skip"})),
        ("GET /v1/printers", COUNTER, Value::Null),
        ("POST /v1/shows/{show}/withheld", SUPERVISORS, json!({"seats": ["A1"], "withheld": true})),
        ("POST /v1/drawer", COUNTER, json!({"reason": "change"})),
        ("GET /v1/shifts", COUNTER, Value::Null),
        ("POST /v1/shifts", COUNTER, json!({"float": []})),
        ("GET /v1/shifts/{shift}", COUNTER, Value::Null),
        (
            "POST /v1/shifts/{shift}/cash",
            COUNTER,
            json!({"direction": "in", "amount": {"minor": 1, "currency": "INR"}, "reason": "x"}),
        ),
        ("POST /v1/shifts/{shift}/close", COUNTER, json!({"counted": []})),
        ("GET /v1/day", SUPERVISORS, Value::Null),
        ("GET /v1/staff", MANAGERS, Value::Null),
        ("POST /v1/staff", MANAGERS, json!({"name": "x", "role": "door", "pin": "1"})),
        ("GET /v1/answered-for", SUPERVISORS, Value::Null),
        ("GET /v1/unwitnessed", SUPERVISORS, Value::Null),
        ("GET /v1/z", SUPERVISORS, Value::Null),
        ("GET /v1/z/{z}", SUPERVISORS, Value::Null),
        ("GET /v1/reports/{file}", SUPERVISORS, Value::Null),
        ("GET /v1/till/check", SUPERVISORS, Value::Null),
        ("GET /v1/refunds", COUNTER, Value::Null),
        ("POST /v1/refunds", COUNTER, json!({"tickets": ["0000000000000001"]})),
        ("GET /v1/slips", SUPERVISORS, Value::Null),
        (
            "POST /v1/slips/settlement",
            SUPERVISORS,
            json!({"sales": ["00000000000000000000000000000001"], "outcome": "paid"}),
        ),
        ("POST /v1/tickets/found", SUPERVISORS, json!({"code": "A"})),
        ("GET /v1/discrepancies", SUPERVISORS, Value::Null),
        ("POST /v1/discrepancies/{n}/settlement", SUPERVISORS, json!({"how": "x"})),
        ("GET /v1/dead-letters", SUPERVISORS, Value::Null),
        ("POST /v1/dead-letters/{n}/replay", SUPERVISORS, Value::Null),
        ("POST /v1/link", MANAGERS, json!({"work_offline": false})),
        ("POST /v1/open", MANAGERS, json!({"by": "manager_pin"})),
        (
            "POST /v1/shows",
            MANAGERS,
            json!({"screen": 9, "title": "x", "starts_at": "x", "ends_at": "x", "prices": []}),
        ),
        ("POST /v1/shows/{show}/cancellation", MANAGERS, Value::Null),
        ("GET /v1/shows/{show}/door", MANAGERS, Value::Null),
        ("POST /v1/shows/{show}/door", MANAGERS, json!({"reentry": true})),
        ("GET /v1/prices", SUPERVISORS, Value::Null),
        ("GET /v1/unknown", MANAGERS, Value::Null),
        (
            "POST /v1/shows/{show}/unknown",
            MANAGERS,
            json!({"second": {"staff": "supervisor", "pin": crate::house::PIN}}),
        ),
        ("POST /v1/signing", MANAGERS, Value::Null),
        ("GET /v1/devices", MANAGERS, Value::Null),
        ("POST /v1/devices", MANAGERS, json!({"name": "Door X", "kind": "scanner"})),
        ("POST /v1/devices/{device}", MANAGERS, json!({"off": true})),
        (
            "POST /v1/devices/{device}/witness",
            MANAGERS,
            json!({"second": {"staff": "supervisor", "pin": crate::house::PIN}}),
        ),
        ("DELETE /v1/session", ANYONE, Value::Null),
    ]
}

/// Routes that take no login, whoever asks: what every page shows, what a guest has on paper, and what a device proves itself with. Of
/// prints only a document is open, to whoever knows its random number.
const OPEN: [&str; 15] = [
    "GET /",
    "GET /door",
    "GET /house",
    "GET /livez",
    "GET /metrics",
    "GET /openapi.json",
    "GET /readyz",
    "GET /till",
    "GET /v1/certificates/{file}",
    "GET /v1/shows",
    "GET /v1/shows/{show}/seats",
    "GET /v1/status",
    "GET /v1/tickets/{file}",
    "POST /v1/devices/pair",
    "POST /v1/session",
];

/// Routes for paired devices, with what one may ask.
fn of_devices() -> [(&'static str, Value); 5] {
    let scan = json!([{"id": "0".repeat(32), "code": "A", "at": "2027-01-01T00:00:00Z", "door": "A", "local": null}]);
    [
        ("GET /v1/door/feed", Value::Null),
        ("POST /v1/door/scans", scan),
        ("POST /v1/door/departures", json!([])),
        (
            "POST /v1/door/overrides",
            json!({
                "id": "0".repeat(32), "code": "A", "door": "A", "person": "x", "reason": "x",
                "supervisor": {"staff": "supervisor", "pin": crate::house::PIN},
            }),
        ),
        ("POST /v1/door/witness", json!({})),
    ]
}

/// An address of the route that names nothing of worth: what it answers to whoever may ask is another test's.
fn address(path: &str) -> String {
    let named = [("{show}", "12-999"), ("{shift}", "999"), ("{z}", "999"), ("{device}", "device-999"), ("{n}", "999")];
    let named = named.iter().fold(path.to_owned(), |path, (name, value)| path.replace(name, value));
    let named = named.replace("{file}", "tenders.csv?date=2027-01-01");
    named.replace("{hold}", &"0".repeat(32)).replace("{sale}", &"0".repeat(32))
}

#[tokio::test]
async fn every_route_with_a_login_may_be_used_by_exactly_the_roles_of_the_table() {
    let house = House::open().await;
    let (_, document) = house.get("/openapi.json", "").await;
    let described = document["paths"].as_object().unwrap().iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().iter();
        let with_login = methods.filter(|(_, operation)| operation["security"][0].get("staff").is_some());
        with_login.map(move |(method, _)| format!("{} {path}", method.to_uppercase()))
    });
    let (described, table) = (described.collect::<BTreeSet<_>>(), table());
    let named: BTreeSet<_> = table.iter().map(|(route, ..)| (*route).to_owned()).collect();
    assert_eq!((&named, named.len()), (&described, table.len()), "each once");

    for (route, roles, body) in table {
        let (method, path) = route.split_once(' ').unwrap();
        let (method, path) = (Method::from_bytes(method.as_bytes()).unwrap(), address(path));
        let ask = async |token: &str| {
            let body = Some(&body).filter(|body| !body.is_null()).cloned();
            crate::house::read(house.request(method.clone(), &path, token, body).await).await
        };
        if route != "DELETE /v1/session" {
            let (status, problem) = ask("").await;
            assert_eq!((status, &problem["code"]), (401, &json!("login_required")), "{route}: {problem}");
        }
        let mut may = Vec::new();
        for role in ROLES {
            let token = house.log_in(if role == "cashier" { "counter" } else { role }).await;
            let (status, problem) = ask(&token).await;
            assert_ne!(status, 401, "{route} as {role}: {problem}");
            if !["role_not_allowed", "approval_required"].contains(&problem["code"].as_str().unwrap_or_default()) {
                may.push(role);
            }
        }
        assert_eq!(may.join(" "), roles, "{route}");
    }
}

#[tokio::test]
async fn every_route_of_the_router_takes_a_login_or_a_paired_device_or_is_listed_as_open() {
    let house = House::open().await;
    let sources = [include_str!("../../src/router.rs"), include_str!("../../src/page.rs")];
    let built = node::openapi::built(&sources).into_iter();
    let built: BTreeSet<String> = built.map(|(path, method)| format!("{} {path}", method.to_uppercase())).collect();
    assert!(built.len() > 60, "the routers' sources are read: {built:?}");
    let open: BTreeSet<String> = OPEN.into_iter().map(str::to_owned).collect();
    let bodies = table().into_iter().map(|(route, _, body)| (route, body)).chain(of_devices());
    let bodies: BTreeMap<&str, Value> = bodies.collect();

    let mut answered = BTreeSet::new();
    for route in &built {
        let (method, path) = route.split_once(' ').unwrap();
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let body = bodies.get(route.as_str()).cloned().or_else(|| (method == Method::POST).then(|| json!({})));
        let answer = house.request(method, &address(path), "", body.filter(|body| !body.is_null())).await;
        // Whoever logs out is out already.
        if answer.status() != 401 && route != "DELETE /v1/session" {
            answered.insert(route.clone());
        }
    }
    assert_eq!(answered, open, "whatever is not listed as open is refused to whoever has no login");

    let (_, document) = house.get("/openapi.json", "").await;
    let described = document["paths"].as_object().unwrap().iter().flat_map(|(path, methods)| {
        let without = methods.as_object().unwrap().iter().filter(|(_, operation)| operation["security"].is_null());
        without.map(move |(method, _)| format!("{} {path}", method.to_uppercase()))
    });
    assert_eq!(described.collect::<BTreeSet<_>>(), open, "the document says so too");
}
