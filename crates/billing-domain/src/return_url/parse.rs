//! [`ReturnUrl`]: the raw text is checked first, then parsed by the WHATWG rules that browsers follow.
//!
//! The URL standard forgives much (missing slashes, tabs inside, user names, back-slashes), and what one parser forgives
//! another reads differently. So what could be read two ways is refused before any parser sees it.

use std::fmt;

use url::Url;

use super::authority::{check_authority, is_loopback};
use super::error::ReturnUrlError;
use super::origin::Origin;

/// An absolute `https` URL (or `http` on a loopback host) in normalised form, whose origin the caller may send users to.
///
/// Made by [`ReturnUrlPolicy::resolve`](super::ReturnUrlPolicy::resolve) or, for the operator's own dashboard, by
/// [`ReturnUrl::configured`]; there is no other way, so an unchecked URL cannot reach a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnUrl(String);

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
