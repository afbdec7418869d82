//! [`ClientAddress`]: the address of the client, from the connection and trusted proxies.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use http::{HeaderMap, HeaderName};

use crate::trusted_proxies::TrustedProxies;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of the client or of the nearest untrusted proxy. IPv4-mapped addresses are converted
/// to IPv4.
///
/// [`edge_layers`](crate::edge_layers) adds it to the extensions of each request from
/// [`serve`](crate::serve).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddress(IpAddr);

impl ClientAddress {
    /// Reads `X-Forwarded-For` from right to left and stops at the first address that is not a
    /// trusted proxy.
    ///
    /// Each proxy appends its peer's address, so a client may invent the entries left of the first
    /// untrusted address. Several header lines form one list (RFC 9110, 5.3). A malformed entry
    /// ends the walk at the proxy that wrote it.
    #[must_use]
    pub fn of(peer: IpAddr, headers: &HeaderMap, trusted: &TrustedProxies) -> Self {
        let mut address = peer.to_canonical();
        let lines = headers.get_all(X_FORWARDED_FOR).into_iter().rev();
        for entry in lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b',')) {
            if !trusted.contains(address) {
                break;
            }
            let Some(previous) = parse_entry(entry) else { break };
            address = previous;
        }
        Self(address)
    }

    /// Returns the address.
    #[must_use]
    pub const fn ip(self) -> IpAddr {
        self.0
    }

    /// Returns the network that limits count by.
    #[must_use]
    pub const fn network(self) -> SourceNetwork {
        SourceNetwork::of(self.0)
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The unit that limits count by: an IPv4 address or an IPv6 /64 network. A site gets at least a
/// /64 (RFC 6177), and a host may use any address in it (RFC 8981).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceNetwork(IpAddr);

impl SourceNetwork {
    const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self(address),
            IpAddr::V6(address) => {
                Self(IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)))
            }
        }
    }
}

impl fmt::Display for SourceNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(address) => write!(f, "{address}/64"),
        }
    }
}

