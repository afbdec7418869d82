//! A webhook receiver on its own socket, with responses that a test defines.

#![expect(clippy::expect_used, reason = "a failure of a test tool fails the test")]

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use sandbox_stripe::{Clock as _, SandboxSettings, SystemClock, WebhookSettings};
use serde_json::Value;
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::support::{Running, TIMEOUT};

/// The response to a delivery.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Plan {
    Status(u16),
    Silence,
}

/// A received delivery.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) body: String,
    headers: Vec<(String, String)>,
}

/// A receiver. It stops when dropped.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    inbox: Arc<Inbox>,
    serving: AbortHandle,
}

#[derive(Default)]
struct Inbox {
    received: Mutex<Vec<Received>>,
    plans: Mutex<VecDeque<Plan>>,
    arrived: Notify,
    connections: AtomicUsize,
}

impl Receiver {
    /// Starts a receiver that responds with the plans and accepts everything afterwards.
    pub(crate) async fn start(plans: &[Plan]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("address");
        let inbox = Arc::new(Inbox {
            plans: Mutex::new(plans.iter().copied().collect()),
            ..Inbox::default()
        });
        let shared = inbox.clone();
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                let inbox = shared.clone();
                let service = service_fn(move |request| answer(inbox.clone(), request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { address, inbox, serving: serving.abort_handle() }
    }

    /// Returns the receiver's URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/hooks", self.address)
    }

    /// Creates an endpoint of the sandbox for these types; returns its id and secret.
    pub(crate) async fn subscribe(&self, sandbox: &Running, types: &[&str]) -> (String, String) {
        let types: String = types.iter().map(|kind| format!("&enabled_events[]={kind}")).collect();
        let reply =
            sandbox.post("/v1/webhook_endpoints", &format!("url={}{types}", self.url())).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let text = |name: &str| reply.json()[name].as_str().expect("text").to_owned();
        (text("id"), text("secret"))
    }

    /// Waits for this number of deliveries and returns them.
    pub(crate) async fn wait(&self, many: usize) -> Vec<Received> {
        let arrived = async {
            loop {
                let next = self.inbox.arrived.notified();
                if self.received().len() >= many {
                    return;
                }
                next.await;
            }
        };
        tokio::time::timeout(TIMEOUT, arrived).await.expect("deliveries in time");
        self.received()
    }

    /// Returns the number of connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.inbox.connections.load(Ordering::SeqCst)
    }

    /// Returns the deliveries received so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        lock(&self.inbox.received).clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// Returns the customer's name in the event.
    pub(crate) fn name(&self) -> String {
        self.json()["data"]["object"]["name"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .iter()
            .find_map(|(key, value)| (key == name).then_some(value.as_str()))
            .unwrap_or_default()
    }

    /// Returns whether the secret signed it, recently.
    pub(crate) fn is_signed(&self, secret: &str) -> bool {
        let signature = self.header("stripe-signature");
        let Some((time, hex)) =
            signature.strip_prefix("t=").and_then(|rest| rest.split_once(",v1="))
        else {
            return false;
        };
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("key");
        mac.update(format!("{time}.{}", self.body).as_bytes());
        let expected: String =
            mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let age = SystemClock.now() - time.parse::<i64>().expect("time");
        hex == expected && (0..300).contains(&age)
    }
}

/// Returns the settings with short backoffs.
pub(crate) fn short_backoff(mut settings: SandboxSettings) -> SandboxSettings {
    settings.webhooks = WebhookSettings {
        timeout: Duration::from_secs(2),
        initial_backoff: Duration::from_millis(5),
        max_backoff: Duration::from_millis(50),
        attempts: 15,
    };
    settings
}

/// Waits until no delivery is pending and returns the deliveries, newest first.
pub(crate) async fn settled(sandbox: &Running) -> Vec<Value> {
    let settled = async {
        loop {
            let list = sandbox.get("/sandbox/deliveries?limit=1000").await.json();
            if list["pending"] == 0 {
                return list["data"].as_array().cloned().unwrap_or_default();
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(TIMEOUT, settled).await.expect("settled in time")
}

async fn answer(
    inbox: Arc<Inbox>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let headers = parts.headers.iter().map(|(name, value)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    let received = Received {
        path: parts.uri.path().to_owned(),
        body: String::from_utf8_lossy(&body).into_owned(),
        headers: headers.collect(),
    };
    let plan = lock(&inbox.plans).pop_front().unwrap_or(Plan::Status(200));
    lock(&inbox.received).push(received);
    inbox.arrived.notify_one();
    match plan {
        Plan::Silence => pending().await,
        Plan::Status(status) => {
            let mut response = Response::new(Full::new(Bytes::from_static(b"{}")));
            *response.status_mut() = status.try_into().expect("status");
            if (300..400).contains(&status) {
                response.headers_mut().insert("location", "/elsewhere".parse().expect("header"));
            }
            Ok(response)
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no panic")
}
