//! [`serve`]: the accept loop and the graceful shutdown.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use futures_util::FutureExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use crate::connection::{self, Connection};
use crate::drain::Drain;
use crate::settings::EdgeSettings;

const FIRST_BACKOFF: Duration = Duration::from_millis(10);
const MAX_BACKOFF: Duration = Duration::from_secs(1);

/// Serves `app` on `listener` until the drain ends. Several listeners may share one `drain`. Their
/// idle connections stay open until no listener has a running request.
///
/// The drain has these steps:
/// - For [`EdgeSettings::lame_duck`], connections are still accepted, and every response has
///   `Connection: close`.
/// - The listener closes, running requests finish, then idle connections and half-sent requests are
///   closed.
/// - After [`EdgeSettings::grace`] the remaining connections are aborted.
///
/// Wrap `app` in [`edge_layers`](crate::edge_layers) first.
///
/// # Errors
/// The listener is unusable. Errors of single connections and a lack of file descriptors do not end
/// the loop.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    settings: EdgeSettings,
    drain: Drain,
) -> io::Result<()> {
    listener.local_addr()?;
    let mut server = Server {
        app,
        settings: settings.clone(),
        drain: drain.clone(),
        closing: watch::Sender::new(None),
        connections: JoinSet::new(),
    };

    server.accept_until(&listener, drain.wait()).await;
    server.accept_until(&listener, sleep(settings.lame_duck)).await;
    server.accept_backlog(&listener).await;
    drop(listener);

    let deadline = Instant::now() + settings.grace;
    if timeout_at(deadline, drain.no_running_requests()).await.is_err() {
        tracing::warn!("the shutdown grace period ended while requests were running");
    }
    server.closing.send_replace(Some(Instant::now()));
    let ended =
        timeout_at(deadline, async { while server.connections.join_next().await.is_some() {} })
            .await;
    if ended.is_err() {
        tracing::warn!(
            connections = server.connections.len(),
            "aborting the remaining connections"
        );
    }
    server.connections.shutdown().await;
    Ok(())
}

struct Server {
    app: Router,
    settings: EdgeSettings,
    drain: Drain,
    closing: watch::Sender<Option<Instant>>,
    connections: JoinSet<()>,
}

impl Server {
    async fn accept_until(&mut self, listener: &TcpListener, end: impl Future<Output = ()>) {
        tokio::pin!(end);
        loop {
            let has_capacity = self.connections.len() < self.settings.max_connections;
            tokio::select! {
                () = &mut end => return,
                Ok((stream, peer)) = accept(listener), if has_capacity => self.spawn(stream, peer),
                Some(ended) = self.connections.join_next(), if !self.connections.is_empty() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "a connection's task failed");
                    }
                }
            }
        }
    }

    /// Accepts the connections in the backlog, because closing the listener would reset them.
    async fn accept_backlog(&mut self, listener: &TcpListener) {
        // Let the reactor report new connections first.
        tokio::task::yield_now().await;
        while self.connections.len() < self.settings.max_connections
            && let Some(Ok((stream, peer))) = listener.accept().now_or_never()
        {
            self.spawn(stream, peer);
        }
    }

    fn spawn(&mut self, stream: TcpStream, peer: SocketAddr) {
        let connection = Connection {
            app: self.app.clone(),
            settings: self.settings.clone(),
            drain: self.drain.clone(),
            closing: self.closing.subscribe(),
            peer,
        };
        self.connections.spawn(connection::run(connection, stream));
    }
}

/// Accepts the next connection. It skips errors of single connections and retries with backoff when
/// descriptors or memory run out (see accept(2)).
async fn accept(listener: &TcpListener) -> Result<(TcpStream, SocketAddr), Infallible> {
    let mut backoff = FIRST_BACKOFF;
    loop {
        match listener.accept().await {
            Ok(accepted) => return Ok(accepted),
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(
                    %error,
                    backoff_ms = backoff.as_millis(),
                    "accepting connections paused"
                );
                sleep(backoff).await;
                backoff = (backoff * 2).min(MAX_BACKOFF);
            }
        }
    }
}

fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
