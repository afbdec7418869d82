//! What a caller decides about a sandbox before it starts.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

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
    /// How events are delivered to webhook endpoints.
    pub webhooks: WebhookSettings,
}

/// How events are delivered: `default()` tries fifteen times within about four minutes.
#[derive(Clone, Debug)]
pub struct WebhookSettings {
    /// How long a receiver may take for its answer.
    pub timeout: Duration,
    /// The pause after the first attempt; each further one is twice as long.
    pub first_pause: Duration,
    /// No pause is longer.
    pub longest_pause: Duration,
    /// How often a delivery is tried. A restart of the sandbox counts anew.
    pub attempts: u32,
}

impl WebhookSettings {
    /// The pause after so many attempts.
    pub(crate) fn pause_after(&self, attempts: u32) -> Duration {
        let doublings = attempts.saturating_sub(1).min(30);
        self.first_pause.saturating_mul(1 << doublings).min(self.longest_pause)
    }
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(5),
            first_pause: Duration::from_millis(200),
            longest_pause: Duration::from_secs(30),
            attempts: 15,
        }
    }
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
            webhooks: WebhookSettings::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let settings = WebhookSettings::default();
        let pauses =
            [1, 2, 3, 8, 9, 100].map(|attempts| settings.pause_after(attempts).as_millis());
        assert_eq!(pauses, [200, 400, 800, 25_600, 30_000, 30_000]);
    }
}
