//! [`ApiBase`]: the base URL of Stripe's API. Tests and the sandbox use other base URLs.

use std::fmt;
use std::str::FromStr;

use url::form_urlencoded::byte_serialize;
use url::{Host, Url};

/// An https origin, or an http origin on a loopback host, without path, user and query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiBase {
    url: Url,
    loopback: bool,
}

impl ApiBase {
    /// The base URL of Stripe.
    pub const STRIPE: &'static str = "https://api.stripe.com";

    /// Returns whether the host is a loopback host.
    #[must_use]
    pub const fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// Returns the URL of an endpoint.
    pub(crate) fn endpoint(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        url.set_path(path);
        url
    }

    /// Returns the URL of an object. The id is escaped to one path segment. `None` for an empty id
    /// and for `.` and `..`, which cannot be escaped
    /// (<https://url.spec.whatwg.org/#double-dot-path-segment>).
    pub(crate) fn object(&self, path: &str, id: &str) -> Option<Url> {
        let segment: String = byte_serialize(id.as_bytes()).collect();
        (!matches!(id, "" | "." | "..")).then(|| self.endpoint(&format!("{path}/{segment}")))
    }
}

impl FromStr for ApiBase {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text)
            .map_err(|_| "it is not a URL; use one such as https://api.stripe.com")?;
        let loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => return Err("it has no host; use a URL such as https://api.stripe.com"),
        };
        if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
            return Err("it must be https, or http on a loopback host");
        }
        // Check the text: a parsed URL does not show an empty user (`https://@host`), query or
        // fragment.
        if text.contains(['@', '?', '#']) || url.path() != "/" {
            return Err(
                "it must be an origin such as https://api.stripe.com, without path, user, query \
                 and fragment",
            );
        }
        Ok(Self { url, loopback })
    }
}

impl fmt::Display for ApiBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_and_loopback_origins_are_accepted() {
        for (text, expected, loopback) in [
            (ApiBase::STRIPE, ApiBase::STRIPE, false),
            ("https://api.stripe.com/", ApiBase::STRIPE, false),
            ("http://127.0.0.1:12111", "http://127.0.0.1:12111", true),
            ("http://localhost:9", "http://localhost:9", true),
            ("http://[::1]:9/", "http://[::1]:9", true),
            ("https://stripe.internal:8443", "https://stripe.internal:8443", false),
        ] {
            let base: ApiBase = text.parse().unwrap();
            assert_eq!(
                (base.to_string().as_str(), base.is_loopback()),
                (expected, loopback),
                "{text}"
            );
        }
        let base: ApiBase = "http://127.0.0.1:12111".parse().unwrap();
        assert_eq!(base.endpoint("/v1/x").as_str(), "http://127.0.0.1:12111/v1/x");
    }

    #[test]
    fn ids_are_escaped_to_one_path_segment() {
        let base: ApiBase = ApiBase::STRIPE.parse().unwrap();
        let path = |id: &str| base.object("/v1/customers", id).map(|url| url.as_str().to_owned());
        for (id, segment) in [
            ("cus_1-a.b", "cus_1-a.b"),
            ("a/../b", "a%2F..%2Fb"),
            ("%2e%2e", "%252e%252e"),
            ("a?b#c", "a%3Fb%23c"),
            ("...", "..."),
            ("\\;@", "%5C%3B%40"),
        ] {
            assert_eq!(
                path(id),
                Some(format!("https://api.stripe.com/v1/customers/{segment}")),
                "{id}"
            );
        }
        for none in ["", ".", ".."] {
            assert_eq!(path(none), None, "{none}");
        }
    }

    #[test]
    fn other_urls_are_rejected() {
        for bad in [
            "",
            "api.stripe.com",
            "http://api.stripe.com",
            "http://localhost.example.com",
            "ftp://127.0.0.1",
            "https://u:p@api.stripe.com",
            "https://@api.stripe.com",
            "https://api.stripe.com/v1",
            "https://api.stripe.com/?x=1",
            "https://api.stripe.com?",
            "https://api.stripe.com/#f",
            "unix:/tmp/s",
        ] {
            assert!(bad.parse::<ApiBase>().is_err(), "{bad}");
        }
    }
}
