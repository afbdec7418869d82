//! The queue of delivery attempts, per endpoint.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::rules::{Fault, MatchedRule, Rules};
use crate::state::State;

/// Maximum concurrent deliveries per endpoint.
pub(super) const MAX_CONCURRENT: usize = 16;

/// Maximum time for which a reorder rule holds deliveries.
const MAX_HOLD: Duration = Duration::from_secs(2);

/// An attempt at a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Attempt {
    /// The delivery's id.
    pub(super) id: u64,
    /// Attempts in this run so far.
    pub(super) attempts_made: u32,
}

/// Attempts that are made sequentially.
#[derive(Debug)]
pub(super) struct Round {
    pub(super) endpoint: String,
    pub(super) attempts: Vec<Attempt>,
}

/// A finished round.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) endpoint: String,
    /// Attempts to retry, each with its backoff.
    pub(super) retries: Vec<(Duration, Attempt)>,
}

/// The queue of all endpoints.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) rules: Rules,
    /// The id of the next delivery to queue.
    next: u64,
    lanes: HashMap<String, Lane>,
    /// Deliveries that a reorder rule holds, by the rule's id.
    held: BTreeMap<u64, Held>,
}

#[derive(Debug, Default)]
struct Lane {
    ready: VecDeque<Vec<Attempt>>,
    waiting: BinaryHeap<Reverse<(Instant, Attempt)>>,
    under_way: usize,
}

#[derive(Debug)]
struct Held {
    until: Instant,
    deliveries: Vec<(String, u64)>,
}

impl Queue {
    /// Queues new deliveries and returns those that a rule discards.
    pub(super) fn accept(&mut self, state: &State, now: Instant) -> Vec<u64> {
        let mut lost = Vec::new();
        for delivery in state.deliveries.since(self.next).filter(|delivery| delivery.is_pending()) {
            let attempt = Attempt { id: delivery.id, attempts_made: 0 };
            let kind = state.events.get(&delivery.event).map_or("", |event| event.kind.as_str());
            // Rules do not apply to resent deliveries and retries from an earlier run.
            let matched = if delivery.resent || delivery.attempts > 0 {
                None
            } else {
                self.rules.take_match(kind, &delivery.endpoint)
            };
            let lane = self.lanes.entry(delivery.endpoint.clone()).or_default();
            match matched {
                None => lane.ready.push_back(vec![attempt]),
                Some(MatchedRule { fault: Fault::Double, .. }) => {
                    lane.ready.extend([vec![attempt], vec![attempt]])
                }
                Some(MatchedRule { fault: Fault::Late(seconds), .. }) => {
                    lane.waiting.push(Reverse((now + Duration::from_secs(seconds), attempt)));
                }
                Some(MatchedRule { fault: Fault::Lose, .. }) => lost.push(delivery.id),
                Some(MatchedRule { fault: Fault::Reorder, rule, is_last }) => {
                    let held = self.held.entry(rule).or_insert_with(|| Held::until(now + MAX_HOLD));
                    held.deliveries.push((delivery.endpoint.clone(), delivery.id));
                    if is_last {
                        held.until = now;
                    }
                }
            }
        }
        self.next = state.deliveries.next_id();
        lost
    }

    /// Returns the rounds that are due, and when the next ones are.
    pub(super) fn due(&mut self, now: Instant) -> (Vec<Round>, Option<Instant>) {
        let over: Vec<u64> =
            self.held.iter().filter(|(_, held)| held.until <= now).map(|(rule, _)| *rule).collect();
        for rule in over {
            self.release(rule);
        }
        let mut rounds = Vec::new();
        let mut next = self.held.values().map(|held| held.until).min();
        for (endpoint, lane) in &mut self.lanes {
            while let Some(Reverse((at, attempt))) = lane.waiting.peek().copied() {
                if at > now {
                    next = Some(next.map_or(at, |next| next.min(at)));
                    break;
                }
                lane.waiting.pop();
                lane.ready.push_back(vec![attempt]);
            }
            while lane.under_way < MAX_CONCURRENT
                && let Some(attempts) = lane.ready.pop_front()
            {
                lane.under_way += 1;
                rounds.push(Round { endpoint: endpoint.clone(), attempts });
            }
        }
        (rounds, next)
    }

    /// Records a finished round and schedules its retries.
    pub(super) fn finish(&mut self, done: Done, now: Instant) {
        let lane = self.lanes.entry(done.endpoint).or_default();
        lane.under_way = lane.under_way.saturating_sub(1);
        lane.waiting.extend(
            done.retries.into_iter().map(|(backoff, attempt)| Reverse((now + backoff, attempt))),
        );
    }

    /// Deletes the rules, releases the deliveries that they hold, and returns the number of rules.
    pub(super) fn forget_rules(&mut self) -> usize {
        let holding: Vec<u64> = self.held.keys().copied().collect();
        for rule in holding {
            self.release(rule);
        }
        self.rules.forget()
    }

    /// Releases the deliveries that a rule holds, in reverse order and one after the other.
    fn release(&mut self, rule: u64) {
        let Some(held) = self.held.remove(&rule) else { return };
        let mut by_endpoint: BTreeMap<String, Vec<Attempt>> = BTreeMap::new();
        for (endpoint, id) in held.deliveries.into_iter().rev() {
            by_endpoint.entry(endpoint).or_default().push(Attempt { id, attempts_made: 0 });
        }
        for (endpoint, attempts) in by_endpoint {
            self.lanes.entry(endpoint).or_default().ready.push_back(attempts);
        }
    }
}

impl Held {
    const fn until(until: Instant) -> Self {
        Self { until, deliveries: Vec::new() }
    }
}
