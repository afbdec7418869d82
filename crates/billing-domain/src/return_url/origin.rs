//! [`Origin`] and patterns of allowed origins.

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

use super::authority::{check_authority, is_loopback};

/// Scheme, host and port (RFC 6454), in lower case. `Display` omits the default port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    secure: bool,
    host: String,
    port: u16,
    loopback: bool,
}

/// A pattern of allowed origins.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum OriginPattern {
    /// Exactly this origin: `https://app.example.com`, `http://localhost:3000`.
    Exact(Origin),
    /// All sub-domains of this https origin, without the origin itself: `https://*.example.com`.
    Subdomains(Origin),
    /// Any https origin: `*`.
    AnyHttps,
    /// Any http origin on a loopback host. Only the embedded default uses it; it has no text form.
    AnyLoopbackHttp,
}

/// The reasons why a pattern is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OriginPatternError {
    /// Not an accepted form of an origin.
    #[error(
        "an origin is https://host[:port], https://*.domain[:port] or \
         http://<loopback host>[:port], without a path"
    )]
    Malformed,
    /// `http` with a wildcard or without a loopback host.
    #[error("http is allowed for exact loopback origins only")]
    Insecure,
}

impl Origin {
    /// Returns the origin of an http or https URL.
    pub(super) fn from_url(url: &Url) -> Option<Self> {
        let secure = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let host = url.host()?;
        Some(Self {
            secure,
            loopback: is_loopback(&host),
            host: host.to_string(),
            port: url.port_or_known_default()?,
        })
    }

    /// Returns whether the scheme is https.
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// Returns whether the host is a loopback host.
    #[must_use]
    pub const fn is_loopback(&self) -> bool {
        self.loopback
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, wildcard: &str) -> fmt::Result {
        let (scheme, default) = if self.secure { ("https", 443) } else { ("http", 80) };
        write!(f, "{scheme}://{wildcard}{}", self.host)?;
        if self.port == default { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, "")
    }
}

impl OriginPattern {
    /// Returns whether the pattern allows this origin.
    #[must_use]
    pub fn allows(&self, origin: &Origin) -> bool {
        match self {
            Self::Exact(allowed) => allowed == origin,
            Self::Subdomains(parent) => {
                let prefix =
                    origin.host.strip_suffix(&parent.host).and_then(|rest| rest.strip_suffix('.'));
                origin.secure
                    && origin.port == parent.port
                    && prefix.is_some_and(|labels| !labels.is_empty())
            }
            Self::AnyHttps => origin.secure,
            Self::AnyLoopbackHttp => !origin.secure && origin.loopback,
        }
    }

    /// Returns whether the pattern allows every origin that `other` allows.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::Exact(origin)) => self.allows(origin),
            (Self::AnyHttps, Self::Subdomains(_) | Self::AnyHttps)
            | (Self::AnyLoopbackHttp, Self::AnyLoopbackHttp) => true,
            (Self::Subdomains(parent), Self::Subdomains(child)) => {
                parent == child || self.allows(child)
            }
            (Self::Exact(_) | Self::Subdomains(_) | Self::AnyLoopbackHttp, _)
            | (Self::AnyHttps, Self::AnyLoopbackHttp) => false,
        }
    }

    /// Returns whether the pattern allows origins of unrelated organisations: `*`, or a wildcard on
    /// a public suffix. Live mode rejects such patterns.
    ///
    /// An unknown top-level domain counts as a public suffix (<https://publicsuffix.org>).
    #[must_use]
    pub fn is_broad(&self) -> bool {
        match self {
            Self::Exact(_) => false,
            Self::Subdomains(parent) => psl::suffix(parent.host.as_bytes())
                .is_some_and(|suffix| suffix.as_bytes() == parent.host.as_bytes()),
            Self::AnyHttps | Self::AnyLoopbackHttp => true,
        }
    }
}

impl FromStr for OriginPattern {
    type Err = OriginPatternError;

