//! Detects variables that Kubernetes injects for a Service called `billing…`. They look like
//! settings.
//!
//! A Service `billing-portal` adds `BILLING_PORTAL_SERVICE_HOST`,
//! `BILLING_PORTAL_PORT_8080_TCP_ADDR` and similar variables to every pod of its namespace
//! (<https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables>).

/// Returns whether Kubernetes injects variables with this name (without the prefix).
pub(crate) fn is_injected(name: &str) -> bool {
    let whole_or_last = |word: &str| {
        name.strip_suffix(word).is_some_and(|rest| rest.is_empty() || rest.ends_with('_'))
    };
    let starts_part = |at: usize| at == 0 || name[..at].ends_with('_');
    let service_port = name.match_indices("SERVICE_PORT").any(|(at, word)| {
        let rest = &name[at + word.len()..];
        starts_part(at) && (rest.is_empty() || rest.starts_with('_'))
    });
    let port_with_protocol = name.match_indices("PORT_").any(|(at, word)| {
        let rest = &name[at + word.len()..];
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let protocol =
            ["_TCP", "_UDP", "_SCTP"].iter().find_map(|p| rest[digits..].strip_prefix(p));
        starts_part(at)
            && digits > 0
            && protocol.is_some_and(|after| after.is_empty() || after.starts_with('_'))
    });
    whole_or_last("SERVICE_HOST") || service_port || whole_or_last("PORT") || port_with_protocol
}

#[cfg(test)]
mod tests {
    use super::is_injected;

    #[test]
    fn only_names_that_kubernetes_injects_are_recognised() {
        for name in [
            "SERVICE_HOST",
            "PORTAL_SERVICE_HOST",
            "SERVICE_PORT",
            "PORTAL_SERVICE_PORT_HTTP",
            "PORT",
            "PORTAL_PORT",
            "PORT_8080_TCP",
            "PORTAL_PORT_8080_TCP_ADDR",
            "PORTAL_PORT_53_UDP_PROTO",
        ] {
            assert!(is_injected(name), "{name}");
        }
        for name in
            ["LISTEN", "PROT", "MYPORT", "PORT_TCP", "PORT_80_HTTP", "SERVICE_HOSTS", "PORTS"]
        {
            assert!(!is_injected(name), "{name}");
        }
    }
}
