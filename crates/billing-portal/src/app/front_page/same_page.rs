//! Checks that a form's request comes from a page of this service under a loopback name.

use std::net::{Ipv4Addr, Ipv6Addr};

use http::HeaderMap;
use http::header::{HOST, HeaderName, ORIGIN};

const WRONG_HOST: &str = "Open this service's page under a loopback name, such as 127.0.0.1 or localhost, and press its button.";
const WRONG_ORIGIN: &str = "Open this service's own page and press its button: the `Origin` header names another page, or is missing.";

/// Returns the correction that the client must make if `Host` or `Origin` is wrong.
///
/// `Host` must be a loopback name: a public name that resolves to this machine (DNS rebinding) is
/// refused. `Origin`, which a page cannot change, must be this host, with its port.
pub(super) fn check(headers: &HeaderMap) -> Result<(), &'static str> {
    let host = single(headers, HOST).filter(|host| is_loopback(host)).ok_or(WRONG_HOST)?;
    let origin = single(headers, ORIGIN).ok_or(WRONG_ORIGIN)?;
    let is_own = origin.strip_prefix("http://").is_some_and(|page| page.eq_ignore_ascii_case(host));
    if is_own { Ok(()) } else { Err(WRONG_ORIGIN) }
}

/// The header's value if the request has it once.
fn single(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).into_iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// Whether `host[:port]` is `localhost` or a loopback address.
fn is_loopback(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) => {
                return is_port(port)
                    && address.parse::<Ipv6Addr>().is_ok_and(|ip| ip.is_loopback());
            }
            None => return false,
        },
        None => host.find(':').map_or((host, ""), |at| host.split_at(at)),
    };
    let is_address = name.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback());
    is_port(port) && (is_address || name.eq_ignore_ascii_case("localhost"))
}

/// Whether this is empty, or a colon and a port.
fn is_port(text: &str) -> bool {
    text.is_empty()
        || text.strip_prefix(':').is_some_and(|port| {
            port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
        })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(host: &'static str, origins: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static(host));
        for origin in origins {
            headers.append(ORIGIN, HeaderValue::from_static(origin));
        }
        headers
    }

    #[test]
    fn own_page_under_a_loopback_name_is_accepted() {
        for (host, origin) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("127.0.0.9:8080", "http://127.0.0.9:8080"),
            ("localhost:8080", "http://localhost:8080"),
            ("LocalHost:8080", "http://localhost:8080"),
            ("localhost", "http://localhost"),
            ("[::1]:8080", "http://[::1]:8080"),
        ] {
            assert_eq!(check(&headers(host, &[origin])), Ok(()), "{host}");
        }
    }

    #[test]
    fn host_that_is_not_a_loopback_name_is_refused() {
        for host in [
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example:8080",
            "127.0.0.1.evil.example",
            "localhost.",
            "10.0.0.1:8080",
            "0.0.0.0:8080",
            "2130706433",
            "127.1",
            "0x7f.0.0.1",
            "[::]:8080",
            "[::1",
            "[::1]x",
            "[fe80::1]",
            "localhost:",
            "localhost:+80",
            "localhost:99999",
            "user@localhost",
            "",
        ] {
            let origin = format!("http://{host}");
            let mut headers = headers(host, &[]);
            headers.insert(ORIGIN, origin.parse().unwrap());
            assert_eq!(check(&headers), Err(WRONG_HOST), "{host}");
        }
        let none = HeaderMap::from_iter([(ORIGIN, HeaderValue::from_static("http://localhost"))]);
        assert_eq!(check(&none), Err(WRONG_HOST));
    }

    #[test]
    fn origin_of_another_page_is_refused() {
        let own = "http://localhost:8080";
        for origins in [
            &[][..],
            &["null"],
            &[""],
            &["https://localhost:8080"],
            &["http://localhost"],
            &["http://localhost:8081"],
            &["http://127.0.0.1:8080"],
            &["http://evil.example"],
            &["http://localhost:8080.evil.example"],
            &["http://localhost:8080/"],
            &["localhost:8080"],
            &[own, own],
            &[own, "http://evil.example"],
        ] {
            assert_eq!(
                check(&headers("localhost:8080", origins)),
                Err(WRONG_ORIGIN),
                "{origins:?}"
            );
        }
    }
}
