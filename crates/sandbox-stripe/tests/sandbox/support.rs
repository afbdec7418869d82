//! A sandbox on its own socket, and a client with full control over the request.

#![expect(clippy::expect_used, reason = "a failure of a test tool fails the test")]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use sandbox_stripe::{Clock, Demo, Sandbox, SandboxSettings, SystemClock};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Maximum wait of any test.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) const KEY: &str = "sk_test_123";

/// A clock that a test moves.
#[derive(Debug)]
pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn starting_now() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(SystemClock.now())))
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// A running sandbox.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) demo: Demo,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<std::io::Result<()>>,
}

/// A response.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

pub(crate) fn settings(state: Option<&Path>) -> SandboxSettings {
    SandboxSettings {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        state: state.map(Path::to_owned),
        // `scripts/test` sets this folder and checks its records against Stripe's schema.
        record: std::env::var_os("STRIPE_EXCHANGES").map(PathBuf::from),
        ..SandboxSettings::default()
    }
}

pub(crate) async fn start() -> Running {
    start_with(settings(None), Arc::new(SystemClock)).await
}

pub(crate) async fn start_with(settings: SandboxSettings, clock: Arc<dyn Clock>) -> Running {
    Running::serve(Sandbox::bind_with_clock(settings, clock).await.expect("bound"))
}

impl Running {
    pub(crate) fn serve(sandbox: Sandbox) -> Self {
        let demo = sandbox.seed_demo().expect("seeded");
        let address = sandbox.local_addr();
        let (stop, stopped) = oneshot::channel::<()>();
        let ended = tokio::spawn(sandbox.serve(async {
            let _ = stopped.await;
        }));
        Self { address, demo, stop, ended }
    }

    /// Kills the sandbox without a shutdown.
    pub(crate) async fn kill(self) {
        self.ended.abort();
        assert!(self.ended.await.is_err_and(|error| error.is_cancelled()));
    }

    pub(crate) async fn stop(self) {
        let _ = self.stop.send(());
        tokio::time::timeout(TIMEOUT, self.ended)
            .await
            .expect("in time")
            .expect("no panic")
            .expect("flushed");
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[("Authorization", &bearer(KEY))], "").await
    }

    pub(crate) async fn post(&self, path: &str, form: &str) -> Reply {
        self.post_with(path, form, &[]).await
    }

    pub(crate) async fn post_with(
        &self,
        path: &str,
        form: &str,
        headers: &[(&str, &str)],
    ) -> Reply {
        let authorization = bearer(KEY);
        let own = [
            ("Authorization", authorization.as_str()),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ];
        self.send("POST", path, &[&own, headers].concat(), form).await
    }

    /// Creates an object and returns its id.
    pub(crate) async fn make(&self, path: &str, form: &str) -> String {
        let reply = self.post(path, form).await;
        assert_eq!(reply.status, 200, "{path} {form}: {}", reply.body);
        reply.json()["id"].as_str().expect("id").to_owned()
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.send("DELETE", path, &[("Authorization", &bearer(KEY))], "").await
    }

    /// Requests a page as a browser does.
    pub(crate) async fn page(&self, url: &str, headers: &[(&str, &str)]) -> Reply {
        let path = url.strip_prefix(&format!("http://{}", self.address)).unwrap_or(url);
        self.send("GET", path, headers, "").await
    }

    /// Creates a session and returns its link.
    pub(crate) async fn session_url(&self, form: &str) -> String {
        let reply = self.post("/v1/billing_portal/sessions", form).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.json()["url"].as_str().expect("url").to_owned()
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let mut request =
            format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.address);
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            request.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        self.raw(&format!("{request}\r\n{body}")).await
    }

    pub(crate) async fn raw(&self, request: &str) -> Reply {
        let exchange = async {
            let mut stream = TcpStream::connect(self.address).await.expect("connected");
            stream.write_all(request.as_bytes()).await.expect("sent");
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).await.expect("received");
            // An invoice's PDF is not text, but its head is.
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let text = tokio::time::timeout(TIMEOUT, exchange).await.expect("answered in time");
        let (head, body) = text.split_once("\r\n\r\n").expect("head and body");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("status");
        Reply { status, head: head.to_owned(), body: body.to_owned() }
    }
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
    }

    /// Returns status, code and param of an error.
    pub(crate) fn error(&self) -> (u16, String, String) {
        let json = self.json();
        let field = |name: &str| json["error"][name].as_str().unwrap_or_default().to_owned();
        assert!(!field("type").is_empty() && !field("message").is_empty(), "{}", self.body);
        (self.status, field("code"), field("param"))
    }
}

pub(crate) fn bearer(key: &str) -> String {
    format!("Bearer {key}")
}

/// Returns an error in the form of [`Reply::error`].
pub(crate) fn refused(status: u16, code: &str, param: &str) -> (u16, String, String) {
    (status, code.to_owned(), param.to_owned())
}
