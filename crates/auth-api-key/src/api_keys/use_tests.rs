//! When the last uses of keys are written.

use std::collections::HashSet;
use std::sync::Arc;

use billing_domain::Timestamp;

use crate::testing::{Desk, START, with_wrong_secret};

#[tokio::test]
async fn uses_are_written_in_batches_and_once() {
    let desk = Desk::new();
    let (one, two) = (desk.issue().await, desk.issue().await);
    for _ in 0..100 {
        desk.present(one.text()).await.unwrap();
        desk.present(two.text()).await.unwrap();
    }
    desk.refusal(&with_wrong_secret(&one)).await;
    desk.keys.flush().await;
    desk.keys.flush().await;
    let batches = desk.repo.uses.lock().unwrap().clone();
    let at = Timestamp::from_millis(START);
    assert_eq!(batches, [[(one.key.id, at), (two.key.id, at)]]);
}

#[tokio::test]
async fn a_key_s_use_is_noted_at_most_once_a_minute() {
    let desk = Desk::new();
    let issued = desk.issue().await;
    let uses = Arc::clone(&desk.keys.authenticator().uses);
    for _ in 0..120 {
        desk.present(issued.text()).await.unwrap();
        uses.flush().await;
        desk.pass(1_000);
    }
    let written: Vec<_> =
        desk.repo.uses().into_iter().map(|(_, at)| at.as_millis() - START).collect();
    assert_eq!(written, [0, 60_000]);
}

#[tokio::test]
async fn another_replica_s_note_counts_too() {
    let desk = Desk::new();
    let issued = desk
        .issue_with(|key| key.last_used_at = Some(Timestamp::from_millis(START - 59_999)))
        .await;
    desk.present(issued.text()).await.unwrap();
    desk.pass(1);
    desk.present(issued.text()).await.unwrap();
    desk.keys.flush().await;
    assert_eq!(desk.repo.uses(), [(issued.key.id, Timestamp::from_millis(START + 1))]);
}

#[tokio::test]
async fn uses_that_the_store_does_not_take_are_kept() {
    let desk = Desk::new();
    let mut ids = HashSet::new();
    let uses = Arc::clone(&desk.keys.authenticator().uses);
    for _ in 0..3 {
        let issued = desk.issue().await;
        desk.present(issued.text()).await.unwrap();
        desk.repo.reachability.go_down();
        uses.flush().await;
        desk.repo.reachability.come_back();
        ids.insert(issued.key.id);
    }
    assert_eq!(desk.repo.uses(), []);
    uses.flush().await;
    assert_eq!(desk.repo.uses().into_iter().map(|(id, _)| id).collect::<HashSet<_>>(), ids);
}
