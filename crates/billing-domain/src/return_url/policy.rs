//! [`ReturnUrlPolicy`]: the return URLs that this deployment allows.

use super::error::ReturnUrlError;
use super::origin::OriginPattern;
use super::parse::{ReturnUrl, parse};
use crate::Mode;

/// The default return URL and the allowed origins of other return URLs.
#[derive(Clone, Debug)]
pub struct ReturnUrlPolicy {
    default: ReturnUrl,
    allowed: Vec<OriginPattern>,
    mode: Mode,
}

/// A pattern that live mode rejects, because it allows origins of unrelated organisations.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` allows origins of unrelated organisations, which live mode rejects: \
     list exact origins or your own domain"
)]
pub struct BroadOriginError(pub OriginPattern);

impl ReturnUrlPolicy {
    /// Creates a policy. The default URL may have any origin.
    ///
    /// # Errors
    /// [`BroadOriginError`] for a pattern that live mode rejects.
    pub fn new(
        default: ReturnUrl,
        allowed: Vec<OriginPattern>,
        mode: Mode,
    ) -> Result<Self, BroadOriginError> {
        match allowed.iter().find(|pattern| mode == Mode::Live && pattern.is_broad()) {
            Some(broad) => Err(BroadOriginError(broad.clone())),
            None => Ok(Self { default, allowed, mode }),
        }
    }

    /// Replaces the default URL, which may have any origin.
    #[must_use]
    pub fn with_default(mut self, default: ReturnUrl) -> Self {
        self.default = default;
        self
    }

    /// Returns the allowed origins.
    #[must_use]
    pub fn allowed(&self) -> &[OriginPattern] {
        &self.allowed
    }

