//! What has to come of two live boxes with one log: somebody notices, one of them is closed, and persons put it right.

use super::choice::Shows;
use super::house::House;
use super::persons;
use super::standing::{EdgeStanding, Lookout};
use anyhow::{Context, bail};
use std::time::{Duration, Instant};

/// Both run together for this long at most; the boot gate of a clone alone may ask for 10 s.
pub(super) const NOTICED_WITHIN: Duration = Duration::from_secs(25);
/// A closed box stays as it is for this long before it counts: a gate may open by itself.
const CLOSED_FOR: Duration = Duration::from_secs(12);
/// With the clone off, everything is open again within this time.
const OPEN_WITHIN: Duration = Duration::from_secs(60);
/// What may open by itself is given this time.
const BY_ITSELF: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(50);

/// Both boxes, seen from outside.
pub(super) struct Eyes<'a> {
    pub(super) original: &'a Lookout,
    pub(super) clone: &'a Lookout,
}

/// Waits until one of the two boxes, or central, is closed because of the other one.
///
/// # Errors
/// If nobody notices in time, or neither box is closed.
pub(super) async fn wait_for(eyes: &Eyes<'_>) -> anyhow::Result<String> {
    let (began, mut alarm) = (Instant::now(), None);
    let mut closed_since = [None; 2];
    while began.elapsed() < NOTICED_WITHIN {
        if let Ok(central) = eyes.original.central().await
            && central.discrepancies > 0
        {
            alarm.get_or_insert(format!("central, {}", central.closed.as_deref().unwrap_or("open")));
        }
        let boxes = [("the box", eyes.original.edge().await), ("the clone", eyes.clone.edge().await)];
        for ((name, standing), closed_since) in boxes.into_iter().zip(&mut closed_since) {
            let Ok(EdgeStanding { link, .. }) = standing else { continue };
            if link.discrepancies > 0 {
                alarm.get_or_insert(name.to_owned());
            }
            let Some(reason) = link.closed.as_deref() else {
                *closed_since = None;
                continue;
            };
            let since = *closed_since.get_or_insert_with(Instant::now);
            // A gate that nobody passes is the alarm itself.
            if (reason == "fork" && alarm.is_some()) || since.elapsed() > CLOSED_FOR {
                let noticed_by = alarm.unwrap_or_else(|| name.to_owned());
                return Ok(format!("noticed by {noticed_by}; {name} is closed: {reason}"));
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
    bail!("two boxes ran for {} s, and neither was closed; noticed by {alarm:?}", NOTICED_WITHIN.as_secs())
}

/// The clone is off. Two persons open what does not open by itself, and put the unknown seats on sale again.
///
/// # Errors
/// If persons may not, or it does not help.
pub(super) async fn end(house: &mut House, lookout: &Lookout, shows: &Shows) -> anyhow::Result<()> {
    let (edge_url, central_url) = (house.edge.server.url(), house.central.server.url());
    let (began, mut last_change, mut last_seen) = (Instant::now(), Instant::now(), None);
    loop {
        house.refuse_ended()?;
        let seen = lookout.look().await?;
        if seen.is_live() {
            break;
        }
        if began.elapsed() > OPEN_WITHIN {
            bail!("waited {} s for both to be open in vain: {seen}", OPEN_WITHIN.as_secs());
        }
        let closed = (seen.edge.link.closed.clone(), seen.central.closed.clone());
        if last_seen.as_ref() != Some(&closed) {
            (last_change, last_seen) = (Instant::now(), Some(closed.clone()));
        }
        if last_change.elapsed() > BY_ITSELF {
            match closed {
                (Some(_), _) => persons::open_box(&edge_url).await.with_context(|| format!("with {seen}"))?,
                (None, Some(_)) => {
                    persons::open_central(&central_url, house.theatre()).await.context("open central")?
                }
                (None, None) => {}
            }
            last_change = Instant::now();
        }
        tokio::time::sleep(PAUSE).await;
    }
    let at_box = persons::settle_unknown_at_box(&edge_url, shows.ids()).await.context("settle at the box")?;
    let at_central = persons::settle_unknown_at_central(&central_url, house.theatre()).await?;
    tracing::debug!(at_box, at_central, "unknown seats are for sale again");
    Ok(())
}
