//! What central does when its store fails.

use crate::server::TestCentral;
use node::shutdown::Shutdown;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_central_whose_store_fails_ends_and_says_why() {
    let mut test = TestCentral::start().await;
    let show = test.show("Pune", "Sholay").await;
    test.stop().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("listen");
    let url = format!("http://{}", listener.local_addr().expect("address"));
    let running = tokio::spawn(central::run(test.config.clone(), listener, Shutdown::new()));
    let web = test.web.at_address(url);
    let holds = format!("/v1/shows/{show}/holds");
    web.post(&holds, "k1", json!({ "seats": ["A1"] })).await.expect(201);
    test.alter("DROP TABLE remembered_answer");
    assert_eq!(web.post(&holds, "k2", json!({ "seats": ["A2"] })).await.problem(503), "store_stopped");
    let ended = tokio::time::timeout(Duration::from_secs(10), running).await.expect("it ends").expect("joins");
    let error = format!("{:#}", ended.expect_err("not as if all were well"));
    assert!(error.contains("the store has stopped") && error.contains("remembered_answer"), "{error}");
}
