//! Contract of every [`EventInbox`](billing_domain::ports::EventInbox) for claims of events.

#![expect(missing_docs, reason = "the cases' names state the guarantees")]

use std::collections::BTreeSet;

use billing_domain::ports::Disposition;
use billing_domain::{InboxState, ReplayScope};
use futures_util::future::join_all;

use crate::BillingPorts;
use crate::event_inbox_contract::{
    accept, accept_many, at, claim, ids, listed, release, replay, state,
};
use crate::samples::event_id;

/// Runs every case against a new database: `event_claim_contract!(make)`. `make` is an async
/// function that returns an `Arc<BillingPorts>` and the resources to keep alive.
#[macro_export]
macro_rules! event_claim_contract {
    ($make:path) => {
        $crate::contract_tests!(
            event_claim_contract,
            $make,
            [
                due_events_are_claimed_earliest_due_first,
                a_claim_with_limit_zero_is_empty,
                each_claim_counts_an_attempt,
                a_claimed_event_is_not_claimed_again_until_the_lease_expires,
                no_event_is_claimed_twice_under_one_token,
                concurrent_claims_share_no_event,
                concurrent_claims_of_expired_leases_share_no_event,
                an_ignored_event_is_not_claimed_again,
                a_retried_event_is_due_later_and_has_the_error,
                dead_event_keeps_its_error_and_is_not_claimed,
                expired_lease_allows_a_release_until_the_next_claim,
                release_after_a_later_claim_changes_nothing,
                a_release_changes_only_events_of_its_claim,
                an_error_is_stored_with_at_most_500_characters,
                an_event_in_any_state_is_replayed,
                all_dead_events_are_replayed,
                replaying_an_unknown_event_changes_nothing,
                a_replay_revokes_the_claim_of_an_event,
            ]
        );
    };
}

pub async fn due_events_are_claimed_earliest_due_first(ports: &BillingPorts) {
    for (id, seconds) in [("evt_c", 3), ("evt_a", 9), ("evt_d", 2), ("evt_b", 3), ("evt_e", 10)] {
        accept(ports, id, seconds).await;
    }
    assert_eq!(ids(&claim(ports, "one", 2, 9, 20).await), ["evt_d", "evt_b"]);
    assert_eq!(ids(&claim(ports, "one", 9, 9, 20).await), ["evt_c", "evt_a"]);
    assert_eq!(ids(&claim(ports, "one", 9, 9, 20).await), [""; 0]);
    assert_eq!(ids(&claim(ports, "one", 9, 10, 20).await), ["evt_e"]);
}

pub async fn a_claim_with_limit_zero_is_empty(ports: &BillingPorts) {
    accept(ports, "evt_1", 0).await;
    assert_eq!(claim(ports, "one", 0, 1, 10).await, []);
    assert_eq!(listed(ports).await[0].attempts, 0);
}

pub async fn each_claim_counts_an_attempt(ports: &BillingPorts) {
    accept(ports, "evt_1", 0).await;
    for (n, name) in (1..).zip(["one", "two", "one"]) {
        let claimed = claim(ports, name, 1, u64::from(n), u64::from(n) + 1).await;
        assert_eq!(claimed[0].attempts, n);
    }
    assert_eq!(listed(ports).await[0].attempts, 3);
}

pub async fn a_claimed_event_is_not_claimed_again_until_the_lease_expires(ports: &BillingPorts) {
    accept(ports, "evt_1", 0).await;
    assert_eq!(claim(ports, "one", 9, 1, 10).await.len(), 1);
    assert_eq!(claim(ports, "two", 9, 9, 20).await, []);
    // The event is still pending.
    assert_eq!(state(ports, "evt_1").await, InboxState::Pending(at(0)));
    assert_eq!(ids(&claim(ports, "two", 9, 10, 20).await), ["evt_1"]);
    assert_eq!(claim(ports, "three", 9, 19, 30).await, []);
}

pub async fn no_event_is_claimed_twice_under_one_token(ports: &BillingPorts) {
    accept(ports, "evt_1", 0).await;
    claim(ports, "one", 9, 1, 2).await;
    assert_eq!(claim(ports, "one", 9, 5, 9).await, []);
    release(ports, "one", &["evt_1"], Disposition::Retry(at(5), "later".to_owned())).await;
    assert_eq!(claim(ports, "one", 9, 6, 9).await, []);
    assert_eq!(claim(ports, "two", 9, 6, 9).await.len(), 1);
}

