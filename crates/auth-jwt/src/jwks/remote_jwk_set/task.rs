//! Tests of a key set's background task.

use billing_testkit::FixedClock;

use super::tests::{START, Script, key, outcome};
use super::*;
use crate::jwks::published_key::set_of;

fn started(script: &Script) -> (RemoteJwkSet, Refreshers) {
    let (refreshers, task) = Refreshers::new();
    tokio::spawn(task.run);
    let set = RemoteJwkSet::start(script.clone(), Arc::new(FixedClock::at(START)), &refreshers);
    (set, refreshers)
}

#[tokio::test]
async fn task_loads_the_set_and_ends_when_the_set_is_dropped() {
    let a = key("a");
    let script = Script::of(Some(set_of(&[&a])));
    let (set, _refreshers) = started(&script);
    set.wait_until_loaded(Duration::from_secs(30)).await.unwrap();
    assert!(set.is_loaded() && set.find(Some("a")).await.is_ok());
    drop(set);
    while Arc::strong_count(&script.0) > 1 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn task_fetches_immediately_when_a_key_is_unknown() {
    let (a, b) = (key("a"), key("b"));
    let script = Script::of(Some(set_of(&[&a])));
    let (set, _refreshers) = started(&script);
    set.wait_until_loaded(Duration::from_secs(30)).await.unwrap();
    script.publish(&[&a, &b]);
    assert_eq!(outcome(&set.find(Some("b")).await), "found");
    assert_eq!(outcome(&set.find(Some("c")).await), "invalid");
    assert_eq!(script.fetches(), 2);
}
