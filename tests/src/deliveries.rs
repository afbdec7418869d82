//! Delivers events to two replicas at a fixed rate, like Stripe: signed, in any order, some of them
//! twice. An event without a response is sent again to the other replica.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::sandbox_fixture::WEBHOOKS;
use crate::shared_fixture::now;
use crate::wire::{Connection, Outcome, Request};
use crate::{poll, stripe_signature};

/// Number of connections per replica.
const CONNECTIONS: usize = 16;
/// One of this number of events is delivered twice.
const DUPLICATE_EVERY: usize = 10;

/// The delivery queue.
#[derive(Debug)]
pub struct Deliveries {
    secret: String,
    waiting: Mutex<Waiting>,
    changed: Condvar,
    /// Number of posts, with or without a response.
    posted: AtomicUsize,
    first_is_dead: AtomicBool,
}

#[derive(Debug)]
struct Waiting {
    events: Vec<Event>,
    random: u64,
    added: usize,
    /// Copies that no replica has accepted yet.
    undelivered: usize,
    open: bool,
    seen: Seen,
}

#[derive(Debug)]
struct Event {
    id: String,
    body: Vec<u8>,
    copies: usize,
}

/// The results of the deliveries.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Number of 200 responses per event.
    pub accepted: BTreeMap<String, usize>,
    /// Durations of the posts with a 200 response.
    pub took: Vec<Duration>,
    /// Number of posts without a response. They were repeated.
    pub unanswered: usize,
    /// Number of other responses by status. Those posts were repeated too.
    pub rejected: BTreeMap<u16, usize>,
    /// Time from the first post to the last 200.
    pub lasted: Duration,
}

impl Deliveries {
    /// Creates an empty queue. The seed determines the order, except for thread scheduling.
    #[must_use]
    pub fn new(secret: &str, seed: u64) -> Self {
        let waiting = Waiting {
            events: vec![],
            random: seed,
            added: 0,
            undelivered: 0,
            open: true,
            seen: Seen::default(),
        };
        Self {
            secret: secret.to_owned(),
            waiting: Mutex::new(waiting),
            changed: Condvar::new(),
            posted: AtomicUsize::new(0),
            first_is_dead: AtomicBool::new(false),
        }
    }

    /// Adds events, each with its `id`.
    ///
    /// # Panics
    /// When an event has no `id`.
    pub fn add(&self, events: impl IntoIterator<Item = Value>) {
        let mut waiting = self.waiting.lock().expect("the lock is not poisoned");
        for event in events {
            let copies = if waiting.added.is_multiple_of(DUPLICATE_EVERY) { 2 } else { 1 };
            waiting.added += 1;
            waiting.undelivered += copies;
            let id = event["id"].as_str().expect("an event has an id").to_owned();
            // Pretty-printed, like Stripe's.
            let body = serde_json::to_vec_pretty(&event).expect("an event is JSON");
            waiting.events.push(Event { id, body, copies });
        }
        self.changed.notify_all();
    }

    /// Returns the number of added events.
    ///
    /// # Panics
    /// When the lock is poisoned.
    pub fn added(&self) -> usize {
        self.waiting.lock().expect("the lock is not poisoned").added
    }

    /// Closes the queue: no more events are added.
    ///
    /// # Panics
    /// When the lock is poisoned.
    pub fn close(&self) {
        self.waiting.lock().expect("the lock is not poisoned").open = false;
        self.changed.notify_all();
    }

    /// Delivers all events, also those added meanwhile, at most `per_second`, until the queue is
    /// closed and empty. Calls `kill` after `kill_after` posts. From then on, events without a
    /// response from the first replica go to the second.
    ///
    /// # Panics
    /// When the second replica does not respond.
    pub fn deliver(
        &self,
        to: [SocketAddr; 2],
        per_second: u32,
        kill_after: usize,
        kill: impl Fn() + Sync,
    ) -> Seen {
        let started = Instant::now();
        let (kill, pause) = (&kill, Duration::from_secs(1) / per_second);
        std::thread::scope(|scope| {
            for replica in (0..to.len()).flat_map(|replica| [replica; CONNECTIONS]) {
                scope.spawn(move || {
                    let mut sender = Sender { to, replica, connection: None };
                    while let Some(event) = self.next() {
                        let place = self.posted.fetch_add(1, Ordering::SeqCst);
                        poll::sleep_until(started + pause * u32::try_from(place).expect("few"));
                        if place == kill_after {
                            kill();
                            self.first_is_dead.store(true, Ordering::SeqCst);
                        }
                        let sent = Instant::now();
                        let status = sender.post(&event.body, &self.secret);
                        self.settle(event, status, sent.elapsed());
                        // The first replica is dead or dying: use the second.
                        if sender.replica == 0
                            && (status.is_none() || self.first_is_dead.load(Ordering::SeqCst))
                        {
                            sender = Sender { to, replica: 1, connection: None };
                        }
                    }
                });
            }
        });
        let seen = self.waiting.lock().expect("the lock is not poisoned").seen.clone();
        Seen { lasted: started.elapsed(), ..seen }
    }

