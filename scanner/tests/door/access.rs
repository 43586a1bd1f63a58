//! Pages of other machines: they come by the door's link or can do nothing.

use crate::fake_edge::{FakeEdge, code, page, show};
use crate::test_door::TestDoor;
use serde_json::{Value, json};

#[tokio::test]
async fn a_page_that_did_not_come_by_the_doors_link_can_do_nothing() {
    let edge = FakeEdge::start().await;
    edge.now().pages.push(page(&[show()], &[]));
    let door = TestDoor::with(&edge, |config| config.guard_loopback = true).await;
    for path in ["/v1/status", "/v1/tickets?seat=C1", "/v1/verdicts"] {
        let (status, problem) = door.get(path).await;
        let problem: Value = serde_json::from_str(&problem).expect("JSON");
        assert_eq!((status, &problem["code"]), (401, &json!("page_not_known")), "{path}");
    }
    let (status, _) = door.post("/v1/scan", json!({"code": code(1, 1)}).to_string()).await;
    assert_eq!((status, edge.now().scans.len()), (401, 0));
    for path in ["/", "/livez", "/readyz", "/openapi.json"] {
        assert_eq!(door.get(path).await.0, 200, "{path}");
    }
    assert_eq!(door.get(&format!("/enter?key={}", "0".repeat(32))).await.0, 403);
    let (link, picture) = door.link();
    assert!(link.starts_with("http://192.168.1.7:7420/enter?key=") && picture.lines().count() > 10, "{link}");
    let cookie = door.follow(&link["http://192.168.1.7:7420".len()..]).await;
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let key = cookie.split(';').next().expect("a key").to_owned();
    let known = async || door.get_with("/v1/status", &key).await;
    assert_eq!(known().await, 200);
    // The key outlives a restart, so phones need not come again.
    let data = door.stop().await;
    let door = TestDoor::reopen(data, |config| config.guard_loopback = true).await;
    assert_eq!(door.get_with("/v1/status", &key).await, 200);
    assert_eq!(door.get_with("/v1/status", "usher_door=00").await, 401);
}
