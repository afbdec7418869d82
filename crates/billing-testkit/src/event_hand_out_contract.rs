//! What every [`EventInbox`](billing_domain::ports::EventInbox) promises about how it hands events out.

#![expect(missing_docs, reason = "the cases' names are the promises")]

use std::collections::BTreeSet;

use billing_domain::ports::Disposition;
use billing_domain::{InboxState, ReplayScope};
use futures_util::future::join_all;

use crate::BillingPorts;
use crate::event_inbox_contract::{
    accept, accept_many, at, claim, ids, listed, release, replay, state,
};
use crate::samples::event_id;

/// Runs every case against fresh databases: `event_hand_out_contract!(make)`, where `make` is an async function that gives a
/// pair of an `Arc<BillingPorts>` and what must outlive it.
#[macro_export]
macro_rules! event_hand_out_contract {
    ($make:path) => {
        $crate::contract_tests!(
            event_hand_out_contract,
            $make,
            [
                events_that_are_due_are_handed_out_those_due_first,
                a_claim_of_none_is_empty,
                each_claim_counts_an_attempt,
                an_event_that_is_handed_out_is_nobody_elses_until_the_claim_runs_out,
                no_event_is_handed_out_twice_under_one_token,
                of_many_claimers_at_once_no_two_share_an_event,
                of_many_claimers_of_what_ran_out_no_two_share_an_event,
                an_ignored_event_is_done_with,
                an_event_that_is_tried_again_is_due_later_and_says_why,
                a_dead_event_waits_for_an_operator_and_says_why,
                a_claim_that_ran_out_holds_until_somebody_else_has_the_events,
                a_late_first_claimer_releases_nothing,
                releasing_leaves_what_is_not_the_claims,
                an_error_is_cut_and_comes_back,
                one_event_is_replayed_whatever_has_become_of_it,
                all_that_are_dead_are_replayed,
                replaying_what_nobody_knows_changes_nothing,
                an_event_that_is_handed_out_is_taken_back_by_a_replay,
            ]
        );
    };
}

pub async fn events_that_are_due_are_handed_out_those_due_first(ports: &BillingPorts) {
    for (id, seconds) in [("evt_c", 3), ("evt_a", 9), ("evt_d", 2), ("evt_b", 3), ("evt_e", 10)] {
        accept(ports, id, seconds).await;
    }
    assert_eq!(ids(&claim(ports, "one", 2, 9, 20).await), ["evt_d", "evt_b"]);
    assert_eq!(ids(&claim(ports, "one", 9, 9, 20).await), ["evt_c", "evt_a"]);
    assert_eq!(ids(&claim(ports, "one", 9, 9, 20).await), [""; 0]);
    assert_eq!(ids(&claim(ports, "one", 9, 10, 20).await), ["evt_e"]);
}

pub async fn a_claim_of_none_is_empty(ports: &BillingPorts) {
    accept(ports, "evt_1", 0).await;
    assert_eq!(claim(ports, "one", 0, 1, 10).await, []);
    assert_eq!(listed(ports).await[0].attempts, 0);
}

pub async fn each_claim_counts_an_attempt(ports: &BillingPorts) {
    accept(ports, "evt_1", 0).await;
    for (n, name) in (1..).zip(["one", "two", "one"]) {
        let handed_out = claim(ports, name, 1, u64::from(n), u64::from(n) + 1).await;
        assert_eq!(handed_out[0].attempts, n);
    }
    assert_eq!(listed(ports).await[0].attempts, 3);
}

pub async fn an_event_that_is_handed_out_is_nobody_elses_until_the_claim_runs_out(
    ports: &BillingPorts,
) {
    accept(ports, "evt_1", 0).await;
    assert_eq!(claim(ports, "one", 9, 1, 10).await.len(), 1);
    assert_eq!(claim(ports, "two", 9, 9, 20).await, []);
    // It is to be applied still.
    assert_eq!(state(ports, "evt_1").await, InboxState::Pending(at(0)));
    assert_eq!(ids(&claim(ports, "two", 9, 10, 20).await), ["evt_1"]);
    assert_eq!(claim(ports, "three", 9, 19, 30).await, []);
}

pub async fn no_event_is_handed_out_twice_under_one_token(ports: &BillingPorts) {
    accept(ports, "evt_1", 0).await;
    claim(ports, "one", 9, 1, 2).await;
    assert_eq!(claim(ports, "one", 9, 5, 9).await, []);
    release(ports, "one", &["evt_1"], Disposition::Retry(at(5), "later".to_owned())).await;
    assert_eq!(claim(ports, "one", 9, 6, 9).await, []);
    assert_eq!(claim(ports, "two", 9, 6, 9).await.len(), 1);
}

