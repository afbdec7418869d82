//! [`Issuer`]: an issuer's web server with scripted, also faulty, responses.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

use super::published_key::{PublishedKey, set_of};

/// A response.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// Sends these bytes and closes the connection.
    Bytes(Vec<u8>),
    /// Sends these bytes and then hangs.
    Stuck(Vec<u8>),
    /// Sends the first bytes once and then repeats the others endlessly.
    Endless(Vec<u8>, Vec<u8>),
}

/// A server that listens on a free port until it is dropped.
#[derive(Debug)]
pub(crate) struct Issuer {
    port: u16,
    shared: Arc<Shared>,
    task: AbortHandle,
}

#[derive(Debug)]
struct Shared {
    answer: Mutex<Answer>,
    requests: Mutex<Vec<String>>,
}

impl Issuer {
    /// Starts a server with this response.
    pub(crate) async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared { answer: Mutex::new(answer), requests: Mutex::default() });
        let task = tokio::spawn(accept(listener, Arc::clone(&shared))).abort_handle();
        Self { port, shared, task }
    }

    /// Starts a server that publishes these keys.
    pub(crate) async fn of(keys: &[&PublishedKey]) -> Self {
        Self::start(Answer::json(&set_of(keys))).await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/keys?tenant=1", self.port)
    }

    pub(crate) fn answer(&self, answer: Answer) {
        *self.shared.answer.lock().unwrap() = answer;
    }

    pub(crate) fn publish(&self, keys: &[&PublishedKey]) {
        self.answer(Answer::json(&set_of(keys)));
    }

    /// Returns the heads of all requests.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Answer {
    /// Returns a complete response with this body.
    pub(crate) fn json(body: &str) -> Self {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        Self::Bytes([head.as_bytes(), body.as_bytes()].concat())
    }

    /// Returns a response without a body.
    pub(crate) fn head(head: &str) -> Self {
        Self::Bytes(format!("HTTP/1.1 {head}\r\n\r\n").into_bytes())
    }

    /// Closes the connection without a response.
    pub(crate) fn nothing() -> Self {
        Self::Bytes(Vec::new())
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut open = tokio::task::JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        open.spawn(serve(stream, Arc::clone(&shared)));
    }
}

/// Serves one request. An error means that the client closed the connection.
async fn serve(mut stream: TcpStream, shared: Arc<Shared>) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    shared.requests.lock().unwrap().push(String::from_utf8_lossy(&head).into_owned());
    let answer = shared.answer.lock().unwrap().clone();
    match answer {
        Answer::Bytes(bytes) => stream.write_all(&bytes).await?,
        Answer::Stuck(bytes) => {
            stream.write_all(&bytes).await?;
            std::future::pending::<()>().await;
        }
        Answer::Endless(first, again) => {
            stream.write_all(&first).await?;
            loop {
                stream.write_all(&again).await?;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    }
    stream.shutdown().await
}
