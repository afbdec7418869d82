//! Stripe's answer as a checkout session, and paid sessions as what they say of a customer's owner.

use billing_domain::{CheckoutSession, CustomerId, HostedUrl, NamedOwner};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::metadata::{Metadata, UserMetadataKey, agreed, named};
use crate::object;
use crate::portal_session::Expected;

/// The fields of Stripe's object `checkout.session` that count in a fresh one. No `Debug`: the URL is a secret.
#[derive(Deserialize)]
struct FreshSession {
    object: String,
    id: String,
    customer: String,
    livemode: bool,
    mode: String,
    url: String,
}

/// Those that count in one that was completed.
#[derive(Deserialize)]
pub(crate) struct CompleteSession {
    object: String,
    pub(crate) id: String,
    customer: Option<String>,
    livemode: bool,
    client_reference_id: Option<String>,
    metadata: Option<Metadata>,
    payment_link: Option<IgnoredAny>,
}

/// Reads a session from the body of a 200 (P4).
///
/// # Errors
/// Why the body is no session for this order, without any of its text: it may hold a URL that works.
pub(crate) fn parse(body: &[u8], expected: Expected<'_>) -> Result<CheckoutSession, String> {
    let session: FreshSession = object::read(body, "checkout session")?;
    object::check(&session.object, "checkout.session", session.livemode, expected.mode)?;
    if session.customer != expected.customer.as_str() {
        return Err("the session is for another customer".to_owned());
    }
    if session.mode != "subscription" {
        return Err("the session sells no subscription".to_owned());
    }
    let url: HostedUrl =
        session.url.parse().map_err(|e| format!("the URL cannot be handed out: {e}"))?;
    if url.is_insecure() && !expected.loopback_urls {
        return Err("the URL is not https".to_owned());
    }
    Ok(CheckoutSession { id: object::id(&session.id, "checkout session")?, url })
}

impl CompleteSession {
    /// Holds it against what was asked for.
    pub(crate) fn check(
        &self,
        customer: &CustomerId,
        mode: billing_domain::Mode,
    ) -> Result<(), String> {
        object::check(&self.object, "checkout.session", self.livemode, mode)?;
        if self.customer.as_deref() == Some(customer.as_str()) {
            Ok(())
        } else {
            Err("a session is of another customer".to_owned())
        }
    }

    /// Whom it names. A payment link's visitor writes the reference into its address
    /// (<https://docs.stripe.com/payment-links/url-parameters>), so such a session names nobody.
    pub(crate) fn owner(&self, key: &UserMetadataKey) -> NamedOwner {
        if self.payment_link.is_some() {
            return NamedOwner::None;
        }
        agreed(named(self.client_reference_id.as_deref()), key.owner(self.metadata.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use billing_domain::Mode;

    use super::*;

    const FRESH: &str = r#"{"object":"checkout.session","id":"cs_test_1","customer":"cus_1","livemode":false,
        "mode":"subscription","url":"https://checkout.stripe.com/c/pay/secret"}"#;

    fn judged(body: &str) -> Result<String, String> {
        let customer = "cus_1".parse().unwrap();
        let expected = Expected { customer: &customer, mode: Mode::Test, loopback_urls: false };
        parse(body.as_bytes(), expected).map(|session| session.id.to_string())
    }

    #[test]
    fn p4_only_a_session_for_this_order_counts() {
        assert_eq!(judged(FRESH), Ok("cs_test_1".to_owned()));
        for (from, to) in [
            ("checkout.session", "billing_portal.session"),
            ("cus_1", "cus_2"),
            ("\"cus_1\"", "null"),
            ("false", "true"),
            ("\"subscription\"", "\"payment\""),
            ("https://checkout.stripe.com", "http://checkout.stripe.com"),
            ("https://checkout.stripe.com", "http://127.0.0.1:1"),
            ("\"https://checkout.stripe.com/c/pay/secret\"", "null"),
            ("cs_test_1", "cs/1"),
            ("\"mode\"", "\"mood\""),
        ] {
            assert!(FRESH.contains(from));
            let fault = judged(&FRESH.replacen(from, to, 1)).unwrap_err();
            assert!(!fault.contains("secret"), "{fault}");
        }
    }

    #[test]
    fn a_paid_session_names_its_owner_unless_a_visitor_could() {
        let owner = |rest: &str| {
            let text = format!(
                r#"{{"object":"checkout.session","id":"cs_1","customer":"cus_1","livemode":false{rest}}}"#
            );
            let session: CompleteSession = object::read(text.as_bytes(), "session").unwrap();
            session.owner(&UserMetadataKey::default())
        };
        let ann = || NamedOwner::User("ann".parse().unwrap());
        assert_eq!(owner(""), NamedOwner::None);
        assert_eq!(
            owner(r#","client_reference_id":"ann","payment_link":null,"metadata":null"#),
            ann()
        );
        assert_eq!(owner(r#","client_reference_id":null,"metadata":{"user_id":"ann"}"#), ann());
        assert_eq!(
            owner(r#","client_reference_id":"ann","payment_link":"plink_1""#),
            NamedOwner::None
        );
        assert_eq!(
            owner(r#","client_reference_id":"ann","payment_link":{"id":"plink_1"}"#),
            NamedOwner::None
        );
        assert_eq!(
            owner(r#","client_reference_id":"ann","metadata":{"user_id":"bob"}"#),
            NamedOwner::Ambiguous
        );
    }
}
