//! [`Client`]: a test client that sends raw bytes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Timeout of every wait, generous for a loaded machine.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) version: String,
    pub(crate) headers: BTreeMap<String, Vec<String>>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let values = self.headers.get(name)?;
        assert_eq!(values.len(), 1, "{name} occurs {} times", values.len());
        values.first().map(String::as_str)
    }

    pub(crate) fn closes(&self) -> bool {
        self.header("connection") == Some("close")
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Returns the code of a problem response.
    pub(crate) fn code(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        self.json()["code"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    pub(crate) fn is(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.code().as_str()), (status, code), "{}", self.text());
    }
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = timeout(TIMEOUT, TcpStream::connect(address)).await.unwrap().unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        timeout(TIMEOUT, self.stream.write_all(bytes.as_ref())).await.unwrap().unwrap();
    }

    /// Sends bytes that the server may reject. Returns whether the write succeeded.
    pub(crate) async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        timeout(TIMEOUT, self.stream.write_all(bytes.as_ref())).await.unwrap().is_ok()
    }

    pub(crate) async fn shut_down_write_side(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// Sends a request and reads the response.
    pub(crate) async fn ask(&mut self, request: impl AsRef<[u8]>) -> Answer {
        self.send(request).await;
        self.answer().await
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.ask(format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n")).await
    }

    /// Reads the next response, with a body of `Content-Length` bytes.
    pub(crate) async fn answer(&mut self) -> Answer {
        self.answer_to("GET").await
    }

    pub(crate) async fn answer_to(&mut self, method: &str) -> Answer {
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            assert!(
                self.receive().await,
                "closed before a response: {:?}",
                String::from_utf8_lossy(&self.buffer)
            );
        };
        let head: Vec<u8> = self.buffer.drain(..end).collect();
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.split("\r\n").filter(|line| !line.is_empty());
        let mut status_line = lines.next().unwrap().split(' ');
        let version = status_line.next().unwrap().to_owned();
        let status = status_line.next().unwrap().parse().unwrap();
        let mut headers = BTreeMap::<String, Vec<String>>::new();
        for (name, value) in lines.map(|line| line.split_once(": ").unwrap()) {
            headers.entry(name.to_ascii_lowercase()).or_default().push(value.to_owned());
        }
        let length = headers.get("content-length").map_or(0, |values| values[0].parse().unwrap());
        let length = if method == "HEAD" { 0 } else { length };
        while self.buffer.len() < length {
            assert!(self.receive().await, "closed within a response");
        }
        let body = self.buffer.drain(..length).collect();
        Answer { status, version, headers, body }
    }

    /// Reads all responses until the server closes.
    pub(crate) async fn all_answers(mut self) -> Vec<Answer> {
        while self.receive().await {}
        let mut answers = Vec::new();
        while !self.buffer.is_empty() {
            answers.push(self.answer().await);
        }
        answers
    }

    /// Asserts that the server closes the connection without sending more bytes.
    pub(crate) async fn closed(mut self) {
        while self.receive().await {}
        assert_eq!(String::from_utf8_lossy(&self.buffer), "", "bytes before the end");
    }

    /// Returns whether the server has sent bytes or closed the connection.
    pub(crate) fn has_answer(&mut self) -> bool {
        let mut space = [0; 1024];
        match self.stream.try_read(&mut space) {
            Ok(length) => {
                self.buffer.extend_from_slice(&space[..length]);
                true
            }
            Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
        }
    }

    /// Returns whether the connection is open and no byte has arrived.
    pub(crate) fn is_open(&mut self) -> bool {
        !self.has_answer()
    }

    /// Waits for the first byte of a response without reading it.
    pub(crate) async fn readable(&self) {
        timeout(TIMEOUT, self.stream.readable()).await.unwrap().unwrap();
    }

    /// Reads more bytes. Returns false once the server has closed.
    async fn receive(&mut self) -> bool {
        let mut space = vec![0; 64 * 1024];
        // A reset also ends the connection.
        let length = timeout(TIMEOUT, self.stream.read(&mut space)).await.unwrap().unwrap_or(0);
        self.buffer.extend_from_slice(&space[..length]);
        length > 0
    }
}