    fn from_str(text: &str) -> Result<Self, OriginPatternError> {
        if text == "*" {
            return Ok(Self::AnyHttps);
        }
        let malformed = |_| OriginPatternError::Malformed;
        let (scheme, authority) = text.split_once("://").ok_or(OriginPatternError::Malformed)?;
        let (subdomains, authority) = match authority.strip_prefix("*.") {
            Some(parent) => (true, parent),
            None => (false, authority),
        };
        check_authority(authority).map_err(malformed)?;
        let url = Url::parse(&format!("{scheme}://{authority}"))
            .map_err(|_| OriginPatternError::Malformed)?;
        let origin = Origin::from_url(&url).ok_or(OriginPatternError::Malformed)?;
        if !origin.secure && (subdomains || !origin.loopback) {
            return Err(OriginPatternError::Insecure);
        }
        match (subdomains, url.host()) {
            (false, _) => Ok(Self::Exact(origin)),
            (true, Some(Host::Domain(_))) => Ok(Self::Subdomains(origin)),
            (true, _) => Err(OriginPatternError::Malformed),
        }
    }
}

impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(origin) => origin.write(f, ""),
            Self::Subdomains(parent) => parent.write(f, "*."),
            Self::AnyHttps => f.write_str("*"),
            Self::AnyLoopbackHttp => f.write_str("any http loopback origin"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> OriginPattern {
        text.parse().unwrap()
    }

    #[test]
    fn pattern_round_trips_through_display() {
        for text in [
            "*",
            "https://app.example.com",
            "https://*.example.com:8443",
            "http://localhost:3000",
            "http://[::1]:9",
        ] {
            assert_eq!(pattern(text).to_string(), text);
        }
        assert_eq!(pattern("HTTPS://App.Example.com:443").to_string(), "https://app.example.com");
    }

    #[test]
    fn invalid_origins_are_rejected() {
        for bad in [
            "",
            "app.example.com",
            "https://",
            "https://app.example.com/",
            "https://a.example/x",
            "https://u@a.example",
            "https://*",
            "https://*.",
            "https://a.*.example",
            "https://*.127.0.0.1",
            "https://*.[::1]",
            "ftp://a.example",
            "https://a.example:0",
            "https://a.example:",
            "https://a..example",
            "https://a.example.",
            "**",
        ] {
            assert_eq!(bad.parse::<OriginPattern>(), Err(OriginPatternError::Malformed), "{bad}");
        }
        for bad in ["http://app.example.com", "http://*.localhost"] {
            assert_eq!(bad.parse::<OriginPattern>(), Err(OriginPatternError::Insecure), "{bad}");
        }
    }

    #[test]
    fn pattern_covers_only_allowed_origins() {
        let covers = |outer: &str, inner: &str| pattern(outer).covers(&pattern(inner));
        assert!(
            covers("*", "https://*.example.com")
                && covers("*", "*")
                && covers("*", "https://a.test:8443")
        );
        assert!(covers("https://*.example.com", "https://*.example.com"));
        assert!(covers("https://*.example.com", "https://*.b.example.com"));
        assert!(covers("https://*.example.com", "https://a.example.com"));
        for (outer, inner) in [
            ("https://*.example.com", "*"),
            ("https://*.example.com", "https://example.com"),
            ("https://*.b.example.com", "https://*.example.com"),
            ("https://*.example.com", "https://*.b.example.com:8443"),
            ("https://a.example.com", "https://*.a.example.com"),
            ("*", "http://localhost"),
        ] {
            assert!(!covers(outer, inner), "{outer} {inner}");
        }
    }

    #[test]
    fn wildcard_on_public_suffix_is_broad() {
        for broad in
            ["*", "https://*.com", "https://*.co.uk", "https://*.github.io", "https://*.unlisted"]
        {
            assert!(pattern(broad).is_broad(), "{broad}");
        }
        for narrow in [
            "https://*.example.com",
            "https://*.example.co.uk",
            "https://example.com",
            "https://com",
        ] {
            assert!(!pattern(narrow).is_broad(), "{narrow}");
        }
    }
}
