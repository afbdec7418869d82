//! Stripe's answer as a portal session, or why it is none (P4).

use billing_domain::{CustomerId, HostedUrl, Mode, PortalSession};
use serde::Deserialize;

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
    // serde takes an array for a struct, field by field.
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err("the body is not a JSON object".to_owned());
    }
    let session: SessionObject = serde_json::from_slice(body)
        .map_err(|e| format!("the body is not a portal session, from line {} column {}", e.line(), e.column()))?;
    if session.object != "billing_portal.session" {
        return Err("the object is not a billing_portal.session".to_owned());
    }
    if session.customer != expected.customer.as_str() {
        return Err("the session is for another customer".to_owned());
    }
    if session.livemode != (expected.mode == Mode::Live) {
        return Err(format!("the session is not of {} mode", expected.mode));
    }
    let url: HostedUrl = session.url.parse().map_err(|e| format!("the URL cannot be handed out: {e}"))?;
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
