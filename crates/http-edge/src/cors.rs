//! [`CorsPolicy`]: which web pages may call the API from a browser (the CORS protocol of the Fetch standard).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
    VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use strict_json::printable;
use url::{Host, Url};

/// Methods that a listed page may try. Which ones a path knows, `Allow` says: beside this on the answer to the preflight,
/// and on the 405 that the page gets and can read, where a refused preflight would tell it nothing.
const ALLOWED_METHODS: HeaderValue =
    HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");

/// Request headers that are ours to take. `Authorization` is never covered by a wildcard (Fetch, "CORS non-wildcard request-header name").
const ALLOWED_HEADERS: HeaderValue =
    HeaderValue::from_static("Authorization, Content-Type, X-Request-Id");

/// Headers of answers that a page may read beside the ones that Fetch grants to all.
const EXPOSED_HEADERS: HeaderValue = HeaderValue::from_static(
    "X-Request-Id, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, WWW-Authenticate",
);

/// Seconds for which a browser may remember the answer to a preflight: two hours is the most that Chromium takes (MDN,
/// `Access-Control-Max-Age`). It saves the preflight and grants nothing: an origin that leaves the list can read no
/// answer from then on.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

/// Origins whose pages may call the paths under `/api/` and read the answers. Empty by default: CORS is closed.
///
/// Credentials come in the `Authorization` header, which a page sets itself; so cookies stay out, and
/// `Access-Control-Allow-Credentials` is never sent. A head that is refused unread (414, 431, malformed) has no origin
/// to answer to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CorsPolicy(Arc<[HeaderValue]>);

impl CorsPolicy {
    /// Reads a comma-separated list of exact origins: https, or http on a loopback host. Case and default ports are
    /// normalised, as browsers do.
    ///
    /// # Errors
    /// One sentence that names every entry which is none.
    pub fn parse(list: &str) -> Result<Self, String> {
        let mut origins = Vec::new();
        let mut wrong = Vec::new();
        for entry in list.split(',').map(str::trim) {
            match origin(entry) {
                Some(origin) => origins.push(origin),
                None => wrong.push(format!("`{}`", printable(entry))),
            }
        }
        if wrong.is_empty() {
            return Ok(Self(origins.into()));
        }
        let remedy = "write https://host[:port], or http:// with a loopback host, without path and wildcard, separated by commas";
        let verb = if wrong.len() == 1 { "is no exact origin" } else { "are no exact origins" };
        Err(format!("{} {verb}: {remedy}", wrong.join(", ")))
    }

    /// What this request's answer is to say.
    pub(crate) fn judge(&self, request: &Request) -> CrossOrigin {
        if self.0.is_empty() {
            return CrossOrigin::Closed;
        }
        let mut sent = request.headers().get_all(ORIGIN).iter();
        let listed = match (sent.next(), sent.next()) {
            (Some(only), None) => self.0.iter().find(|origin| *origin == only),
            _ => None,
        };
        match listed {
            None => CrossOrigin::Unlisted,
            Some(origin) => CrossOrigin::Listed {
                origin: origin.clone(),
                preflight: request.method() == Method::OPTIONS
                    && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD),
            },
        }
    }
}

/// A request in the eyes of the policy.
#[derive(Debug)]
pub(crate) enum CrossOrigin {
    /// No origin is listed, or the path is not the API's.
    Closed,
    /// No origin was sent, or none that is listed.
    Unlisted,
    /// A page of a listed origin asks, or its browser does before it (`preflight`).
    Listed { origin: HeaderValue, preflight: bool },
}

impl CrossOrigin {
    /// Turns the router's 405 for `OPTIONS` into the answer to a preflight: the path exists. Whatever else it says stays.
    pub(crate) fn preflight(&self, answer: Response) -> Response {
        let granted = matches!(self, Self::Listed { preflight: true, .. });
        if !granted || answer.status() != StatusCode::METHOD_NOT_ALLOWED {
            return answer;
        }
        let mut granted = Response::new(Body::empty());
        *granted.status_mut() = StatusCode::NO_CONTENT;
        let headers = granted.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, ALLOWED_METHODS);
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS);
        headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        granted
    }

    /// Lets the page read the answer, whatever it is, if its origin is listed.
    pub(crate) fn mark(self, headers: &mut HeaderMap) {
        if matches!(self, Self::Closed) {
            return;
        }
        // Also where there was no origin: a cache must not give that answer to a page (Fetch, "CORS protocol and HTTP caches").
        headers.append(VARY, HeaderValue::from_static("Origin"));
        if let Self::Listed { origin, preflight } = self {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            if !preflight {
                headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
            }
        }
    }
}

