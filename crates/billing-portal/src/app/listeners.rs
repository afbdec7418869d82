//! [`Listeners`]: the sockets that the service accepts connections on.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};

use crate::config::ListenAddress;
use crate::failure::Failure;

/// Connections that the kernel completes before we accept them. The kernel lowers this to its own
/// limit.
const BACKLOG: u32 = 4096;

/// Ports above a default port that are tried before the system chooses one.
const NEXT_PORTS: u16 = 20;

/// The bound sockets with their addresses.
pub(crate) struct Listeners {
    pub(crate) public: TcpListener,
    pub(crate) admin: TcpListener,
    pub(crate) public_address: SocketAddr,
    pub(crate) admin_address: SocketAddr,
}

impl Listeners {
    pub(crate) fn bind(public: ListenAddress, admin: ListenAddress) -> Result<Self, Failure> {
        // A listener that may use the next port is bound last. Otherwise it could take the other
        // one's configured port.
        let (bound_public, bound_admin);
        if public.may_use_next_port {
            bound_admin = bind(admin)?;
            bound_public = bind(public)?;
        } else {
            bound_public = bind(public)?;
            bound_admin = bind(admin)?;
        }
        let (public, public_address) = bound_public;
        let (admin, admin_address) = bound_admin;
        Ok(Self { public, admin, public_address, admin_address })
    }

    /// The URL of the public listener, without a slash at the end.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.public_address)
    }
}

fn bind(wanted: ListenAddress) -> Result<(TcpListener, SocketAddr), Failure> {
    let ListenAddress { address, may_use_next_port } = wanted;
    let mut bound = listen(address);
    if may_use_next_port {
        let above = (1..=NEXT_PORTS).filter_map(|step| address.port().checked_add(step));
        // The system chooses a free port for port 0.
        for port in above.chain([0]) {
            match &bound {
                Err(error) if error.kind() == ErrorKind::AddrInUse => {
                    bound = listen(SocketAddr::new(address.ip(), port));
                }
                _ => break,
            }
        }
    }
    bound.map_err(|error| Failure::failed(&format!("cannot listen on {address}"), &error))
}

fn listen(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(BACKLOG)?;
    let bound = listener.local_addr()?;
    Ok((listener, bound))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: std::net::Ipv4Addr = std::net::Ipv4Addr::LOCALHOST;

    fn fixed(port: u16) -> ListenAddress {
        ListenAddress { address: (LOOPBACK, port).into(), may_use_next_port: false }
    }

    fn flexible(port: u16) -> ListenAddress {
        ListenAddress { may_use_next_port: true, ..fixed(port) }
    }

    #[tokio::test]
    async fn taken_port_is_replaced_only_if_that_is_allowed() {
        let (_holder, taken) = bind(fixed(0)).unwrap();
        let failure = bind(fixed(taken.port())).unwrap_err();
        assert!(failure.to_string().contains(&format!("cannot listen on {taken}")), "{failure}");

        let (_other, next) = bind(flexible(taken.port())).unwrap();
        assert_eq!(next.ip(), taken.ip());
        assert_ne!(next.port(), taken.port());
    }

    #[tokio::test]
    async fn next_port_is_not_the_configured_port_of_the_other_listener() {
        // The port above `taken` is free, because `bind` has just returned it.
        let (_holder, taken, next) = loop {
            let (holder, taken) = bind(fixed(0)).unwrap();
            let Some(next) = taken.port().checked_add(1) else { continue };
            if bind(fixed(next)).is_ok() {
                break (holder, taken, next);
            }
        };
        for (public, admin) in
            [(flexible(taken.port()), fixed(next)), (fixed(next), flexible(taken.port()))]
        {
            let listeners = Listeners::bind(public, admin).unwrap();
            assert_ne!(listeners.public_address, listeners.admin_address);
        }
    }
}
