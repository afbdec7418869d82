//! An issuer's key set endpoint in the test process. It counts its requests and can fail on demand.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::tokens;

/// A running endpoint. At first it is up and publishes no key.
#[derive(Debug)]
pub struct KeySetServer {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    keys: Vec<Value>,
    up: bool,
    fetches: usize,
}

impl KeySetServer {
    /// Starts the endpoint on a free loopback port.
    ///
    /// # Panics
    /// When no port is free.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let state = Arc::new(Mutex::new(State { keys: Vec::new(), up: true, fetches: 0 }));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || answer(stream, &shared));
            }
        });
        Self { address, state }
    }

    /// Returns the URL of the key set.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/keys", self.address)
    }

    /// Replaces the published keys.
    ///
    /// # Panics
    /// When the lock is poisoned.
    pub fn publish(&self, keys: &[Value]) {
        self.state.lock().expect("the lock is not poisoned").keys = keys.to_vec();
    }

    /// Makes the endpoint respond or fail.
    ///
    /// # Panics
    /// When the lock is poisoned.
    pub fn set_up(&self, up: bool) {
        self.state.lock().expect("the lock is not poisoned").up = up;
    }

    /// Returns the number of requests for the key set.
    ///
    /// # Panics
    /// When the lock is poisoned.
    #[must_use]
    pub fn fetches(&self) -> usize {
        self.state.lock().expect("the lock is not poisoned").fetches
    }
}

/// Returns the public key of an ES256 test key (`own`, `other`) with this key id.
///
/// # Panics
/// When the key does not exist.
#[must_use]
pub fn es256(key_id: &str, owner: &str) -> Value {
    let pem = tokens::pem("ES256", &format!("{owner}.private"));
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let key = STANDARD.decode(body).expect("PEM contains base64");
    // A PKCS#8 key ends with the public point, uncompressed: 4, x, y (RFC 5915, section 3; SEC 1,
    // 2.3.3).
    let point = &key[key.len() - 65..];
    assert_eq!(point[0], 4, "the point is uncompressed");
    let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
    json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": key_id, "x": x, "y": y})
}

fn answer(mut stream: TcpStream, state: &Mutex<State>) {
    // A client that sends nothing is disconnected.
    let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
    let (mut head, mut chunk) = (Vec::new(), [0; 4096]);
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut chunk) {
            Ok(read) if read > 0 => head.extend_from_slice(&chunk[..read]),
            _ => return,
        }
    }
    let (status, body) = {
        let mut state = state.lock().expect("the lock is not poisoned");
        state.fetches += 1;
        if state.up {
            ("200 OK", json!({"keys": state.keys}).to_string())
        } else {
            ("503 Down", String::new())
        }
    };
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/jwk-set+json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    // This fails only if the client is gone.
    let _ = stream.write_all(text.as_bytes());
}
