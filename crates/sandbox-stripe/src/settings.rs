//! Settings of a sandbox.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

/// The port that stripe-mock established for a local Stripe.
pub const DEFAULT_PORT: u16 = 12111;

/// All settings of a sandbox. `default()`: loopback, in memory, with a portal configuration.
///
/// There is no setting for keys: any secret or restricted test key (`sk_test_…`, `rk_test_…`) is
/// accepted.
#[derive(Clone, Debug)]
pub struct SandboxSettings {
    /// Address to listen on; port 0 means any free port.
    pub listen: SocketAddr,
    /// Whether to use the next free port if the configured one is in use, instead of failing.
    pub fallback_to_free_port: bool,
    /// File for the state. None keeps the state in memory until the process ends.
    pub state: Option<PathBuf>,
    /// Public URL for links. None means the address to listen on.
    pub public_url: Option<Url>,
    /// Whether to start like a Stripe account without saved portal settings.
    pub without_portal_configuration: bool,
    /// Folder for recording every API exchange, one JSON line each, in a file per sandbox. For
    /// tests only: the lines contain portal links, and writing them takes time.
    pub record: Option<PathBuf>,
    /// Settings of webhook deliveries.
    pub webhooks: WebhookSettings,
}

/// Settings of webhook deliveries. `default()` makes fifteen attempts within about four minutes.
#[derive(Clone, Debug)]
pub struct WebhookSettings {
    /// Time limit for a receiver's response.
    pub timeout: Duration,
    /// Backoff after the first attempt. It doubles after each further attempt.
    pub initial_backoff: Duration,
    /// Maximum backoff.
    pub max_backoff: Duration,
    /// Maximum attempts per delivery. A restart of the sandbox resets the count.
    pub attempts: u32,
}

impl WebhookSettings {
    /// Returns the backoff after this number of attempts.
    pub(crate) fn backoff_after(&self, attempts: u32) -> Duration {
        let doublings = attempts.saturating_sub(1).min(30);
        self.initial_backoff.saturating_mul(1 << doublings).min(self.max_backoff)
    }
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(5),
            initial_backoff: Duration::from_millis(200),
            max_backoff: Duration::from_secs(30),
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
        let backoffs =
            [1, 2, 3, 8, 9, 100].map(|attempts| settings.backoff_after(attempts).as_millis());
        assert_eq!(backoffs, [200, 400, 800, 25_600, 30_000, 30_000]);
    }
}
