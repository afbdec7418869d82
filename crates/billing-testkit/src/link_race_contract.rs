//! What every [`CustomerRepo`] promises about links that change at once. Runs with `customer_repo_contract!`.

#![expect(missing_docs, reason = "the cases' names are the promises")]

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
                of_two_links_at_once_one_wins_and_the_other_is_told,
                of_many_links_at_once_one_wins_and_all_others_are_told,
                the_same_link_many_times_at_once_creates_one,
                replacing_at_once_forms_one_chain,
                link_and_unlink_at_once_agree,
                of_many_removals_at_once_one_is_made,
            ]
        );
    };
}

pub async fn of_two_links_at_once_one_wins_and_the_other_is_told(repo: &dyn CustomerRepo) {
    let at = stripe();
    for round in 0..10 {
        let ann = format!("ann{round}");
        let (one, two) =
            tokio::join!(keep(repo, &ann, &at, "cus_1"), keep(repo, &ann, &at, "cus_2"));
        let winner = found(repo, &ann, &at).await.unwrap();
        let told = LinkOutcome::Conflict(customer(&winner));
        let expected = if winner == "cus_1" {
            (LinkOutcome::Created, told)
        } else {
            (told, LinkOutcome::Created)
        };
        assert_eq!((one, two), expected);
    }
}

pub async fn of_many_links_at_once_one_wins_and_all_others_are_told(repo: &dyn CustomerRepo) {
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

pub async fn the_same_link_many_times_at_once_creates_one(repo: &dyn CustomerRepo) {
    let at = stripe();
    let outcomes = join_all((0..16).map(|_| keep(repo, "ann", &at, "cus_1"))).await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == LinkOutcome::Created).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == LinkOutcome::Unchanged).count(), 15);
}

pub async fn replacing_at_once_forms_one_chain(repo: &dyn CustomerRepo) {
    let at = stripe();
    keep(repo, "ann", &at, "cus_first").await;
    let ids: Vec<String> = (0..8).map(|n| format!("cus_{n}")).collect();
    let outcomes = join_all(ids.iter().map(|id| replace(repo, "ann", &at, id))).await;
    // Each customer was replaced exactly once, but for the one that is left: no replacement was lost.
    let mut gone: Vec<String> = outcomes
        .into_iter()
        .map(|outcome| match outcome {
            LinkOutcome::Replaced(old) => old.to_string(),
            other => panic!("{other:?}"),
        })
        .collect();
    gone.push(found(repo, "ann", &at).await.unwrap());
    gone.sort_unstable();
    let mut all = ids;
    all.push("cus_first".to_owned());
    all.sort_unstable();
    assert_eq!(gone, all);
}

pub async fn link_and_unlink_at_once_agree(repo: &dyn CustomerRepo) {
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

pub async fn of_many_removals_at_once_one_is_made(repo: &dyn CustomerRepo) {
    keep(repo, "ann", &stripe(), "cus_1").await;
    let change = LinkChange::Remove(link(&user("ann"), &stripe(), &customer("cus_1")));
    let made = join_all((0..16).map(|_| repo.change(&change, NOW, &[]))).await;
    assert_eq!(made.into_iter().filter(|made| *made.as_ref().unwrap()).count(), 1);
}