    /// Returns the requested URL if it is allowed, or the default without a request.
    ///
    /// `own` are allowed origins of the credential, in addition to the policy's. Live mode ignores
    /// broad patterns.
    ///
    /// # Errors
    /// The rule that the requested URL breaks.
    pub fn resolve(
        &self,
        requested: Option<&str>,
        own: &[OriginPattern],
    ) -> Result<ReturnUrl, ReturnUrlError> {
        let Some(raw) = requested else { return Ok(self.default.clone()) };
        let parsed = parse(raw)?;
        let is_usable = |pattern: &&OriginPattern| self.mode == Mode::Test || !pattern.is_broad();
        let mut patterns = self.allowed.iter().chain(own).filter(is_usable);
        if patterns.any(|pattern| pattern.allows(&parsed.origin)) {
            Ok(parsed.url)
        } else {
            Err(ReturnUrlError::OriginNotAllowed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(origins: &[&str], raw: &str) -> Result<String, ReturnUrlError> {
        let allowed = origins.iter().map(|text| text.parse().unwrap()).collect();
        let default = ReturnUrl::configured("https://dash.example/home").unwrap();
        let policy = ReturnUrlPolicy::new(default, allowed, Mode::Test).unwrap();
        policy.resolve(Some(raw), &[]).map(|url| url.as_str().to_owned())
    }

    #[test]
    fn default_url_may_have_any_origin() {
        let policy = ReturnUrlPolicy::new(
            ReturnUrl::configured("https://dash.example/x").unwrap(),
            vec![],
            Mode::Live,
        )
        .unwrap();
        assert_eq!(policy.resolve(None, &[]).unwrap().as_str(), "https://dash.example/x");
        assert_eq!(
            policy.resolve(Some("https://dash.example/x"), &[]),
            Err(ReturnUrlError::OriginNotAllowed)
        );
    }

    #[test]
    fn urls_are_normalised() {
        let app = &["https://app.example.com"];
        assert_eq!(
            resolve(app, "HTTPS://App.Example.COM:443").unwrap(),
            "https://app.example.com/"
        );
        assert_eq!(
            resolve(app, "https://app.example.com/ä?q=ü#ö").unwrap(),
            "https://app.example.com/%C3%A4?q=%C3%BC#%C3%B6"
        );
        assert_eq!(
            resolve(app, "https://app.example.com/a/../b").unwrap(),
            "https://app.example.com/b"
        );
    }

    #[test]
    fn subdomain_pattern_excludes_bare_host() {
        let wild = &["https://*.example.com"];
        assert!(resolve(wild, "https://a.example.com").is_ok());
        assert!(resolve(wild, "https://a.b.example.com/x").is_ok());
        for bad in [
            "https://example.com",
            "https://evilexample.com",
            "https://a.example.com:8443",
            "https://a.example.com.evil.test",
        ] {
            assert_eq!(resolve(wild, bad), Err(ReturnUrlError::OriginNotAllowed), "{bad}");
        }
    }

    #[test]
    fn ambiguous_urls_are_rejected_before_parsing() {
        use ReturnUrlError as E;
        let any = &["*"];
        for (bad, why) in [
            ("", E::Scheme),
            ("//a.example", E::Scheme),
            ("https:/a.example", E::Scheme),
            ("javascript://a.example", E::Scheme),
            ("https:///a.example", E::Host),
            ("https://", E::Host),
            ("https://a..example", E::Host),
            ("https://.a", E::Host),
            ("https://a.example./", E::Host),
            ("https://u@a.example", E::Host),
            ("https://a%2eb", E::Host),
            ("https://ä.example", E::Host),
            ("https://a.example:/", E::Port),
            ("https://a.example:0", E::Port),
            ("https://a.example:65536", E::Port),
            ("https://a.example:+80", E::Port),
            ("https://a.example:80:80", E::Port),
            ("https://[::1", E::Host),
            ("https://[::1]x", E::Host),
            ("https://[fe80::1%25eth0]", E::Host),
            (" https://a.example", E::Character),
            ("https://a.example/\t", E::Character),
            ("https://a.example\\@b", E::Character),
            ("https://a.example/\u{2028}", E::Character),
            ("http://a.example", E::Scheme),
            ("https://u:80@a.example", E::Port),
            ("https://xn--a.example", E::Unparsable),
        ] {
            assert_eq!(resolve(any, bad), Err(why), "{bad:?}");
        }
    }

    #[test]
    fn http_requires_listed_loopback_origin() {
        assert!(resolve(&["http://localhost:3000"], "http://localhost:3000/x").is_ok());
        assert_eq!(
            resolve(&["http://localhost:3000"], "http://localhost:3001/x"),
            Err(ReturnUrlError::OriginNotAllowed)
        );
        assert_eq!(
            resolve(&["*"], "http://localhost:3000/x"),
            Err(ReturnUrlError::OriginNotAllowed)
        );
    }

    #[test]
    fn length_limit_applies_before_and_after_normalisation() {
        let path = |n: usize| format!("https://a.example/{}", "x".repeat(n - 18));
        assert!(resolve(&["*"], &path(2048)).is_ok());
        assert_eq!(resolve(&["*"], &path(2049)), Err(ReturnUrlError::TooLong));
        let grows = format!("https://a.example/{}", "ä".repeat(1000));
        assert_eq!(resolve(&["*"], &grows), Err(ReturnUrlError::TooLong));
    }

    #[test]
    fn live_mode_ignores_broad_patterns() {
        let default = ReturnUrl::configured("https://dash.example").unwrap();
        let broad: OriginPattern = "https://*.com".parse().unwrap();
        assert_eq!(
            ReturnUrlPolicy::new(default.clone(), vec![broad.clone()], Mode::Live).unwrap_err(),
            BroadOriginError(broad.clone())
        );
        let live = ReturnUrlPolicy::new(default, vec![], Mode::Live).unwrap();
        assert_eq!(
            live.resolve(Some("https://evil.com"), &[broad]),
            Err(ReturnUrlError::OriginNotAllowed)
        );
        let own = "https://*.example.com".parse().unwrap();
        assert!(live.resolve(Some("https://a.example.com"), &[own]).is_ok());
    }
}
