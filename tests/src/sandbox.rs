//! A running `billing-portal sandbox`: the sandbox without the service.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::Value;

use crate::poll;
use crate::process::{Launch, Process};

const COMMAND: &[&str] = &["sandbox", "--listen", "127.0.0.1:0", "--json"];

/// A running sandbox process. Dropping it kills the process.
#[derive(Debug)]
pub struct SandboxProcess {
    /// The running process.
    pub process: Process,
    /// The base URL before `/v1`, without a slash at the end.
    pub base_url: String,
    /// The demo customer.
    pub customer: String,
}

impl SandboxProcess {
    /// Starts a sandbox on a free port with further arguments, and waits until it prints its
    /// address.
    ///
    /// # Panics
    /// When the process ends or does not print it in time.
    #[must_use]
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::launch(&Launch::new(folder, &[COMMAND, arguments].concat()))
    }

    /// Starts a sandbox for load tests. It records nothing and logs warnings and errors only.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    #[must_use]
    pub fn for_load(folder: &Path) -> Self {
        Self::launch(&Launch::new(folder, COMMAND).env("BILLING_LOG", "warn").unrecorded())
    }

    fn launch(launch: &Launch) -> Self {
        let mut process = launch.spawn();
        let printed: Value = poll::until("the sandbox to print its address", || {
            let ended = process.exited();
            assert!(ended.is_none(), "the sandbox ended with {ended:?}:\n{}", process.stderr());
            serde_json::from_str(&process.stdout()).ok()
        });
        let text = |name: &str| {
            printed[name].as_str().unwrap_or_else(|| panic!("no {name} in {printed}")).to_owned()
        };
        Self { base_url: text("baseUrl"), customer: text("customer"), process }
    }

    /// Returns the address of the listener.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.base_url
            .strip_prefix("http://")
            .and_then(|rest| rest.parse().ok())
            .expect("an address on loopback")
    }
}
