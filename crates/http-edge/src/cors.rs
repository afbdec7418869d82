//! [`CorsPolicy`]: the web pages that may call the API from a browser (CORS protocol of the Fetch
//! standard).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use strict_json::printable;
use url::Url;

/// Header names echoed per preflight. A request has at most 64 headers.
const ECHOED_HEADERS: usize = 64;

/// Cache time of a preflight response in browsers: 2 h, the maximum in Chromium (MDN,
/// `Access-Control-Max-Age`). It grants nothing: an origin that leaves the list can no longer read
/// responses.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

/// Origins whose pages may call the API and read the responses. Empty by default: CORS is closed.
///
/// Credentials are sent in the `Authorization` header and not in cookies, so
/// `Access-Control-Allow-Credentials` is never sent. Responses to refused heads (414, 431,
/// malformed) have no CORS headers, because the origin is unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CorsPolicy {
    origins: Arc<[HeaderValue]>,
    allowed_methods: Option<HeaderValue>,
    exposed_headers: Option<HeaderValue>,
}

impl CorsPolicy {
    /// Reads a comma-separated list of exact origins. Case and default ports are normalised, as
    /// browsers do.
    ///
    /// # Errors
    /// One sentence that names every entry that is not an exact origin.
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
            return Ok(Self { origins: origins.into(), ..Self::default() });
        }
        let remedy = "use scheme://host[:port] without a path or a wildcard, separated by commas";
        let verb =
            if wrong.len() == 1 { "is not an exact origin" } else { "are not exact origins" };
        Err(format!("{} {verb}: {remedy}", wrong.join(", ")))
    }

    /// Sets the methods that a preflight allows. A page can read `Allow` on a 405, but it cannot
    /// read a refused preflight.
    #[must_use]
    pub fn allowing(mut self, methods: &[Method]) -> Self {
        self.allowed_methods = join(methods.iter().map(Method::as_str));
        self
    }

    /// Sets the response headers that a page may read, in addition to the CORS-safelisted ones.
    #[must_use]
    pub fn exposing(mut self, headers: &[HeaderName]) -> Self {
        self.exposed_headers = join(headers.iter().map(HeaderName::as_str));
        self
    }

    /// Classifies a request by its origin.
    pub(crate) fn classify(&self, request: &Request) -> CrossOrigin {
        if self.origins.is_empty() {
            return CrossOrigin::Closed;
        }
        let mut sent = request.headers().get_all(ORIGIN).iter();
        let listed = match (sent.next(), sent.next()) {
            (Some(only), None) => self.origins.iter().find(|origin| *origin == only),
            _ => None,
        };
        let Some(origin) = listed.cloned() else { return CrossOrigin::Unlisted };
        let is_preflight = request.method() == Method::OPTIONS
            && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        if is_preflight {
            CrossOrigin::Preflight {
                origin,
                methods: self.allowed_methods.clone(),
                headers: requested_headers(request.headers()),
            }
        } else {
            CrossOrigin::Listed { origin, exposed: self.exposed_headers.clone() }
        }
    }
}

/// A request as classified by the policy.
#[derive(Debug)]
pub(crate) enum CrossOrigin {
    /// The list is empty, or the path is outside the API.
    Closed,
    /// The request has no listed origin.
    Unlisted,
    /// A page of a listed origin sent the request.
    Listed { origin: HeaderValue, exposed: Option<HeaderValue> },
    /// The browser sent a preflight for a page of a listed origin. `headers`: the requested names.
    Preflight { origin: HeaderValue, methods: Option<HeaderValue>, headers: Option<HeaderValue> },
}

impl CrossOrigin {
    /// Turns the router's 405 for `OPTIONS` into the preflight response, because 405 means that the
    /// path exists. Other responses stay unchanged.
    pub(crate) fn preflight(&self, answer: Response) -> Response {
        let Self::Preflight { methods, headers: requested, .. } = self else { return answer };
        if answer.status() != StatusCode::METHOD_NOT_ALLOWED {
            return answer;
        }
        let mut granted = Response::new(Body::empty());
        *granted.status_mut() = StatusCode::NO_CONTENT;
        let headers = granted.headers_mut();
        headers.extend(methods.clone().map(|list| (ACCESS_CONTROL_ALLOW_METHODS, list)));
        headers.extend(requested.clone().map(|list| (ACCESS_CONTROL_ALLOW_HEADERS, list)));
        headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        granted
    }

    /// Adds the CORS headers that let a listed page read the response.
    pub(crate) fn add_headers(self, headers: &mut HeaderMap) {
        // Responses without an origin need `Vary` too: a cache must not return them to a page
        // (Fetch, "CORS protocol and HTTP caches").
        let vary = match &self {
            Self::Closed => return,
            Self::Preflight { .. } => "Origin, Access-Control-Request-Headers",
            Self::Unlisted | Self::Listed { .. } => "Origin",
        };
        headers.append(VARY, HeaderValue::from_static(vary));
        match self {
            Self::Closed | Self::Unlisted => {}
            Self::Listed { origin, exposed } => {
                headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
                headers.extend(exposed.map(|names| (ACCESS_CONTROL_EXPOSE_HEADERS, names)));
            }
            Self::Preflight { origin, .. } => {
                headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            }
        }
    }
}

/// Returns the header names of a preflight, at most 64. Invalid names are omitted.
fn requested_headers(headers: &HeaderMap) -> Option<HeaderValue> {
    let lines = headers.get_all(ACCESS_CONTROL_REQUEST_HEADERS).into_iter();
    let names = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    let names = names.filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok());
    let names: Vec<HeaderName> = names.take(ECHOED_HEADERS).collect();
    join(names.iter().map(HeaderName::as_str))
}

