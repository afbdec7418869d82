//! Strict checks of a URL's authority, before the lenient URL parser.

use url::Host;

use super::error::ReturnUrlError;

/// Accepts `host`, `host:port`, `[v6]` and `[v6]:port`, in forms that all parsers read the same.
pub(super) fn check_authority(authority: &str) -> Result<(), ReturnUrlError> {
    if let Some(bracketed) = authority.strip_prefix('[') {
        let (address, after) = bracketed.split_once(']').ok_or(ReturnUrlError::Host)?;
        address.parse::<std::net::Ipv6Addr>().map_err(|_| ReturnUrlError::Host)?;
        return match after.strip_prefix(':') {
            Some(port) => check_port(port),
            None if after.is_empty() => Ok(()),
            None => Err(ReturnUrlError::Host),
        };
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let label =
        |l: &str| !l.is_empty() && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !host.split('.').all(label) {
        return Err(ReturnUrlError::Host);
    }
    port.map_or(Ok(()), check_port)
}

fn check_port(port: &str) -> Result<(), ReturnUrlError> {
    let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    match port.parse::<u16>() {
        Ok(1..) if digits => Ok(()),
        _ => Err(ReturnUrlError::Port),
    }
}

/// Returns whether the host is `localhost` or a sub-domain of it (RFC 6761, section 6.3),
/// 127.0.0.0/8 or `::1`.
pub(super) fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}