/// Claims all due events with eight concurrent claimers. Returns the events of each.
async fn claim_concurrently(ports: &BillingPorts, names: &str, now: u64) -> Vec<Vec<String>> {
    let names: Vec<_> = (0..8).map(|n| format!("{names}{n}")).collect();
    let claiming = names.iter().map(|name| async move {
        let mut own = Vec::new();
        loop {
            let batch = claim(ports, name, 7, now, now + 10).await;
            if batch.is_empty() {
                break own;
            }
            own.extend(ids(&batch).into_iter().map(str::to_owned));
        }
    });
    join_all(claiming).await
}

fn assert_disjoint(shares: &[Vec<String>], count: usize) {
    let all: Vec<&String> = shares.iter().flatten().collect();
    let distinct: BTreeSet<_> = all.iter().collect();
    assert_eq!((all.len(), distinct.len()), (count, count));
}

pub async fn concurrent_claims_share_no_event(ports: &BillingPorts) {
    accept_many(ports, 300).await;
    assert_disjoint(&claim_concurrently(ports, "first", 1).await, 300);
    assert_eq!(claim(ports, "late", 300, 2, 10).await, []);
}

pub async fn concurrent_claims_of_expired_leases_share_no_event(ports: &BillingPorts) {
    accept_many(ports, 100).await;
    for round in 0..3 {
        let shares = claim_concurrently(ports, &format!("round{round}-"), 1 + round * 10).await;
        assert_disjoint(&shares, 100);
    }
    assert!(listed(ports).await.iter().all(|kept| kept.attempts == 3));
}

pub async fn an_ignored_event_is_not_claimed_again(ports: &BillingPorts) {
    accept(ports, "evt_1", 0).await;
    claim(ports, "one", 9, 1, 10).await;
    assert_eq!(release(ports, "one", &["evt_1"], Disposition::Ignored(at(2))).await, 1);
    assert_eq!(claim(ports, "two", 9, 100, 110).await, []);
    let kept = listed(ports).await.remove(0);
    assert_eq!((kept.state, kept.attempts, kept.error), (InboxState::Ignored(at(2)), 1, None));
}

pub async fn a_retried_event_is_due_later_and_has_the_error(ports: &BillingPorts) {
    accept(ports, "evt_1", 0).await;
    claim(ports, "one", 9, 1, 10).await;
    assert_eq!(
        release(ports, "one", &["evt_1"], Disposition::Retry(at(5), "no answer".to_owned())).await,
        1
    );
    assert_eq!(claim(ports, "two", 9, 4, 10).await, []);
    let kept = claim(ports, "two", 9, 5, 10).await.remove(0);
    assert_eq!((kept.state, kept.attempts), (InboxState::Pending(at(5)), 2));
    assert_eq!(kept.error.as_deref(), Some("no answer"));
    // A successful attempt clears the error.
    release(ports, "two", &["evt_1"], Disposition::Ignored(at(6))).await;
    assert_eq!(listed(ports).await[0].error, None);
}

pub async fn dead_event_keeps_its_error_and_is_not_claimed(ports: &BillingPorts) {
    accept(ports, "evt_1", 0).await;
    claim(ports, "one", 9, 1, 10).await;
    assert_eq!(
        release(ports, "one", &["evt_1"], Disposition::Dead(at(2), "refused".to_owned())).await,
        1
    );
    assert_eq!(claim(ports, "two", 9, 100, 110).await, []);
    let kept = listed(ports).await.remove(0);
    assert_eq!((kept.state, kept.error.as_deref()), (InboxState::Dead(at(2)), Some("refused")));
}

pub async fn expired_lease_allows_a_release_until_the_next_claim(ports: &BillingPorts) {
    accept(ports, "evt_1", 0).await;
    claim(ports, "one", 9, 1, 10).await;
    assert_eq!(release(ports, "one", &["evt_1"], Disposition::Ignored(at(50))).await, 1);
}

pub async fn release_after_a_later_claim_changes_nothing(ports: &BillingPorts) {
    accept(ports, "evt_1", 0).await;
    claim(ports, "one", 9, 1, 10).await;
    claim(ports, "two", 9, 10, 20).await;
    for disposition in [
        Disposition::Ignored(at(11)),
        Disposition::Retry(at(11), "x".to_owned()),
        Disposition::Dead(at(11), "x".to_owned()),
    ] {
        assert_eq!(release(ports, "one", &["evt_1"], disposition).await, 0);
    }
    let kept = listed(ports).await.remove(0);
    assert_eq!((kept.state, kept.error), (InboxState::Pending(at(0)), None));
    assert_eq!(release(ports, "two", &["evt_1"], Disposition::Ignored(at(12))).await, 1);
    assert_eq!(
        release(ports, "two", &["evt_1"], Disposition::Dead(at(13), "x".to_owned())).await,
        0
    );
    assert_eq!(state(ports, "evt_1").await, InboxState::Ignored(at(12)));
}

