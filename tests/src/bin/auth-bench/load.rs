//! Closed-loop load: each connection sends its next request after the previous response.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::wire::Connection;

/// Number of connections that send wrong keys, and of valid keys sent concurrently.
pub(crate) const FLOOD_CONNECTIONS: usize = 64;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Number of different wrong secrets per connection. No cache should keep any of them.
const WRONG: usize = 512;

/// Prepared requests.
#[derive(Clone)]
pub(crate) struct Credentials(Arc<Vec<Vec<u8>>>);

impl Credentials {
    pub(crate) fn tokens(token: &str) -> Self {
        Self(Arc::new(vec![portal_request("/api/v1/subscriptions/portal", token)]))
    }

    pub(crate) fn keys(keys: &[String]) -> Self {
        Self(Arc::new(
            keys.iter()
                .map(|key| portal_request("/api/v1/subscriptions/portal/api", key))
                .collect(),
        ))
    }

    /// Creates well-formed keys with existing ids and secrets that were never issued.
    pub(crate) fn wrong_secrets(ids: &[String]) -> Self {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut digit = || {
            // xorshift64: a wrong secret must differ each time; it need not be random.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(BASE62[(state % 62) as usize])
        };
        let keys = (0..WRONG * 8).map(|n| {
            let body = format!(
                "llmgen_{}_{}",
                ids[n % ids.len()],
                (0..43).map(|_| digit()).collect::<String>()
            );
            format!("{body}{}", checksum(&body))
        });
        Self::keys(&keys.collect::<Vec<_>>())
    }
}

/// Number of responses by kind.
#[derive(Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) good: usize,
    pub(crate) rejected: usize,
    pub(crate) limited: usize,
    /// Any other status, and broken connections.
    pub(crate) other: usize,
}

impl Counts {
    pub(crate) const fn all(self) -> usize {
        self.good + self.rejected + self.limited + self.other
    }

    fn count(&mut self, status: u16) {
        match status {
            200 => self.good += 1,
            401 => self.rejected += 1,
            429 => self.limited += 1,
            _ => self.other += 1,
        }
    }
}

/// The running connections.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    workers: Vec<JoinHandle<Counts>>,
}

impl Load {
    pub(crate) fn start(to: SocketAddr, connections: usize, credentials: Credentials) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let work = |start: usize| {
            let (stop, Credentials(requests)) = (Arc::clone(&stop), credentials.clone());
            std::thread::spawn(move || {
                let mut counts = Counts::default();
                let mut connection = Connection::open(to).expect("the service accepts connections");
                for request in requests.iter().cycle().skip(start * WRONG % requests.len()) {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let status = connection.exchange(request).unwrap_or(0);
                    counts.count(status);
                    if status == 0 {
                        connection = Connection::open(to).expect("the service accepts connections");
                    }
                }
                counts
            })
        };
        let workers = (0..connections).map(work).collect();
        Self { stop, workers }
    }

    pub(crate) fn stop(self) -> Counts {
        self.stop.store(true, Ordering::Relaxed);
        self.workers.into_iter().map(|worker| worker.join().expect("no worker panics")).fold(
            Counts::default(),
            |sum, more| Counts {
                good: sum.good + more.good,
                rejected: sum.rejected + more.rejected,
                limited: sum.limited + more.limited,
                other: sum.other + more.other,
            },
        )
    }

    pub(crate) fn stop_after(self, time: Duration) -> Counts {
        std::thread::sleep(time);
        self.stop()
    }
}

/// Sends each key once, all concurrently, on a connection each. Returns the statuses.
pub(crate) fn once_each(to: SocketAddr, keys: &[String]) -> Vec<u16> {
    let barrier = Barrier::new(keys.len());
    let statuses = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for key in keys {
            scope.spawn(|| {
                let request = portal_request("/api/v1/subscriptions/portal/api", key);
                let mut connection = Connection::open(to).expect("the service accepts connections");
                barrier.wait();
                let status = connection.exchange(&request).unwrap_or(0);
                statuses.lock().expect("the lock is not poisoned").push(status);
            });
        }
    });
    statuses.into_inner().expect("the lock is not poisoned")
}

/// Sends this number of requests over these connections. Returns how many did not return 200.
pub(crate) fn exactly(
    to: SocketAddr,
    connections: usize,
    requests: usize,
    credentials: &Credentials,
) -> usize {
    let request = &credentials.0[0];
    std::thread::scope(|scope| {
        let work = |_| {
            scope.spawn(move || {
                let mut connection = Connection::open(to).expect("the service accepts connections");
                let each = requests / connections;
                (0..each).filter(|_| connection.exchange(request).unwrap_or(0) != 200).count()
            })
        };
        let workers: Vec<_> = (0..connections).map(work).collect();
        workers.into_iter().map(|worker| worker.join().expect("no worker panics")).sum()
    })
}

/// Builds a request for a portal session with this credential.
fn portal_request(path: &str, credential: &str) -> Vec<u8> {
    format!("POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {credential}\r\nContent-Length: 0\r\n\r\n")
        .into_bytes()
}

/// Returns the CRC-32 (ISO-HDLC) as six base62 digits.
fn checksum(text: &str) -> String {
    let mut crc = !0_u32;
    for byte in text.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    let value = !crc as usize;
    (0..6_u32).rev().map(|place| char::from(BASE62[value / 62_usize.pow(place) % 62])).collect()
}