    /// Returns any waiting event, or `None` when the queue is closed and empty.
    ///
    /// Panics when no event arrives for a long time.
    fn next(&self) -> Option<Event> {
        let mut waiting = self.waiting.lock().expect("the lock is not poisoned");
        loop {
            if !waiting.events.is_empty() {
                // A step of SplitMix64: the same seed gives the same order.
                waiting.random = waiting.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mut mixed = waiting.random;
                mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                let place = usize::try_from((mixed ^ (mixed >> 31)) % waiting.events.len() as u64)
                    .expect("a place");
                return Some(waiting.events.swap_remove(place));
            }
            if waiting.undelivered == 0 && !waiting.open {
                return None;
            }
            // If the thread that adds events failed, no more events arrive.
            let waited = self
                .changed
                .wait_timeout(waiting, poll::TIMEOUT)
                .expect("the lock is not poisoned");
            assert!(!waited.1.timed_out(), "no event arrived and the queue was not closed");
            waiting = waited.0;
        }
    }

    fn settle(&self, event: Event, status: Option<u16>, took: Duration) {
        let mut waiting = self.waiting.lock().expect("the lock is not poisoned");
        let copies = match status {
            Some(200) => {
                waiting.undelivered -= 1;
                waiting.seen.took.push(took);
                *waiting.seen.accepted.entry(event.id.clone()).or_default() += 1;
                event.copies - 1
            }
            Some(other) => {
                *waiting.seen.rejected.entry(other).or_default() += 1;
                event.copies
            }
            None => {
                waiting.seen.unanswered += 1;
                event.copies
            }
        };
        if copies > 0 {
            waiting.events.push(Event { copies, ..event });
        }
        self.changed.notify_all();
    }
}

impl Seen {
    /// Returns the number of posts with a 200 response.
    #[must_use]
    pub const fn posts(&self) -> usize {
        self.took.len()
    }

    /// Returns the 99th percentile of their durations.
    #[must_use]
    pub fn p99(&self) -> Duration {
        let mut took = self.took.clone();
        took.sort_unstable();
        took.get(took.len() * 99 / 100).copied().unwrap_or_default()
    }
}

/// A keep-alive connection to a replica.
struct Sender {
    to: [SocketAddr; 2],
    replica: usize,
    connection: Option<Connection>,
}

impl Sender {
    /// Posts a body. Returns the status, or `None` without a response. The second replica always
    /// responds.
    fn post(&mut self, body: &[u8], secret: &str) -> Option<u16> {
        let to = self.to[self.replica];
        let request = Request::new("POST", WEBHOOKS)
            .header("content-type", "application/json; charset=utf-8")
            .header("stripe-signature", stripe_signature::header(secret, now(), body))
            .body(body);
        let connection = match &mut self.connection {
            Some(connection) => connection,
            closed => closed.insert(Connection::open(to).ok().or_else(|| {
                assert_eq!(self.replica, 0, "the second replica does not accept connections");
                None
            })?),
        };
        let sent = connection.send(&request.to_bytes(to));
        let outcome = connection.answer("POST", WEBHOOKS);
        match outcome {
            Outcome::Answer(answer) => {
                if answer
                    .header("connection")
                    .is_some_and(|value| value.eq_ignore_ascii_case("close"))
                {
                    self.connection = None;
                }
                Some(answer.status)
            }
            _ => {
                assert_eq!(
                    self.replica, 0,
                    "the second replica does not respond: {sent:?}, {outcome:?}"
                );
                self.connection = None;
                None
            }
        }
    }
}