pub async fn a_release_changes_only_events_of_its_claim(ports: &BillingPorts) {
    for (seconds, id) in (0..).zip(["evt_1", "evt_2", "evt_3"]) {
        accept(ports, id, seconds).await;
    }
    claim(ports, "one", 1, 9, 20).await;
    claim(ports, "two", 1, 9, 20).await;
    let named = ["evt_1", "evt_2", "evt_3", "evt_4", "evt_1"];
    assert_eq!(release(ports, "one", &named, Disposition::Ignored(at(10))).await, 1);
    assert_eq!(state(ports, "evt_2").await, InboxState::Pending(at(1)));
    assert_eq!(state(ports, "evt_3").await, InboxState::Pending(at(2)));
    assert_eq!(release(ports, "two", &[], Disposition::Ignored(at(10))).await, 0);
}

pub async fn an_error_is_stored_with_at_most_500_characters(ports: &BillingPorts) {
    accept(ports, "evt_1", 0).await;
    for (n, error) in (1..).zip(["'; DROP TABLE webhook_events; --", "a\nb", "", &"빌".repeat(501)])
    {
        claim(ports, &format!("run{n}"), 9, n, n).await;
        assert_eq!(
            release(
                ports,
                &format!("run{n}"),
                &["evt_1"],
                Disposition::Retry(at(n), error.to_owned())
            )
            .await,
            1
        );
        let kept: String = error.chars().take(500).collect();
        assert_eq!(listed(ports).await[0].error, Some(kept));
    }
}

pub async fn an_event_in_any_state_is_replayed(ports: &BillingPorts) {
    accept(ports, "evt_2", 0).await;
    claim(ports, "other", 9, 0, 1000).await;
    accept(ports, "evt_1", 0).await;
    let dispositions = [
        Disposition::Ignored(at(1)),
        Disposition::Dead(at(1), "x".to_owned()),
        Disposition::Retry(at(900), "x".to_owned()),
    ];
    for (n, disposition) in (1..).zip(dispositions) {
        let name = format!("run{n}");
        assert_eq!(ids(&claim(ports, &name, 9, n * 10, n * 10 + 9).await), ["evt_1"]);
        assert_eq!(release(ports, &name, &["evt_1"], disposition).await, 1);
        assert_eq!(replay(ports, ReplayScope::Event(event_id("evt_1")), n * 10 + 5).await, 1);
        let kept = listed(ports)
            .await
            .into_iter()
            .find(|kept| kept.event.id == event_id("evt_1"))
            .unwrap();
        assert_eq!(
            (kept.state, kept.attempts, kept.error),
            (InboxState::Pending(at(n * 10 + 5)), 0, None)
        );
        assert_eq!(kept.received, at(0));
    }
    assert_eq!(claim(ports, "last", 9, 100, 200).await[0].attempts, 1);
    assert_eq!(release(ports, "other", &["evt_2"], Disposition::Ignored(at(1))).await, 1);
}

pub async fn all_dead_events_are_replayed(ports: &BillingPorts) {
    for id in ["evt_1", "evt_2", "evt_3", "evt_4"] {
        accept(ports, id, 0).await;
    }
    claim(ports, "one", 9, 1, 10).await;
    release(ports, "one", &["evt_1", "evt_3"], Disposition::Dead(at(2), "x".to_owned())).await;
    release(ports, "one", &["evt_2"], Disposition::Ignored(at(2))).await;
    assert_eq!(replay(ports, ReplayScope::AllDead, 3).await, 2);
    assert_eq!(replay(ports, ReplayScope::AllDead, 4).await, 0);
    assert_eq!(ids(&claim(ports, "two", 9, 5, 10).await), ["evt_1", "evt_3"]);
    assert_eq!(state(ports, "evt_2").await, InboxState::Ignored(at(2)));
}

pub async fn replaying_an_unknown_event_changes_nothing(ports: &BillingPorts) {
    assert_eq!(replay(ports, ReplayScope::Event(event_id("evt_1")), 0).await, 0);
    assert_eq!(listed(ports).await, []);
}

pub async fn a_replay_revokes_the_claim_of_an_event(ports: &BillingPorts) {
    accept(ports, "evt_1", 0).await;
    claim(ports, "one", 9, 1, 100).await;
    assert_eq!(replay(ports, ReplayScope::Event(event_id("evt_1")), 2).await, 1);
    assert_eq!(release(ports, "one", &["evt_1"], Disposition::Ignored(at(3))).await, 0);
    let again = claim(ports, "two", 9, 3, 10).await;
    assert_eq!((ids(&again), again[0].attempts), (vec!["evt_1"], 1));
}
