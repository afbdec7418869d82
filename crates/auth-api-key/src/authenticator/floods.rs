//! C7 under load: floods of made-up or known ids must not affect a correct key.

use std::sync::atomic::Ordering;
use std::time::Duration;

use billing_domain::ports::{ApiKeyRepo, KeyChange};
use billing_testkit::samples;
use tokio::task::JoinSet;

use super::*;
use crate::testing::{START, Setup, made_up, until};

/// Presents made-up keys while the store hangs. Returns the three that are being read; the others
/// are refused.
async fn flood(setup: &Arc<Setup>, callers: usize) -> JoinSet<Result<Principal, AuthError>> {
    setup.repo.stalled.send_replace(true);
    let reads = setup.reads();
    let mut presenting = JoinSet::new();
    for n in 0..callers {
        let setup = Arc::clone(setup);
        presenting.spawn(async move { setup.present(&made_up(n)).await });
    }
    for _ in 3..callers {
        let refused = presenting.join_next().await.unwrap().unwrap();
        assert!(
            matches!(
                &refused,
                Err(AuthError::Overloaded { retry_after })
                    if *retry_after == Duration::from_secs(1)
            ),
            "{refused:?}"
        );
    }
    assert_eq!(setup.reads(), reads + 3, "the flood uses at most three connections");
    presenting
}

#[tokio::test]
async fn known_keys_are_read_during_a_flood_of_made_up_ids() {
    let setup = Arc::new(Setup::new());
    let known = setup.issue().await;
    setup.present(known.text()).await.unwrap();
    // 512 requests wait and time out; the others are refused immediately.
    let being_read = flood(&setup, 600).await;
    setup.present(known.text()).await.expect("a fresh row needs no read");
    let (reads, listened) = (setup.reads(), setup.repo.listened.load(Ordering::SeqCst));
    setup.repo.reports.send(Ok(KeyChange::Unknown)).unwrap();
    until("the notification", || setup.repo.listened.load(Ordering::SeqCst) > listened).await;
    let again = tokio::spawn({
        let setup = Arc::clone(&setup);
        async move { setup.present(known.text()).await.is_ok() }
    });
    until("a known key read a second time", || setup.reads() == reads + 1).await;
    setup.repo.stalled.send_replace(false);
    assert!(again.await.unwrap());
    for result in being_read.join_all().await {
        assert!(matches!(result, Err(AuthError::Invalid { .. })), "{result:?}");
    }
    assert!(setup.refusal(&made_up(600)).await.contains("unknown"), "slots are free again");
}

#[tokio::test]
async fn a_new_key_in_400_concurrent_requests_is_read_three_times() {
    let setup = Arc::new(Setup::new());
    let issued = Arc::new(setup.issue().await);
    setup.repo.stalled.send_replace(true);
    let mut presenting = JoinSet::new();
    for _ in 0..400 {
        let (setup, issued) = (Arc::clone(&setup), Arc::clone(&issued));
        presenting.spawn(async move { setup.present(issued.text()).await.is_ok() });
    }
    until("the key being read", || setup.reads() == 3).await;
    setup.repo.stalled.send_replace(false);
    assert!(presenting.join_all().await.into_iter().all(|accepted| accepted));
    assert_eq!(setup.reads(), 3);
}

/// More ids than the cache has entries.
const MANY: usize = 10_500;

/// Stores `count` keys with unknown secrets.
async fn store_keys(setup: &Setup, count: usize) {
    for n in 0..count {
        let owner = samples::user("user-2");
        let key = samples::stored_key(&format!("{n:0>12}"), &owner, Timestamp::from_millis(START));
        setup.repo.insert(&key, None, samples::record()).await.unwrap();
    }
}

/// Reads a stored key, as a request with a wrong secret does before the gate. The gate itself would
/// take seconds here.
async fn look_up(setup: &Setup, n: usize) {
    let id = format!("{n:0>12}").parse().unwrap();
    assert!(setup.keys.authenticator().rows.find(&id, setup.clock.now()).await.unwrap().is_some());
}

#[tokio::test]
async fn c7_a_key_in_use_stays_cached_during_a_flood_of_known_ids() {
    let setup = Setup::new();
    let issued = setup.issue().await;
    store_keys(&setup, MANY).await;
    setup.present(issued.text()).await.unwrap();
    for n in 0..MANY {
        look_up(&setup, n).await;
        if n % 1_000 == 0 {
            setup.present(issued.text()).await.unwrap();
        }
    }
    assert_eq!(setup.reads(), MANY + 1, "the key was read once");
    assert_eq!(setup.pool.runs(), 2, "issuing, and one proof");
}

#[tokio::test]
async fn c7_a_new_key_is_cached_during_a_flood_of_popular_ids() {
    let setup = Setup::new();
    let issued = setup.issue().await;
    store_keys(&setup, MANY).await;
    for n in 0..MANY * 3 {
        look_up(&setup, n % MANY).await;
    }
    setup.present(issued.text()).await.unwrap();
    let reads = setup.reads();
    for n in 0..1_000 {
        look_up(&setup, n).await;
    }
    let flood_reads = setup.reads() - reads;
    setup.present(issued.text()).await.unwrap();
    assert_eq!(setup.reads() - reads, flood_reads, "the row is cached");
    assert_eq!(setup.pool.runs(), 2, "issuing, and one proof");
}
