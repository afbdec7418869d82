//! The accept loop, and its end in four steps: lame duck, no more connections, nothing runs, nothing is open.

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
const LONGEST_BACKOFF: Duration = Duration::from_secs(1);

/// Serves `app` on `listener` until the drain has begun and has ended. Several listeners may share one `drain`: idle
/// connections of all of them stay open until no request runs on any.
///
/// The drain: for [`EdgeSettings::lame_duck`] connections are still accepted, and every answer carries
/// `Connection: close`. Then the listener closes, what runs is finished, idle connections and half-sent requests are
/// closed. After [`EdgeSettings::grace`] whatever is left is cut.
///
/// `app` should have been through [`edge_layers`](crate::edge_layers).
///
/// # Errors
/// The listener is not usable at all. Errors of single connections and a shortage of file descriptors end nothing.
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
    server.take_backlog(&listener).await;
    drop(listener);

    let deadline = Instant::now() + settings.grace;
    if timeout_at(deadline, drain.nothing_runs()).await.is_err() {
        tracing::warn!("requests were still running when the shutdown's grace ended");
    }
    server.closing.send_replace(Some(Instant::now()));
    let ended =
        timeout_at(deadline, async { while server.connections.join_next().await.is_some() {} })
            .await;
    if ended.is_err() {
        tracing::warn!(
            connections = server.connections.len(),
            "cutting the connections that are left"
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
            let has_room = self.connections.len() < self.settings.max_connections;
            tokio::select! {
                () = &mut end => return,
                Ok((stream, peer)) = accept(listener), if has_room => self.spawn(stream, peer),
                Some(ended) = self.connections.join_next(), if !self.connections.is_empty() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "a connection's task failed");
                    }
                }
            }
        }
    }

    /// Whoever connected in time is served: closing the listener would reset those in its queue.
    async fn take_backlog(&mut self, listener: &TcpListener) {
        // The reactor gets a turn to report connections that came since it last looked.
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

/// The next connection. Nothing that can go wrong with one, and no shortage of descriptors or memory, ends the loop;
/// shortages are waited out (accept(2) lists them).
async fn accept(listener: &TcpListener) -> Result<(TcpStream, SocketAddr), Infallible> {
    let mut backoff = FIRST_BACKOFF;
    loop {
        match listener.accept().await {
            Ok(accepted) => return Ok(accepted),
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, backoff_ms = backoff.as_millis(), "accepting connections is paused");
                sleep(backoff).await;
                backoff = (backoff * 2).min(LONGEST_BACKOFF);
            }
        }
    }
}

fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
