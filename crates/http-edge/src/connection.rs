//! One connection from its acceptance to its last byte.

mod exchange;
mod guard;
mod head;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::header::CONNECTION;
use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tower::ServiceExt;

use crate::answer::{WatchedBody, Watcher};
use crate::drain::Drain;
use crate::fault::Fault;
use crate::settings::EdgeSettings;
use exchange::Exchange;
use guard::{GuardedStream, PARTING};

/// Address of the connection's other end: the client or the last proxy. Handlers find it among the request's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

/// Extension of a request that stands for a head which was refused.
#[derive(Clone, Debug)]
pub(crate) struct Refused(pub(crate) Fault);

/// All that a connection needs beside its socket.
pub(crate) struct Connection {
    pub(crate) app: Router,
    pub(crate) settings: EdgeSettings,
    pub(crate) drain: Drain,
    pub(crate) closing: watch::Receiver<Option<Instant>>,
    pub(crate) peer: SocketAddr,
}

/// Serves the connection until either side ends it.
pub(crate) async fn run(connection: Connection, stream: TcpStream) {
    let _open = OpenGauge::new();
    // Answers are small and complete: waiting to fill a segment would only delay them.
    let _ = stream.set_nodelay(true);
    let exchange = Arc::new(Exchange::new(connection.drain.clone()));
    let guard = GuardedStream::new(stream, exchange.clone(), &connection.settings);
    let answering = Answering {
        app: connection.app,
        exchange: exchange.clone(),
        peer: PeerAddr(connection.peer),
    };
    let mut http = http1::Builder::new()
        // The guard's deadlines replace hyper's, which would also end idle connections.
        .header_read_timeout(None)
        // A client that has sent all and shut its side down still wants its answer.
        .half_close(true)
        .serve_connection(guard, answering);
    let mut closing = connection.closing;
    let served = tokio::select! {
        served = &mut http => served,
        since = closing_began(&mut closing) => {
            exchange.close(since);
            (&mut http).await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended early");
    }
    let guard = http.into_parts().io;
    exchange.over();
    tokio::select! {
        () = guard.linger(&connection.settings) => {}
        _ = closing_began(&mut closing) => sleep(PARTING).await,
    }
}

async fn closing_began(closing: &mut watch::Receiver<Option<Instant>>) -> Instant {
    match closing.wait_for(Option::is_some).await.ok().and_then(|since| *since) {
        Some(since) => since,
        // The accept loop is gone without a drain, and takes this task with it.
        None => std::future::pending().await,
    }
}

/// Hands hyper's requests to the application.
struct Answering {
    app: Router,
    exchange: Arc<Exchange>,
    peer: PeerAddr,
}

impl Service<Request<Incoming>> for Answering {
    type Response = Response<WatchedBody<Unanswered>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let head = self.exchange.next_head();
        let unanswered = Unanswered(self.exchange.clone());
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(self.peer);
        if let Some(fault) = head.refused {
            request.extensions_mut().insert(Refused(fault));
        }
        let app = self.app.clone();
        Box::pin(async move {
            let Ok(mut response) = app.oneshot(request).await;
            if head.last || unanswered.0.must_close() {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(response.map(|body| WatchedBody::new(body, unanswered)))
        })
    }
}

/// Lives as long as a request is not answered in full.
struct Unanswered(Arc<Exchange>);

impl Watcher for Unanswered {
    fn sent(&mut self, _bytes: usize) {}
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        self.0.answered();
    }
}

struct OpenGauge;

impl OpenGauge {
    fn new() -> Self {
        metrics::gauge!("http_connections_open").increment(1.0);
        Self
    }
}

impl Drop for OpenGauge {
    fn drop(&mut self) {
        metrics::gauge!("http_connections_open").decrement(1.0);
    }
}
