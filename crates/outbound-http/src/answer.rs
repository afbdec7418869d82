//! Sends requests and reads response bodies up to a limit.

use std::error::Error;

use reqwest::{RequestBuilder, Response};

/// The body of a complete response. It has no `Debug` because it may contain a secret.
#[cfg_attr(test, derive(Debug, PartialEq, Eq))]
pub enum Body {
    /// The whole body.
    Whole(Vec<u8>),
    /// The body exceeds the limit. The rest is not read.
    TooLarge,
}

/// Why a request got no complete response. The text is the innermost library error: it names the
/// cause and contains no URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransportError {
    /// The request timed out.
    Timeout,
    /// The connection failed.
    NotConnected(String),
    /// The connection closed early, or the response was not valid HTTP.
    Broken(String),
}

/// Sends a request and reads the head of the response.
///
/// # Errors
/// See [`TransportError`].
pub async fn send(request: RequestBuilder) -> Result<Response, TransportError> {
    Ok(request.send().await?)
}

/// Reads a body of at most `limit` bytes. A larger declared length is rejected before reading.
///
/// # Errors
/// See [`TransportError`].
pub async fn read_body(mut response: Response, limit: usize) -> Result<Body, TransportError> {
    if response.content_length().is_some_and(|length| length > limit as u64) {
        return Ok(Body::TooLarge);
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > limit {
            return Ok(Body::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Body::Whole(body))
}

impl From<reqwest::Error> for TransportError {
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let mut innermost: &dyn Error = &error;
        while let Some(source) = innermost.source() {
            innermost = source;
        }
        if error.is_connect() {
            Self::NotConnected(innermost.to_string())
        } else if error.is_timeout() {
            Self::Timeout
        } else {
            Self::Broken(innermost.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::{Connections, client};

    const LIMIT: usize = 1000;

    /// Sends a request to a server that responds with `bytes` and closes.
    async fn exchange(bytes: Vec<u8>) -> Result<Body, TransportError> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/secret?token=secret", listener.local_addr().unwrap());
        let answering = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = vec![0; 4096];
            let read = stream.read(&mut head).await.unwrap();
            // The client may close first when the body is too large.
            let _ = stream.write_all(&bytes).await;
            String::from_utf8(head[..read].to_vec()).unwrap()
        });
        let client = client(Connections { idle: None, use_proxy: false }).unwrap();
        let request = client.get(url).timeout(Duration::from_secs(60));
        let body = match send(request).await {
            Ok(response) => read_body(response, LIMIT).await,
            Err(no_answer) => Err(no_answer),
        };
        let head = answering.await.unwrap().to_ascii_lowercase();
        assert!(head.contains("\r\nuser-agent: billing-portal/"), "{head}");
        body
    }

    fn sized(length: usize) -> Vec<u8> {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
        [head.into_bytes(), vec![b'x'; length]].concat()
    }

    fn chunked(length: usize) -> Vec<u8> {
        let head = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n");
        [head.into_bytes(), vec![b'x'; length], b"\r\n0\r\n\r\n".to_vec()].concat()
    }

    #[tokio::test]
    async fn read_body_stops_at_the_limit() {
        for answer in [sized(LIMIT), chunked(LIMIT)] {
            assert_eq!(exchange(answer).await, Ok(Body::Whole(vec![b'x'; LIMIT])));
        }
        for answer in [sized(LIMIT + 1), chunked(LIMIT + 1)] {
            assert_eq!(exchange(answer).await, Ok(Body::TooLarge));
        }
    }

    #[tokio::test]
    async fn redirects_are_not_followed() {
        let moved = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(exchange(moved.to_vec()).await, Ok(Body::Whole(Vec::new())));
    }

    #[tokio::test]
    async fn errors_name_their_kind_and_no_url() {
        for answer in [sized(9)[..40].to_vec(), b"SSH-2.0-OpenSSH\r\n\r\n".to_vec(), Vec::new()] {
            match exchange(answer).await {
                Err(TransportError::Broken(cause)) => assert!(!cause.contains("secret"), "{cause}"),
                other => panic!("{other:?}"),
            }
        }
        let client = client(Connections { idle: None, use_proxy: false }).unwrap();
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        match send(client.get(format!("http://{closed}/secret"))).await {
            Err(TransportError::NotConnected(cause)) => {
                assert!(!cause.contains("secret"), "{cause}")
            }
            other => panic!("{other:?}"),
        }
    }
}
