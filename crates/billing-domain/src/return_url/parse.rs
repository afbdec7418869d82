//! [`ReturnUrl`]: strict checks of the raw text, then parsing by the WHATWG URL standard.
//!
//! The standard accepts sloppy URLs (missing slashes, tabs, user names, backslashes), and parsers
//! read them differently. The checks reject such text before parsing.

use std::fmt;

use url::Url;

use super::authority::{check_authority, is_loopback};
use super::error::ReturnUrlError;
use super::origin::Origin;

/// A normalised absolute `https` URL (or `http` on a loopback host) with an allowed origin.
///
/// Only [`ReturnUrlPolicy::resolve`](super::ReturnUrlPolicy::resolve) and, for URLs in the
/// configuration, [`ReturnUrl::configured`] create it. An unchecked URL cannot reach a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnUrl(String);

/// A valid URL with an unchecked origin.
pub(super) struct Parsed {
    pub(super) url: ReturnUrl,
    pub(super) origin: Origin,
}

impl ReturnUrl {
    /// The maximum length in bytes, before and after normalisation.
    pub const MAX_BYTES: usize = 2048;

    /// Parses a URL of the configuration. Any origin is allowed.
    ///
    /// # Errors
    /// The broken rule; never [`ReturnUrlError::OriginNotAllowed`].
    pub fn configured(raw: &str) -> Result<Self, ReturnUrlError> {
        parse(raw).map(|parsed| parsed.url)
    }

    /// Returns the normalised URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the origin of this URL.
    #[must_use]
    pub fn origin(&self) -> Option<Origin> {
        Url::parse(&self.0).ok().as_ref().and_then(Origin::from_url)
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
    let origin = Origin::from_url(&url).ok_or(ReturnUrlError::Unparsable)?;
    let normalised = String::from(url);
    if normalised.len() > ReturnUrl::MAX_BYTES {
        return Err(ReturnUrlError::TooLong);
    }
    Ok(Parsed { url: ReturnUrl(normalised), origin })
}
