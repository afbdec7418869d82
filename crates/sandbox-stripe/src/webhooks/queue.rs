//! What is to be tried next, endpoint by endpoint.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::rules::{Fault, Met, Rules};
use crate::state::State;

/// So many deliveries to one endpoint are under way at once.
pub(super) const MOST_AT_ONCE: usize = 16;

/// What is to be delivered in another order waits so long for the rest of it.
const HELD: Duration = Duration::from_secs(2);

/// One try at a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Attempt {
    /// The delivery's number.
    pub(super) id: u64,
    /// How often it was tried in this run.
    pub(super) tries: u32,
}

/// Tries to make one after the other.
#[derive(Debug)]
pub(super) struct Round {
    pub(super) endpoint: String,
    pub(super) attempts: Vec<Attempt>,
}

/// A round that is over.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) endpoint: String,
    /// What is to be tried again, and after which pause.
    pub(super) again: Vec<(Duration, Attempt)>,
}

/// All that is to be tried.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) rules: Rules,
    /// Deliveries from this number on have not been looked at.
    next: u64,
    lanes: HashMap<String, Lane>,
    /// What the rule of this number holds back: endpoint and delivery.
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
    /// Takes in what was made since the last time; gives the deliveries that are to be lost.
    pub(super) fn accept(&mut self, state: &State, now: Instant) -> Vec<u64> {
        let mut lost = Vec::new();
        for delivery in state.deliveries.since(self.next).filter(|delivery| delivery.is_pending()) {
            let attempt = Attempt { id: delivery.id, tries: 0 };
            let kind = state.events.get(&delivery.event).map_or("", |event| event.kind.as_str());
            // What somebody asks for by hand, or was tried in an earlier run, is delivered as it should be.
            let met = if delivery.resent || delivery.attempts > 0 {
                None
            } else {
                self.rules.meet(kind, &delivery.endpoint)
            };
            let lane = self.lanes.entry(delivery.endpoint.clone()).or_default();
            match met {
                None => lane.ready.push_back(vec![attempt]),
                Some(Met { fault: Fault::Double, .. }) => {
                    lane.ready.extend([vec![attempt], vec![attempt]])
                }
                Some(Met { fault: Fault::Late(seconds), .. }) => {
                    lane.waiting.push(Reverse((now + Duration::from_secs(seconds), attempt)));
                }
                Some(Met { fault: Fault::Lose, .. }) => lost.push(delivery.id),
                Some(Met { fault: Fault::Reorder, rule, is_last }) => {
                    let held = self.held.entry(rule).or_insert_with(|| Held::until(now + HELD));
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

    /// What is to be tried now, and when there will be more.
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
            while lane.under_way < MOST_AT_ONCE
                && let Some(attempts) = lane.ready.pop_front()
            {
                lane.under_way += 1;
                rounds.push(Round { endpoint: endpoint.clone(), attempts });
            }
        }
        (rounds, next)
    }

    /// Notes that a round is over.
    pub(super) fn finish(&mut self, done: Done, now: Instant) {
        let lane = self.lanes.entry(done.endpoint).or_default();
        lane.under_way = lane.under_way.saturating_sub(1);
        lane.waiting
            .extend(done.again.into_iter().map(|(pause, attempt)| Reverse((now + pause, attempt))));
    }

    /// Forgets the rules, and lets go what they hold back; gives how many there were.
    pub(super) fn forget_rules(&mut self) -> usize {
        let holding: Vec<u64> = self.held.keys().copied().collect();
        for rule in holding {
            self.release(rule);
        }
        self.rules.forget()
    }

    /// Lets go what a rule has held back: the last comes first, and the next one when that was tried.
    fn release(&mut self, rule: u64) {
        let Some(held) = self.held.remove(&rule) else { return };
        let mut by_endpoint: BTreeMap<String, Vec<Attempt>> = BTreeMap::new();
        for (endpoint, id) in held.deliveries.into_iter().rev() {
            by_endpoint.entry(endpoint).or_default().push(Attempt { id, tries: 0 });
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
