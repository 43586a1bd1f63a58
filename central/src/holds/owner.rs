//! Who has a hold, in the store: without it another start, or another node of the pool, would give each hoarder one more share.

use super::customer::{Device, Network};
use node::store::{Sql, StoreError};
use node::values;
use sha2::{Digest, Sha256};
use shared::ids::{HoldId, ShowId, ShowNumber, TheatreId};
use shared::time::Timestamp;
use std::net::IpAddr;
use std::time::Duration;

const BYTES: usize = 16;

/// A device or a network address, of which no more is kept than tells it from the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner([u8; BYTES]);

impl Owner {
    fn of(kind: u8, bytes: &[u8]) -> Self {
        let hash = Sha256::new().chain_update([kind]).chain_update(bytes).finalize();
        let mut owner = [0; BYTES];
        owner.copy_from_slice(&hash[..BYTES]);
        Self(owner)
    }
}

impl From<Device> for Owner {
    fn from(device: Device) -> Self {
        Self::of(1, &device.0)
    }
}

impl From<Network> for Owner {
    fn from(network: Network) -> Self {
        match network.address() {
            IpAddr::V4(v4) => Self::of(2, &v4.octets()),
            IpAddr::V6(v6) => Self::of(3, &v6.octets()),
        }
    }
}

/// Keeps whose hold it is, for as long as a hold can last.
///
/// # Errors
/// If the store fails.
pub fn keep(tx: &dyn Sql, owner: Owner, show: ShowId, hold: HoldId, until: Timestamp) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO hold_owner (owner, theatre, show, hold, until) VALUES (?1, ?2, ?3, ?4, ?5)",
        values![owner.0, show.theatre.0, show.number.0, hold.0, until.0],
    )
}

/// Everybody's holds; some have ended since.
///
/// # Errors
/// If the store fails.
pub fn all(conn: &dyn Sql) -> Result<Vec<(Owner, ShowId, HoldId)>, StoreError> {
    let rows = conn.all("SELECT owner, theatre, show, hold FROM hold_owner", &[], |row| {
        let show = ShowId { theatre: TheatreId(row.get(1)?), number: ShowNumber(row.get(2)?) };
        Ok((row.get::<Vec<u8>>(0)?, show, row.get::<Vec<u8>>(3)?))
    })?;
    let whole = |(owner, show, hold): (Vec<u8>, ShowId, Vec<u8>)| {
        Some((Owner(owner.try_into().ok()?), show, HoldId(hold.try_into().ok()?)))
    };
    Ok(rows.into_iter().filter_map(whole).collect())
}

/// Forgets whose holds have ended for certain; returns how many there were.
///
/// # Errors
/// If the store fails.
pub fn forget_over(tx: &dyn Sql, now: Timestamp) -> Result<usize, StoreError> {
    tx.execute("DELETE FROM hold_owner WHERE until <= ?1", values![now.0])
}

/// Follows a jump of the clock, as the holds do.
///
/// # Errors
/// If the store fails.
pub fn follow_jump(tx: &dyn Sql, by: Duration) -> Result<(), StoreError> {
    let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    tx.send("UPDATE hold_owner SET until = until + ?1", values![by])
}
