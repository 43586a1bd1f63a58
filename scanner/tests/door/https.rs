//! The door's page over HTTPS, with a certificate of the theatre's own CA as the operator makes it.

use crate::fake_edge::{FakeEdge, code, page, show};
use crate::test_door::TestDoor;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn certify(folder: &Path, name: &str) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/door/certify");
    let made = Command::new(script).arg(folder).arg(name).output().expect("run certify");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// A phone that trusts the theatre's CA.
fn phone(keys: &Path) -> reqwest::Client {
    let ca = std::fs::read(keys.join("ca.pem")).expect("ca.pem");
    let ca = reqwest::Certificate::from_pem(&ca).expect("a certificate");
    let phone = reqwest::Client::builder().tls_certs_only([ca]).redirect(reqwest::redirect::Policy::none());
    phone.timeout(Duration::from_secs(10)).build().expect("client")
}

#[tokio::test]
async fn a_door_with_a_certificate_is_asked_over_https_and_its_link_and_cookie_say_so() {
    let keys = tempfile::tempdir().expect("folder");
    certify(keys.path(), "ca");
    certify(keys.path(), "127.0.0.1");
    let edge = FakeEdge::start().await;
    edge.now().pages.push(page(&[show()], &[]));
    let door = TestDoor::with(&edge, |config| {
        config.tls_cert = keys.path().join("127.0.0.1.pem");
        config.tls_key = keys.path().join("127.0.0.1.key");
    })
    .await;
    let address = door.address();
    let phone = phone(keys.path());
    // Who never greets keeps nobody out, and who speaks HTTP is let go.
    let _silent = TcpStream::connect(&address).await.expect("connected");
    let mut plain = TcpStream::connect(&address).await.expect("connected");
    plain.write_all(b"GET / HTTP/1.1\r\nhost: door\r\n\r\n").await.expect("sent");
    let mut answered = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(10), plain.read_to_end(&mut answered)).await;
    assert!(ended.is_ok() && !answered.starts_with(b"HTTP"), "{answered:?}");
    let scanned = phone.post(format!("https://{address}/v1/scan")).json(&json!({"code": code(1, 1)})).send().await;
    let verdict: Value = scanned.expect("an answer").json().await.expect("JSON");
    assert_eq!(verdict["verdict"], "admit");
    let plain_link = door.link_at("http://192.168.1.7:7420").expect_err("a link that leads nowhere");
    assert!(format!("{plain_link:#}").contains("https://HOST:PORT"), "{plain_link:#}");
    let (link, _) = door.link_at("https://192.168.1.7:7420").expect("a link");
    let path = &link["https://192.168.1.7:7420".len()..];
    let entered = phone.get(format!("https://{address}{path}")).send().await.expect("an answer");
    let cookie = entered.headers()["set-cookie"].to_str().expect("text");
    assert!(cookie.ends_with("; Secure"), "{cookie}");
    let worker = phone.get(format!("https://{address}/worker.js")).send().await.expect("an answer");
    assert_eq!(worker.headers()["cache-control"], "no-cache");
}

#[tokio::test]
async fn half_a_certificate_or_a_strange_one_is_said_at_the_start_with_the_files_name() {
    node::telemetry::install_crypto();
    let keys = tempfile::tempdir().expect("folder");
    certify(keys.path(), "ca");
    certify(keys.path(), "door.example");
    let file = |name: &str| keys.path().join(name);
    for (cert, key, said) in [
        (file("door.example.pem"), "".into(), "set tls_cert and tls_key together"),
        (file("door.example.pem"), file("ca.key"), "ca.key"),
        (file("door.example.key"), file("door.example.key"), "no certificate in"),
        (file("missing.pem"), file("door.example.key"), "missing.pem"),
    ] {
        let config = scanner::Config { tls_cert: cert, tls_key: key, ..scanner::Config::default() };
        let error = config.certificate().err().expect("it cannot be used");
        assert!(format!("{error:#}").contains(said), "{error:#}");
    }
}

#[tokio::test]
async fn a_key_that_can_be_read_only_once_is_enough_for_a_start() {
    node::telemetry::install_crypto();
    let keys = tempfile::tempdir().expect("folder");
    certify(keys.path(), "ca");
    certify(keys.path(), "127.0.0.1");
    let (key, once) = (keys.path().join("127.0.0.1.key"), keys.path().join("once.key"));
    assert!(Command::new("mkfifo").arg(&once).status().expect("mkfifo").success());
    let edge = FakeEdge::start().await;
    let data = tempfile::tempdir().expect("folder");
    scanner::pair(&edge.pair_url(), data.path()).await.expect("paired");
    let mut program = Command::new(env!("CARGO_BIN_EXE_usher-scanner"))
        .args(["serve", "--listen", "127.0.0.1:0", "--edge", "http://127.0.0.1:9", "--log", "warn", "--data"])
        .arg(data.path())
        .arg("--tls-cert")
        .arg(keys.path().join("127.0.0.1.pem"))
        .arg("--tls-key")
        .arg(&once)
        .stdout(Stdio::piped())
        .spawn()
        .expect("program");
    let secret = std::fs::read(key).expect("a key");
    std::thread::spawn(move || std::fs::write(once, secret).expect("told once"));
    let mut line = String::new();
    BufReader::new(program.stdout.take().expect("output")).read_line(&mut line).expect("line");
    let url = line.trim().strip_prefix("listening on ").expect("address").to_owned();
    let answered = phone(keys.path()).get(format!("{url}/livez")).send().await;
    program.kill().expect("killed");
    program.wait().expect("gone");
    assert_eq!(answered.expect("an answer").status().as_u16(), 200);
}
