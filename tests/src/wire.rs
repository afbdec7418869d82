//! An HTTP/1.1 client that sends exact bytes and parses responses strictly.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::response::Response;
use crate::{api_document, canary};

/// Timeout of a response.
const ANSWER_TIME: Duration = Duration::from_secs(60);

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The request target.
    pub target: String,
    /// Header fields in order. `Host` and `Content-Length` are added if they are missing.
    pub headers: Vec<(String, String)>,
    /// The body. `None` also omits `Content-Length`.
    pub body: Option<Vec<u8>>,
}

/// The end of an exchange.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// A response arrived.
    Answer(Response),
    /// The connection closed without a response.
    Closed,
    /// Neither happened in time.
    Silence,
}

/// A connection with a read buffer.
#[derive(Debug)]
pub struct Connection {
    to: SocketAddr,
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Request {
    /// Creates a request without header fields or body.
    pub fn new(method: impl Into<String>, target: impl Into<String>) -> Self {
        Self { method: method.into(), target: target.into(), headers: Vec::new(), body: None }
    }

    /// Creates a GET.
    pub fn get(target: impl Into<String>) -> Self {
        Self::new("GET", target)
    }

    /// Creates a POST with a JSON body.
    pub fn post_json(target: impl Into<String>, body: &Value) -> Self {
        Self::new("POST", target).header("content-type", "application/json").body(body.to_string())
    }

    /// Appends a header field.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Adds a bearer credential.
    #[must_use]
    pub fn bearer(self, credential: &str) -> Self {
        self.header("authorization", format!("Bearer {credential}"))
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name))
    }

    /// Returns the encoded request.
    #[must_use]
    pub fn to_bytes(&self, host: SocketAddr) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\n", self.method, self.target).into_bytes();
        let mut field =
            |name: &str, value: &str| bytes.extend(format!("{name}: {value}\r\n").into_bytes());
        if !self.has("host") {
            field("Host", &host.to_string());
        }
        for (name, value) in &self.headers {
            field(name, value);
        }
        if let Some(body) = &self.body
            && !self.has("content-length")
            && !self.has("transfer-encoding")
        {
            field("Content-Length", &body.len().to_string());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(self.body.as_deref().unwrap_or_default());
        bytes
    }

    /// Sends the request on a new connection.
    ///
    /// # Errors
    /// When no response arrives. The text has the reason.
    ///
    /// # Panics
    /// When a response of the service violates its OpenAPI document.
    pub fn send(&self, to: SocketAddr) -> Result<Response, String> {
        let mut connection =
            Connection::open(to).map_err(|e| format!("no connection to {to}: {e}"))?;
        // The write fails if the server responds and closes early. The response can still be read.
        let _ = connection.send(&self.to_bytes(to));
        match connection.answer(&self.method, &self.target) {
            Outcome::Answer(response) => {
                if response.status >= 400 {
                    canary::note_refusal(&response);
                }
                Ok(response)
            }
            Outcome::Closed => {
                Err(format!("{} {}: closed without a response", self.method, self.target))
            }
            Outcome::Silence => {
                Err(format!("{} {}: no response in {ANSWER_TIME:?}", self.method, self.target))
            }
        }
    }
}

