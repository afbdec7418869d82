//! Contract of every [`CustomerRepo`] for concurrent link changes. `customer_repo_contract!` runs
//! it.

#![expect(missing_docs, reason = "the cases' names state the guarantees")]

use billing_domain::LinkOutcome;
use billing_domain::ports::{CustomerRepo, LinkChange};
use futures_util::future::join_all;

use crate::link_steps::{NOW, found, keep, replace, stripe};
use crate::samples::{customer, link, remove_link, user};

#[doc(hidden)]
#[macro_export]
macro_rules! link_race_contract {
    ($make:path) => {
        $crate::contract_tests!(
            link_race_contract,
            $make,
            [
                of_two_concurrent_links_one_wins_and_one_gets_a_conflict,
                one_of_many_concurrent_links_succeeds_and_the_others_conflict,
                concurrent_equal_links_create_one,
                concurrent_replacements_form_one_chain,
                concurrent_link_and_unlink_are_consistent,
                one_of_many_concurrent_removals_succeeds,
            ]
        );
    };
}

pub async fn of_two_concurrent_links_one_wins_and_one_gets_a_conflict(repo: &dyn CustomerRepo) {
    let at = stripe();
    for round in 0..10 {
        let ann = format!("ann{round}");
        let (one, two) =
            tokio::join!(keep(repo, &ann, &at, "cus_1"), keep(repo, &ann, &at, "cus_2"));
        let winner = found(repo, &ann, &at).await.unwrap();
        let conflict = LinkOutcome::Conflict(customer(&winner));
        let expected = if winner == "cus_1" {
            (LinkOutcome::Created, conflict)
        } else {
            (conflict, LinkOutcome::Created)
        };
        assert_eq!((one, two), expected);
    }
}

pub async fn one_of_many_concurrent_links_succeeds_and_the_others_conflict(
    repo: &dyn CustomerRepo,
) {
    let at = stripe();
    let ids: Vec<String> = (0..16).map(|n| format!("cus_{n}")).collect();
    let outcomes = join_all(ids.iter().map(|id| keep(repo, "ann", &at, id))).await;
    let winner = found(repo, "ann", &at).await.unwrap();
    for (id, outcome) in ids.iter().zip(outcomes) {
        let expected = if *id == winner {
            LinkOutcome::Created
        } else {
            LinkOutcome::Conflict(customer(&winner))
        };
        assert_eq!(outcome, expected, "{id}");
    }
}

pub async fn concurrent_equal_links_create_one(repo: &dyn CustomerRepo) {
    let at = stripe();
    let outcomes = join_all((0..16).map(|_| keep(repo, "ann", &at, "cus_1"))).await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == LinkOutcome::Created).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == LinkOutcome::Unchanged).count(), 15);
}

pub async fn concurrent_replacements_form_one_chain(repo: &dyn CustomerRepo) {
    let at = stripe();
    keep(repo, "ann", &at, "cus_first").await;
    let ids: Vec<String> = (0..8).map(|n| format!("cus_{n}")).collect();
    let outcomes = join_all(ids.iter().map(|id| replace(repo, "ann", &at, id))).await;
    // Each customer was replaced exactly once, except the last one: no replacement was lost.
    let mut replaced: Vec<String> = outcomes
        .into_iter()
        .map(|outcome| match outcome {
            LinkOutcome::Replaced(old) => old.to_string(),
            other => panic!("{other:?}"),
        })
        .collect();
    replaced.push(found(repo, "ann", &at).await.unwrap());
    replaced.sort_unstable();
    let mut all = ids;
    all.push("cus_first".to_owned());
    all.sort_unstable();
    assert_eq!(replaced, all);
}

pub async fn concurrent_link_and_unlink_are_consistent(repo: &dyn CustomerRepo) {
    let at = stripe();
    for round in 0..10 {
        let ann = format!("ann{round}");
        let owner = user(&ann);
        keep(repo, &ann, &at, "cus_old").await;
        let (linked, unlinked) = tokio::join!(keep(repo, &ann, &at, "cus_new"), async {
            remove_link(repo, &owner, &at).await.unwrap()
        });
        assert_eq!(unlinked, Some(customer("cus_old")));
        match found(repo, &ann, &at).await.as_deref() {
            Some("cus_new") => assert_eq!(linked, LinkOutcome::Created),
            None => assert_eq!(linked, LinkOutcome::Conflict(customer("cus_old"))),
            other => panic!("{other:?}"),
        }
    }
}

pub async fn one_of_many_concurrent_removals_succeeds(repo: &dyn CustomerRepo) {
    keep(repo, "ann", &stripe(), "cus_1").await;
    let change = LinkChange::Remove(link(&user("ann"), &stripe(), &customer("cus_1")));
    let made = join_all((0..16).map(|_| repo.change(&change, NOW, &[]))).await;
    assert_eq!(made.into_iter().filter(|made| *made.as_ref().unwrap()).count(), 1);
}
