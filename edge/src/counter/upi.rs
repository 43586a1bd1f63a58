//! A UPI payment as the guest's phone reads it. The picture is drawn without any line; only the bank knows whether it was paid.

use super::qr::picture;
use crate::house::House;
use crate::staff::Task;
use anyhow::ensure;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use node::problem::Problem;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use shared::ids::HoldId;
use shared::money::{Money, decimal};
use shared::refusal::Refusal;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// What stays as it is in a value of the link.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'@');

/// The account that guests pay to by UPI, `rex.cinema@bank`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpiAddress(String);

impl FromStr for UpiAddress {
    type Err = anyhow::Error;
    fn from_str(text: &str) -> anyhow::Result<Self> {
        let plain = |part: &str| {
            (2..=64).contains(&part.len())
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
        };
        let whole = text.split_once('@').is_some_and(|(name, bank)| plain(name) && plain(bank));
        ensure!(whole, "{text:?} is no UPI address; one looks like rex.cinema@bank");
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for UpiAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The link that a payment app opens (NPCI, *UPI Linking Specifications* 1.6): payee, amount, and a reference of at most 35 letters and
/// digits by which the bank's list is compared.
pub fn payment_link(to: &UpiAddress, name: &str, amount: Money, reference: &str, note: &str) -> String {
    let value = |text: &str| utf8_percent_encode(text, VALUE).to_string();
    let (amount, currency) = (decimal(amount.minor), amount.currency.code().to_owned());
    format!(
        "upi://pay?pa={}&pn={}&am={amount}&cu={currency}&tr={reference}&tn={}",
        value(&to.0),
        value(name),
        value(note)
    )
}

/// `GET /v1/holds/{hold}/upi.svg`: the QR code by which a guest pays for held seats. 404 `upi_not_set` where the house has told no
/// address.
pub async fn code(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Path(hold): Path<String>,
) -> Result<impl IntoResponse + use<>, Problem> {
    house.authorise(&headers, Task::Sell).await?;
    let Some(to) = house.counter.upi.clone() else {
        return Err(Problem::not_found("upi_not_set", "This house has set no UPI address."));
    };
    let id: HoldId = hold.parse().map_err(|_| Refusal::UnknownHold)?;
    let held = house
        .writer
        .run(move |desk, _, now| Ok(desk.replica().ledger().hold(id, now).and_then(|hold| desk.view().hold(hold))));
    let held = held.await??;
    let name = &house.theatre_ref().name;
    let link = payment_link(&to, name, held.total, &id.to_string(), &format!("{} {}", name, held.show));
    Ok(([(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "no-store")], picture(&link)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_carries_the_amount_and_the_reference_and_nothing_breaks_out_of_a_value() {
        let to: UpiAddress = "rex.cinema@bank".parse().expect("address");
        let link = payment_link(&to, "Rex & Sons", Money::inr(30_050), "00ff", "Rex 12-1");
        assert_eq!(link, "upi://pay?pa=rex.cinema@bank&pn=Rex%20%26%20Sons&am=300.50&cu=INR&tr=00ff&tn=Rex%2012-1");
    }

    #[test]
    fn only_an_address_is_an_address() {
        for bad in ["", "rex", "@bank", "rex@", "rex@ba nk", "rex&am=1@bank", "rex@bank@x"] {
            assert!(bad.parse::<UpiAddress>().is_err(), "{bad}");
        }
    }
}
