//! The sandbox under test, started in memory by its command.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

pub(crate) const KEY: &str = "sk_test_SandboxBench01";

/// A running sandbox. Dropping it kills the process.
pub(crate) struct Sandbox {
    pub(crate) address: SocketAddr,
    process: Child,
}

impl Sandbox {
    pub(crate) fn start(program: &str) -> Self {
        // A log line per call is part of the cost. The output is discarded.
        let mut process = Command::new(program)
            .args(["sandbox", "--listen", "127.0.0.1:0"])
            .env_clear()
            // Test runs record the calls for the schema guard. A benchmark records nothing.
            .envs(
                std::env::var_os("STRIPE_EXCHANGES")
                    .map(|folder| ("BILLING_SANDBOX_RECORD", folder)),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the sandbox starts");
        let stdout = process.stdout.take().expect("stdout is piped");
        let line = BufReader::new(stdout)
            .lines()
            .next()
            .expect("the first line is the address")
            .expect("text");
        let address = line
            .split_once("http://")
            .and_then(|(_, rest)| rest.split(' ').next())
            .expect("an address");
        Self { address: address.parse().expect("an address"), process }
    }

    /// Returns the resident memory.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))
            .expect("the process runs");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .expect("the status file has this line");
        line.trim().trim_end_matches("kB").trim().parse().expect("a number")
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Both calls fail only if the process is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns the value of a string member without escapes.
pub(crate) fn member(json: &str, name: &str) -> Option<String> {
    let (_, after) = json.split_once(&format!("\"{name}\""))?;
    after.split('"').nth(1).map(str::to_owned)
}
