//! What a caller decides about a sandbox before it starts.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use url::Url;

/// The port that stripe-mock made customary for a local Stripe.
pub const DEFAULT_PORT: u16 = 12111;

/// Everything that a sandbox can be told; `default()` is loopback, in memory, with a portal configuration.
///
/// There is no setting for keys: any secret or restricted test key (`sk_test_…`, `rk_test_…`) opens the API.
#[derive(Clone, Debug)]
pub struct SandboxSettings {
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Take the next free port where the asked one is in use, instead of failing.
    pub fallback_to_free_port: bool,
    /// The file that keeps the state; without one it lives in memory and ends with the process.
    pub state: Option<PathBuf>,
    /// How browsers reach the sandbox, for the links that it mints; by default the address it listens on.
    pub public_url: Option<Url>,
    /// Start like a Stripe account in which nobody ever saved the portal's settings.
    pub without_portal_configuration: bool,
    /// A folder into which every exchange with the API is written as it is answered, a line of JSON each, in a file
    /// for each sandbox. For tests: the lines hold links to portal sessions, and writing them takes its time.
    pub record: Option<PathBuf>,
}

impl Default for SandboxSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), DEFAULT_PORT),
            fallback_to_free_port: false,
            state: None,
            public_url: None,
            without_portal_configuration: false,
            record: None,
        }
    }
}
