//! Tests fetch times, TTL and waiting, with a scripted source and a manual clock.

use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use billing_testkit::FixedClock;
use metrics_exporter_prometheus::PrometheusBuilder;

use super::*;
use crate::jwks::published_key::{PublishedKey, set_of};
use crate::jwks::state::{REFRESH_INTERVAL, SET_TTL, UNKNOWN_KEY_INTERVAL};

pub(super) const START: Timestamp = Timestamp::from_seconds(1_800_000_000);
const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// A source that returns what the test sets, and hangs on demand.
#[derive(Clone, Debug)]
pub(super) struct Script(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    /// `None` means that the issuer is unreachable.
    published: Mutex<Option<String>>,
    fetches: Mutex<usize>,
    hangs: watch::Sender<bool>,
}

impl Script {
    pub(super) fn of(published: Option<String>) -> Self {
        let inner = Inner {
            published: Mutex::new(published),
            fetches: Mutex::new(0),
            hangs: watch::Sender::new(false),
        };
        Self(Arc::new(inner))
    }

    pub(super) fn publish(&self, keys: &[&PublishedKey]) {
        self.set(Some(set_of(keys)));
    }

    fn set(&self, published: Option<String>) {
        *self.0.published.lock().unwrap() = published;
    }

    pub(super) fn fetches(&self) -> usize {
        *self.0.fetches.lock().unwrap()
    }
}

#[async_trait]
impl JwkSetSource for Script {
    async fn fetch(&self) -> Result<Vec<u8>, FetchFault> {
        *self.0.fetches.lock().unwrap() += 1;
        self.0.hangs.subscribe().wait_for(|hangs| !hangs).await.unwrap();
        let published = self.0.published.lock().unwrap().clone();
        published
            .map(String::into_bytes)
            .ok_or_else(|| FetchFault::NotConnected("refused".to_owned()))
    }
}

/// A key set whose task the test runs step by step.
struct Setup {
    clock: Arc<FixedClock>,
    script: Script,
    shared: Arc<Shared>,
    refresher: Refresher<Script>,
}

impl Setup {
    /// Creates a set before its first fetch.
    fn new(published: &[&PublishedKey]) -> Self {
        let clock = Arc::new(FixedClock::at(START));
        let script = Script::of(Some(set_of(published)));
        let (shared, refresher) = prepare(script.clone(), Arc::clone(&clock) as Arc<dyn Clock>);
        Self { clock, script, shared, refresher }
    }

    async fn loaded(published: &[&PublishedKey]) -> Self {
        let mut setup = Self::new(published);
        setup.refresher.refresh_if_due().await;
        assert_eq!(setup.script.fetches(), 1);
        setup
    }

    /// Returns the outcome of a lookup while the task runs.
    async fn find(&mut self, id: &str) -> &'static str {
        let (found, ()) = tokio::join!(
            self.shared.find(Some(id), self.clock.as_ref()),
            self.refresher.refresh_if_due()
        );
        outcome(&found)
    }

    /// Returns the outcome of a lookup at the first poll, or "waits".
    fn find_now(&self, id: &str) -> &'static str {
        let mut finding = std::pin::pin!(self.shared.find(Some(id), self.clock.as_ref()));
        match finding.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(found) => outcome(&found),
            Poll::Pending => "waits",
        }
    }

    /// Advances the clock second by second and runs the task each time.
    async fn advance(&mut self, time: Duration) {
        for _ in 0..time.as_secs() {
            self.clock.advance(SECOND);
            self.refresher.refresh_if_due().await;
        }
    }
}

pub(super) fn outcome(found: &Result<Arc<JwkSet>, AuthError>) -> &'static str {
    match found {
        Ok(_) => "found",
        Err(AuthError::Invalid { .. }) => "invalid",
        Err(AuthError::NotReady { .. }) => "not ready",
        Err(_) => "another error",
    }
}

pub(super) fn key(id: &str) -> PublishedKey {
    PublishedKey::new(id)
}

