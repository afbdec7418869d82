//! Signs deliveries like Stripe (<https://docs.stripe.com/webhooks#verify-manually>), independently
//! of the product code.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Returns the header `Stripe-Signature` for a body sent at this time in seconds.
#[must_use]
pub fn header(secret: &str, at: i64, body: &[u8]) -> String {
    format!("t={at},v1={}", hex(secret, &at.to_string(), body))
}

/// Returns the signature with this text as the timestamp.
///
/// # Panics
/// Never: HMAC accepts keys of any length.
#[must_use]
pub fn hex(secret: &str, at: &str, body: &[u8]) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC accepts keys of any length");
    mac.update(at.as_bytes());
    mac.update(b".");
    mac.update(body);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}
