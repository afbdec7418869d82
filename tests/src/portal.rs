//! A running service: its addresses and its readiness.

use std::net::SocketAddr;

use serde_json::Value;

use crate::api_document::{self, Watched};
use crate::poll;
use crate::process::{Launch, Process};
use crate::response::Response;
use crate::wire::Request;

/// A `serve` process whose listeners are open.
#[derive(Debug)]
pub struct Portal {
    /// The running process.
    pub process: Process,
    /// The address of the public listener.
    pub public: SocketAddr,
    /// The address of the admin listener.
    pub admin: SocketAddr,
    _watched: Watched,
}

impl Portal {
    /// Starts the process and waits until its log has its addresses. If the launch sets no `BILLING_LOG`, it is `info`,
    /// because the embedded default does not log them.
    ///
    /// # Panics
    /// When it ends instead, or never logs them.
    #[must_use]
    pub fn start(launch: &Launch) -> Self {
        let mut launch = launch.clone();
        launch.environment.entry("BILLING_LOG".to_owned()).or_insert_with(|| "info".to_owned());
        let mut process = launch.spawn();
        let (public, admin) = poll::until("the service to listen", || {
            if let Some(found) = listening(&process.stderr()) {
                return Some(found);
            }
            let ended = process.exited();
            assert!(
                ended.is_none(),
                "the process ended with {ended:?}:\n{}\n{}",
                process.stdout(),
                process.stderr()
            );
            None
        });
        Self { process, public, admin, _watched: api_document::watch(public) }
    }

    /// Starts the process and waits until it is ready.
    ///
    /// # Panics
    /// When it does not become ready.
    #[must_use]
    pub fn start_ready(launch: &Launch) -> Self {
        let portal = Self::start(launch);
        portal.wait_ready();
        portal
    }

    /// Waits until `/readyz` answers 200.
    ///
    /// # Panics
    /// When the timeout is over. The message has the last response and the log.
    pub fn wait_ready(&self) {
        let mut last = String::new();
        let ready = poll::within(poll::TIMEOUT, || match self.get("/readyz") {
            Ok(answer) if answer.status == 200 => Some(()),
            Ok(answer) => {
                last = answer.text();
                None
            }
            Err(error) => {
                last = error;
                None
            }
        });
        assert!(
            ready.is_some(),
            "the service did not become ready: {last}\n{}",
            self.process.stderr()
        );
    }

    /// Sends a GET to the public address.
    ///
    /// # Errors
    /// When there is no response.
    pub fn get(&self, target: &str) -> Result<Response, String> {
        Request::get(target).send(self.public)
    }

    /// Sends a request to the public address.
    ///
    /// # Panics
    /// When there is no response.
    #[must_use]
    pub fn send(&self, request: &Request) -> Response {
        request
            .send(self.public)
            .unwrap_or_else(|error| panic!("{error}\n{}", self.process.stderr()))
    }

    /// Returns the value of a counter, such as `http_requests_total{code="…"}`, from the admin
    /// listener's metrics. Returns 0 for a missing sample.
    ///
    /// # Panics
    /// When there is no response, or the value is not an integer.
    #[must_use]
    pub fn metric(&self, sample: &str) -> u64 {
        let metrics =
            Request::get("/metrics").send(self.admin).expect("the admin listener responds").text();
        let mut values =
            metrics.lines().filter_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
        values.next().map_or(0, |value| value.parse().expect("an integer"))
    }

    /// Returns the log's lines with their fields, as JSON.
    #[must_use]
    pub fn log(&self) -> Vec<Value> {
        self.process.stderr().lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

/// Returns the public and admin address of the log line `listening`, with nested or flat fields.
#[must_use]
pub fn listening(log: &str) -> Option<(SocketAddr, SocketAddr)> {
    log.lines().filter(|line| line.contains("listening")).find_map(|line| {
        let line: Value = serde_json::from_str(line).ok()?;
        let fields = if line["fields"].is_object() { &line["fields"] } else { &line };
        let address = |name: &str| fields[name].as_str()?.parse().ok();
        (fields["message"] == "listening").then_some(())?;
        Some((address("public")?, address("admin")?))
    })
}
