//! [`RemoteJwkSet`]: an issuer's key set, cached and refreshed in the background.

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
use super::state::{RefreshRequest, State};

/// Interval at which the task reads the clock.
const TICK: Duration = Duration::from_secs(1);
/// Time a request with an unknown key id waits for a fetch. It is below the fetch timeout, so that
/// a hanging issuer does not delay requests for long.
const MAX_WAIT: Duration = Duration::from_secs(3);

/// An issuer's key set. Requests read the cached set. Only the task fetches, so at most one fetch
/// runs.
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
    /// Notifies the task of a requested fetch.
    requested: Notify,
}

impl RemoteJwkSet {
    /// Starts to fetch and refresh the set, until `Self` is dropped.
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

    /// Returns the set to verify a token with this key id.
    ///
    /// A cached set with the key is returned immediately. Otherwise the request waits for the
    /// running fetch or starts one. Unknown key ids start at most one fetch in 30 s.
    ///
    /// # Errors
    /// [`AuthError::Invalid`] if no such key is published, [`AuthError::NotReady`] if that is
    /// unknown.
    pub(crate) async fn find(&self, key_id: Option<&str>) -> Result<Arc<JwkSet>, AuthError> {
        self.shared.find(key_id, self.clock.as_ref()).await
    }

    /// Returns whether a valid set is cached.
    pub(crate) fn is_loaded(&self) -> bool {
        self.shared.state.borrow().usable(self.clock.now()).is_ok()
    }

    /// Waits until a valid set is cached, for at most `max_wait`.
    ///
    /// # Errors
    /// Why no set is cached.
    pub(crate) async fn wait_until_loaded(&self, max_wait: Duration) -> Result<(), AuthError> {
        let mut state = self.shared.state.subscribe();
        let loaded = state.wait_for(|state| state.usable(self.clock.now()).is_ok());
        let _ = tokio::time::timeout(max_wait, loaded).await;
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
        // A running fetch may have started before the key was published. Then wait for another one.
        for _ in 0..2 {
            let Some((request, seen)) = self.request_refresh(key_id, clock) else { break };
            in_time = self.ended_after(seen).await;
            if request == RefreshRequest::Start || !in_time {
                break;
            }
        }

        let state = self.state.borrow();
        let set = state.usable(clock.now())?;
        if set.knows(key_id) { Ok(set) } else { Err(state.unknown_key(in_time)) }
    }

    /// Waits until more than `seen` fetches have ended. Returns whether that happened within
    /// `MAX_WAIT`.
    async fn ended_after(&self, seen: u64) -> bool {
        let mut state = self.state.subscribe();
        tokio::time::timeout(MAX_WAIT, state.wait_for(|state| state.refreshes() > seen))
            .await
            .is_ok()
    }

    /// Requests a fetch. Returns the decision and the number of finished fetches, or `None` if
    /// there is no fetch to wait for.
    fn request_refresh(
        &self,
        key_id: Option<&str>,
        clock: &dyn Clock,
    ) -> Option<(RefreshRequest, u64)> {
        let mut wait = None;
        let mut start = false;
        self.state.send_if_modified(|state| {
            // A fetch may have ended since the caller's lookup.
            if state.usable(clock.now()).is_ok_and(|set| !set.knows(key_id)) {
                let request = state.request_refresh(clock.now());
                wait = (request != RefreshRequest::Refused).then_some((request, state.refreshes()));
                start = request == RefreshRequest::Start;
            }
            false
        });
        if start {
            tracing::info!("a token has an unknown key id: refreshing the key set");
            self.requested.notify_one();
        }
        wait
    }
}

/// Fetches the set in the background task.
struct Refresher<S> {
    shared: Arc<Shared>,
    source: S,
    clock: Arc<dyn Clock>,
    /// Unusable keys of the last set. They are logged again only when they change.
    skipped: Vec<Skipped>,
}

fn prepare<S: JwkSetSource>(source: S, clock: Arc<dyn Clock>) -> (Arc<Shared>, Refresher<S>) {
    let state = watch::Sender::new(State::new(clock.now()));
    let shared = Arc::new(Shared { state, requested: Notify::new() });
    (Arc::clone(&shared), Refresher { shared, source, clock, skipped: Vec::new() })
}

impl<S: JwkSetSource> Refresher<S> {
    async fn run(mut self) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = self.shared.requested.notified() => {}
            }
            self.refresh_if_due().await;
        }
    }

    async fn refresh_if_due(&mut self) {
        let began = self.clock.now();
        if self.shared.state.borrow().is_due(began) {
            self.shared.state.send_modify(State::begin);
            let fetched = self.fetch().await;
            metrics::count_refresh(fetched.as_ref().map_or_else(FetchFault::label, |_| "ok"));
            self.keep(fetched, began);
        }
        let now = self.clock.now();
        if let Some((keys, age)) = self.shared.state.borrow().cached(now) {
            metrics::set_cached(keys, age);
        }
    }

    async fn fetch(&mut self) -> Result<JwkSet, FetchFault> {
        let bytes = self.source.fetch().await?;
        let (set, skipped) = JwkSet::read(&bytes).map_err(FetchFault::Malformed)?;
        if skipped != self.skipped {
            for key in &skipped {
                tracing::info!(%key, "skipped an unusable published key");
            }
            self.skipped = skipped;
        }
        if set.len() == 0 { Err(FetchFault::NoUsableKey) } else { Ok(set) }
    }

    fn keep(&self, fetched: Result<JwkSet, FetchFault>, began: Timestamp) {
        let now = self.clock.now();
        match fetched {
            Ok(set) => {
                let before = self.shared.state.borrow().cached(now).map(|(keys, _)| keys);
                if before != Some(set.len()) || self.shared.state.borrow().fault().is_some() {
                    tracing::info!(keys = set.len(), "loaded the key set");
                }
                self.shared.state.send_modify(|state| state.succeed(set, began));
            }
            Err(fault) => {
                let age = self.shared.state.borrow().cached(now).map(|(_, age)| age.as_secs());
                tracing::warn!(
                    cause = %fault, held_for_seconds = age,
                    "failed to refresh the key set"
                );
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
