//! The door device as the edge's witness.

use crate::fake_edge::{FakeEdge, THEATRE, key, page};
use crate::test_door::{TestDoor, eventually};
use data_encoding::BASE64;
use serde_json::{Value, json};
use shared::entry::{Hash, Head};
use shared::ids::{Incarnation, Side};
use shared::keys::SecretKey;
use sync_protocol::message::{Batch, EntryBytes};
use sync_protocol::witness::SignedHead;

const BEFORE: Head = Head { incarnation: Incarnation(u64::MAX), seq: 4, hash: Hash([4; 32]) };

/// Two entries after the fourth, and the head that a key signed after them.
fn entries(key: &SecretKey) -> (Batch, SignedHead) {
    let entries: Vec<_> = [b"five".to_vec(), b"six".to_vec()].into_iter().map(EntryBytes).collect();
    let hash = entries.iter().fold(BEFORE.hash, |hash, entry| hash.chain(&entry.0));
    let head = SignedHead::sign(THEATRE, Side::Edge, Head { seq: 6, hash, ..BEFORE }, key);
    (Batch { log: Side::Edge, before: BEFORE, entries }, head)
}

fn text(batch: &Batch) -> String {
    BASE64.encode(&postcard::to_extend(batch, Vec::new()).expect("bytes"))
}

fn answer(head: &SignedHead, batch: &Batch) -> Value {
    json!({"boot": "00", "named": true, "own": 6, "acked": 4, "head": head, "entries": text(batch),
        "wanted": false, "after": 6})
}

fn wants_after(after: u64) -> Value {
    json!({"boot": "01", "named": true, "own": after, "acked": 4, "head": null, "entries": null, "wanted": true, "after": after})
}

async fn last_call(edge: &FakeEdge, what: &str, fits: impl Fn(&Value) -> bool) {
    eventually(what, || async { edge.now().kept.last().is_some_and(&fits) }).await;
}

#[tokio::test]
async fn what_the_edge_signs_is_stored_before_it_is_said_to_be_and_given_back_after_a_restart_of_both() {
    let edge = FakeEdge::start().await;
    edge.now().pages.push(page(&[], &[]));
    let (batch, head) = entries(&key(Side::Edge));
    edge.now().witness = Some(answer(&head, &batch));
    let door = TestDoor::start(&edge).await;
    let kept = json!(head);
    last_call(&edge, "the head is kept", |call| call["kept"] == kept && call["after"] == 4).await;
    let data = door.stop().await;

    edge.now().kept.clear();
    edge.now().witness = Some(wants_after(4));
    let door = TestDoor::reopen(data, |_| {}).await;
    last_call(&edge, "the entries are given back", |call| call["kept"] == kept && call["entries"] == text(&batch))
        .await;
    edge.now().witness = Some(wants_after(5));
    let rest = Batch {
        before: Head { seq: 5, hash: BEFORE.hash.chain(b"five"), ..BEFORE },
        entries: vec![EntryBytes(b"six".to_vec())],
        ..batch
    };
    last_call(&edge, "only what is missing is given", |call| call["entries"] == text(&rest)).await;
    edge.now().witness = Some(wants_after(6));
    last_call(&edge, "there is nothing more to give", |call| call["entries"].is_null() && call["after"].is_null())
        .await;
    door.stop().await;
}

#[tokio::test]
async fn a_head_that_the_edge_did_not_sign_is_not_kept() {
    let edge = FakeEdge::start().await;
    edge.now().pages.push(page(&[], &[]));
    let (batch, forged) = entries(&SecretKey::from_seed(&[77; 32]));
    edge.now().witness = Some(answer(&forged, &batch));
    let door = TestDoor::start(&edge).await;
    eventually("asked again", || async { edge.now().kept.len() > 3 }).await;
    assert!(edge.now().kept.iter().all(|call| call["kept"].is_null()));
    door.stop().await;
}
