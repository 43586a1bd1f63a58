//! Webhooks signed as Standard Webhooks 1.0: checked over the raw body, in constant time, with every active secret.

use super::gateway::{PaymentReport, RefundReport};
use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use shared::time::Timestamp;
use std::time::Duration;

/// How far a webhook's timestamp may lie from now, either way. Older ones could be replays.
pub const TOLERANCE: Duration = Duration::from_secs(300);
/// How long event ids are remembered: longer than any gateway retries.
pub const SEEN_KEPT: Duration = Duration::from_secs(8 * 24 * 3600);
/// What a secret's text begins with.
const SECRET_PREFIX: &str = "whsec_";

/// A secret shared with the gateway.
#[derive(Clone)]
pub struct WebhookSecret(Vec<u8>);

impl WebhookSecret {
    /// Reads `whsec_` and Base64, or takes any other text as it is.
    pub fn parse(text: &str) -> Self {
        let decoded = text.strip_prefix(SECRET_PREFIX).and_then(|base64| BASE64.decode(base64.as_bytes()).ok());
        Self(decoded.unwrap_or_else(|| text.as_bytes().to_vec()))
    }

    /// The signature of a message, Base64, as it stands after `v1,`.
    pub fn sign(&self, id: &str, timestamp: &str, body: &[u8]) -> String {
        let mac = self.mac(id, timestamp, body);
        BASE64.encode(&mac.map(|mac| mac.finalize().into_bytes().to_vec()).unwrap_or_default())
    }

    fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        Some(mac)
    }
}

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookSecret(..)")
    }
}

/// A webhook as it arrived.
#[derive(Debug, Clone, Copy)]
pub struct SignedNotice<'a> {
    /// Header `webhook-id`.
    pub id: &'a str,
    /// Header `webhook-timestamp`, seconds since 1970.
    pub timestamp: &'a str,
    /// Header `webhook-signature`: one or more, separated by spaces.
    pub signature: &'a str,
    /// The raw body.
    pub body: &'a [u8],
}

/// What a webhook tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A payment moved.
    Payment(PaymentReport),
    /// A refund moved.
    Refund(RefundReport),
    /// A kind this program does not act on.
    Other(String),
}

/// Why a webhook is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadWebhook {
    /// No active secret made the signature.
    #[error("no active secret made this signature")]
    Signature,
    /// Too old, from the future, or no number.
    #[error("the timestamp is more than 300 s away")]
    Timestamp,
    /// Signed, but not what this gateway sends.
    #[error("the body is not a notice of this gateway")]
    Body,
}

/// Checks signature and age.
pub fn verify(signed: &SignedNotice<'_>, secrets: &[WebhookSecret], now: Timestamp) -> Result<(), BadWebhook> {
    let signatures = signed.signature.split(' ').filter_map(|text| text.strip_prefix("v1,"));
    let signatures: Vec<Vec<u8>> = signatures.filter_map(|text| BASE64.decode(text.as_bytes()).ok()).collect();
    let made_by = |secret: &WebhookSecret| {
        let mac = secret.mac(signed.id, signed.timestamp, signed.body);
        // `verify_slice` compares in constant time.
        mac.is_some_and(|mac| signatures.iter().any(|bytes| mac.clone().verify_slice(bytes).is_ok()))
    };
    if !secrets.iter().any(made_by) {
        return Err(BadWebhook::Signature);
    }
    let seconds: i64 = signed.timestamp.parse().map_err(|_| BadWebhook::Timestamp)?;
    let sent = Timestamp(seconds.saturating_mul(1000));
    if now.since(sent).max(sent.since(now)) > TOLERANCE { Err(BadWebhook::Timestamp) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_614_265_330_000);
    const BODY: &[u8] = br#"{"test": 2432232314}"#;

    /// The example that the Standard Webhooks libraries carry in their own tests.
    const SIGNED: SignedNotice<'static> = SignedNotice {
        id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp: "1614265330",
        signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        body: BODY,
    };

    fn secret() -> WebhookSecret {
        WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    }

    #[test]
    fn the_published_example_verifies() {
        assert_eq!(verify(&SIGNED, &[secret()], NOW), Ok(()));
        assert_eq!(format!("v1,{}", secret().sign(SIGNED.id, SIGNED.timestamp, BODY)), SIGNED.signature);
    }

    #[test]
    fn while_secrets_rotate_either_verifies() {
        let old = WebhookSecret::parse("an old one");
        assert_eq!(verify(&SIGNED, &[old.clone(), secret()], NOW), Ok(()));
        let both = format!("v1,{} {} v1a,x", old.sign(SIGNED.id, SIGNED.timestamp, BODY), SIGNED.signature);
        assert_eq!(verify(&SignedNotice { signature: &both, ..SIGNED }, &[secret()], NOW), Ok(()));
        assert_eq!(verify(&SIGNED, &[old], NOW), Err(BadWebhook::Signature));
        assert_eq!(verify(&SIGNED, &[], NOW), Err(BadWebhook::Signature));
    }

    #[test]
    fn every_altered_byte_is_noticed() {
        for i in 0..BODY.len() {
            let mut body = BODY.to_vec();
            body[i] ^= 1;
            assert_eq!(verify(&SignedNotice { body: &body, ..SIGNED }, &[secret()], NOW), Err(BadWebhook::Signature));
        }
        for signature in ["", "v1,", "v1,AAAA", "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="] {
            assert_eq!(verify(&SignedNotice { signature, ..SIGNED }, &[secret()], NOW), Err(BadWebhook::Signature));
        }
        assert_eq!(verify(&SignedNotice { id: "msg_other", ..SIGNED }, &[secret()], NOW), Err(BadWebhook::Signature));
    }

    #[test]
    fn a_webhook_from_another_time_is_refused() {
        let after = |seconds: i64| verify(&SIGNED, &[secret()], Timestamp(NOW.0 + seconds * 1000));
        assert_eq!((after(300), after(-300)), (Ok(()), Ok(())));
        assert_eq!((after(301), after(-301)), (Err(BadWebhook::Timestamp), Err(BadWebhook::Timestamp)));
    }
}
