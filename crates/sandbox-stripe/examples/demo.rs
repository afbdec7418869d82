//! Runs the sandbox with its demo customer on the first argument's address and state file.

use std::net::SocketAddr;

use sandbox_stripe::{Sandbox, SandboxSettings};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let listen = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(SocketAddr::from(([127, 0, 0, 1], 0)));
    let state = arguments.next().map(Into::into);
    let settings = SandboxSettings { listen, state, fallback_to_free_port: true, ..SandboxSettings::default() };
    let sandbox = Sandbox::bind(settings).await?;
    let demo = sandbox.seed_demo()?;
    std::fs::write("/dev/stdout", format!("{} {}\n", sandbox.base_url(), demo.customer))?;
    sandbox.serve(std::future::pending()).await
}