/// An origin as browsers write it in `Origin` (HTML standard, "ASCII serialisation of an origin").
fn origin(text: &str) -> Option<HeaderValue> {
    let (scheme, authority) = text.split_once("://")?;
    let secure = scheme.eq_ignore_ascii_case("https");
    // The parser is lenient: what it would drop, decode or take for something else is refused before.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    if !(secure || scheme.eq_ignore_ascii_case("http")) || !authority.bytes().all(plain) {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let trusted = secure
        || match url.host()? {
            Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        };
    trusted.then(|| HeaderValue::from_str(&url.origin().ascii_serialization()).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn h6_origins_are_kept_as_browsers_write_them() {
        for (text, expected) in [
            ("https://app.example.com", "https://app.example.com"),
            ("HTTPS://App.Example.COM:443", "https://app.example.com"),
            ("https://app.example.com:8443", "https://app.example.com:8443"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://app.localhost:80", "http://app.localhost"),
            ("http://127.0.0.1:5173", "http://127.0.0.1:5173"),
            ("http://[0:0::1]:5173", "http://[::1]:5173"),
            ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ] {
            assert_eq!(origin(text).unwrap(), expected, "{text}");
        }
        let policy = CorsPolicy::parse(" https://a.example , https://b.example").unwrap();
        assert_eq!(policy.0.len(), 2);
    }

    #[test]
    fn h6_what_is_no_exact_origin_is_named() {
        for entry in [
            "",
            "*",
            "null",
            "app.example.com",
            "https://",
            "https://*",
            "https://*.example.com",
            "https://app.example.com/",
            "https://app.example.com/x",
            "https://app.example.com?x",
            "https://app.example.com#x",
            "https://u@app.example.com",
            "https://app.example.com\\",
            "https://app%2eexample.com",
            "https://bücher.example",
            "https://app.example.com:0x1",
            "https://app.example.com:65536",
            "https://a b",
            "https://[::1",
            "http://app.example.com",
            "http://10.0.0.1",
            "http://localhost.example.com",
            "ftp://localhost",
            "https:app.example.com",
            "https:///app.example.com",
            "file://",
            "wss://app.example.com",
            "https://1.2.3.999",
        ] {
            let fault = CorsPolicy::parse(entry).unwrap_err();
            let named = format!("`{}` is no exact origin: write ", printable(entry));
            assert!(fault.starts_with(&named), "{fault}");
        }
        let fault = CorsPolicy::parse("https://a.example,*,null").unwrap_err();
        assert!(fault.starts_with("`*`, `null` are no exact origins: "), "{fault}");
    }

    fn judged(policy: &str, origins: &[&[u8]]) -> CrossOrigin {
        let mut request = Request::new(Body::empty());
        for origin in origins {
            request.headers_mut().append(ORIGIN, HeaderValue::from_bytes(origin).unwrap());
        }
        CorsPolicy::parse(policy).unwrap().judge(&request)
    }

    #[test]
    fn h6_only_one_exact_origin_is_listed() {
        let policy = "https://app.example.com,http://localhost:3000";
        for origin in ["https://app.example.com", "http://localhost:3000"] {
            assert!(
                matches!(judged(policy, &[origin.as_bytes()]), CrossOrigin::Listed { .. }),
                "{origin}"
            );
        }
        for origins in [
            vec![],
            vec!["null"],
            vec![""],
            vec!["https://APP.example.com"],
            vec!["https://app.example.com:443"],
            vec!["https://app.example.com/"],
            vec!["https://app.example.com."],
            vec!["http://app.example.com"],
            vec!["https://app.example.com.evil.example"],
            vec!["https://evil-app.example.com"],
            vec!["https://app.example.com, https://evil.example"],
            vec!["https://app.example.com", "https://app.example.com"],
            vec!["http://localhost:30000"],
        ] {
            let sent: Vec<_> = origins.iter().map(|origin| origin.as_bytes()).collect();
            assert!(matches!(judged(policy, &sent), CrossOrigin::Unlisted), "{origins:?}");
        }
        assert!(matches!(
            CorsPolicy::default().judge(&Request::new(Body::empty())),
            CrossOrigin::Closed
        ));
    }

    proptest! {
        #[test]
        fn h6_origin_is_kept_as_browsers_send_it(
            upper_case in any::<bool>(),
            host in "[a-zA-Z][a-zA-Z0-9]{0,9}(\\.[a-zA-Z][a-zA-Z0-9]{0,9}){0,3}",
            port in proptest::option::weighted(0.7, prop_oneof![Just(443), 1..=u16::MAX]),
        ) {
            let scheme = if upper_case { "HTTPS" } else { "https" };
            let written = port.map_or_else(String::new, |port| format!(":{port}"));
            let sent_port = if port == Some(443) { "" } else { &written };
            let sent = format!("https://{}{sent_port}", host.to_lowercase());
            let configured = format!("{scheme}://{host}{written}");
            let kept = CorsPolicy(vec![HeaderValue::from_str(&sent).unwrap()].into());
            prop_assert_eq!(CorsPolicy::parse(&configured), Ok(kept));
            let listed = matches!(judged(&configured, &[sent.as_bytes()]), CrossOrigin::Listed { .. });
            prop_assert!(listed, "{}", sent);
        }

        #[test]
        fn h6_no_bytes_but_the_listed_ones_are_listed(sent in proptest::collection::vec(0x20..=0xff_u8, 0..40)) {
            let sent: Vec<u8> = sent.into_iter().filter(|byte| *byte != 0x7f).collect();
            let listed = matches!(judged("https://a.example", &[&sent]), CrossOrigin::Listed { .. });
            prop_assert_eq!(listed, sent == b"https://a.example");
        }
    }
}
