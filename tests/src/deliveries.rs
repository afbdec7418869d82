//! Deliveries of events to several replicas at a pace, as Stripe makes them: signed, in any order, some of them twice, and again
//! to somebody else where no answer came.

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

/// Connections to each replica.
const CONNECTIONS: usize = 16;
/// Of so many events one is delivered twice.
const DUPLICATE_EVERY: usize = 10;

/// Events on their way.
#[derive(Debug)]
pub struct Deliveries {
    secret: String,
    waiting: Mutex<Waiting>,
    news: Condvar,
    /// Posts so far, answered or not.
    posted: AtomicUsize,
    first_is_dead: AtomicBool,
}

#[derive(Debug)]
struct Waiting {
    events: Vec<Event>,
    random: u64,
    added: usize,
    /// Copies that no replica has accepted yet, on their way or not.
    owed: usize,
    open: bool,
    seen: Seen,
}

#[derive(Debug)]
struct Event {
    id: String,
    body: Vec<u8>,
    copies: usize,
}

/// What came of them.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// How often each event was answered with 200.
    pub accepted: BTreeMap<String, usize>,
    /// How long each 200 took.
    pub took: Vec<Duration>,
    /// Posts that got no answer, and were made again.
    pub unanswered: usize,
    /// Other answers than 200, by status; those posts were made again, too.
    pub refused: BTreeMap<u16, usize>,
    /// From the first post to the last 200.
    pub lasted: Duration,
}

impl Deliveries {
    /// None yet. The seed decides about the order as far as threads let it.
    #[must_use]
    pub fn new(secret: &str, seed: u64) -> Self {
        let waiting = Waiting {
            events: vec![],
            random: seed,
            added: 0,
            owed: 0,
            open: true,
            seen: Seen::default(),
        };
        Self {
            secret: secret.to_owned(),
            waiting: Mutex::new(waiting),
            news: Condvar::new(),
            posted: AtomicUsize::new(0),
            first_is_dead: AtomicBool::new(false),
        }
    }

    /// Adds events, each with its `id`.
    ///
    /// # Panics
    /// When one has none.
    pub fn add(&self, events: impl IntoIterator<Item = Value>) {
        let mut waiting = self.waiting.lock().expect("nobody panics with the lock");
        for event in events {
            let copies = if waiting.added.is_multiple_of(DUPLICATE_EVERY) { 2 } else { 1 };
            waiting.added += 1;
            waiting.owed += copies;
            let id = event["id"].as_str().expect("an event has an id").to_owned();
            // As Stripe writes them: not compact.
            let body = serde_json::to_vec_pretty(&event).expect("an event is JSON");
            waiting.events.push(Event { id, body, copies });
        }
        self.news.notify_all();
    }

    /// How many events were added.
    ///
    /// # Panics
    /// Never.
    pub fn added(&self) -> usize {
        self.waiting.lock().expect("nobody panics with the lock").added
    }

    /// No more will come.
    ///
    /// # Panics
    /// Never.
    pub fn close(&self) {
        self.waiting.lock().expect("nobody panics with the lock").open = false;
        self.news.notify_all();
    }

    /// Delivers all there are and all that come, so many a second at most, until none is owed. After so many posts `kill` is
    /// called, and from then on the first replica counts as dead: what it leaves unanswered goes to the second.
    ///
    /// # Panics
    /// When the second replica gives no answer.
    pub fn deliver(
        &self,
        to: [SocketAddr; 2],
        per_second: u32,
        kill_after: usize,
        kill: impl Fn() + Sync,
    ) -> Seen {
        let begun = Instant::now();
        let (kill, pause) = (&kill, Duration::from_secs(1) / per_second);
        std::thread::scope(|scope| {
            for replica in (0..to.len()).flat_map(|replica| [replica; CONNECTIONS]) {
                scope.spawn(move || {
                    let mut sender = Sender { to, replica, connection: None };
                    while let Some(event) = self.next() {
                        let place = self.posted.fetch_add(1, Ordering::SeqCst);
                        poll::sleep_until(begun + pause * u32::try_from(place).expect("few"));
                        if place == kill_after {
                            kill();
                            self.first_is_dead.store(true, Ordering::SeqCst);
                        }
                        let sent = Instant::now();
                        let status = sender.post(&event.body, &self.secret);
                        self.settle(event, status, sent.elapsed());
                        // Killed or about to be: what it does not answer is the other one's.
                        if sender.replica == 0
                            && (status.is_none() || self.first_is_dead.load(Ordering::SeqCst))
                        {
                            sender = Sender { to, replica: 1, connection: None };
                        }
                    }
                });
            }
        });
        let seen = self.waiting.lock().expect("nobody panics with the lock").seen.clone();
        Seen { lasted: begun.elapsed(), ..seen }
    }

    /// Any one of those that wait; `None` once none is owed any more.
    ///
    /// Panics when nothing happens for long.
    fn next(&self) -> Option<Event> {
        let mut waiting = self.waiting.lock().expect("nobody panics with the lock");
        loop {
            if !waiting.events.is_empty() {
                // SplitMix64's step: in any order, and in the same one for the same seed.
                waiting.random = waiting.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mut mixed = waiting.random;
                mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                let place = usize::try_from((mixed ^ (mixed >> 31)) % waiting.events.len() as u64)
                    .expect("a place");
                return Some(waiting.events.swap_remove(place));
            }
            if waiting.owed == 0 && !waiting.open {
                return None;
            }
            // Whoever adds events may have failed: then nothing comes any more.
            let waited = self
                .news
                .wait_timeout(waiting, poll::TIMEOUT)
                .expect("nobody panics with the lock");
            assert!(!waited.1.timed_out(), "neither events nor an end of them came");
            waiting = waited.0;
        }
    }

    fn settle(&self, event: Event, status: Option<u16>, took: Duration) {
        let mut waiting = self.waiting.lock().expect("nobody panics with the lock");
        let copies = match status {
            Some(200) => {
                waiting.owed -= 1;
                waiting.seen.took.push(took);
                *waiting.seen.accepted.entry(event.id.clone()).or_default() += 1;
                event.copies - 1
            }
            Some(other) => {
                *waiting.seen.refused.entry(other).or_default() += 1;
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
        self.news.notify_all();
    }
}

impl Seen {
    /// Posts that were answered with 200.
    #[must_use]
    pub const fn posts(&self) -> usize {
        self.took.len()
    }

    /// What 99 of 100 of them took at most.
    #[must_use]
    pub fn p99(&self) -> Duration {
        let mut took = self.took.clone();
        took.sort_unstable();
        took.get(took.len() * 99 / 100).copied().unwrap_or_default()
    }
}

/// A kept-alive connection to a replica.
struct Sender {
    to: [SocketAddr; 2],
    replica: usize,
    connection: Option<Connection>,
}

impl Sender {
    /// The answer's status; `None` where none came. The second replica always answers.
    fn post(&mut self, body: &[u8], secret: &str) -> Option<u16> {
        let to = self.to[self.replica];
        let request = Request::new("POST", WEBHOOKS)
            .header("content-type", "application/json; charset=utf-8")
            .header("stripe-signature", stripe_signature::header(secret, now(), body))
            .body(body);
        let connection = match &mut self.connection {
            Some(connection) => connection,
            closed => closed.insert(Connection::open(to).ok().or_else(|| {
                assert_eq!(self.replica, 0, "the replica that lives takes no connection");
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
                    "the replica that lives gives no answer: {sent:?}, {outcome:?}"
                );
                self.connection = None;
                None
            }
        }
    }
}