/// Parses an entry: an address with optional brackets and port, as proxies write it.
fn parse_entry(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry.trim_ascii()).ok()?;
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = match bare {
        Some(bracketed) => bracketed.parse().map(IpAddr::V6).ok(),
        None => {
            text.parse().ok().or_else(|| text.parse().map(|address: SocketAddr| address.ip()).ok())
        }
    };
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn proxies(list: &str) -> TrustedProxies {
        TrustedProxies::parse(list).unwrap()
    }

    fn headers(lines: &[&[u8]]) -> HeaderMap {
        let value = |line: &&[u8]| (X_FORWARDED_FOR, HeaderValue::from_bytes(line).unwrap());
        let mut headers = HeaderMap::new();
        lines.iter().map(value).for_each(|(name, value)| {
            headers.append(name, value);
        });
        headers
    }

    fn client(peer: &str, lines: &[&str], trusted: &str) -> String {
        let lines: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
        ClientAddress::of(peer.parse().unwrap(), &headers(&lines), &proxies(trusted)).to_string()
    }

    #[test]
    fn q2_without_a_trusted_proxy_the_peer_is_the_client() {
        assert_eq!(client("198.51.100.1", &[], "10.0.0.0/8"), "198.51.100.1");
        assert_eq!(client("198.51.100.1", &["192.0.2.7"], "10.0.0.0/8"), "198.51.100.1");
        let none = TrustedProxies::default();
        let spoofed =
            ClientAddress::of("10.0.0.1".parse().unwrap(), &headers(&[b"192.0.2.7"]), &none);
        assert_eq!(spoofed.to_string(), "10.0.0.1");
    }

    #[test]
    fn q2_walk_stops_at_the_first_untrusted_address() {
        let trusted = "10.0.0.0/8,2001:db8:ffff::/48";
        for (lines, expected) in [
            (vec!["192.0.2.7"], "192.0.2.7"),
            (vec!["203.0.113.9, 192.0.2.7"], "192.0.2.7"),
            (vec!["203.0.113.9, 192.0.2.7, 10.1.1.1"], "192.0.2.7"),
            (vec!["203.0.113.9,192.0.2.7\t,10.1.1.1 , 10.2.2.2"], "192.0.2.7"),
            (vec!["203.0.113.9", "192.0.2.7", "10.1.1.1"], "192.0.2.7"),
            (vec!["203.0.113.9, 192.0.2.7", "10.1.1.1, 10.2.2.2"], "192.0.2.7"),
            (vec!["2001:db8::7, 2001:db8:ffff::1"], "2001:db8::7"),
            // If all entries are trusted, the leftmost one is the client.
            (vec!["10.3.3.3, 10.1.1.1"], "10.3.3.3"),
            (vec![], "10.0.0.1"),
        ] {
            assert_eq!(client("10.0.0.1", &lines, trusted), expected, "{lines:?}");
        }
    }

    #[test]
    fn q2_brackets_and_ports_are_accepted() {
        for (entry, expected) in [
            ("192.0.2.7:4711", "192.0.2.7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("[2001:db8::7]:4711", "2001:db8::7"),
            ("2001:DB8:0:0::7", "2001:db8::7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("[::ffff:c000:207]:80", "192.0.2.7"),
        ] {
            assert_eq!(client("10.0.0.1", &[entry], "10.0.0.1"), expected, "{entry}");
        }
    }

    #[test]
    fn q2_a_malformed_entry_ends_the_walk() {
        for entry in [
            "",
            " ",
            "unknown",
            "_hidden",
            "unix:",
            "192.0.2",
            "192.0.2.7.",
            "192.0.2.007",
            "192.0.2.7:",
            "192.0.2.7:99999",
            "[192.0.2.7]",
            "[2001:db8::7",
            "2001:db8::7]",
            "[[2001:db8::7]]",
            "\"192.0.2.7\"",
            "for=192.0.2.7",
            "192.0.2.7 203.0.113.9",
            "fe80::1%eth0",
            "192.0.2.7;",
            "1",
            "0x7f.1",
            "app.example.com",
        ] {
            let line = format!("203.0.113.9, {entry}, 10.9.9.9");
            assert_eq!(client("10.0.0.1", &[&line], "10.0.0.0/8"), "10.9.9.9", "{entry:?}");
        }
        let bytes = headers(&[b"203.0.113.9, \xff\xfe"]);
        let found = ClientAddress::of("10.0.0.1".parse().unwrap(), &bytes, &proxies("10.0.0.0/8"));
        assert_eq!(found.to_string(), "10.0.0.1");
    }

    #[test]
    fn q2_a_mapped_peer_is_its_ipv4_address() {
        assert_eq!(client("::ffff:10.0.0.1", &["192.0.2.7"], "10.0.0.0/8"), "192.0.2.7");
        assert_eq!(client("::ffff:192.0.2.7", &["203.0.113.9"], "10.0.0.0/8"), "192.0.2.7");
    }

    #[test]
    fn q2_limits_use_the_ipv4_address_or_the_ipv6_64_network() {
        let network = |text: &str| ClientAddress(text.parse::<IpAddr>().unwrap()).network();
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_ne!(network("192.0.2.7"), network("192.0.2.8"));
        assert_eq!(network("2001:db8:1:2::1").to_string(), "2001:db8:1:2::/64");
        assert_eq!(network("192.0.2.7").to_string(), "192.0.2.7");
    }

    fn address() -> impl Strategy<Value = IpAddr> {
        prop_oneof![
            any::<[u8; 4]>().prop_map(IpAddr::from),
            any::<[u8; 2]>().prop_map(|[c, d]| IpAddr::from([10, 0, c, d])),
            any::<[u8; 16]>().prop_map(|bytes| IpAddr::from(bytes).to_canonical()),
        ]
    }

    fn written(address: IpAddr, form: u8) -> String {
        match (address, form % 4) {
            (IpAddr::V4(v4), 1) => v4.to_ipv6_mapped().to_string(),
            (_, 2) => SocketAddr::new(address, 4711).to_string(),
            (IpAddr::V6(v6), 3) => format!("[{v6}]"),
            _ => address.to_string(),
        }
    }

    proptest! {
        #[test]
        fn q2_client_sent_entries_never_change_the_result(
            invented in proptest::collection::vec("[ -~\u{80}-\u{ff}]{0,40}", 0..4),
            seen in address().prop_filter("trusted", |address| !proxies("10.0.0.0/8").contains(*address)),
            behind in proptest::collection::vec((any::<[u8; 2]>(), 0..4_u8), 0..4),
            form in 0..4_u8,
        ) {
            let chain: Vec<String> = behind.iter().map(|([c, d], form)| written(IpAddr::from([10, 1, *c, *d]), *form)).collect();
            let own = [vec![written(seen, form)], chain].concat().join(", ");
            let mut lines: Vec<&[u8]> = invented.iter().map(String::as_bytes).collect();
            lines.push(own.as_bytes());
            let found = ClientAddress::of("10.0.0.1".parse().unwrap(), &headers(&lines), &proxies("10.0.0.0/8"));
            prop_assert_eq!(found.ip(), seen);
        }

        #[test]
        fn q2_walk_ends_at_the_last_malformed_entry(
            invented in prop_oneof![address().prop_map(|address| address.to_string()), "[ -~]{0,60}"],
            broken in "[ g-z_]{0,12}",
            behind in proptest::collection::vec((address(), 0..4_u8), 0..4),
        ) {
            let chain = behind.iter().map(|(address, form)| written(*address, *form));
            let line = [invented, broken].into_iter().chain(chain).collect::<Vec<_>>().join(",");
            let peer = "10.0.0.1".parse().unwrap();
            let found = ClientAddress::of(peer, &headers(&[line.as_bytes()]), &proxies("0.0.0.0/0,::/0"));
            prop_assert_eq!(found.ip(), behind.first().map_or(peer, |(address, _)| *address));
        }
    }
}
