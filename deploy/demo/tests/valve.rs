//! The TCP valve against an echo server.

use demo::valve::{Mode, Valve};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// What must happen happens within this time.
const SOON: Duration = Duration::from_secs(5);
/// What must not happen is watched for so long.
const QUIET: Duration = Duration::from_millis(200);

/// Answers each byte with the same byte.
async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let address = listener.local_addr().expect("address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                tokio::io::copy(&mut from, &mut to).await
            });
        }
    });
    address
}

async fn open() -> (Valve, TcpStream) {
    let valve = Valve::start(echo().await).await.expect("valve");
    let client = TcpStream::connect(valve.address()).await.expect("connect");
    (valve, client)
}

async fn hears(client: &mut TcpStream, expected: &[u8]) {
    let mut heard = vec![0; expected.len()];
    timeout(SOON, client.read_exact(&mut heard)).await.expect("in time").expect("bytes");
    assert_eq!(heard, expected);
}

async fn hears_nothing(client: &mut TcpStream) {
    let mut byte = [0];
    let read = timeout(QUIET, client.read(&mut byte)).await;
    assert!(read.is_err(), "{read:?}");
}

async fn is_closed(client: &mut TcpStream) {
    let mut byte = [0];
    let read = timeout(SOON, client.read(&mut byte)).await.expect("in time");
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
}

async fn until_swallowed(valve: &Valve, bytes: u64) {
    let began = Instant::now();
    while valve.flow().swallowed < bytes {
        assert!(began.elapsed() < SOON, "{:?}", valve.flow());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn an_open_valve_carries_both_ways_and_counts() {
    let (valve, mut client) = open().await;
    client.write_all(b"hello").await.expect("write");
    hears(&mut client, b"hello").await;
    let flow = valve.flow();
    assert_eq!((flow.up, flow.down, flow.swallowed, flow.connections), (5, 5, 0, 1));
}

#[tokio::test]
async fn the_end_of_a_stream_is_passed_on() {
    let (_valve, mut client) = open().await;
    client.write_all(b"last").await.expect("write");
    client.shutdown().await.expect("end");
    hears(&mut client, b"last").await;
    is_closed(&mut client).await;
}

#[tokio::test]
async fn a_clean_cut_closes_what_is_open_and_what_comes() {
    let (valve, mut client) = open().await;
    client.write_all(b"a").await.expect("write");
    hears(&mut client, b"a").await;
    valve.set(Mode::CutBoth);
    is_closed(&mut client).await;
    let mut second = TcpStream::connect(valve.address()).await.expect("connect");
    is_closed(&mut second).await;
    valve.set(Mode::Open);
    let mut third = TcpStream::connect(valve.address()).await.expect("connect");
    third.write_all(b"b").await.expect("write");
    hears(&mut third, b"b").await;
}

#[tokio::test]
async fn up_only_swallows_what_the_server_says_and_tells_nobody() {
    let (valve, mut client) = open().await;
    valve.set(Mode::UpOnly);
    client.write_all(b"abc").await.expect("write");
    until_swallowed(&valve, 3).await;
    hears_nothing(&mut client).await;
    assert_eq!((valve.flow().up, valve.flow().down), (3, 0));
    client.write_all(b"still open").await.expect("write");
}

#[tokio::test]
async fn down_only_swallows_what_the_client_says() {
    let (valve, mut client) = open().await;
    client.write_all(b"a").await.expect("write");
    hears(&mut client, b"a").await;
    valve.set(Mode::DownOnly);
    client.write_all(b"bc").await.expect("write");
    until_swallowed(&valve, 2).await;
    hears_nothing(&mut client).await;
    assert_eq!((valve.flow().up, valve.flow().down), (1, 1));
}

#[tokio::test]
async fn a_stream_that_lost_bytes_is_closed_when_the_line_is_back() {
    let (valve, mut client) = open().await;
    valve.set(Mode::DownOnly);
    client.write_all(b"lost").await.expect("write");
    until_swallowed(&valve, 4).await;
    valve.set(Mode::Open);
    is_closed(&mut client).await;
}

#[tokio::test]
async fn a_stream_that_lost_nothing_goes_on_when_the_line_is_back() {
    let (valve, mut client) = open().await;
    client.write_all(b"a").await.expect("write");
    hears(&mut client, b"a").await;
    valve.set(Mode::UpOnly);
    hears_nothing(&mut client).await;
    valve.set(Mode::Open);
    client.write_all(b"b").await.expect("write");
    hears(&mut client, b"b").await;
}

#[tokio::test]
async fn latency_delays_each_way_and_keeps_the_order() {
    let (valve, mut client) = open().await;
    valve.set(Mode::Latency(Duration::from_millis(100)));
    let began = Instant::now();
    for byte in 0..20u8 {
        client.write_all(&[byte]).await.expect("write");
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    hears(&mut client, &(0..20).collect::<Vec<u8>>()).await;
    assert!(began.elapsed() >= Duration::from_millis(200), "{:?}", began.elapsed());
}

#[tokio::test]
async fn what_waits_in_a_slow_line_comes_at_once_and_in_order_when_it_is_opened() {
    let (valve, mut client) = open().await;
    valve.set(Mode::Latency(Duration::from_secs(30)));
    client.write_all(b"first").await.expect("write");
    hears_nothing(&mut client).await;
    client.write_all(b" second").await.expect("write");
    valve.set(Mode::Open);
    hears(&mut client, b"first second").await;
}

#[tokio::test]
async fn a_slow_line_makes_a_fast_sender_wait() {
    let (valve, mut client) = open().await;
    valve.set(Mode::Latency(Duration::from_secs(30)));
    let block = vec![7; 64 * 1024];
    let flood = async {
        for _ in 0..2_000 {
            client.write_all(&block).await.expect("write");
        }
    };
    assert!(timeout(Duration::from_secs(1), flood).await.is_err(), "128 MB were taken");
}

#[tokio::test]
async fn a_valve_that_is_shut_down_is_gone() {
    let (valve, mut client) = open().await;
    let address = valve.address();
    client.write_all(b"a").await.expect("write");
    hears(&mut client, b"a").await;
    valve.shutdown().await;
    is_closed(&mut client).await;
    assert!(TcpStream::connect(address).await.is_err());
}
