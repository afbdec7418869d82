//! Stripe's signature of a delivery (<https://docs.stripe.com/webhooks#verify-manually>), made by the tests' own code.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The header `Stripe-Signature` of a body that was sent at this moment, in seconds.
#[must_use]
pub fn header(secret: &str, at: i64, body: &[u8]) -> String {
    format!("t={at},v1={}", hex(secret, &at.to_string(), body))
}

/// The signature alone, over this text as the moment.
///
/// # Panics
/// Never.
#[must_use]
pub fn hex(secret: &str, at: &str, body: &[u8]) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length makes a key");
    mac.update(at.as_bytes());
    mac.update(b".");
    mac.update(body);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}
