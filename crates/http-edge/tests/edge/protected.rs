//! [`ProtectedApp`] checks the credential, the rate limit, the permission and the body, in the
//! order of rule H5.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use axum::extract::{FromRequest, Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, StatusCode};
use http_edge::{
    ClientAddress, CorsPolicy, EdgeConfig, FailedAttempt, FailureLimiter, Moment, Problem,
    RateLimiter, StrictJson, TrustedProxies, X_REQUEST_ID, bearer, edge_layers,
};

use crate::client::Answer;
use crate::server::{Echo, Server, render};

/// Origins whose pages may call the application.
const ORIGINS: &str = "https://app.example.com,http://localhost:3000,capacitor://localhost";

/// Start time of every test, in seconds since the Unix epoch.
pub(crate) const BEGIN: u64 = 1_800_000_000;

/// Limits with a clock that the test controls.
pub(crate) struct Limits {
    rate: Option<RateLimiter>,
    failures: FailureLimiter,
    now: Mutex<Moment>,
}

pub(crate) struct ProtectedApp {
    pub(crate) server: Server,
    limits: Arc<Limits>,
}

impl ProtectedApp {
    /// Starts the app behind a trusted loopback proxy. Limits per minute: `rate` for requests (0:
    /// no limit), `failures` for failed credentials.
    pub(crate) async fn start(rate: u32, failures: u32) -> Self {
        let now =
            Moment { utc: SystemTime::UNIX_EPOCH + Duration::from_secs(BEGIN), ..Moment::now() };
        let limits = Arc::new(Limits {
            rate: NonZeroU32::new(rate).map(RateLimiter::per_minute),
            failures: FailureLimiter::per_minute(NonZeroU32::new(failures).unwrap()),
            now: Mutex::new(now),
        });
        let router = Router::new()
            .route("/api/v1/protected/{outcome}", post(protected))
            .route(
                "/from",
                get(
                    |Extension(client): Extension<ClientAddress>| async move { client.to_string() },
                ),
            )
            .with_state(limits.clone());
        let config = EdgeConfig::new(render)
            .with_trusted_proxies(TrustedProxies::parse("127.0.0.0/8").unwrap())
            .with_api_prefix("/api/")
            .with_cors(
                CorsPolicy::parse(ORIGINS)
                    .unwrap()
                    .allowing(&[Method::GET, Method::POST])
                    .exposing(&[X_REQUEST_ID, RETRY_AFTER]),
            );
        Self { server: Server::start_app(edge_layers(router, config)).await, limits }
    }

    pub(crate) fn advance(&self, time: Duration) {
        let mut now = self.limits.now.lock().unwrap();
        *now = Moment { steady: now.steady + time, utc: now.utc + time };
    }

    /// Sends a request with the credential and additional header lines on a new connection.
    pub(crate) async fn ask(&self, outcome: &str, credential: &str, lines: &str) -> Answer {
        let line = format!(
            "POST /api/v1/protected/{outcome} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {credential}\r\n"
        );
        self.server.client().await.ask(format!("{line}Content-Length: 0\r\n{lines}\r\n")).await
    }
}

/// Handles a request. Credentials are `<name>.<secret>`, and the correct secret is `good`.
async fn protected(
    State(limits): State<Arc<Limits>>,
    Path(outcome): Path<String>,
    request: Request,
) -> Response {
    let now = *limits.now.lock().unwrap();
    let Ok(credential) = bearer(request.headers()) else {
        return problem(401, "missing_credential")
            .with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
            .into_response();
    };
    let (name, secret) = credential.split_once('.').unwrap();
    if secret != "good" {
        let source = request.extensions().get().map(|client: &ClientAddress| client.network());
        return match limits.failures.count(FailedAttempt { source, name: Some(name) }, now.steady) {
            None => problem(401, "invalid_token").into_response(),
            Some(wait) => limited(wait).into_response(),
        };
    }
    if let Some(limiter) = &limits.rate {
        let decision = limiter.check(name, now);
        decision.attach_to(request.extensions());
        if let Some(wait) = decision.retry_after {
            return limited(wait).into_response();
        }
    }
    match outcome.as_str() {
        "denied" => problem(403, "insufficient_permission").into_response(),
        "panics" => panic!("on purpose"),
        _ => match StrictJson::<Echo>::from_request(request, &()).await {
            Ok(_) => "done".into_response(),
            Err(fault) => fault.into_response(),
        },
    }
}

fn problem(status: u16, code: &'static str) -> Problem {
    Problem::new(StatusCode::from_u16(status).unwrap(), code, "Title", "Detail.")
}

fn limited(wait: Duration) -> Problem {
    problem(429, "rate_limited")
        .with_header(RETRY_AFTER, HeaderValue::from(wait.as_secs_f64().ceil() as u64))
}
