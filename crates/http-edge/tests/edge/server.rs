//! A small application behind the edge.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use http::header::{CACHE_CONTROL, SERVER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use http_edge::{
    ClientAddress, Drain, EdgeConfig, EdgeSettings, Fault, PeerAddr, Problem, RequestId,
    StrictJson, edge_layers, serve,
};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::client::{Client, TIMEOUT};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Echo {
    pub(crate) name: Option<String>,
    pub(crate) inner: Option<Box<Echo>>,
}

impl Echo {
    fn describe(&self) -> String {
        let inner = self
            .inner
            .as_ref()
            .map(|inner| format!(" in {}", inner.describe()))
            .unwrap_or_default();
        format!("{:?}{inner}", self.name)
    }
}

/// Blocks requests to `/api/v1/held` in their handler until the test opens it.
pub(crate) struct Gate {
    entered: watch::Sender<usize>,
    open: watch::Sender<bool>,
}

impl Gate {
    pub(crate) async fn entered(&self, times: usize) {
        let mut entered = self.entered.subscribe();
        timeout(TIMEOUT, entered.wait_for(|entered| *entered >= times)).await.unwrap().unwrap();
    }

    pub(crate) fn open(&self) {
        self.open.send_replace(true);
    }
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) drain: Drain,
    pub(crate) gate: Arc<Gate>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    pub(crate) async fn start_with(adjust: impl FnOnce(&mut EdgeSettings)) -> Self {
        Self::start_on(Drain::new(), adjust).await
    }

    pub(crate) async fn start_on(drain: Drain, adjust: impl FnOnce(&mut EdgeSettings)) -> Self {
        let mut settings = EdgeSettings { lame_duck: Duration::ZERO, ..EdgeSettings::default() };
        adjust(&mut settings);
        Self::serve_on(TcpListener::bind("127.0.0.1:0").await.unwrap(), drain, settings)
    }

    /// Starts after `clients` clients have connected and sent a request.
    pub(crate) async fn start_late(drain: Drain, clients: usize) -> (Self, Vec<Client>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut early = Vec::new();
        for _ in 0..clients {
            let mut client = Client::connect(listener.local_addr().unwrap()).await;
            client.send("GET /livez HTTP/1.1\r\nHost: h\r\n\r\n").await;
            early.push(client);
        }
        let settings = EdgeSettings { lame_duck: Duration::ZERO, ..EdgeSettings::default() };
        (Self::serve_on(listener, drain, settings), early)
    }

    /// Starts with another application.
    pub(crate) async fn start_app(app: Router) -> Self {
        let settings = EdgeSettings { lame_duck: Duration::ZERO, ..EdgeSettings::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::serve_app_on(listener, Drain::new(), settings, |_, _| app)
    }

    fn serve_on(listener: TcpListener, drain: Drain, settings: EdgeSettings) -> Self {
        Self::serve_app_on(listener, drain, settings, app)
    }

    fn serve_app_on(
        listener: TcpListener,
        drain: Drain,
        settings: EdgeSettings,
        app: impl FnOnce(Drain, Arc<Gate>) -> Router,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let gate =
            Arc::new(Gate { entered: watch::Sender::new(0), open: watch::Sender::new(false) });
        let app = app(drain.clone(), gate.clone());
        let task = tokio::spawn(serve(listener, app, settings, drain.clone()));
        Self { address, drain, gate, task }
    }

    pub(crate) async fn client(&self) -> Client {
        Client::connect(self.address).await
    }

    /// Asserts that `serve` returns.
    pub(crate) async fn ended(self) {
        timeout(TIMEOUT, self.task).await.unwrap().unwrap().unwrap();
    }
}

pub(crate) fn render(fault: &Fault) -> Problem {
    let (status, code, detail) = match fault {
        Fault::BadRequestHead { detail } | Fault::InvalidBody { detail } => {
            (400, "invalid_request", detail.as_str())
        }
        Fault::UriTooLong => (414, "uri_too_long", "Shorten it."),
        Fault::HeadersTooLarge => (431, "headers_too_large", "Shorten them."),
        Fault::PayloadTooLarge => (413, "payload_too_large", "Shorten it."),
        Fault::UnsupportedMediaType => (415, "unsupported_media_type", "Send JSON."),
        Fault::RequestTimeout => (408, "request_timeout", "Send faster."),
        Fault::NotFound => (404, "not_found", "Check the path."),
        Fault::MethodNotAllowed => (405, "method_not_allowed", "Use another method."),
        Fault::Panic => (500, "internal_error", "Report it."),
    };
    Problem::new(StatusCode::from_u16(status).unwrap(), code, "Title", detail)
}

pub(crate) fn app(drain: Drain, gate: Arc<Gate>) -> Router {
    let router =
        Router::new()
            .route("/livez", get(|| async { "alive" }))
            .route("/readyz", get(move || ready(drain.is_draining())))
            .route("/id", get(|Extension(id): Extension<RequestId>| async move { id.to_string() }))
            .route(
                "/peer",
                get(|Extension(PeerAddr(peer)): Extension<PeerAddr>| async move {
                    peer.ip().to_string()
                }),
            )
            .route(
                "/from",
                get(
                    |Extension(client): Extension<ClientAddress>| async move { client.to_string() },
                ),
            )
            .route(
                "/docs",
                get(|| async { ([(CACHE_CONTROL, "max-age=60"), (SERVER, "x/1")], "page") }),
            )
            .route("/big", get(|| async { vec![b'x'; 32 * 1024 * 1024] }))
            .route("/panic", get(panics))
            .route("/api/v1/cached", get(|| async { ([(CACHE_CONTROL, "max-age=60")], "no") }))
            .route("/api/v1/two", get(|| async { "two" }).post(|| async { "two" }))
            .route(
                "/api/v1/echo",
                post(|StrictJson(echo): StrictJson<Echo>| async move { echo.describe() }),
            )
            .route(
                "/api/v1/large",
                post(|StrictJson(echo): StrictJson<Echo>| async move {
                    format!("{:?}", echo.name.map(|name| name.len()))
                }),
            )
            .route("/api/v1/denied", post(denied))
            .route("/api/v1/held", get(move || held(gate.clone())));
    let config = EdgeConfig::new(render)
        .with_problem_types("https://billing.example/docs/errors/")
        .with_api_prefix("/api/")
        .with_body_limit("/api/v1/large", 1 << 20);
    edge_layers(router, config)
}

async fn ready(draining: bool) -> Response {
    if draining {
        return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", "Not ready", "Wait.")
            .with_member("checks", vec!["draining"])
            .into_response();
    }
    "ready".into_response()
}

async fn denied() -> Problem {
    let problem =
        Problem::new(StatusCode::UNAUTHORIZED, "missing_credential", "No credential", "Send one.");
    problem.with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
}

async fn panics() -> &'static str {
    panic!("secret cause")
}

async fn held(gate: Arc<Gate>) -> &'static str {
    gate.entered.send_modify(|entered| *entered += 1);
    let mut open = gate.open.subscribe();
    open.wait_for(|open| *open).await.unwrap();
    "held"
}
