//! The accept loop: deadlines for slow clients, and an end that no client can hold up.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::line::Line;

/// How long a connection may be idle or take for a request's head: hyper has one timer for both.
const IDLE: Duration = Duration::from_secs(60);

/// How long the last answers may take once the end has come.
const GRACE: Duration = Duration::from_secs(1);

/// How long to wait where the system has no more file descriptors: time for others to close.
const OUT_OF_FILES: Duration = Duration::from_millis(50);

/// The largest head of a request, in bytes.
const LARGEST_HEAD: usize = 64 * 1024;

/// Answers on the listener until `shutdown` is done, and a little longer where a request is being answered.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()>,
) {
    let (closing, closed) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            () = &mut shutdown => break,
        };
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(connection(stream, router.clone(), closed.clone()));
            }
            Err(error) => wait_after(&error).await,
        }
    }
    drop(listener);
    closing.send_replace(true);
    let all_closed = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, all_closed).await.is_err() {
        tracing::debug!(connections = connections.len(), "closing connections that do not end");
    }
    connections.shutdown().await;
}

async fn connection(stream: TcpStream, router: Router, mut closed: watch::Receiver<bool>) {
    // Answers are small and whole: waiting to fill a packet only costs time.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection takes no options");
    }
    let line = Line::default();
    let answers = TowerToHyperService::new(router);
    let service = service_fn(|mut request: Request<Incoming>| {
        request.extensions_mut().insert(line.clone());
        answers.call(request)
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .max_buf_size(LARGEST_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let mut serving = pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = line.is_cut() => return,
        _ = closed.changed() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

async fn wait_after(error: &io::Error) {
    // The client has gone before it was served: nothing is wrong here.
    let gone =
        matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset);
    if !gone {
        tracing::warn!(%error, "cannot accept a connection");
        tokio::time::sleep(OUT_OF_FILES).await;
    }
}
