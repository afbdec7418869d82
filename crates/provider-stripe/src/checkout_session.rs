//! Parses Stripe's checkout sessions: new sessions, and completed sessions that name the owner of a
//! customer.

use billing_domain::{CheckoutSession, CustomerId, HostedUrl, NamedOwner};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::metadata::{Metadata, UserMetadataKey, merge_owners, owner_in_text};
use crate::object;
use crate::portal_session::Expected;

/// The relevant fields of a new `checkout.session`. It has no `Debug` because the URL is a secret.
#[derive(Deserialize)]
struct NewSession {
    object: String,
    id: String,
    customer: String,
    livemode: bool,
    mode: String,
    url: String,
}

/// The relevant fields of a completed `checkout.session`.
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

/// Parses a session from the body of a 200 (P4).
///
/// # Errors
/// The reason why the body is not a session for this order. It contains no text of the body,
/// which may contain a valid URL.
pub(crate) fn parse(body: &[u8], expected: Expected<'_>) -> Result<CheckoutSession, String> {
    let session: NewSession = object::read(body, "checkout session")?;
    object::check(&session.object, "checkout.session", session.livemode, expected.mode)?;
    if session.customer != expected.customer.as_str() {
        return Err("the session is for another customer".to_owned());
    }
    if session.mode != "subscription" {
        return Err("the session is not for a subscription".to_owned());
    }
    let url: HostedUrl = session.url.parse().map_err(|e| format!("the URL is unusable: {e}"))?;
    if url.is_insecure() && !expected.loopback_urls {
        return Err("the URL is not https".to_owned());
    }
    Ok(CheckoutSession { id: object::id(&session.id, "checkout session")?, url })
}

impl CompleteSession {
    /// Checks the type, the mode and the customer.
    pub(crate) fn check(
        &self,
        customer: &CustomerId,
        mode: billing_domain::Mode,
    ) -> Result<(), String> {
        object::check(&self.object, "checkout.session", self.livemode, mode)?;
        if self.customer.as_deref() == Some(customer.as_str()) {
            Ok(())
        } else {
            Err("a session belongs to another customer".to_owned())
        }
    }

    /// Returns the session's owner. Visitors of a payment link choose the reference
    /// themselves (<https://docs.stripe.com/payment-links/url-parameters>), so such a session has
    /// no owner.
    pub(crate) fn owner(&self, key: &UserMetadataKey) -> NamedOwner {
        if self.payment_link.is_some() {
            return NamedOwner::None;
        }
        merge_owners(
            owner_in_text(self.client_reference_id.as_deref()),
            key.owner(self.metadata.as_ref()),
        )
    }
}

#[cfg(test)]
mod tests {
    use billing_domain::Mode;

    use super::*;

    const NEW_SESSION: &str = r#"{"object":"checkout.session","id":"cs_test_1","customer":"cus_1","livemode":false,
        "mode":"subscription","url":"https://checkout.stripe.com/c/pay/secret"}"#;

    fn parsed(body: &str) -> Result<String, String> {
        let customer = "cus_1".parse().unwrap();
        let expected = Expected { customer: &customer, mode: Mode::Test, loopback_urls: false };
        parse(body.as_bytes(), expected).map(|session| session.id.to_string())
    }

    #[test]
    fn p4_only_a_session_for_this_order_is_accepted() {
        assert_eq!(parsed(NEW_SESSION), Ok("cs_test_1".to_owned()));
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
            assert!(NEW_SESSION.contains(from));
            let fault = parsed(&NEW_SESSION.replacen(from, to, 1)).unwrap_err();
            assert!(!fault.contains("secret"), "{fault}");
        }
    }

    #[test]
    fn completed_session_names_its_owner_unless_it_came_from_a_payment_link() {
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
