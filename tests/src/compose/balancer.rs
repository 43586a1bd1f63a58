//! The balancer alone, before nodes that have too much to do.

use super::local::{free, installed};
use crate::bench::Running;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

async fn node(shed: Arc<AtomicU32>) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let shed = get(async move || {
        shed.fetch_add(1, Ordering::Relaxed);
        (StatusCode::SERVICE_UNAVAILABLE, "too much")
    });
    let routes = Router::new().route("/shed", shed).fallback(async || "well");
    tokio::spawn(async move { axum::serve(listener, routes).await });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_shed_what_is_too_much_are_asked_once_for_it_and_for_the_next_thing_at_once() {
    node::telemetry::install_crypto();
    let directory = tempfile::tempdir().expect("a folder");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/compose/nginx.conf");
    let text = fs::read_to_string(file).expect("its settings");
    let address = free().expect("a port");
    let shed = Arc::new(AtomicU32::new(0));
    let text = text
        .replace("listen 8080;", &format!("listen {address};"))
        .replace("/tmp/nginx", &directory.path().join("nginx").display().to_string())
        .replace("central-1:7400", &node(shed.clone()).await.to_string())
        .replace("central-2:7400", &node(shed.clone()).await.to_string());
    let conf = directory.path().join("nginx.conf");
    fs::write(&conf, text).expect("written");
    let mut command = Command::new(installed("nginx"));
    command.arg("-c").arg(conf).args(["-e", "stderr", "-g", "daemon off; master_process off;"]);
    let balancer = Running::start("balancer", command, &directory.path().join("log")).expect("started");
    while TcpStream::connect(address).await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let ask = async |path: &str| {
        let answer = client.get(format!("http://{address}{path}")).send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("its words"))
    };
    for _ in 0..20 {
        assert_eq!(ask("/shed").await, (503, "too much".to_owned()), "{}", balancer.last_words());
        assert_eq!(ask("/v1/movies").await, (200, "well".to_owned()), "{}", balancer.last_words());
    }
    assert_eq!(shed.load(Ordering::Relaxed), 20, "nobody who has too much to do is asked twice");
}