/// Joins the names into one header value. Returns `None` for no names.
fn join<'a>(names: impl Iterator<Item = &'a str>) -> Option<HeaderValue> {
    let list = names.collect::<Vec<_>>().join(", ");
    if list.is_empty() { None } else { HeaderValue::from_str(&list).ok() }
}

/// Parses an exact origin and returns it as browsers send it in `Origin` (HTML standard, "ASCII
/// serialisation of an origin"). It rejects `null`, which all sandboxed frames and files share.
fn origin(text: &str) -> Option<HeaderValue> {
    let (scheme, authority) = text.split_once("://")?;
    // Check the characters first: the URL parser drops, decodes or reinterprets others.
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    if authority.is_empty() || !authority.bytes().all(allowed) {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let origin = url.origin();
    let serialized = if origin.is_tuple() {
        origin.ascii_serialization()
    } else {
        // Schemes of apps and extensions (`capacitor://localhost`) have opaque origins.
        let host = url.host_str()?.to_ascii_lowercase();
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}://{host}{port}", url.scheme())
    };
    (scheme.eq_ignore_ascii_case(url.scheme()))
        .then(|| HeaderValue::from_str(&serialized).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn h6_origins_are_normalised_as_browsers_send_them() {
        for (text, expected) in [
            ("https://app.example.com", "https://app.example.com"),
            ("HTTPS://App.Example.COM:443", "https://app.example.com"),
            ("https://app.example.com:8443", "https://app.example.com:8443"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://app.localhost:80", "http://app.localhost"),
            ("http://127.0.0.1:5173", "http://127.0.0.1:5173"),
            ("http://[0:0::1]:5173", "http://[::1]:5173"),
            ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
            ("http://app.example.com", "http://app.example.com"),
            ("capacitor://localhost", "capacitor://localhost"),
            ("Ionic://LocalHost:8100", "ionic://localhost:8100"),
            ("chrome-extension://abcdefghijklmnop", "chrome-extension://abcdefghijklmnop"),
        ] {
            assert_eq!(origin(text).unwrap(), expected, "{text}");
        }
        let policy = CorsPolicy::parse(" https://a.example , https://b.example").unwrap();
        assert_eq!(policy.origins.len(), 2);
    }

    #[test]
    fn h6_parse_error_names_every_invalid_origin() {
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
            "https:app.example.com",
            "https:///app.example.com",
            "file://",
            "capacitor://",
            "capacitor:localhost",
            "1app://localhost",
            "data:text/html",
            "blob:https://app.example.com",
            "https://1.2.3.999",
        ] {
            let fault = CorsPolicy::parse(entry).unwrap_err();
            let named = format!("`{}` is not an exact origin: use ", printable(entry));
            assert!(fault.starts_with(&named), "{fault}");
        }
        let fault = CorsPolicy::parse("https://a.example,*,null").unwrap_err();
        assert!(fault.starts_with("`*`, `null` are not exact origins: "), "{fault}");
    }

    fn classified(policy: &str, origins: &[&[u8]]) -> CrossOrigin {
        let mut request = Request::new(Body::empty());
        for origin in origins {
            request.headers_mut().append(ORIGIN, HeaderValue::from_bytes(origin).unwrap());
        }
        CorsPolicy::parse(policy).unwrap().classify(&request)
    }

    #[test]
    fn h6_only_a_single_exact_origin_matches() {
        let policy = "https://app.example.com,http://localhost:3000";
        for origin in ["https://app.example.com", "http://localhost:3000"] {
            assert!(
                matches!(classified(policy, &[origin.as_bytes()]), CrossOrigin::Listed { .. }),
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
            assert!(matches!(classified(policy, &sent), CrossOrigin::Unlisted), "{origins:?}");
        }
        assert!(matches!(
            CorsPolicy::default().classify(&Request::new(Body::empty())),
            CrossOrigin::Closed
        ));
    }

    proptest! {
        #[test]
        fn h6_parsed_origin_equals_the_one_a_browser_sends(
            upper_case in any::<bool>(),
            host in "[a-zA-Z][a-zA-Z0-9]{0,9}(\\.[a-zA-Z][a-zA-Z0-9]{0,9}){0,3}",
            port in proptest::option::weighted(0.7, prop_oneof![Just(443), 1..=u16::MAX]),
        ) {
            let scheme = if upper_case { "HTTPS" } else { "https" };
            let written = port.map_or_else(String::new, |port| format!(":{port}"));
            let sent_port = if port == Some(443) { "" } else { &written };
            let sent = format!("https://{}{sent_port}", host.to_lowercase());
            let configured = format!("{scheme}://{host}{written}");
            let kept = CorsPolicy::parse(&configured).unwrap().origins;
            prop_assert_eq!(&*kept, [HeaderValue::from_str(&sent).unwrap()]);
            let listed = matches!(classified(&configured, &[sent.as_bytes()]), CrossOrigin::Listed { .. });
            prop_assert!(listed, "{}", sent);
        }

        #[test]
        fn h6_only_the_listed_bytes_match(sent in proptest::collection::vec(0x20..=0xff_u8, 0..40)) {
            let sent: Vec<u8> = sent.into_iter().filter(|byte| *byte != 0x7f).collect();
            let listed = matches!(classified("https://a.example", &[&sent]), CrossOrigin::Listed { .. });
            prop_assert_eq!(listed, sent == b"https://a.example");
        }
    }
}
