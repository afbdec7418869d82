//! [`ReturnUrl`]: the raw text is checked first, then parsed by the WHATWG rules that browsers follow.
//!
//! The URL standard forgives much (missing slashes, tabs inside, user names, back-slashes), and what one parser forgives
//! another reads differently. So what could be read two ways is refused before any parser sees it.

use std::fmt;

use url::{Host, Url};

use super::origin::Origin;

/// An absolute `https` URL (or `http` on a loopback host) in normalised form, whose origin the caller may send users to.
///
/// Made by [`ReturnUrlPolicy::resolve`](super::ReturnUrlPolicy::resolve) or, for the operator's own dashboard, by
/// [`ReturnUrl::configured`]; there is no other way, so an unchecked URL cannot reach a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnUrl(String);

/// Why a return URL was refused. For the log and the caller: it names the rule, never the URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReturnUrlError {
    /// Longer than 2,048 bytes, as given or once normalised.
    #[error("it is longer than 2,048 bytes")]
    TooLong,
    /// It does not start with `https://`, or with `http://` on a loopback host.
    #[error("it does not start with https://")]
    Scheme,
    /// A control character, white space or a backslash.
    #[error("it contains white space, a control character or a backslash")]
    Character,
    /// The host is missing or holds what a host name cannot.
    #[error("its host is not a plain host name or bracketed IPv6 address")]
    Host,
    /// A colon that is not followed by a port from 1 to 65535.
    #[error("its port is not a number from 1 to 65535")]
    Port,
    /// The URL parser refused it.
    #[error("it is not a valid URL")]
    Unparsable,
    /// A fine URL whose origin is not allowed.
    #[error("its origin is not allowed")]
    OriginNotAllowed,
    /// The provider cannot lead users to a URL of the caller's choice.
    #[error("the provider does not support return URLs")]
    Unsupported,
}

/// A URL that passed the checks of form, not yet those of origin.
pub(super) struct Parsed {
    pub(super) url: ReturnUrl,
    pub(super) origin: Origin,
}

impl ReturnUrl {
    /// The longest return URL, in bytes, as given and once normalised.
    pub const MAX_BYTES: usize = 2048;

    /// A URL of the operator's own configuration (the dashboard): checked for form, held against no list.
    ///
    /// # Errors
    /// The form's rule that it breaks; never [`ReturnUrlError::OriginNotAllowed`].
    pub fn configured(raw: &str) -> Result<Self, ReturnUrlError> {
        parse(raw).map(|parsed| parsed.url)
    }

    /// The normalised form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The origin of this URL: what a configured dashboard allows by default.
    #[must_use]
    pub fn origin(&self) -> Option<Origin> {
        Url::parse(&self.0).ok().as_ref().and_then(Origin::of)
    }
}

impl fmt::Display for ReturnUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Checks the raw text, then parses and normalises it.
pub(super) fn parse(raw: &str) -> Result<Parsed, ReturnUrlError> {
    if raw.len() > ReturnUrl::MAX_BYTES {
        return Err(ReturnUrlError::TooLong);
    }
    if raw.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err(ReturnUrlError::Character);
    }
    let (scheme, rest) = raw.split_once("://").ok_or(ReturnUrlError::Scheme)?;
    let secure = scheme.eq_ignore_ascii_case("https");
    if !secure && !scheme.eq_ignore_ascii_case("http") {
        return Err(ReturnUrlError::Scheme);
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    check_authority(authority)?;
    let url = Url::parse(raw).map_err(|_| ReturnUrlError::Unparsable)?;
    if !secure && !url.host().is_some_and(|host| is_loopback(&host)) {
        return Err(ReturnUrlError::Scheme);
    }
    let origin = Origin::of(&url).ok_or(ReturnUrlError::Unparsable)?;
    let normalised = String::from(url);
    if normalised.len() > ReturnUrl::MAX_BYTES {
        return Err(ReturnUrlError::TooLong);
    }
    Ok(Parsed { url: ReturnUrl(normalised), origin })
}

/// `host`, `host:port`, `[v6]` or `[v6]:port`, and nothing that a lenient parser would make something else of.
pub(super) fn check_authority(authority: &str) -> Result<(), ReturnUrlError> {
    if let Some(bracketed) = authority.strip_prefix('[') {
        let (address, after) = bracketed.split_once(']').ok_or(ReturnUrlError::Host)?;
        address.parse::<std::net::Ipv6Addr>().map_err(|_| ReturnUrlError::Host)?;
        return match after.strip_prefix(':') {
            Some(port) => check_port(port),
            None if after.is_empty() => Ok(()),
            None => Err(ReturnUrlError::Host),
        };
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let label =
        |l: &str| !l.is_empty() && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !host.split('.').all(label) {
        return Err(ReturnUrlError::Host);
    }
    port.map_or(Ok(()), check_port)
}

fn check_port(port: &str) -> Result<(), ReturnUrlError> {
    let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    match port.parse::<u16>() {
        Ok(1..) if digits => Ok(()),
        _ => Err(ReturnUrlError::Port),
    }
}

/// `localhost` and its sub-domains (RFC 6761, section 6.3), 127.0.0.0/8 and `::1`.
pub(super) fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}
