//! Tests of recording when a key was last used.

use std::collections::HashSet;
use std::sync::Arc;

use billing_domain::Timestamp;

use crate::testing::{START, Setup, with_wrong_secret};

#[tokio::test]
async fn uses_are_written_once_and_in_one_batch() {
    let setup = Setup::new();
    let (one, two) = (setup.issue().await, setup.issue().await);
    for _ in 0..100 {
        setup.present(one.text()).await.unwrap();
        setup.present(two.text()).await.unwrap();
    }
    setup.refusal(&with_wrong_secret(&one)).await;
    setup.keys.flush().await;
    setup.keys.flush().await;
    let batches = setup.repo.uses.lock().unwrap().clone();
    let at = Timestamp::from_millis(START);
    assert_eq!(batches, [[(one.key.id, at), (two.key.id, at)]]);
}

#[tokio::test]
async fn last_use_is_written_at_most_once_a_minute() {
    let setup = Setup::new();
    let issued = setup.issue().await;
    let uses = Arc::clone(&setup.keys.authenticator().uses);
    for _ in 0..120 {
        setup.present(issued.text()).await.unwrap();
        uses.flush().await;
        setup.advance(1_000);
    }
    let written: Vec<_> =
        setup.repo.uses().into_iter().map(|(_, at)| at.as_millis() - START).collect();
    assert_eq!(written, [0, 60_000]);
}

#[tokio::test]
async fn last_use_written_by_another_replica_delays_the_next_write() {
    let setup = Setup::new();
    let issued = setup
        .issue_with(|key| key.last_used_at = Some(Timestamp::from_millis(START - 59_999)))
        .await;
    setup.present(issued.text()).await.unwrap();
    setup.advance(1);
    setup.present(issued.text()).await.unwrap();
    setup.keys.flush().await;
    assert_eq!(setup.repo.uses(), [(issued.key.id, Timestamp::from_millis(START + 1))]);
}

#[tokio::test]
async fn unwritten_uses_are_kept_while_the_store_is_down() {
    let setup = Setup::new();
    let mut ids = HashSet::new();
    let uses = Arc::clone(&setup.keys.authenticator().uses);
    for _ in 0..3 {
        let issued = setup.issue().await;
        setup.present(issued.text()).await.unwrap();
        setup.repo.reachability.go_down();
        uses.flush().await;
        setup.repo.reachability.come_back();
        ids.insert(issued.key.id);
    }
    assert_eq!(setup.repo.uses(), []);
    uses.flush().await;
    assert_eq!(setup.repo.uses().into_iter().map(|(id, _)| id).collect::<HashSet<_>>(), ids);
}
