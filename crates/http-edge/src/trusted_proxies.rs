//! [`TrustedProxies`]: the proxies whose `X-Forwarded-For` is trusted.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use strict_json::printable;

/// Bits before the IPv4 address in an IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2).
const MAPPED_PREFIX: u8 = 96;

/// Networks of proxies that append their peer's address to `X-Forwarded-For`. Empty by default: no
/// proxy is trusted.
///
/// If a network contains clients (as `0.0.0.0/0` does), these clients can forge their address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Arc<[IpNet]>);

impl TrustedProxies {
    /// Reads a comma-separated list of CIDRs and bare addresses, IPv4 and IPv6.
    ///
    /// # Errors
    /// One sentence that names every invalid entry.
    pub fn parse(list: &str) -> Result<Self, String> {
        let mut networks = Vec::new();
        let mut wrong = Vec::new();
        for entry in list.split(',').map(str::trim) {
            match network(entry) {
                Some(network) => networks.push(network),
                None => wrong.push(format!("`{}`", printable(entry))),
            }
        }
        if wrong.is_empty() {
            return Ok(Self(networks.into()));
        }
        let remedy = "use networks such as 10.0.0.0/8 or 2001:db8::/32, or addresses such as \
                      192.0.2.7, separated by commas";
        let verb = if wrong.len() == 1 { "is not a network" } else { "are not networks" };
        Err(format!("{} {verb}: {remedy}", wrong.join(", ")))
    }

    /// Returns whether a trusted network contains the address.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// Parses a network. Converts IPv4-mapped networks to IPv4, because `contains` gets IPv4 addresses
/// for mapped peers.
fn network(entry: &str) -> Option<IpNet> {
    let (address, length) = match entry.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (entry, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let bits = if address.is_ipv4() { 32 } else { 128 };
    let length = length.map_or(Some(bits), prefix_length)?;
    let network = IpNet::new(address, length).ok()?.trunc();
    match (address.to_canonical(), network) {
        (mapped @ IpAddr::V4(_), IpNet::V6(_)) => {
            // Reject a shorter prefix: it covers more than IPv4 addresses.
            Some(IpNet::new(mapped, length.checked_sub(MAPPED_PREFIX)?).ok()?.trunc())
        }
        _ => Some(network),
    }
}

/// Parses digits only, because `parse` alone accepts a sign.
fn prefix_length(text: &str) -> Option<u8> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;

    fn trusts(list: &str, address: &str) -> bool {
        TrustedProxies::parse(list).unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn q2_parse_accepts_cidrs_and_addresses_of_both_families() {
        let list = " 10.0.0.0/8, 192.0.2.7 ,2001:db8::/32,2001:db9::1,172.16.99.99/12";
        for inside in [
            "10.0.0.0",
            "10.255.255.255",
            "192.0.2.7",
            "2001:db8:ffff::1",
            "2001:db9::1",
            "172.31.0.1",
        ] {
            assert!(trusts(list, inside), "{inside}");
        }
        for outside in
            ["11.0.0.0", "9.255.255.255", "192.0.2.8", "2001:db9::2", "172.32.0.1", "::a00:1"]
        {
            assert!(!trusts(list, outside), "{outside}");
        }
        assert!(trusts("0.0.0.0/0", "192.0.2.7") && !trusts("0.0.0.0/0", "2001:db8::1"));
        assert!(trusts("::/0", "2001:db8::1") && !trusts("::/0", "192.0.2.7"));
        assert!(!TrustedProxies::default().contains("127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn q2_mapped_networks_are_ipv4() {
        assert!(
            trusts("::ffff:10.0.0.0/104", "10.1.2.3") && !trusts("::ffff:10.0.0.0/104", "11.0.0.0")
        );
        assert!(
            trusts("::ffff:192.0.2.7", "192.0.2.7") && !trusts("::ffff:192.0.2.7", "192.0.2.8")
        );
        assert!(trusts("::ffff:0:0/96", "203.0.113.9"));
        assert!(TrustedProxies::parse("::ffff:0:0/95").is_err());
    }

    #[test]
    fn q2_parse_error_names_every_invalid_entry() {
        for entry in [
            "",
            "10.0.0.0/33",
            "2001:db8::/129",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0.0/-1",
            "10.0.0.0/8/8",
            "/8",
            "10.0.0/8",
            "010.0.0.1",
            "10.0.0.0/255.0.0.0",
            "[::1]",
            "::1%lo",
            "10.0.0.1:80",
            "localhost",
            "*",
            "10.0.0.0 /8",
        ] {
            let fault = TrustedProxies::parse(entry).unwrap_err();
            assert!(fault.starts_with(&format!("`{entry}` is not a network: use ")), "{fault}");
        }
        let fault = TrustedProxies::parse("10.0.0.0/8,x,\u{1b}[1m,10.0.0.1,").unwrap_err();
        assert!(fault.starts_with("`x`, `\\u{1b}[1m`, `` are not networks: "), "{fault}");
    }

    /// Generates an entry and whether it is a network.
    fn entry() -> impl Strategy<Value = (String, bool)> {
        let mapped = any::<[u8; 4]>().prop_map(|bytes| Ipv4Addr::from(bytes).to_ipv6_mapped());
        prop_oneof![
            any::<IpAddr>().prop_map(|address| (address.to_string(), true)),
            (any::<[u8; 4]>(), 0..40_u8).prop_map(|(bytes, length)| {
                (format!("{}/{length}", Ipv4Addr::from(bytes)), length <= 32)
            }),
            (mapped, 0..140_u8).prop_map(|(address, length)| {
                (format!("{address}/{length}"), (MAPPED_PREFIX..=128).contains(&length))
            }),
            (any::<IpAddr>(), "[+-][0-9]|[1-9][0-9]{3}|x|")
                .prop_map(|(address, length)| (format!("{address}/{length}"), false)),
            "[g-z/:.]{0,12}".prop_map(|text| (text, false)),
        ]
        // The last pattern can generate `::`, a valid address.
        .prop_filter("an address", |(text, valid)| *valid || !text.starts_with("::"))
    }

    proptest! {
        #[test]
        fn q2_network_contains_the_addresses_with_its_prefix(net in any::<u128>(), other in any::<u128>(), length in 0..=128_u8, flip in 0..128_u32) {
            let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
            let address = |bits: u128| std::net::Ipv6Addr::from_bits(bits);
            prop_assume!(address(net).to_ipv4_mapped().is_none());
            let list = TrustedProxies::parse(&format!("{}/{length}", address(net))).unwrap();
            for candidate in [other, net ^ (1 << flip), (net & mask) | (other & !mask)] {
                prop_assert_eq!(list.contains(address(candidate).into()), candidate & mask == net & mask);
            }
        }

        #[test]
        fn q2_list_is_accepted_only_if_each_entry_is_a_network(entries in proptest::collection::vec(entry(), 1..5)) {
            let list: Vec<&str> = entries.iter().map(|(text, _)| text.as_str()).collect();
            let wrong: Vec<&str> =
                entries.iter().filter(|(_, valid)| !valid).map(|(text, _)| text.as_str()).collect();
            match TrustedProxies::parse(&list.join(",")) {
                Ok(_) => prop_assert_eq!(wrong, Vec::<&str>::new()),
                Err(fault) => {
                    prop_assert!(!wrong.is_empty(), "{}", fault);
                    for entry in list {
                        let named = fault.contains(&format!("`{entry}`"));
                        prop_assert_eq!(named, wrong.contains(&entry), "{}: {}", entry, fault);
                    }
                }
            }
        }
    }
}
