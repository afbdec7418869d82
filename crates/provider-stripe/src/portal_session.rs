//! Parses Stripe's portal sessions (P4).

use billing_domain::{CustomerId, HostedUrl, Mode, PortalSession};
use serde::Deserialize;

use crate::object;

/// Expected values of a response.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected<'a> {
    pub(crate) customer: &'a CustomerId,
    pub(crate) mode: Mode,
    /// Whether http URLs on loopback are allowed.
    pub(crate) loopback_urls: bool,
}

/// The relevant fields of Stripe's object `billing_portal.session`. It has no `Debug` because the
/// URL is a secret.
#[derive(Deserialize)]
struct SessionObject {
    object: String,
    customer: String,
    livemode: bool,
    url: String,
    id: Option<String>,
}

/// Parses a session from the body of a 200.
///
/// # Errors
/// The reason why the body is not a session for this request. It contains no text of the body,
/// which may contain a valid URL.
pub(crate) fn parse(body: &[u8], expected: Expected<'_>) -> Result<PortalSession, String> {
    let session: SessionObject = object::read(body, "portal session")?;
    object::check(&session.object, "billing_portal.session", session.livemode, expected.mode)?;
    if session.customer != expected.customer.as_str() {
        return Err("the session is for another customer".to_owned());
    }
    let url: HostedUrl = session.url.parse().map_err(|e| format!("the URL is unusable: {e}"))?;
    if url.is_insecure() && !expected.loopback_urls {
        return Err("the URL is not https".to_owned());
    }
    let id = session.id.filter(|id| is_loggable(id));
    Ok(PortalSession { url, id, expires_at: None })
}

/// Returns whether an id has only characters of Stripe's ids, so that it is safe to log.
pub(crate) fn is_loggable(id: &str) -> bool {
    (1..=255).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