impl Connection {
    /// Opens a connection.
    ///
    /// # Errors
    /// When connecting fails.
    pub fn open(to: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect_timeout(&to, Duration::from_secs(10))?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(Duration::from_secs(20)))?;
        Ok(Self { to, stream, buffer: Vec::new() })
    }

    /// Writes bytes.
    ///
    /// # Errors
    /// When writing fails, for instance because the server has closed.
    pub fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Writes one byte every 100 ms until all are written or the server responds or closes.
    pub fn send_slowly(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if self.stream.write_all(&[*byte]).is_err() {
                return;
            }
            let received = self.more(Instant::now() + Duration::from_millis(100));
            if received.is_some() {
                return;
            }
        }
    }

    /// Shuts down the sending direction.
    pub fn finish_sending(&self) {
        // This fails only on a closed connection, which the next read reports.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Reads one final response to a request of this method and target. Skips interim responses.
    ///
    /// # Panics
    /// When a response of the service violates its OpenAPI document.
    pub fn answer(&mut self, method: &str, target: &str) -> Outcome {
        let outcome = self.read_answer(method);
        if let Outcome::Answer(response) = &outcome {
            api_document::check(self.to, method, target, response);
        }
        outcome
    }

    fn read_answer(&mut self, method: &str) -> Outcome {
        let deadline = Instant::now() + ANSWER_TIME;
        loop {
            let head_end = loop {
                if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                    break at;
                }
                match self.more(deadline) {
                    Some(true) => {}
                    Some(false) => return Outcome::Closed,
                    None => return Outcome::Silence,
                }
            };
            let head = String::from_utf8_lossy(&self.buffer[..head_end]).into_owned();
            self.buffer.drain(..head_end + 4);
            let (status, headers) = parse_head(&head);
            if (100..200).contains(&status) {
                continue;
            }
            let field =
                |name: &str| headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
            let bodiless = method == "HEAD" || status == 204 || status == 304;
            let body = if bodiless {
                Some(Vec::new())
            } else if field("transfer-encoding")
                .is_some_and(|te| te.eq_ignore_ascii_case("chunked"))
            {
                self.chunks(deadline)
            } else if let Some(length) = field("content-length").and_then(|l| l.parse().ok()) {
                self.exactly(length, deadline)
            } else {
                self.rest(deadline)
            };
            return body.map_or(Outcome::Silence, |body| {
                Outcome::Answer(Response { status, headers, body })
            });
        }
    }

    /// Returns whether the server closes within this time. Received bytes are dropped.
    pub fn closes_within(&mut self, time: Duration) -> bool {
        let deadline = Instant::now() + time;
        loop {
            match self.more(deadline) {
                Some(true) => self.buffer.clear(),
                Some(false) => return true,
                None => return false,
            }
        }
    }

    /// Reads more bytes. Returns `Some(true)` for bytes, `Some(false)` when the connection is
    /// closed, and `None` after the deadline.
    fn more(&mut self, deadline: Instant) -> Option<bool> {
        let mut chunk = [0; 16 * 1024];
        loop {
            let left =
                deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
            self.stream.set_read_timeout(Some(left)).expect("a read timeout can be set");
            match self.stream.read(&mut chunk) {
                Ok(0) => return Some(false),
                Ok(n) => {
                    self.buffer.extend_from_slice(&chunk[..n]);
                    return Some(true);
                }
                Err(e)
                    if matches!(
                        e.kind(),
                        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                    ) => {}
                Err(_) => return Some(false),
            }
        }
    }

    fn exactly(&mut self, length: usize, deadline: Instant) -> Option<Vec<u8>> {
        while self.buffer.len() < length {
            if !self.more(deadline)? {
                break;
            }
        }
        let end = length.min(self.buffer.len());
        Some(self.buffer.drain(..end).collect())
    }

    fn rest(&mut self, deadline: Instant) -> Option<Vec<u8>> {
        while self.more(deadline)? {}
        Some(std::mem::take(&mut self.buffer))
    }

    fn chunks(&mut self, deadline: Instant) -> Option<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line_end = loop {
                if let Some(at) = find(&self.buffer, b"\r\n") {
                    break at;
                }
                if !self.more(deadline)? {
                    return Some(body);
                }
            };
            let size = String::from_utf8_lossy(&self.buffer[..line_end]).into_owned();
            self.buffer.drain(..line_end + 2);
            let size = usize::from_str_radix(size.split(';').next().unwrap_or_default().trim(), 16)
                .unwrap_or(0);
            let chunk = self.exactly(size + 2, deadline)?;
            body.extend_from_slice(&chunk[..size.min(chunk.len())]);
            if size == 0 {
                return Some(body);
            }
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

fn parse_head(head: &str) -> (u16, Vec<(String, String)>) {
    let mut lines = head.split("\r\n");
    let status =
        lines.next().and_then(|l| l.split(' ').nth(1)).and_then(|s| s.parse().ok()).unwrap_or(0);
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    (status, headers)
}
