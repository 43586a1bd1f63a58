//! Logs that are cut back and taken back: what goes, what is set aside, and how the node stood meanwhile.

use crate::store::{Sql, StoreError};
use crate::values;
use anyhow::Context;
use shared::ids::TheatreId;
use sync_protocol::log::StoredEntry;
use sync_protocol::replica::{Rewound, StandingChange};

/// What is folded from the logs; it is written again by the same changes.
const MATERIALISED: [&str; 9] = [
    "ledger_plan",
    "ledger_plan_part",
    "ledger_show",
    "ledger_seat",
    "ledger_ticket",
    "ledger_hold",
    "ledger_certificate",
    "ledger_revoked_key",
    "ledger_mark",
];

/// Removes entries beyond the cut, and all materialised state.
pub(super) fn rewind(tx: &dyn Sql, theatre: TheatreId, to: Rewound) -> Result<(), StoreError> {
    for (log, last) in [(to.me, to.own), (to.me.peer(), to.peer)] {
        tx.send(
            "DELETE FROM ledger_entry WHERE theatre = ?1 AND log = ?2 AND seq > ?3",
            values![theatre.0, log.word(), last.cast_signed()],
        )?;
    }
    for table in MATERIALISED {
        tx.send(&format!("DELETE FROM {table} WHERE theatre = ?1"), values![theatre.0])?;
    }
    Ok(())
}

/// Replaces the entries set aside.
pub(super) fn set_aside(tx: &dyn Sql, theatre: TheatreId, aside: &[StoredEntry]) -> Result<(), StoreError> {
    tx.send("DELETE FROM ledger_aside WHERE theatre = ?1", values![theatre.0])?;
    for entry in aside {
        tx.send(
            "INSERT INTO ledger_aside (theatre, seq, incarnation, hash, bytes, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            values![
                theatre.0,
                entry.seq.cast_signed(),
                entry.incarnation.0.to_be_bytes(),
                entry.hash.0,
                entry.bytes,
                entry.at.0
            ],
        )?;
    }
    Ok(())
}

/// Keeps a closing or an opening.
pub(super) fn note_standing(tx: &dyn Sql, theatre: TheatreId, change: &StandingChange) -> anyhow::Result<()> {
    let proof = change.proof.as_ref().map(serde_json::to_string).transpose().context("write a proof down")?;
    tx.send(
        "INSERT INTO ledger_standing (theatre, at, closed, proof) VALUES (?1, ?2, ?3, ?4)",
        values![theatre.0, change.at.0, change.closed.map(sync_protocol::replica::Closed::code), proof],
    )?;
    Ok(())
}
