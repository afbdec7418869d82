//! A running `billing-portal sandbox`: the Stripe-compatible sandbox alone, as its users start it.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::Value;

use crate::poll;
use crate::process::{Launch, Process};

const COMMAND: &[&str] = &["sandbox", "--listen", "127.0.0.1:0", "--json"];

/// A sandbox process that listens. It ends when dropped.
#[derive(Debug)]
pub struct SandboxProcess {
    /// The process.
    pub process: Process,
    /// What clients put before `/v1`, without a slash at the end.
    pub base_url: String,
    /// The demo customer.
    pub customer: String,
}

impl SandboxProcess {
    /// Starts one on a free port, with these further arguments, and waits until it says where it listens.
    ///
    /// # Panics
    /// When it ends instead, or never says so.
    #[must_use]
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::launch(&Launch::new(folder, &[COMMAND, arguments].concat()))
    }

    /// Starts one for load: it keeps no record, and logs nothing but what is wrong.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    #[must_use]
    pub fn for_load(folder: &Path) -> Self {
        Self::launch(&Launch::new(folder, COMMAND).env("BILLING_LOG", "warn").unrecorded())
    }

    fn launch(launch: &Launch) -> Self {
        let mut process = launch.spawn();
        let said: Value = poll::until("the sandbox to say where it listens", || {
            let ended = process.exited();
            assert!(ended.is_none(), "it ended with {ended:?}:\n{}", process.stderr());
            serde_json::from_str(&process.stdout()).ok()
        });
        let text = |name: &str| {
            said[name].as_str().unwrap_or_else(|| panic!("no {name} in {said}")).to_owned()
        };
        Self { base_url: text("baseUrl"), customer: text("customer"), process }
    }

    /// Where it listens.
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
