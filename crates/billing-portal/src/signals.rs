//! SIGTERM and SIGINT end the service, SIGHUP has it read its secrets again.

use std::io;

use http_edge::Drain;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The first SIGTERM or SIGINT drains; the second one ends the process at once, as if nothing caught it.
pub(crate) fn drain_and_end(drain: Drain) -> io::Result<()> {
    let (mut terminate, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::spawn(async move {
        either(&mut terminate, &mut interrupt).await;
        tracing::info!("draining");
        drain.begin();
        let number = either(&mut terminate, &mut interrupt).await;
        tracing::warn!("a second signal: ending at once");
        std::process::exit(128 + number);
    });
    Ok(())
}

/// Waits for the first SIGTERM or SIGINT.
pub(crate) fn first() -> io::Result<impl Future<Output = ()>> {
    let (mut terminate, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        either(&mut terminate, &mut interrupt).await;
    })
}

/// Every SIGHUP.
pub(crate) fn hangups() -> io::Result<Signal> {
    signal(SignalKind::hangup())
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) -> i32 {
    tokio::select! {
        _ = terminate.recv() => SignalKind::terminate().as_raw_value(),
        _ = interrupt.recv() => SignalKind::interrupt().as_raw_value(),
    }
}
