//! C7 under floods: what many keys, made up or known, cost a correct one.

use std::sync::atomic::Ordering;
use std::time::Duration;

use billing_domain::ports::{ApiKeyRepo, KeyChange};
use billing_testkit::samples;
use tokio::task::JoinSet;

use super::*;
use crate::testing::{Desk, START, made_up, until};

/// Presents made-up keys while the store hangs, until all but those who are being read were refused; gives the rest.
async fn flood(desk: &Arc<Desk>, callers: usize) -> JoinSet<Result<Principal, AuthError>> {
    desk.repo.stalled.send_replace(true);
    let reads = desk.reads();
    let mut presenting = JoinSet::new();
    for n in 0..callers {
        let desk = Arc::clone(desk);
        presenting.spawn(async move { desk.present(&made_up(n)).await });
    }
    for _ in 3..callers {
        let refused = presenting.join_next().await.unwrap().unwrap();
        assert!(
            matches!(&refused, Err(AuthError::Overloaded { retry_after }) if *retry_after == Duration::from_secs(1)),
            "{refused:?}"
        );
    }
    assert_eq!(desk.reads(), reads + 3, "no more of the store's connections are taken");
    presenting
}

#[tokio::test]
async fn a_flood_of_made_up_ids_leaves_the_store_to_known_keys() {
    let desk = Arc::new(Desk::new());
    let known = desk.issue().await;
    desk.present(known.text()).await.unwrap();
    // 512 wait, in vain; the others are refused at once.
    let being_read = flood(&desk, 600).await;
    desk.present(known.text()).await.expect("a row that is trusted needs no store");
    let (reads, listened) = (desk.reads(), desk.repo.listened.load(Ordering::SeqCst));
    desk.repo.reports.send(Ok(KeyChange::Unknown)).unwrap();
    until("a report taken", || desk.repo.listened.load(Ordering::SeqCst) > listened).await;
    let again = tokio::spawn({
        let desk = Arc::clone(&desk);
        async move { desk.present(known.text()).await.is_ok() }
    });
    until("a known key read again", || desk.reads() == reads + 1).await;
    desk.repo.stalled.send_replace(false);
    assert!(again.await.unwrap());
    for answer in being_read.join_all().await {
        assert!(matches!(answer, Err(AuthError::Invalid { .. })), "{answer:?}");
    }
    assert!(desk.refusal(&made_up(600)).await.contains("unknown"), "there is room again");
}

#[tokio::test]
async fn a_key_presented_by_many_at_once_for_the_first_time_is_read_by_a_few() {
    let desk = Arc::new(Desk::new());
    let issued = Arc::new(desk.issue().await);
    desk.repo.stalled.send_replace(true);
    let mut presenting = JoinSet::new();
    for _ in 0..400 {
        let (desk, issued) = (Arc::clone(&desk), Arc::clone(&issued));
        presenting.spawn(async move { desk.present(issued.text()).await.is_ok() });
    }
    until("the key being read", || desk.reads() == 3).await;
    desk.repo.stalled.send_replace(false);
    assert!(presenting.join_all().await.into_iter().all(|accepted| accepted));
    assert_eq!(desk.reads(), 3);
}

/// More ids than rows are kept for.
const MANY: usize = 10_500;

/// Stores this many keys. Their secrets are none of ours.
async fn store_keys(desk: &Desk, count: usize) {
    for n in 0..count {
        let owner = samples::user("user-2");
        let key = samples::stored_key(&format!("{n:0>12}"), &owner, Timestamp::from_millis(START));
        desk.repo.insert(&key, None, samples::record()).await.unwrap();
    }
}

/// Looks for a stored key, as a request with a wrong secret does before the gate. (The gate alone would take seconds here.)
async fn look_up(desk: &Desk, n: usize) {
    let id = format!("{n:0>12}").parse().unwrap();
    assert!(desk.keys.authenticator().rows.find(&id, desk.clock.now()).await.unwrap().is_some());
}

#[tokio::test]
async fn c7_a_key_in_use_stays_known_through_a_flood_of_ids_that_exist() {
    let desk = Desk::new();
    let issued = desk.issue().await;
    store_keys(&desk, MANY).await;
    desk.present(issued.text()).await.unwrap();
    for n in 0..MANY {
        look_up(&desk, n).await;
        if n % 1_000 == 0 {
            desk.present(issued.text()).await.unwrap();
        }
    }
    assert_eq!(desk.reads(), MANY + 1, "the key was read once");
    assert_eq!(desk.pool.runs(), 2, "issuing, and one proof");
}

#[tokio::test]
async fn c7_a_key_first_seen_in_a_flood_of_popular_ids_is_remembered() {
    let desk = Desk::new();
    let issued = desk.issue().await;
    store_keys(&desk, MANY).await;
    for n in 0..MANY * 3 {
        look_up(&desk, n % MANY).await;
    }
    desk.present(issued.text()).await.unwrap();
    let reads = desk.reads();
    for n in 0..1_000 {
        look_up(&desk, n).await;
    }
    let by_flood = desk.reads() - reads;
    desk.present(issued.text()).await.unwrap();
    assert_eq!(desk.reads() - reads, by_flood, "the row is remembered");
    assert_eq!(desk.pool.runs(), 2, "issuing, and one proof");
}
