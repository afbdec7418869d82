//! When a key set is fetched, for how long it counts, and who waits: with a scripted source and a clock moved by hand.

use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use billing_testkit::FixedClock;
use metrics_exporter_prometheus::PrometheusBuilder;

use super::*;
use crate::jwks::published_key::{PublishedKey, set_of};
use crate::jwks::state::{ASKED_AT_MOST_EVERY, KEPT_FOR, REFRESH_EVERY};

pub(super) const START: Timestamp = Timestamp::from_seconds(1_800_000_000);
const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// A source that gives what it is told to, when it is told to.
#[derive(Clone, Debug)]
pub(super) struct Script(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    /// `None` is an issuer that cannot be reached.
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
        self.say(Some(set_of(keys)));
    }

    fn say(&self, published: Option<String>) {
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

/// A key set whose task runs by hand.
struct World {
    clock: Arc<FixedClock>,
    script: Script,
    shared: Arc<Shared>,
    refresher: Refresher<Script>,
}

impl World {
    /// Nothing was fetched yet.
    fn new(published: &[&PublishedKey]) -> Self {
        let (clock, script) =
            (Arc::new(FixedClock::at(START)), Script::of(Some(set_of(published))));
        let (shared, refresher) = prepare(script.clone(), Arc::clone(&clock) as Arc<dyn Clock>);
        Self { clock, script, shared, refresher }
    }

    async fn loaded(published: &[&PublishedKey]) -> Self {
        let mut world = Self::new(published);
        world.refresher.refresh_if_due().await;
        assert_eq!(world.script.fetches(), 1);
        world
    }

    /// What a token with this key id meets while the task does its work.
    async fn find(&mut self, id: &str) -> &'static str {
        let (found, ()) = tokio::join!(
            self.shared.find(Some(id), self.clock.as_ref()),
            self.refresher.refresh_if_due()
        );
        outcome(&found)
    }

    /// What it meets at once, or "waits".
    fn find_now(&self, id: &str) -> &'static str {
        let mut finding = std::pin::pin!(self.shared.find(Some(id), self.clock.as_ref()));
        match finding.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(found) => outcome(&found),
            Poll::Pending => "waits",
        }
    }

    /// Moves the clock, second by second, with the task looking at it each time.
    async fn pass(&mut self, time: Duration) {
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
async fn before_the_first_fetch_nobody_is_let_in_and_nobody_waits() {
    let a = key("a");
    let mut world = World::new(&[&a]);
    assert_eq!(world.find_now("a"), "not ready");
    assert_eq!(world.find("a").await, "not ready");
    assert_eq!(world.find_now("a"), "found");
    assert_eq!(world.script.fetches(), 1);
}

#[tokio::test]
async fn a_known_key_waits_for_nothing() {
    let a = key("a");
    let mut world = World::loaded(&[&a]).await;
    world.script.0.hangs.send_replace(true);
    world.clock.advance(REFRESH_EVERY);
    let mut refreshing = Box::pin(world.refresher.refresh_if_due());
    assert!(refreshing.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    for id in [Some("a"), None] {
        let mut finding = std::pin::pin!(world.shared.find(id, world.clock.as_ref()));
        assert!(finding.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
    }
    assert_eq!(world.script.fetches(), 2);
}

#[tokio::test]
async fn an_unknown_key_is_fetched_and_found_where_it_was_published_since() {
    let (a, b) = (key("a"), key("b"));
    let mut world = World::loaded(&[&a]).await;
    world.script.publish(&[&a, &b]);
    assert_eq!(world.find_now("b"), "waits");
    assert_eq!(world.find("b").await, "found");
    assert_eq!(world.find_now("a"), "found");
    assert_eq!(world.script.fetches(), 2);
}

#[tokio::test]
async fn unknown_keys_cause_one_fetch_in_30_seconds() {
    let a = key("a");
    let mut world = World::loaded(&[&a]).await;
    assert_eq!(world.find("forged").await, "invalid");
    for n in 0..1000 {
        assert_eq!(world.find_now(&format!("forged {n}")), "invalid", "at once");
    }
    world.clock.advance(ASKED_AT_MOST_EVERY - MILLISECOND);
    assert_eq!(world.find("forged").await, "invalid");
    assert_eq!(world.script.fetches(), 2);
    world.clock.advance(MILLISECOND);
    assert_eq!(world.find("forged").await, "invalid");
    assert_eq!(world.script.fetches(), 3);
}

#[tokio::test]
async fn all_who_wait_share_one_fetch() {
    let (a, b) = (key("a"), key("b"));
    let mut world = World::loaded(&[&a]).await;
    world.script.publish(&[&a, &b]);
    let finding = (0..100).map(|n| {
        let (shared, clock) = (Arc::clone(&world.shared), Arc::clone(&world.clock));
        let id = if n % 2 == 0 { "b".to_owned() } else { format!("forged {n}") };
        tokio::spawn(async move { outcome(&shared.find(Some(&id), clock.as_ref()).await) })
    });
    let finding: Vec<_> = finding.collect();
    while world.shared.state.receiver_count() < finding.len() {
        tokio::task::yield_now().await;
    }
    world.refresher.refresh_if_due().await;
    for (n, found) in finding.into_iter().enumerate() {
        assert_eq!(found.await.unwrap(), if n % 2 == 0 { "found" } else { "invalid" });
    }
    assert_eq!(world.script.fetches(), 2);
}

#[tokio::test]
async fn who_waits_too_long_is_told_that_we_are_not_ready() {
    let a = key("a");
    let mut world = World::loaded(&[&a]).await;
    world.script.0.hangs.send_replace(true);
    let (shared, clock) = (Arc::clone(&world.shared), Arc::clone(&world.clock));
    let finding =
        tokio::spawn(async move { outcome(&shared.find(Some("b"), clock.as_ref()).await) });
    tokio::select! {
        found = finding => assert_eq!(found.unwrap(), "not ready"),
        () = async { loop { tokio::task::yield_now().await; world.refresher.refresh_if_due().await } } => {}
    }
    assert_eq!(world.script.fetches(), 2);
}

#[tokio::test]
async fn the_set_is_fetched_again_in_under_5_minutes_without_being_asked() {
    let (a, b) = (key("a"), key("b"));
    let mut world = World::loaded(&[&a]).await;
    world.script.publish(&[&b]);
    world.pass(REFRESH_EVERY - SECOND).await;
    assert_eq!((world.script.fetches(), world.find_now("a")), (1, "found"));
    world.pass(SECOND).await;
    assert_eq!((world.script.fetches(), world.find_now("b")), (2, "found"));
    assert_eq!(world.find("a").await, "invalid", "a key that is withdrawn is gone");
    assert!(REFRESH_EVERY < Duration::from_secs(300));
}

#[tokio::test]
async fn after_a_failure_the_pauses_double_up_to_30_seconds() {
    let a = key("a");
    let mut world = World::new(&[&a]);
    world.script.say(None);
    world.refresher.refresh_if_due().await;
    for pause in [1, 2, 4, 8, 16, 30, 30] {
        let before = world.script.fetches();
        world.pass(Duration::from_secs(pause - 1)).await;
        assert_eq!(world.script.fetches(), before, "{pause}");
        world.pass(SECOND).await;
        assert_eq!(world.script.fetches(), before + 1, "{pause}");
    }
    assert_eq!(world.find_now("a"), "not ready");
    world.script.publish(&[&a]);
    world.pass(Duration::from_secs(30)).await;
    assert_eq!(world.find_now("a"), "found");
}

#[tokio::test]
async fn the_last_good_set_counts_for_24_hours_and_again_when_the_issuer_is_back() {
    let a = key("a");
    let mut world = World::loaded(&[&a]).await;
    world.script.say(None);
    world.pass(KEPT_FOR - SECOND).await;
    world.clock.advance(SECOND - MILLISECOND);
    assert_eq!(world.find_now("a"), "found");
    world.clock.advance(MILLISECOND);
    assert_eq!(world.find_now("a"), "not ready");
    assert_eq!(world.find("b").await, "not ready");
    world.script.publish(&[&a]);
    world.pass(Duration::from_secs(30)).await;
    assert_eq!(world.find_now("a"), "found");
    let fetches = world.script.fetches();
    world.pass(REFRESH_EVERY - Duration::from_secs(30)).await;
    assert_eq!(world.script.fetches(), fetches, "the usual pace again");
}

#[tokio::test]
async fn a_set_is_as_old_as_the_beginning_of_its_fetch() {
    let a = key("a");
    let mut world = World::new(&[&a]);
    world.script.0.hangs.send_replace(true);
    {
        let mut refreshing = std::pin::pin!(world.refresher.refresh_if_due());
        assert!(refreshing.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        world.clock.advance(Duration::from_secs(4));
        world.script.0.hangs.send_replace(false);
        refreshing.await;
    }
    let held = world.shared.state.borrow().held(world.clock.now());
    assert_eq!(held, Some((1, Duration::from_secs(4))));
    world.pass(REFRESH_EVERY - Duration::from_secs(4)).await;
    assert_eq!(world.script.fetches(), 2);
}

#[tokio::test]
async fn what_is_no_set_or_has_no_usable_key_replaces_nothing() {
    let a = key("a");
    let mut world = World::loaded(&[&a]).await;
    let unusable =
        r#"{"keys":[{"kty":"oct","k":"AAAA","kid":"a"},{"kty":"RSA","n":"AQ","e":"AQAB"}]}"#;
    for (n, bad) in ["", "<html>", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[]}"#, unusable]
        .into_iter()
        .enumerate()
    {
        world.script.say(Some(bad.to_owned()));
        world.pass(REFRESH_EVERY).await;
        assert!(world.script.fetches() >= n + 2, "{bad}");
        assert!(world.shared.state.borrow().fault().is_some(), "{bad}");
        assert_eq!(world.find_now("a"), "found", "{bad}");
    }
    world.pass(KEPT_FOR).await;
    assert_eq!(world.find_now("a"), "not ready", "nor does it make the last good one any younger");
}

#[tokio::test]
async fn while_the_issuer_is_down_an_unknown_key_is_not_the_tokens_fault() {
    let (a, b) = (key("a"), key("b"));
    let mut world = World::loaded(&[&a]).await;
    world.script.say(None);
    assert_eq!(world.find("b").await, "not ready");
    assert_eq!(world.find_now("b"), "not ready", "at once");
    assert_eq!(world.find_now("a"), "found");
    world.script.publish(&[&a, &b]);
    world.pass(SECOND).await;
    assert_eq!(world.find_now("b"), "found", "the next try comes without being asked for");
    world.clock.advance(ASKED_AT_MOST_EVERY);
    assert_eq!(world.find("forged").await, "invalid");
}

#[tokio::test]
async fn a_clock_that_is_set_back_stops_nothing() {
    let (a, b) = (key("a"), key("b"));
    let mut world = World::loaded(&[&a]).await;
    assert_eq!(world.find("forged").await, "invalid");
    world.clock.set(START.minus(Duration::from_secs(3600)));
    assert_eq!(world.find_now("a"), "found");
    world.script.publish(&[&a, &b]);
    assert_eq!(world.find("b").await, "found");
    world.clock.set(START.minus(Duration::from_secs(7200)));
    let fetches = world.script.fetches();
    world.refresher.refresh_if_due().await;
    assert_eq!(world.script.fetches(), fetches + 1);
    world.pass(REFRESH_EVERY).await;
    assert_eq!(world.script.fetches(), fetches + 2, "the usual pace again");
}

/// Two days with a new key every hour, published 5 minutes before its first use, with a forged key id every second and an
/// issuer that fails at every third fetch.
#[tokio::test]
async fn no_rotation_costs_a_request_however_many_ids_are_forged() {
    const LEAD: u64 = 300;
    for forging in [true, false] {
        let mut keys = vec![key("0")];
        let mut world = World::loaded(&[&keys[0]]).await;
        let mut forged_fetches = 0;
        for second in 1..=48 * 3600_u64 {
            world.clock.advance(SECOND);
            if second % 3600 == 0 {
                keys.push(key(&(second / 3600).to_string()));
                keys = keys.split_off(keys.len() - 2);
            }
            let down = world.script.fetches() % 3 == 2 && second % 30 < 10;
            world.script.say((!down).then(|| set_of(&keys.iter().collect::<Vec<_>>())));
            world.refresher.refresh_if_due().await;
            if forging {
                let before = world.script.fetches();
                world.find(&format!("forged {second}")).await;
                forged_fetches += world.script.fetches() - before;
            }
            let in_use = second.saturating_sub(LEAD) / 3600;
            assert_eq!(
                world.find(&in_use.to_string()).await,
                "found",
                "second {second}, forging: {forging}"
            );
        }
        assert!(forged_fetches <= 48 * 3600 / 30, "{forged_fetches} fetches for forged ids");
    }
}

#[tokio::test]
async fn fetches_keys_and_age_are_counted() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _here = ::metrics::set_default_local_recorder(&recorder);
    metrics::describe();
    let (a, b) = (key("a"), key("b"));
    let mut world = World::loaded(&[&a, &b]).await;
    world.script.say(None);
    world.pass(REFRESH_EVERY).await;
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
