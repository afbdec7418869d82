//! [`HostedUrl`]: the secret URL of a page that the provider hosts.

use std::fmt;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

/// The URL of a portal or checkout session. It gives access to the customer's account, so `Debug`
/// is redacted, and there is no `Display`.
#[derive(Clone)]
pub struct HostedUrl(SecretString);

/// The text is not a valid hosted URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a hosted URL must use https (or http on loopback), no credentials and at most 8,192 bytes"
)]
pub struct HostedUrlError;

impl HostedUrl {
    /// Returns the URL. Use it only in the response to the caller.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Returns whether the scheme is http (on loopback).
    #[must_use]
    pub fn is_insecure(&self) -> bool {
        !self.expose().get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://"))
    }
}

impl FromStr for HostedUrl {
    type Err = HostedUrlError;

    fn from_str(text: &str) -> Result<Self, HostedUrlError> {
        let url = Url::parse(text).map_err(|_| HostedUrlError)?;
        let loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => return Err(HostedUrlError),
        };
        let scheme_allowed = url.scheme() == "https" || (url.scheme() == "http" && loopback);
        let no_user = url.username().is_empty() && url.password().is_none();
        let no_blanks = !text.chars().any(|c| c.is_control() || c.is_whitespace());
        if scheme_allowed && no_user && no_blanks && text.len() <= 8192 {
            Ok(Self(SecretString::from(text)))
        } else {
            Err(HostedUrlError)
        }
    }
}

impl fmt::Debug for HostedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostedUrl([REDACTED])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosted_url_is_https_or_loopback_http() {
        assert!("https://billing.stripe.com/p/session/x".parse::<HostedUrl>().is_ok());
        assert!(
            "http://127.0.0.1:12111/p/x".parse::<HostedUrl>().is_ok_and(|url| url.is_insecure())
        );
        for bad in [
            "",
            "/p/x",
            "http://billing.stripe.com/p",
            "javascript:alert(1)",
            "https://u:p@a.example/",
            "https://a.example/\n",
        ] {
            assert!(bad.parse::<HostedUrl>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn debug_output_is_redacted() {
        let url: HostedUrl = "https://billing.stripe.com/p/session/live_abc".parse().unwrap();
        assert!(!format!("{url:?}").contains("live_abc"));
    }
}
