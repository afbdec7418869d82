//! What a provider is asked for, what it can do, and what it gives.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use crate::{CustomerId, Deadline, FlowKind, Locale, LocaleSupport, PortalFlow, ReturnUrl, Timestamp};

/// What a provider's portal can honour. [`PortalService`](crate::PortalService) asks for nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Whether the portal leads back to a URL of ours.
    pub return_url: bool,
    /// The portal's languages.
    pub locales: LocaleSupport,
    /// The deep links it knows.
    pub flows: BTreeSet<FlowKind>,
    /// Whether its answer says when the session expires.
    pub expiry: bool,
}

/// An order for a portal session; every value in it has been checked.
#[derive(Clone, Debug)]
pub struct PortalRequest {
    /// Whose portal.
    pub customer: CustomerId,
    /// Where its "return" link leads, where the provider has one.
    pub return_url: Option<ReturnUrl>,
    /// Its language; `None` leaves it to the provider.
    pub locale: Option<Locale>,
    /// The task it opens on; `None` is its front page.
    pub flow: Option<PortalFlow>,
    /// When the caller's time is up: attempts and retries all happen before it.
    pub deadline: Deadline,
}

/// A fresh portal session.
#[derive(Clone, Debug)]
pub struct PortalSession {
    /// Where the user goes.
    pub url: PortalUrl,
    /// The provider's id for the session, safe to log, if it has one.
    pub id: Option<String>,
    /// When the URL stops working, if the provider says.
    pub expires_at: Option<Timestamp>,
}

/// A portal session's URL: whoever has it is the customer. Its `Debug` is redacted, and it has no `Display`.
#[derive(Clone)]
pub struct PortalUrl(SecretString);

/// Why an answer's URL is not one that we hand to users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a portal URL is https (or http on a loopback host), without user name, at most 8,192 bytes")]
pub struct PortalUrlError;

impl PortalUrl {
    /// The URL, for the answer to the user and for nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether it is plain http (on loopback).
    #[must_use]
    pub fn is_insecure(&self) -> bool {
        !self.expose().get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://"))
    }
}

impl FromStr for PortalUrl {
    type Err = PortalUrlError;

    fn from_str(text: &str) -> Result<Self, PortalUrlError> {
        let url = Url::parse(text).map_err(|_| PortalUrlError)?;
        let loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => return Err(PortalUrlError),
        };
        let scheme_holds = url.scheme() == "https" || (url.scheme() == "http" && loopback);
        let plain = url.username().is_empty() && url.password().is_none();
        let clean = !text.chars().any(|c| c.is_control() || c.is_whitespace());
        if scheme_holds && plain && clean && text.len() <= 8192 {
            Ok(Self(SecretString::from(text)))
        } else {
            Err(PortalUrlError)
        }
    }
}

impl fmt::Debug for PortalUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PortalUrl([REDACTED])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_loopback_http_are_portal_urls() {
        assert!("https://billing.stripe.com/p/session/x".parse::<PortalUrl>().is_ok());
        assert!("http://127.0.0.1:12111/p/x".parse::<PortalUrl>().is_ok_and(|url| url.is_insecure()));
        for bad in [
            "",
            "/p/x",
            "http://billing.stripe.com/p",
            "javascript:alert(1)",
            "https://u:p@a.example/",
            "https://a.example/\n",
        ] {
            assert!(bad.parse::<PortalUrl>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn debug_shows_nothing() {
        let url: PortalUrl = "https://billing.stripe.com/p/session/live_abc".parse().unwrap();
        assert!(!format!("{url:?}").contains("live_abc"));
    }
}
