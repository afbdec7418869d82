//! [`RemoteJwkSet`]: the key set of an issuer, kept fresh behind the requests.

use std::sync::Arc;
use std::time::Duration;

use billing_domain::Timestamp;
use billing_domain::ports::{AuthError, Clock};
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::MissedTickBehavior;

use super::http_source::{FetchFault, JwkSetSource};
use super::jwk_set::{JwkSet, Skipped};
use super::metrics;
use super::refreshers::Refreshers;
use super::state::{Ask, State};

/// How often the task looks at the clock.
const TICK: Duration = Duration::from_secs(1);
/// How long a request with an unknown key id waits for a fetch: less than a fetch may take, so that an issuer which hangs holds
/// nobody for long.
const WAIT_AT_MOST: Duration = Duration::from_secs(3);

/// An issuer's key set. Requests read what is held; the task alone fetches, so that there is never more than one fetch.
#[derive(Debug)]
pub(crate) struct RemoteJwkSet {
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    /// Ends the refresher when it is dropped.
    _in_use: oneshot::Sender<()>,
}

#[derive(Debug)]
struct Shared {
    state: watch::Sender<State>,
    /// Tells the task that a fetch was asked for.
    asked: Notify,
}

impl RemoteJwkSet {
    /// Begins to fetch the set, and to keep it fresh until this is dropped.
    pub(crate) fn start(
        source: impl JwkSetSource,
        clock: Arc<dyn Clock>,
        refreshers: &Refreshers,
    ) -> Self {
        metrics::describe();
        let (shared, refresher) = prepare(source, Arc::clone(&clock));
        let (in_use, dropped) = oneshot::channel();
        refreshers.start(async {
            tokio::select! {
                _ = dropped => {}
                () = refresher.run() => {}
            }
        });
        Self { shared, clock, _in_use: in_use }
    }

    /// The set by which to judge a token with this key id.
    ///
    /// A set that has the key is given at once, whatever else goes on. Where it lacks the key, a fetch is waited for: the one
    /// that runs, or a fresh one, of which unknown key ids cause at most one in 30 s.
    ///
    /// # Errors
    /// [`AuthError::Invalid`] where no such key is published, [`AuthError::NotReady`] where that cannot be known.
    pub(crate) async fn find(&self, key_id: Option<&str>) -> Result<Arc<JwkSet>, AuthError> {
        self.shared.find(key_id, self.clock.as_ref()).await
    }

    /// Whether there is a set to judge tokens by.
    pub(crate) fn is_loaded(&self) -> bool {
        self.shared.state.borrow().usable(self.clock.now()).is_ok()
    }

    /// Waits until there is a set to judge tokens by, for at most this long.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn wait_until_loaded(&self, at_most: Duration) -> Result<(), AuthError> {
        let mut state = self.shared.state.subscribe();
        let loaded = state.wait_for(|state| state.usable(self.clock.now()).is_ok());
        let _ = tokio::time::timeout(at_most, loaded).await;
        self.shared.state.borrow().usable(self.clock.now()).map(drop)
    }
}

impl Shared {
    async fn find(
        &self,
        key_id: Option<&str>,
        clock: &dyn Clock,
    ) -> Result<Arc<JwkSet>, AuthError> {
        let set = self.state.borrow().usable(clock.now())?;
        if set.knows(key_id) {
            return Ok(set);
        }
        let mut in_time = true;
        // A fetch that runs already may have begun before the key was published: after it, one that begins now is waited for.
        for _ in 0..2 {
            let Some((asked, seen)) = self.ask(key_id, clock) else { break };
            in_time = self.ended_after(seen).await;
            if asked == Ask::Start || !in_time {
                break;
            }
        }
        let state = self.state.borrow();
        let set = state.usable(clock.now())?;
        if set.knows(key_id) { Ok(set) } else { Err(state.unknown_key(in_time)) }
    }

    /// Waits until more than so many fetches have ended; tells whether that took no longer than a request may wait.
    async fn ended_after(&self, seen: u64) -> bool {
        let mut state = self.state.subscribe();
        tokio::time::timeout(WAIT_AT_MOST, state.wait_for(|state| state.refreshes() > seen))
            .await
            .is_ok()
    }

    /// Asks for a fetch; gives what came of it and how many have ended so far, where there is one to wait for.
    fn ask(&self, key_id: Option<&str>, clock: &dyn Clock) -> Option<(Ask, u64)> {
        let mut wait = None;
        let mut start = false;
        self.state.send_if_modified(|state| {
            // A fetch may have ended since the caller looked.
            if state.usable(clock.now()).is_ok_and(|set| !set.knows(key_id)) {
                let asked = state.ask(clock.now());
                wait = (asked != Ask::Refused).then_some((asked, state.refreshes()));
                start = asked == Ask::Start;
            }
            false
        });
        if start {
            tracing::info!("a token names an unknown key: the key set is refreshed");
            self.asked.notify_one();
        }
        wait
    }
}

/// The task's side.
struct Refresher<S> {
    shared: Arc<Shared>,
    source: S,
    clock: Arc<dyn Clock>,
    /// The keys that the last set had and that are not used: told again only where they change.
    skipped: Vec<Skipped>,
}

fn prepare<S: JwkSetSource>(source: S, clock: Arc<dyn Clock>) -> (Arc<Shared>, Refresher<S>) {
    let state = watch::Sender::new(State::new(clock.now()));
    let shared = Arc::new(Shared { state, asked: Notify::new() });
    (Arc::clone(&shared), Refresher { shared, source, clock, skipped: Vec::new() })
}

impl<S: JwkSetSource> Refresher<S> {
    async fn run(mut self) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = self.shared.asked.notified() => {}
            }
            self.refresh_if_due().await;
        }
    }

    async fn refresh_if_due(&mut self) {
        let began = self.clock.now();
        if self.shared.state.borrow().is_due(began) {
            self.shared.state.send_modify(State::begin);
            let fetched = self.fetch().await;
            metrics::refreshed(fetched.as_ref().map_or_else(FetchFault::label, |_| "ok"));
            self.keep(fetched, began);
        }
        let now = self.clock.now();
        if let Some((keys, age)) = self.shared.state.borrow().held(now) {
            metrics::held(keys, age);
        }
    }

    async fn fetch(&mut self) -> Result<JwkSet, FetchFault> {
        let bytes = self.source.fetch().await?;
        let (set, skipped) = JwkSet::read(&bytes).map_err(FetchFault::Malformed)?;
        if skipped != self.skipped {
            for key in &skipped {
                tracing::info!(%key, "a published key is not used");
            }
            self.skipped = skipped;
        }
        if set.len() == 0 { Err(FetchFault::NoUsableKey) } else { Ok(set) }
    }

    fn keep(&self, fetched: Result<JwkSet, FetchFault>, began: Timestamp) {
        let now = self.clock.now();
        match fetched {
            Ok(set) => {
                let before = self.shared.state.borrow().held(now).map(|(keys, _)| keys);
                if before != Some(set.len()) || self.shared.state.borrow().fault().is_some() {
                    tracing::info!(keys = set.len(), "the key set is loaded");
                }
                self.shared.state.send_modify(|state| state.succeed(set, began));
            }
            Err(fault) => {
                let age = self.shared.state.borrow().held(now).map(|(_, age)| age.as_secs());
                tracing::warn!(cause = %fault, held_for_seconds = age, "the key set cannot be refreshed");
                self.shared.state.send_modify(|state| state.fail(&fault, now));
            }
        }
    }
}

#[cfg(test)]
mod late_publication;
#[cfg(test)]
mod task;
#[cfg(test)]
mod tests;
