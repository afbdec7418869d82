//! A slow Postgres: a proxy that delays the answers of a real server.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use billing_testkit::postgres::TestDatabase;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::task::AbortHandle;
use url::Url;

use crate::runtime;

/// A database behind a proxy. Dropping this value removes both.
#[derive(Debug)]
pub struct SlowDatabase {
    database: TestDatabase,
    address: SocketAddr,
    delay: Arc<AtomicU64>,
    accepting: AbortHandle,
}

#[derive(Clone)]
enum Server {
    Socket(PathBuf),
    Address(String),
}

impl SlowDatabase {
    /// Creates an empty database. The proxy adds no delay until [`SlowDatabase::delay`] is called.
    ///
    /// # Panics
    /// When Postgres is not available.
    #[must_use]
    pub fn create() -> Self {
        runtime::wait(async {
            let database = TestDatabase::create().await;
            let server = Server::of(database.url());
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let address = listener.local_addr().expect("an address");
            let delay = Arc::new(AtomicU64::new(0));
            let shared = Arc::clone(&delay);
            let accepting = tokio::spawn(async move {
                while let Ok((client, _)) = listener.accept().await {
                    let _ = client.set_nodelay(true);
                    tokio::spawn(connect(client, server.clone(), Arc::clone(&shared)));
                }
            });
            Self { database, address, delay, accepting: accepting.abort_handle() }
        })
    }

    /// Returns the value for `BILLING_DATABASE_URL`.
    ///
    /// # Panics
    /// Never: the parts come from a valid URL.
    #[must_use]
    pub fn url(&self) -> String {
        let mut url = Url::parse(self.database.url()).expect("a URL");
        url.set_host(Some(&self.address.ip().to_string())).expect("a host");
        url.set_port(Some(self.address.port())).expect("a port");
        url.set_query(None);
        url.into()
    }

    /// Sets the delay of the server's next answers. Answers in flight keep their old delay.
    pub fn delay(&self, delay: Duration) {
        let millis = u64::try_from(delay.as_millis()).expect("a short delay");
        self.delay.store(millis, Ordering::SeqCst);
    }
}

impl Drop for SlowDatabase {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Server {
    /// Returns the server of a URL. A percent-encoded host is the folder of a socket.
    fn of(url: &str) -> Self {
        let url = Url::parse(url).expect("a URL");
        let host = url.host_str().expect("a host").replace("%2F", "/").replace("%2f", "/");
        let port = url.port().unwrap_or(5432);
        if host.starts_with('/') {
            return Self::Socket(PathBuf::from(host).join(format!(".s.PGSQL.{port}")));
        }
        Self::Address(format!("{host}:{port}"))
    }
}

async fn connect(client: TcpStream, server: Server, delay: Arc<AtomicU64>) {
    match server {
        Server::Socket(path) => {
            let Ok(server) = UnixStream::connect(path).await else { return };
            let (from, to) = server.into_split();
            join(client, from, to, delay).await;
        }
        Server::Address(address) => {
            let Ok(server) = TcpStream::connect(address).await else { return };
            let (from, to) = server.into_split();
            join(client, from, to, delay).await;
        }
    }
}

async fn join(
    client: TcpStream,
    from_server: impl AsyncRead + Unpin,
    to_server: impl AsyncWrite + Unpin,
    delay: Arc<AtomicU64>,
) {
    let (from_client, to_client) = client.into_split();
    let none = Arc::new(AtomicU64::new(0));
    // When one side closes, both directions end.
    tokio::select! {
        () = copy(from_client, to_server, none) => {}
        () = copy(from_server, to_client, delay) => {}
    }
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    delay: Arc<AtomicU64>,
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let wait = Duration::from_millis(delay.load(Ordering::SeqCst));
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
