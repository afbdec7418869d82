//! Stripe's answer as a portal session, or why it is none (P4).

use billing_domain::{CustomerId, HostedUrl, Mode, PortalSession};
use serde::Deserialize;

use crate::object;

/// What an answer must agree with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected<'a> {
    pub(crate) customer: &'a CustomerId,
    pub(crate) mode: Mode,
    /// Whether the URL may be plain http on loopback.
    pub(crate) loopback_urls: bool,
}

/// The fields of Stripe's object `billing_portal.session` that count here. No `Debug`: the URL is a secret.
#[derive(Deserialize)]
struct SessionObject {
    object: String,
    customer: String,
    livemode: bool,
    url: String,
    id: Option<String>,
}

/// Reads a session from the body of a 200.
///
/// # Errors
/// Why the body is no session for this order, without any of its text: it may hold a URL that works.
pub(crate) fn parse(body: &[u8], expected: Expected<'_>) -> Result<PortalSession, String> {
    let session: SessionObject = object::read(body, "portal session")?;
    object::check(&session.object, "billing_portal.session", session.livemode, expected.mode)?;
    if session.customer != expected.customer.as_str() {
        return Err("the session is for another customer".to_owned());
    }
    let url: HostedUrl =
        session.url.parse().map_err(|e| format!("the URL cannot be handed out: {e}"))?;
    if url.is_insecure() && !expected.loopback_urls {
        return Err("the URL is not https".to_owned());
    }
    let id = session.id.filter(|id| is_loggable(id));
    Ok(PortalSession { url, id, expires_at: None })
}

/// Whether an id looks like one of Stripe's, so that it may stand in a log as it is.
pub(crate) fn is_loggable(id: &str) -> bool {
    (1..=255).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