#[tokio::test]
async fn before_the_first_fetch_find_is_not_ready_and_does_not_wait() {
    let a = key("a");
    let mut setup = Setup::new(&[&a]);
    assert_eq!(setup.find_now("a"), "not ready");
    assert_eq!(setup.find("a").await, "not ready");
    assert_eq!(setup.find_now("a"), "found");
    assert_eq!(setup.script.fetches(), 1);
}

#[tokio::test]
async fn a_known_key_is_found_without_waiting() {
    let a = key("a");
    let mut setup = Setup::loaded(&[&a]).await;
    setup.script.0.hangs.send_replace(true);
    setup.clock.advance(REFRESH_INTERVAL);
    let mut refreshing = Box::pin(setup.refresher.refresh_if_due());
    assert!(refreshing.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    for id in [Some("a"), None] {
        let mut finding = std::pin::pin!(setup.shared.find(id, setup.clock.as_ref()));
        assert!(finding.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
    }
    assert_eq!(setup.script.fetches(), 2);
}

#[tokio::test]
async fn an_unknown_key_is_found_after_a_fetch() {
    let (a, b) = (key("a"), key("b"));
    let mut setup = Setup::loaded(&[&a]).await;
    setup.script.publish(&[&a, &b]);
    assert_eq!(setup.find_now("b"), "waits");
    assert_eq!(setup.find("b").await, "found");
    assert_eq!(setup.find_now("a"), "found");
    assert_eq!(setup.script.fetches(), 2);
}

#[tokio::test]
async fn unknown_keys_start_one_fetch_in_30_seconds() {
    let a = key("a");
    let mut setup = Setup::loaded(&[&a]).await;
    assert_eq!(setup.find("forged").await, "invalid");
    for n in 0..1000 {
        assert_eq!(setup.find_now(&format!("forged {n}")), "invalid", "at once");
    }
    setup.clock.advance(UNKNOWN_KEY_INTERVAL - MILLISECOND);
    assert_eq!(setup.find("forged").await, "invalid");
    assert_eq!(setup.script.fetches(), 2);
    setup.clock.advance(MILLISECOND);
    assert_eq!(setup.find("forged").await, "invalid");
    assert_eq!(setup.script.fetches(), 3);
}

#[tokio::test]
async fn waiting_requests_share_one_fetch() {
    let (a, b) = (key("a"), key("b"));
    let mut setup = Setup::loaded(&[&a]).await;
    setup.script.publish(&[&a, &b]);
    let finding = (0..100).map(|n| {
        let (shared, clock) = (Arc::clone(&setup.shared), Arc::clone(&setup.clock));
        let id = if n % 2 == 0 { "b".to_owned() } else { format!("forged {n}") };
        tokio::spawn(async move { outcome(&shared.find(Some(&id), clock.as_ref()).await) })
    });
    let finding: Vec<_> = finding.collect();
    while setup.shared.state.receiver_count() < finding.len() {
        tokio::task::yield_now().await;
    }
    setup.refresher.refresh_if_due().await;
    for (n, found) in finding.into_iter().enumerate() {
        assert_eq!(found.await.unwrap(), if n % 2 == 0 { "found" } else { "invalid" });
    }
    assert_eq!(setup.script.fetches(), 2);
}

#[tokio::test]
async fn find_is_not_ready_when_the_fetch_takes_too_long() {
    let a = key("a");
    let mut setup = Setup::loaded(&[&a]).await;
    setup.script.0.hangs.send_replace(true);
    let (shared, clock) = (Arc::clone(&setup.shared), Arc::clone(&setup.clock));
    let finding =
        tokio::spawn(async move { outcome(&shared.find(Some("b"), clock.as_ref()).await) });
    let refreshing = async {
        loop {
            tokio::task::yield_now().await;
            setup.refresher.refresh_if_due().await;
        }
    };
    tokio::select! {
        found = finding => assert_eq!(found.unwrap(), "not ready"),
        () = refreshing => {}
    }
    assert_eq!(setup.script.fetches(), 2);
}

#[tokio::test]
async fn the_set_is_refreshed_in_under_5_minutes() {
    let (a, b) = (key("a"), key("b"));
    let mut setup = Setup::loaded(&[&a]).await;
    setup.script.publish(&[&b]);
    setup.advance(REFRESH_INTERVAL - SECOND).await;
    assert_eq!((setup.script.fetches(), setup.find_now("a")), (1, "found"));
    setup.advance(SECOND).await;
    assert_eq!((setup.script.fetches(), setup.find_now("b")), (2, "found"));
    assert_eq!(setup.find("a").await, "invalid", "a withdrawn key is not found");
    assert!(REFRESH_INTERVAL < Duration::from_secs(300));
}

#[tokio::test]
async fn after_failures_the_backoff_doubles_up_to_30_seconds() {
    let a = key("a");
    let mut setup = Setup::new(&[&a]);
    setup.script.set(None);
    setup.refresher.refresh_if_due().await;
    for pause in [1, 2, 4, 8, 16, 30, 30] {
        let before = setup.script.fetches();
        setup.advance(Duration::from_secs(pause - 1)).await;
        assert_eq!(setup.script.fetches(), before, "{pause}");
        setup.advance(SECOND).await;
        assert_eq!(setup.script.fetches(), before + 1, "{pause}");
    }
    assert_eq!(setup.find_now("a"), "not ready");
    setup.script.publish(&[&a]);
    setup.advance(Duration::from_secs(30)).await;
    assert_eq!(setup.find_now("a"), "found");
}

#[tokio::test]
async fn the_last_valid_set_is_used_for_24_hours_and_replaced_when_the_issuer_recovers() {
    let a = key("a");
    let mut setup = Setup::loaded(&[&a]).await;
    setup.script.set(None);
    setup.advance(SET_TTL - SECOND).await;
    setup.clock.advance(SECOND - MILLISECOND);
    assert_eq!(setup.find_now("a"), "found");
    setup.clock.advance(MILLISECOND);
    assert_eq!(setup.find_now("a"), "not ready");
    assert_eq!(setup.find("b").await, "not ready");
    setup.script.publish(&[&a]);
    setup.advance(Duration::from_secs(30)).await;
    assert_eq!(setup.find_now("a"), "found");
    let fetches = setup.script.fetches();
    setup.advance(REFRESH_INTERVAL - Duration::from_secs(30)).await;
    assert_eq!(setup.script.fetches(), fetches, "back to the normal interval");
}

#[tokio::test]
async fn a_set_s_age_counts_from_the_start_of_its_fetch() {
    let a = key("a");
    let mut setup = Setup::new(&[&a]);
    setup.script.0.hangs.send_replace(true);
    {
        let mut refreshing = std::pin::pin!(setup.refresher.refresh_if_due());
        assert!(refreshing.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        setup.clock.advance(Duration::from_secs(4));
        setup.script.0.hangs.send_replace(false);
        refreshing.await;
    }
    let cached = setup.shared.state.borrow().cached(setup.clock.now());
    assert_eq!(cached, Some((1, Duration::from_secs(4))));
    setup.advance(REFRESH_INTERVAL - Duration::from_secs(4)).await;
    assert_eq!(setup.script.fetches(), 2);
}

#[tokio::test]
async fn a_malformed_set_or_one_without_usable_keys_keeps_the_cached_set() {
    let a = key("a");
    let mut setup = Setup::loaded(&[&a]).await;
    let unusable =
        r#"{"keys":[{"kty":"oct","k":"AAAA","kid":"a"},{"kty":"RSA","n":"AQ","e":"AQAB"}]}"#;
    for (n, bad) in ["", "<html>", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[]}"#, unusable]
        .into_iter()
        .enumerate()
    {
        setup.script.set(Some(bad.to_owned()));
        setup.advance(REFRESH_INTERVAL).await;
        assert!(setup.script.fetches() >= n + 2, "{bad}");
        assert!(setup.shared.state.borrow().fault().is_some(), "{bad}");
        assert_eq!(setup.find_now("a"), "found", "{bad}");
    }
    setup.advance(SET_TTL).await;
    assert_eq!(setup.find_now("a"), "not ready", "the cached set expires");
}

#[tokio::test]
async fn an_unknown_key_is_not_ready_while_the_issuer_is_down() {
    let (a, b) = (key("a"), key("b"));
    let mut setup = Setup::loaded(&[&a]).await;
    setup.script.set(None);
    assert_eq!(setup.find("b").await, "not ready");
    assert_eq!(setup.find_now("b"), "not ready", "at once");
    assert_eq!(setup.find_now("a"), "found");
    setup.script.publish(&[&a, &b]);
    setup.advance(SECOND).await;
    assert_eq!(setup.find_now("b"), "found", "the task retries without a request");
    setup.clock.advance(UNKNOWN_KEY_INTERVAL);
    assert_eq!(setup.find("forged").await, "invalid");
}

#[tokio::test]
async fn a_clock_that_is_set_back_does_not_stop_refreshes() {
    let (a, b) = (key("a"), key("b"));
    let mut setup = Setup::loaded(&[&a]).await;
    assert_eq!(setup.find("forged").await, "invalid");
    setup.clock.set(START.minus(Duration::from_secs(3600)));
    assert_eq!(setup.find_now("a"), "found");
    setup.script.publish(&[&a, &b]);
    assert_eq!(setup.find("b").await, "found");
    setup.clock.set(START.minus(Duration::from_secs(7200)));
    let fetches = setup.script.fetches();
    setup.refresher.refresh_if_due().await;
    assert_eq!(setup.script.fetches(), fetches + 1);
    setup.advance(REFRESH_INTERVAL).await;
    assert_eq!(setup.script.fetches(), fetches + 2, "back to the normal interval");
}

/// Two days with a new key every hour, published 5 minutes before its first use. Every second a
/// forged key id arrives, and every third fetch fails.
#[tokio::test]
async fn rotations_refuse_no_token_while_forged_ids_arrive() {
    const LEAD: u64 = 300;
    for forging in [true, false] {
        let mut keys = vec![key("0")];
        let mut setup = Setup::loaded(&[&keys[0]]).await;
        let mut forged_fetches = 0;
        for second in 1..=48 * 3600_u64 {
            setup.clock.advance(SECOND);
            if second % 3600 == 0 {
                keys.push(key(&(second / 3600).to_string()));
                keys = keys.split_off(keys.len() - 2);
            }
            let down = setup.script.fetches() % 3 == 2 && second % 30 < 10;
            setup.script.set((!down).then(|| set_of(&keys.iter().collect::<Vec<_>>())));
            setup.refresher.refresh_if_due().await;
            if forging {
                let before = setup.script.fetches();
                setup.find(&format!("forged {second}")).await;
                forged_fetches += setup.script.fetches() - before;
            }
            let in_use = second.saturating_sub(LEAD) / 3600;
            assert_eq!(
                setup.find(&in_use.to_string()).await,
                "found",
                "second {second}, forging: {forging}"
            );
        }
        assert!(forged_fetches <= 48 * 3600 / 30, "{forged_fetches} fetches for forged ids");
    }
}

#[tokio::test]
async fn metrics_report_fetches_keys_and_age() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _here = ::metrics::set_default_local_recorder(&recorder);
    metrics::describe();
    let (a, b) = (key("a"), key("b"));
    let mut setup = Setup::loaded(&[&a, &b]).await;
    setup.script.set(None);
    setup.advance(REFRESH_INTERVAL).await;
    let text = recorder.handle().render();
    for line in [
        r#"jwks_refresh_total{outcome="ok"} 1"#,
        r#"jwks_refresh_total{outcome="not_connected"} 1"#,
        r#"jwks_refresh_total{outcome="malformed"} 0"#,
        "jwks_keys 2",
        "jwks_age_seconds 285",
    ] {
        assert!(text.lines().any(|candidate| candidate == line), "{line} is missing in\n{text}");
    }
}
