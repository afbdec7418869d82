//! The success URL.

use crate::model::CheckoutSession;
use crate::portal::address;

/// The template variable for the session's id
/// (<https://docs.stripe.com/payments/checkout/custom-success-page>).
const NAME: &str = "CHECKOUT_SESSION_ID";

/// Returns the session's `success_url` with its id, for a `Location` header.
pub(super) fn address(session: &CheckoutSession) -> String {
    address::to_ascii(&fill(&session.success_url, &session.id))
}

/// Replaces the template variable. URL libraries percent-encode its braces.
fn fill(url: &str, id: &str) -> String {
    let mut url = url.to_owned();
    for open in ["{", "%7B", "%7b"] {
        for close in ["}", "%7D", "%7d"] {
            url = url.replace(&format!("{open}{NAME}{close}"), id);
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sessions_id_replaces_every_template_variable() {
        for (url, filled) in [
            (
                "https://a.example/{CHECKOUT_SESSION_ID}?s={CHECKOUT_SESSION_ID}",
                "https://a.example/cs_1?s=cs_1",
            ),
            (
                "https://a.example/?s=%7BCHECKOUT_SESSION_ID%7D#%7bCHECKOUT_SESSION_ID%7d",
                "https://a.example/?s=cs_1#cs_1",
            ),
            ("https://a.example/?s={CHECKOUT_SESSION_ID%7D", "https://a.example/?s=cs_1"),
            (
                "https://a.example/?s=CHECKOUT_SESSION_ID&t={OTHER}",
                "https://a.example/?s=CHECKOUT_SESSION_ID&t={OTHER}",
            ),
        ] {
            assert_eq!(fill(url, "cs_1"), filled);
        }
    }
}
