//! Generates return URLs, and parses them with two parsers that do not follow the WHATWG standard.

use proptest::collection::vec;
use proptest::prelude::{BoxedStrategy, Just, Strategy, any};
use proptest::prop_oneof;
use proptest::sample::select;

use super::edit;

/// The origins of the policy under test.
pub const ORIGINS: [&str; 8] = [
    "https://app.example.com",
    "https://app.example.com:8443",
    "https://*.wild.example.com",
    "https://*.deep.example.com:8443",
    "http://localhost:3000",
    "http://[::1]:3000",
    "https://xn--bcher-kva.example",
    "https://[2001:db8::1]",
];

const SCHEMES: [&str; 12] = [
    "https://",
    "https://",
    "https://",
    "HTTPS://",
    "http://",
    "https:/",
    "https:",
    "//",
    "javascript:",
    "ftp://",
    "https:///",
    "https:\\\\",
];
const HOSTS: [&str; 34] = [
    "app.example.com",
    "APP.example.COM",
    "a.wild.example.com",
    "b.a.wild.example.com",
    "wild.example.com",
    "xwild.example.com",
    "x.deep.example.com",
    "localhost",
    "127.0.0.1",
    "0x7f.1",
    "2130706433",
    "[::1]",
    "[2001:db8::1]",
    "[2001:DB8:0::1]",
    "[::ffff:127.0.0.1]",
    "evil.example",
    "app.example.com.evil.example",
    "app.example.com.",
    "app..example.com",
    ".example.com",
    "app.example.com@evil.example",
    "evil.example\\@app.example.com",
    "app.example.com%2eevil.example",
    "bücher.example",
    "xn--bcher-kva.example",
    "XN--BCHER-KVA.example",
    "xn--a",
    "ａpp.example.com",
    "app。example.com",
    "[::1",
    "[v1.a]",
    "",
    "[::1%25eth0]",
    "app.example.com#@evil.example",
];
const PORTS: [&str; 14] = [
    "",
    "",
    "",
    "",
    ":443",
    ":8443",
    ":3000",
    ":80",
    ":0",
    ":",
    ":65536",
    ":0443",
    ":+443",
    ":99999999999",
];
const TAILS: [&str; 24] = [
    "",
    "/",
    "/billing",
    "/a/../b",
    "/%2e%2e/b",
    "/a//b",
    "/ü/☃",
    "?a=b",
    "?a=b&c=d#e",
    "#f",
    "/;x=y",
    "/@evil.example",
    "//evil.example",
    "/\\evil.example",
    "/%",
    "/%zz",
    "?u=https://evil.example/",
    "/{a}|b^`",
    "?[]{}|^`'",
    "#`{}|^\"<>",
    "/.",
    "/..",
    "/a b",
    "/\"<>",
];
const PIECES: [&str; 26] = [
    "/",
    "\\",
    "@",
    ":",
    "?",
    "#",
    ".",
    "%",
    "[",
    "]",
    "\t",
    "\n",
    " ",
    "\0",
    "\u{ad}",
    "\u{200b}",
    "\u{3000}",
    "。",
    "é",
    "*",
    "https://",
    "evil.example",
    "%00",
    "%40",
    "//",
    "443",
];

/// Generates good and bad URLs.
pub fn texts() -> BoxedStrategy<String> {
    let tail = prop_oneof![
        8 => select(&TAILS[..]).prop_map(str::to_owned),
        1 => vec(any::<char>(), 0..12).prop_map(|chars| format!("/{}", chars.into_iter().collect::<String>())),
        1 => (1_990_usize..2_060).prop_map(|length| format!("/{}", "a".repeat(length))),
        1 => (670_usize..690).prop_map(|length| format!("/{}", "é".repeat(length))),
    ];
    let good = select(
        &["https://app.example.com", "https://a.wild.example.com", "https://app.example.com:8443"]
            [..],
    );
    let start = prop_oneof![
        2 => good.prop_map(str::to_owned),
        3 => (select(&SCHEMES[..]), select(&HOSTS[..]), select(&PORTS[..])).prop_map(|(s, h, p)| format!("{s}{h}{p}")),
    ];
    let edits = prop_oneof![1 => Just(Vec::new()), 1 => edit::edits(&PIECES)];
    (start, tail, edits)
        .prop_map(|(start, tail, edits)| edit::apply(&format!("{start}{tail}"), &edits))
        .boxed()
}

