//! Bytes that are no MQTT, against the port of the embedded broker.

use crate::client::{Client, exchange};
use crate::hostile_edge::{Boxes, connect_packet};
use node::broker::EmbeddedBroker;
use node::mqtt::TlsFiles;
use std::net::SocketAddr;
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Each is a run of its own; more are welcome.
const SEED: u64 = 0x5eed_0000_0000_0001;
const CONNECTIONS: usize = 1500;

/// xorshift64*: the same bytes at each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll() % end.max(1) as u64).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.roll().to_le_bytes()[3]
    }

    fn bytes(&mut self, at_most: usize) -> Vec<u8> {
        let length = self.below(at_most);
        (0..length).map(|_| self.byte()).collect()
    }
}

/// Packets as a client may send them.
fn packets() -> Vec<Vec<u8>> {
    let topic = b"\x00\x0eusher/v1/12/up";
    let packet = |first: u8, parts: &[&[u8]]| {
        let body = parts.concat();
        [&[first, u8::try_from(body.len()).unwrap()], body.as_slice()].concat()
    };
    vec![
        connect_packet("12", "right", 5, &[]),
        packet(0x30, &[topic, b"\x00", b"payload"]),
        packet(0x32, &[topic, b"\x00\x01", b"\x00", b"payload"]),
        packet(0x34, &[topic, b"\x00\x02", b"\x05\x23\x00\x01\x01\x00", b"payload"]),
        packet(0x40, &[b"\x00\x01\x00\x00"]),
        packet(0x50, &[b"\x00\x01\x00\x00"]),
        packet(0x62, &[b"\x00\x01\x00\x00"]),
        packet(0x70, &[b"\x00\x01\x00\x00"]),
        packet(0x82, &[b"\x00\x03\x00", b"\x00\x10usher/v1/12/down", b"\x00"]),
        packet(0xa2, &[b"\x00\x04\x00", b"\x00\x10usher/v1/12/down"]),
        packet(0xc0, &[]),
        packet(0xe0, &[b"\x00\x05\x11\x00\x00\x00\x3c"]),
        packet(0xf0, &[b"\x18\x07\x15\x00\x04none"]),
    ]
}

fn mutate(dice: &mut Dice, bytes: &mut Vec<u8>) {
    for _ in 0..=dice.below(4) {
        let at = dice.below(bytes.len());
        match dice.below(6) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << dice.below(8),
            1 if !bytes.is_empty() => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][dice.below(5)],
            2 => bytes.truncate(at),
            3 => bytes.splice(at..at, dice.bytes(20)).for_each(drop),
            4 if !bytes.is_empty() => {
                let end = at + dice.below(bytes.len() - at);
                let piece = bytes[at..end].to_vec();
                bytes.extend(piece);
            }
            // A length that promises up to 256 MB.
            _ => bytes.splice(1.min(bytes.len())..2.min(bytes.len()), [0xff, 0xff, 0xff, 0x7f]).for_each(drop),
        }
    }
}

async fn send(address: SocketAddr, bytes: &[u8]) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The broker may close at any moment, which is its right.
    let _ = stream.write_all(bytes).await;
    let _ = timeout(Duration::from_millis(3), stream.read(&mut [0; 256])).await;
}

#[tokio::test]
async fn no_bytes_from_a_stranger_make_the_broker_panic_or_stop_serving() {
    let panics = Arc::new(AtomicUsize::new(0));
    let (counted, usual) = (panics.clone(), panic::take_hook());
    panic::set_hook(Box::new(move |info| {
        if std::thread::current().name() == Some("broker") {
            counted.fetch_add(1, Ordering::Relaxed);
        }
        usual(info);
    }));
    let broker = EmbeddedBroker::start("127.0.0.1:0".parse().unwrap(), Arc::new(Boxes)).await.unwrap();
    let (address, url) = (broker.local_addr(), format!("mqtt://{}", broker.local_addr()));
    let mut central = Client::central(&url, TlsFiles::default());
    let mut edge = Client::edge(&url, "13", TlsFiles::default());
    central.up().await;
    edge.up().await;
    let (mut dice, packets) = (Dice(SEED), packets());
    for round in 0..CONNECTIONS {
        let mut bytes = match round % 3 {
            0 => dice.bytes(600),
            // A stranger's bytes before, a box's bytes after the login.
            1 => packets[0].clone(),
            _ => packets[dice.below(packets.len())].clone(),
        };
        mutate(&mut dice, &mut bytes);
        if round % 3 == 2 {
            for _ in 0..dice.below(4) {
                let mut more = packets[dice.below(packets.len())].clone();
                mutate(&mut dice, &mut more);
                bytes.extend(more);
            }
            bytes.splice(0..0, packets[0].iter().copied());
        }
        send(address, &bytes).await;
        assert_eq!(panics.load(Ordering::Relaxed), 0, "round {round}, seed {SEED:#x}: {bytes:02x?}");
    }
    exchange(&mut central, &mut edge, "13", "still here").await;
    assert!(edge.publisher.is_up() && central.publisher.is_up());
    broker.shutdown().await;
}
