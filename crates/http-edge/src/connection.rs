//! [`run`] serves one accepted connection.

mod checked_stream;
mod exchange;
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
use checked_stream::{CLOSE_TIMEOUT, CheckedStream};
use exchange::Exchange;

/// Peer address of the connection: the client or the last proxy. Handlers read it from the request
/// extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

/// Extension of the placeholder request for a refused head.
#[derive(Clone, Debug)]
pub(crate) struct Refused(pub(crate) Fault);

/// State of a connection, without its socket.
pub(crate) struct Connection {
    pub(crate) app: Router,
    pub(crate) settings: EdgeSettings,
    pub(crate) drain: Drain,
    pub(crate) closing: watch::Receiver<Option<Instant>>,
    pub(crate) peer: SocketAddr,
}

/// Serves the connection until either side ends it.
pub(crate) async fn run(connection: Connection, stream: TcpStream) {
    let _open = OpenConnectionGauge::new();
    // Responses are small and complete, so waiting to fill a segment would only delay them.
    let _ = stream.set_nodelay(true);
    let exchange = Arc::new(Exchange::new(connection.drain.clone()));
    let stream = CheckedStream::new(stream, exchange.clone(), &connection.settings);
    let service = RequestService {
        app: connection.app,
        exchange: exchange.clone(),
        peer: PeerAddr(connection.peer),
    };
    let mut http = http1::Builder::new()
        // `CheckedStream` has its own deadlines. Those of hyper would also close idle connections.
        .header_read_timeout(None)
        // A client that half-closes the connection still needs its response.
        .half_close(true)
        .serve_connection(stream, service);
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
    let stream = http.into_parts().io;
    exchange.end();
    tokio::select! {
        () = stream.linger(&connection.settings) => {}
        _ = closing_began(&mut closing) => sleep(CLOSE_TIMEOUT).await,
    }
}

async fn closing_began(closing: &mut watch::Receiver<Option<Instant>>) -> Instant {
    match closing.wait_for(Option::is_some).await.ok().and_then(|since| *since) {
        Some(since) => since,
        // The accept loop ended without a drain and aborts this task.
        None => std::future::pending().await,
    }
}

/// Passes requests from hyper to the application.
struct RequestService {
    app: Router,
    exchange: Arc<Exchange>,
    peer: PeerAddr,
}

impl Service<Request<Incoming>> for RequestService {
    type Response = Response<WatchedBody<PendingResponse>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let head = self.exchange.next_head();
        let pending = PendingResponse(self.exchange.clone());
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(self.peer);
        if let Some(fault) = head.refused {
            request.extensions_mut().insert(Refused(fault));
        }
        let app = self.app.clone();
        Box::pin(async move {
            let Ok(mut response) = app.oneshot(request).await;
            if head.last || pending.0.must_close() {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(response.map(|body| WatchedBody::new(body, pending)))
        })
    }
}

/// Exists until the request is answered completely.
struct PendingResponse(Arc<Exchange>);

impl Watcher for PendingResponse {
    fn sent(&mut self, _bytes: usize) {}
}

impl Drop for PendingResponse {
    fn drop(&mut self) {
        self.0.answered();
    }
}

struct OpenConnectionGauge;

impl OpenConnectionGauge {
    fn new() -> Self {
        metrics::gauge!("http_connections_open").increment(1.0);
        Self
    }
}

impl Drop for OpenConnectionGauge {
    fn drop(&mut self) {
        metrics::gauge!("http_connections_open").decrement(1.0);
    }
}