/// Scheme, host and port as a parser reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The scheme in lower case.
    pub scheme: String,
    /// The host in lower case, an IPv6 address in brackets.
    pub host: String,
    /// The port, or the scheme's default.
    pub port: u16,
}

/// Parses a URL with `fluent-uri`, which follows RFC 3986. Characters after the authority that only
/// the WHATWG standard allows are percent-encoded first. In both standards the authority ends at
/// the first `/`, `?` or `#`.
///
/// # Panics
/// When parsing fails or the URL has a user name.
#[must_use]
pub fn by_rfc_3986(url: &str) -> Seen {
    let start = url.find("://").expect("a URL has a scheme") + 3;
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |at| start + at);
    let (head, tail) = url.split_at(end);
    let whole = format!("{head}{}", encode_characters_outside_rfc_3986(tail));
    let uri = fluent_uri::Uri::parse(whole.as_str())
        .unwrap_or_else(|error| panic!("RFC 3986 does not know {whole}: {error}"));
    let authority = uri.authority().expect("a URL has an authority");
    assert!(!authority.has_userinfo(), "a user name in {whole}");
    let scheme = uri.scheme().as_str().to_ascii_lowercase();
    let port = authority
        .port_to_u16()
        .expect("a port is a number")
        .unwrap_or_else(|| default_port(&scheme));
    Seen { host: authority.host().to_ascii_lowercase(), port, scheme }
}

/// Parses a URL with the crate `http`, which servers and clients use.
///
/// # Panics
/// When parsing fails.
#[must_use]
pub fn by_http(url: &str) -> Seen {
    let uri: http::Uri =
        url.parse().unwrap_or_else(|error| panic!("`http` does not know {url}: {error}"));
    let scheme = uri.scheme_str().expect("a URL has a scheme").to_ascii_lowercase();
    let port = uri.port_u16().unwrap_or_else(|| default_port(&scheme));
    Seen { host: uri.host().expect("a URL has a host").to_ascii_lowercase(), port, scheme }
}

/// Returns whether an origin is in [`ORIGINS`], by comparing texts.
#[must_use]
pub fn is_listed(seen: &Seen) -> bool {
    ORIGINS.iter().any(|allowed| {
        let (scheme, rest) = allowed.split_once("://").expect("an origin has a scheme");
        let host_end =
            rest.rfind(':').filter(|at| !rest[*at..].contains(']')).unwrap_or(rest.len());
        let port = rest[host_end..]
            .strip_prefix(':')
            .map_or_else(|| default_port(scheme), |port| port.parse().expect("a port"));
        let host_fits = match rest[..host_end].strip_prefix('*') {
            Some(parent) => seen.host.len() > parent.len() && seen.host.ends_with(parent),
            None => seen.host == rest[..host_end],
        };
        seen.scheme == scheme && seen.port == port && host_fits
    })
}

fn default_port(scheme: &str) -> u16 {
    if scheme == "https" { 443 } else { 80 }
}

/// Encodes characters that RFC 3986 does not allow, a second `#`, and `%` without two hex digits.
fn encode_characters_outside_rfc_3986(tail: &str) -> String {
    let fragment = tail.find('#');
    let mut encoded = String::new();
    for (at, c) in tail.char_indices() {
        let digits = || {
            tail.as_bytes()
                .get(at + 1..at + 3)
                .is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit))
        };
        let foreign = "[]{}|^`\\\"<>".contains(c)
            || (c == '#' && fragment != Some(at))
            || (c == '%' && !digits());
        if foreign { encoded.push_str(&format!("%{:02X}", u32::from(c))) } else { encoded.push(c) }
    }
    encoded
}
