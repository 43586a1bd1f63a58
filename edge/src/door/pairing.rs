//! What managers do with devices, and the one call by which a device pairs.

use super::devices;
use crate::house::House;
use crate::staff::Task;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use node::problem::{JsonBody, Params, Problem};
use node::view::TheatreRef;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use sync_protocol::gate::DeviceNumber;

/// A device to be paired.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceRequest {
    name: String,
    kind: String,
}

/// A device that may pair.
#[derive(Debug, Serialize)]
pub struct PairingView {
    device: String,
    pair_url: String,
}

/// `POST /v1/devices`: adds a device, or lets a known one pair anew.
pub async fn add(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    JsonBody(request): JsonBody<DeviceRequest>,
) -> Result<(StatusCode, Json<PairingView>), Problem> {
    house.authorise(&headers, Task::Devices).await?;
    let name = request.name.trim().to_owned();
    if !(1..=32).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(Problem::unprocessable("bad_device_name", "A device's name is 1 to 32 characters."));
    }
    if !["scanner", "terminal"].contains(&request.kind.as_str()) {
        return Err(Problem::unprocessable("unknown_device_kind", "A device is a scanner or a terminal."));
    }
    let token = node::random::hex::<24>();
    let pair_url = format!("{}/v1/devices/pair?token={token}", house.public_url(&headers));
    let number = house.writer.run(move |_, tx, now| Ok(devices::add(tx, &name, &request.kind, &token, now)?)).await?;
    Ok((StatusCode::CREATED, Json(PairingView { device: devices::id(number), pair_url })))
}

/// A device in the manager's list.
#[derive(Debug, Serialize)]
pub struct DeviceView {
    device: String,
    name: String,
    kind: String,
    paired: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    off_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    heard_at: Option<String>,
    /// It is the box's named witness.
    witness: bool,
    /// Feed rows it has not taken in yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    behind: Option<u64>,
}

/// All devices.
#[derive(Debug, Serialize)]
pub struct DeviceList {
    devices: Vec<DeviceView>,
    /// The box has a new key, which some of them do not know yet: the one before it goes on signing tickets.
    key_waits: bool,
}

/// `GET /v1/devices`.
pub async fn list(State(house): State<Arc<House>>, headers: HeaderMap) -> Result<Json<DeviceList>, Problem> {
    house.authorise(&headers, Task::Devices).await?;
    let position = house.feed_position();
    let witness = house.board.borrow().standing.named;
    let listed = house.readers.read(move |db| Ok(devices::list(db, position.incarnation)?)).await?;
    let view = |device: devices::Listed| DeviceView {
        device: devices::id(device.number),
        witness: witness == Some(DeviceNumber(device.number)),
        name: device.name,
        kind: device.kind,
        paired: device.paired,
        off_by: device.off_by,
        heard_at: device.heard_at.map(|at| house.identity.zone.rfc3339(at)),
        behind: device.paired.then(|| position.seq.saturating_sub(device.seen_seq.unwrap_or(0))),
    };
    let key_waits = house.board.borrow().key_waits;
    Ok(Json(DeviceList { devices: listed.into_iter().map(view).collect(), key_waits }))
}

/// Whether a device counts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OffRequest {
    off: bool,
}

/// `POST /v1/devices/{device}`: declares a device off, so that no void waits for it, or on again. Until then it is answered 401
/// `device_off`, but for what it has done and what it remembers of the log.
pub async fn declare(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Path(device): Path<String>,
    JsonBody(request): JsonBody<OffRequest>,
) -> Result<StatusCode, Problem> {
    let session = house.authorise(&headers, Task::Devices).await?;
    let unknown = || Problem::not_found("unknown_device", "There is no such device.");
    let number = devices::parse_id(&device).ok_or_else(unknown)?;
    let by = request.off.then_some(session.staff);
    let declared = house.writer.run(move |desk, tx, now| {
        let found = devices::declare_off(tx, number, by.as_deref(), now)?;
        desk.count_token_change();
        // The next scanner that calls is named; while the head is unproven nobody may take the place of who is asked.
        if by.is_some() && desk.witness() == Some(DeviceNumber(number)) && desk.replica().asking().is_none() {
            desk.name_witness(tx, None)?;
        }
        Ok(found)
    });
    let found = declared.await?;
    if found { Ok(StatusCode::NO_CONTENT) } else { Err(unknown()) }
}

/// The token of a pairing link.
#[derive(Debug, Deserialize)]
pub struct PairingToken {
    token: String,
}

/// What a device is given when it pairs.
#[derive(Debug, Serialize)]
pub struct PairedView {
    device: String,
    name: String,
    token: String,
    theatre: TheatreRef,
    root_key: String,
    certificates: Vec<String>,
}

/// `POST /v1/devices/pair?token=`: works once. Answers 401 `pairing_over`.
pub async fn pair(
    State(house): State<Arc<House>>,
    Params(PairingToken { token: pairing }): Params<PairingToken>,
) -> Result<Json<PairedView>, Problem> {
    let token = node::random::hex::<32>();
    let stored = token.clone();
    let paired = house.writer.run(move |desk, tx, now| {
        let device = devices::pair(tx, &pairing, &stored, now)?;
        if let Some(device) = &device {
            desk.hear(device.number);
            desk.count_token_change();
        }
        Ok(device.map(|device| (device, desk.keys_row().certificates)))
    });
    let over = || Problem::unauthorized("pairing_over", "This pairing link was used or is too old; ask for a new one.");
    let (device, certificates) = paired.await?.ok_or_else(over)?;
    Ok(Json(PairedView {
        device: devices::id(device.number),
        name: device.name,
        token,
        theatre: house.theatre_ref(),
        root_key: house.identity.join.root_key.clone(),
        certificates,
    }))
}

impl House {
    /// How the caller reaches this box: the setting, or the address it called.
    fn public_url(&self, headers: &HeaderMap) -> String {
        if !self.public_url.is_empty() {
            return self.public_url.trim_end_matches('/').to_owned();
        }
        let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
        host.map_or_else(|| format!("http://{}", self.address), |host| format!("http://{host}"))
    }
}
