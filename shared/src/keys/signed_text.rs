//! A signed text: Base32 (A-Z 2-7, no padding) of a payload and the signature over it.
//!
//! Base32 in upper case survives keyboard-wedge scanners of any layout and fits the QR alphanumeric mode.

use super::{Domain, SIGNATURE_BYTES, SecretKey, Signature};
use data_encoding::BASE32_NOPAD;

/// Why a text is not even the form of a signed text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadText {
    /// Longer than such a text can be.
    #[error("the text is too long")]
    TooLong,
    /// Too short to hold a signature.
    #[error("the text is too short")]
    TooShort,
    /// Characters or a length that Base32 does not have.
    #[error("the text is not Base32")]
    NotBase32,
}

/// White space a reader may put around the text; more is not read at all.
const SURROUNDINGS_MAX: usize = 64;

pub(crate) fn write(payload: &[u8], key: &SecretKey, domain: Domain) -> String {
    BASE32_NOPAD.encode(&[payload, &key.sign(domain, payload)].concat())
}

/// Decodes a text of at most `bytes_max` bytes, in any case and with white space around it, into payload and signature.
pub(crate) fn read(text: &str, bytes_max: usize) -> Result<(Vec<u8>, Signature), BadText> {
    let chars_max = BASE32_NOPAD.encode_len(bytes_max);
    if text.len() > chars_max + SURROUNDINGS_MAX {
        return Err(BadText::TooLong);
    }
    let text = text.trim();
    if text.len() > chars_max {
        return Err(BadText::TooLong);
    }
    let mut payload = BASE32_NOPAD.decode(text.to_ascii_uppercase().as_bytes()).map_err(|_| BadText::NotBase32)?;
    let at = payload.len().checked_sub(SIGNATURE_BYTES).ok_or(BadText::TooShort)?;
    let signature = payload.split_off(at).try_into().map_err(|_| BadText::TooShort)?;
    Ok((payload, signature))
}