/// All that can be had, by eight at once, a few at a time; those of each.
async fn share_out(ports: &BillingPorts, names: &str, now: u64) -> Vec<Vec<String>> {
    let names: Vec<_> = (0..8).map(|n| format!("{names}{n}")).collect();
    let claiming = names.iter().map(|name| async move {
        let mut own = Vec::new();
        loop {
            let some = claim(ports, name, 7, now, now + 10).await;
            if some.is_empty() {
                break own;
            }
            own.extend(ids(&some).into_iter().map(str::to_owned));
        }
    });
    join_all(claiming).await
}

fn assert_shared_out(shares: &[Vec<String>], count: usize) {
    let all: Vec<&String> = shares.iter().flatten().collect();
    let distinct: BTreeSet<_> = all.iter().collect();
    assert_eq!((all.len(), distinct.len()), (count, count));
}

pub async fn of_many_claimers_at_once_no_two_share_an_event(ports: &BillingPorts) {
    accept_many(ports, 300).await;
    assert_shared_out(&share_out(ports, "first", 1).await, 300);
    assert_eq!(claim(ports, "late", 300, 2, 10).await, []);
}

pub async fn of_many_claimers_of_what_ran_out_no_two_share_an_event(ports: &BillingPorts) {
    accept_many(ports, 100).await;
    for round in 0..3 {
        let shares = share_out(ports, &format!("round{round}-"), 1 + round * 10).await;
        assert_shared_out(&shares, 100);
    }
    assert!(listed(ports).await.iter().all(|kept| kept.attempts == 3));
}

pub async fn an_ignored_event_is_done_with(ports: &BillingPorts) {
    accept(ports, "evt_1", 0).await;
    claim(ports, "one", 9, 1, 10).await;
    assert_eq!(release(ports, "one", &["evt_1"], Disposition::Ignored(at(2))).await, 1);
    assert_eq!(claim(ports, "two", 9, 100, 110).await, []);
    let kept = listed(ports).await.remove(0);
    assert_eq!((kept.state, kept.attempts, kept.error), (InboxState::Ignored(at(2)), 1, None));
}

pub async fn an_event_that_is_tried_again_is_due_later_and_says_why(ports: &BillingPorts) {
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
    // An attempt that comes to something leaves no error behind.
    release(ports, "two", &["evt_1"], Disposition::Ignored(at(6))).await;
    assert_eq!(listed(ports).await[0].error, None);
}

pub async fn a_dead_event_waits_for_an_operator_and_says_why(ports: &BillingPorts) {
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

pub async fn a_claim_that_ran_out_holds_until_somebody_else_has_the_events(ports: &BillingPorts) {
    accept(ports, "evt_1", 0).await;
    claim(ports, "one", 9, 1, 10).await;
    assert_eq!(release(ports, "one", &["evt_1"], Disposition::Ignored(at(50))).await, 1);
}

pub async fn a_late_first_claimer_releases_nothing(ports: &BillingPorts) {
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

pub async fn releasing_leaves_what_is_not_the_claims(ports: &BillingPorts) {
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

pub async fn an_error_is_cut_and_comes_back(ports: &BillingPorts) {
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

pub async fn one_event_is_replayed_whatever_has_become_of_it(ports: &BillingPorts) {
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

pub async fn all_that_are_dead_are_replayed(ports: &BillingPorts) {
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

pub async fn replaying_what_nobody_knows_changes_nothing(ports: &BillingPorts) {
    assert_eq!(replay(ports, ReplayScope::Event(event_id("evt_1")), 0).await, 0);
    assert_eq!(listed(ports).await, []);
}

pub async fn an_event_that_is_handed_out_is_taken_back_by_a_replay(ports: &BillingPorts) {
    accept(ports, "evt_1", 0).await;
    claim(ports, "one", 9, 1, 100).await;
    assert_eq!(replay(ports, ReplayScope::Event(event_id("evt_1")), 2).await, 1);
    assert_eq!(release(ports, "one", &["evt_1"], Disposition::Ignored(at(3))).await, 0);
    let again = claim(ports, "two", 9, 3, 10).await;
    assert_eq!((ids(&again), again[0].attempts), (vec!["evt_1"], 1));
}
