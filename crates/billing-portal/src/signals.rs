//! Signals: SIGTERM, SIGINT and a closed terminal end the process; another SIGHUP makes it read its
//! secrets again.

use std::io::{self, IsTerminal};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

/// Resolves at the first SIGTERM or SIGINT. A second signal ends the process immediately with the
/// usual exit code.
pub(crate) fn shutdown() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (first, shutdown) = oneshot::channel();
    tokio::spawn(async move {
        either(&mut terminate, &mut interrupt).await;
        // The receiver is gone if the service already drains.
        let _ = first.send(());
        let number = either(&mut terminate, &mut interrupt).await;
        tracing::warn!("a second signal: ending immediately");
        std::process::exit(128 + number);
    });
    Ok(async move {
        let _ = shutdown.await;
    })
}

/// Returns a stream of all SIGHUPs.
pub(crate) fn hangups() -> io::Result<Signal> {
    signal(SignalKind::hangup())
}

/// Resolves when the terminal that the process runs in is closed, which the system reports with
/// SIGHUP.
pub(crate) fn terminal_closed() -> io::Result<impl Future<Output = ()>> {
    let mut hangups = hangups()?;
    let had_terminal = has_terminal();
    Ok(async move {
        while hangups.recv().await.is_some() {
            // A closed terminal fails this check. After `kill -HUP` the terminal is still open.
            if had_terminal && !has_terminal() {
                return;
            }
        }
        std::future::pending().await
    })
}

fn has_terminal() -> bool {
    io::stdin().is_terminal() || io::stdout().is_terminal() || io::stderr().is_terminal()
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) -> i32 {
    tokio::select! {
        _ = terminate.recv() => SignalKind::terminate().as_raw_value(),
        _ = interrupt.recv() => SignalKind::interrupt().as_raw_value(),
    }
}
