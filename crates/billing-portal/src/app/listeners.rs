//! [`Listeners`]: the sockets that the service accepts connections on.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};

use crate::failure::Failure;

/// Connections that the kernel completes before we accept them. The kernel lowers this to its own limit.
const BACKLOG: u32 = 4096;

/// The bound sockets with their addresses.
pub(crate) struct Listeners {
    pub(crate) public: TcpListener,
    pub(crate) admin: TcpListener,
    pub(crate) public_address: SocketAddr,
    pub(crate) admin_address: SocketAddr,
}

impl Listeners {
    pub(crate) fn bind(public: SocketAddr, admin: SocketAddr) -> Result<Self, Failure> {
        let (public, public_address) = bind(public)?;
        let (admin, admin_address) = bind(admin)?;
        Ok(Self { public, admin, public_address, admin_address })
    }

    /// The URL of the public listener, without a slash at the end.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.public_address)
    }
}

fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Failure> {
    let bind = || -> io::Result<_> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?;
        let bound = listener.local_addr()?;
        Ok((listener, bound))
    };
    bind().map_err(|error| Failure::failed(&format!("cannot listen on {address}"), &error))
}
