//! [`ApiBase`]: where Stripe's API is, `https://api.stripe.com` unless a test or the sandbox says otherwise.

use std::fmt;
use std::str::FromStr;

use url::form_urlencoded::byte_serialize;
use url::{Host, Url};

/// An https origin, or an http one on a loopback host: no path, no user, no query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiBase {
    url: Url,
    loopback: bool,
}

impl ApiBase {
    /// Stripe itself.
    pub const STRIPE: &'static str = "https://api.stripe.com";

    /// Whether the host is a loopback host.
    #[must_use]
    pub const fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// The URL of an endpoint.
    pub(crate) fn endpoint(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        url.set_path(path);
        url
    }

    /// The URL of one of an endpoint's objects, the id as one segment whatever its characters. `None` for the two ids that
    /// are no segment in any escape (<https://url.spec.whatwg.org/#double-dot-path-segment>), and that no object has.
    pub(crate) fn object(&self, path: &str, id: &str) -> Option<Url> {
        let segment: String = byte_serialize(id.as_bytes()).collect();
        (!matches!(id, "" | "." | "..")).then(|| self.endpoint(&format!("{path}/{segment}")))
    }
}

impl FromStr for ApiBase {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text)
            .map_err(|_| "it is not a URL; give one such as https://api.stripe.com")?;
        let loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => return Err("it has no host; give one such as https://api.stripe.com"),
        };
        if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
            return Err("it must be https, or http on a loopback host");
        }
        // Also an empty user (`https://@host`), query or fragment, which a parsed URL no longer shows.
        if text.contains(['@', '?', '#']) || url.path() != "/" {
            return Err(
                "it must be an origin alone, such as https://api.stripe.com: no path, user, query or fragment",
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
    fn an_origin_on_https_or_loopback_is_taken() {
        for (text, shown, loopback) in [
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
                (shown, loopback),
                "{text}"
            );
        }
        let base: ApiBase = "http://127.0.0.1:12111".parse().unwrap();
        assert_eq!(base.endpoint("/v1/x").as_str(), "http://127.0.0.1:12111/v1/x");
    }

    #[test]
    fn an_id_is_one_segment_whatever_its_characters() {
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
    fn anything_else_is_refused() {
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
