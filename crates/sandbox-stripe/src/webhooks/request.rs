//! A delivery's request: the event as the API renders it, and its signature
//! (<https://docs.stripe.com/webhooks/signature>).

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::clock::{Clock as _, SystemClock};
use crate::model::{Event, SigningSecret, Timestamp};
use crate::state::State;
use crate::view;

/// An event and its destination.
#[derive(Debug)]
pub(super) struct OutgoingEvent {
    event: Event,
    /// The number of pending deliveries of the event.
    pending: u32,
    url: String,
    secret: SigningSecret,
}

/// A signed request.
#[derive(Debug)]
pub(super) struct SignedRequest {
    pub(super) url: String,
    pub(super) body: Bytes,
    /// The value of the header `Stripe-Signature`.
    pub(super) signature: String,
}

impl OutgoingEvent {
    /// Returns the event of a delivery; None if its endpoint was deleted or disabled.
    pub(super) fn find(state: &State, delivery: u64) -> Option<Self> {
        let delivery = state.deliveries.get(delivery)?;
        let endpoint = state
            .webhook_endpoints
            .get(&delivery.endpoint)
            .filter(|endpoint| !endpoint.disabled)?;
        Some(Self {
            event: state.events.get(&delivery.event)?.clone(),
            pending: state.deliveries.pending_of(&delivery.event),
            url: endpoint.url.clone(),
            secret: endpoint.secret.clone(),
        })
    }

    /// Renders and signs the event. The signature has the machine's time, because receivers refuse
    /// old signatures. The sandbox's clock may be ahead.
    pub(super) fn write(self) -> SignedRequest {
        let body = view::text(&view::event(&self.event, self.pending));
        let signature = signature(&self.secret, SystemClock.now(), &body);
        SignedRequest { url: self.url, body, signature }
    }
}

fn signature(secret: &SigningSecret, time: Timestamp, body: &[u8]) -> String {
    let mut signature = format!("t={time},v1=");
    // HMAC accepts keys of any length.
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes()) {
        mac.update(time.to_string().as_bytes());
        mac.update(b".");
        mac.update(body);
        for byte in mac.finalize().into_bytes() {
            signature.push_str(&format!("{byte:02x}"));
        }
    }
    signature
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_covers_the_time_a_dot_and_the_body() {
        let secret: SigningSecret = serde_json::from_str("\"whsec_test_secret\"").expect("secret");
        // Computed with `openssl dgst -sha256 -hmac whsec_test_secret`.
        let expected =
            "t=1492774577,v1=799c4ba7bb339f3c8601adfd112f0e477c930a268be1243d341abb8286501c2f";
        assert_eq!(signature(&secret, 1_492_774_577, br#"{"id":"evt_1"}"#), expected);
    }
}
