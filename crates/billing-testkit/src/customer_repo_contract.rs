//! What every [`CustomerRepo`] promises.

#![expect(missing_docs, reason = "the cases' names are the promises")]

use billing_domain::Mode::{Live, Test};
use billing_domain::ports::{CustomerRepo, LinkOutcome, OnConflict};
use billing_domain::{ProviderAccount, Timestamp};
use futures_util::future::join_all;

use crate::samples::{account, customer, link, user};

/// Runs every case against fresh, empty repos: `customer_repo_contract!(make)`, where `make` is an async function that gives
/// a pair of an `Arc<dyn CustomerRepo>` and what must outlive it.
#[macro_export]
macro_rules! customer_repo_contract {
    ($make:path) => {
        $crate::contract_tests!(
            customer_repo_contract,
            $make,
            [
                a_user_whom_nobody_linked_has_no_customer,
                a_link_is_found_again,
                the_same_link_again_changes_nothing,
                another_customer_is_a_conflict_and_the_first_one_stays,
                another_customer_replaces_the_first_one_where_asked,
                replacing_by_the_same_customer_changes_nothing,
                replacing_where_there_is_none_creates,
                an_unlinked_user_has_no_customer,
                unlinking_nobody_changes_nothing,
                an_unlinked_user_can_be_linked_again,
                test_and_live_mode_never_meet,
                providers_never_meet,
                users_may_share_a_customer,
                unlinking_one_user_leaves_those_who_share,
                links_are_listed_by_provider_then_mode,
                whoever_is_linked_to_a_customer_is_listed_in_order,
                ids_keep_their_characters,
                ids_that_differ_little_are_different,
                ids_of_full_length_fit,
                text_that_looks_like_sql_is_text,
                of_two_links_at_once_one_wins_and_the_other_is_told,
                of_many_links_at_once_one_wins_and_all_others_are_told,
                the_same_link_many_times_at_once_creates_one,
                replacing_at_once_forms_one_chain,
                link_and_unlink_at_once_agree,
            ]
        );
    };
}

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

fn stripe() -> ProviderAccount {
    account("stripe", Test)
}

async fn keep(repo: &dyn CustomerRepo, owner: &str, at: &ProviderAccount, id: &str) -> LinkOutcome {
    repo.link(&link(&user(owner), at, &customer(id)), OnConflict::Keep, NOW).await.unwrap()
}

async fn replace(
    repo: &dyn CustomerRepo,
    owner: &str,
    at: &ProviderAccount,
    id: &str,
) -> LinkOutcome {
    repo.link(&link(&user(owner), at, &customer(id)), OnConflict::Replace, NOW).await.unwrap()
}

async fn found(repo: &dyn CustomerRepo, owner: &str, at: &ProviderAccount) -> Option<String> {
    repo.find(&user(owner), at).await.unwrap().map(|id| id.to_string())
}

pub async fn a_user_whom_nobody_linked_has_no_customer(repo: &dyn CustomerRepo) {
    assert_eq!(found(repo, "nobody", &stripe()).await, None);
    assert_eq!(repo.list(&user("nobody")).await.unwrap(), []);
}

pub async fn a_link_is_found_again(repo: &dyn CustomerRepo) {
    assert_eq!(keep(repo, "ann", &stripe(), "cus_1").await, LinkOutcome::Created);
    assert_eq!(found(repo, "ann", &stripe()).await.as_deref(), Some("cus_1"));
    assert_eq!(found(repo, "bob", &stripe()).await, None);
}

pub async fn the_same_link_again_changes_nothing(repo: &dyn CustomerRepo) {
    keep(repo, "ann", &stripe(), "cus_1").await;
    assert_eq!(keep(repo, "ann", &stripe(), "cus_1").await, LinkOutcome::Unchanged);
    assert_eq!(repo.list(&user("ann")).await.unwrap().len(), 1);
}

pub async fn another_customer_is_a_conflict_and_the_first_one_stays(repo: &dyn CustomerRepo) {
    keep(repo, "ann", &stripe(), "cus_1").await;
    assert_eq!(
        keep(repo, "ann", &stripe(), "cus_2").await,
        LinkOutcome::Conflict(customer("cus_1"))
    );
    assert_eq!(found(repo, "ann", &stripe()).await.as_deref(), Some("cus_1"));
}

pub async fn another_customer_replaces_the_first_one_where_asked(repo: &dyn CustomerRepo) {
    keep(repo, "ann", &stripe(), "cus_1").await;
    assert_eq!(
        replace(repo, "ann", &stripe(), "cus_2").await,
        LinkOutcome::Replaced(customer("cus_1"))
    );
    assert_eq!(found(repo, "ann", &stripe()).await.as_deref(), Some("cus_2"));
    assert_eq!(repo.list(&user("ann")).await.unwrap().len(), 1);
}

pub async fn replacing_by_the_same_customer_changes_nothing(repo: &dyn CustomerRepo) {
    keep(repo, "ann", &stripe(), "cus_1").await;
    assert_eq!(replace(repo, "ann", &stripe(), "cus_1").await, LinkOutcome::Unchanged);
}

pub async fn replacing_where_there_is_none_creates(repo: &dyn CustomerRepo) {
    assert_eq!(replace(repo, "ann", &stripe(), "cus_1").await, LinkOutcome::Created);
    assert_eq!(found(repo, "ann", &stripe()).await.as_deref(), Some("cus_1"));
}

pub async fn an_unlinked_user_has_no_customer(repo: &dyn CustomerRepo) {
    keep(repo, "ann", &stripe(), "cus_1").await;
    assert_eq!(repo.unlink(&user("ann"), &stripe()).await.unwrap(), Some(customer("cus_1")));
    assert_eq!(found(repo, "ann", &stripe()).await, None);
    assert_eq!(repo.unlink(&user("ann"), &stripe()).await.unwrap(), None);
}

pub async fn unlinking_nobody_changes_nothing(repo: &dyn CustomerRepo) {
    keep(repo, "ann", &stripe(), "cus_1").await;
    assert_eq!(repo.unlink(&user("bob"), &stripe()).await.unwrap(), None);
    assert_eq!(found(repo, "ann", &stripe()).await.as_deref(), Some("cus_1"));
}

pub async fn an_unlinked_user_can_be_linked_again(repo: &dyn CustomerRepo) {
    keep(repo, "ann", &stripe(), "cus_1").await;
    repo.unlink(&user("ann"), &stripe()).await.unwrap();
    assert_eq!(keep(repo, "ann", &stripe(), "cus_2").await, LinkOutcome::Created);
    assert_eq!(found(repo, "ann", &stripe()).await.as_deref(), Some("cus_2"));
}

pub async fn test_and_live_mode_never_meet(repo: &dyn CustomerRepo) {
    let (test, live) = (account("stripe", Test), account("stripe", Live));
    assert_eq!(keep(repo, "ann", &test, "cus_test").await, LinkOutcome::Created);
    assert_eq!(found(repo, "ann", &live).await, None);
    assert_eq!(keep(repo, "ann", &live, "cus_live").await, LinkOutcome::Created);
    assert_eq!(found(repo, "ann", &test).await.as_deref(), Some("cus_test"));
    assert_eq!(repo.unlink(&user("ann"), &live).await.unwrap(), Some(customer("cus_live")));
    assert_eq!(found(repo, "ann", &test).await.as_deref(), Some("cus_test"));
}

pub async fn providers_never_meet(repo: &dyn CustomerRepo) {
    let (stripe, sandbox) = (account("stripe", Test), account("sandbox", Test));
    assert_eq!(keep(repo, "ann", &stripe, "cus_1").await, LinkOutcome::Created);
    assert_eq!(found(repo, "ann", &sandbox).await, None);
    assert_eq!(keep(repo, "ann", &sandbox, "cus_2").await, LinkOutcome::Created);
    assert_eq!(
        replace(repo, "ann", &sandbox, "cus_3").await,
        LinkOutcome::Replaced(customer("cus_2"))
    );
    assert_eq!(found(repo, "ann", &stripe).await.as_deref(), Some("cus_1"));
}

pub async fn users_may_share_a_customer(repo: &dyn CustomerRepo) {
    assert_eq!(keep(repo, "ann", &stripe(), "cus_1").await, LinkOutcome::Created);
    assert_eq!(keep(repo, "bob", &stripe(), "cus_1").await, LinkOutcome::Created);
    assert_eq!(found(repo, "ann", &stripe()).await, found(repo, "bob", &stripe()).await);
}

pub async fn unlinking_one_user_leaves_those_who_share(repo: &dyn CustomerRepo) {
    keep(repo, "ann", &stripe(), "cus_1").await;
    keep(repo, "bob", &stripe(), "cus_1").await;
    repo.unlink(&user("ann"), &stripe()).await.unwrap();
    assert_eq!(found(repo, "ann", &stripe()).await, None);
    assert_eq!(found(repo, "bob", &stripe()).await.as_deref(), Some("cus_1"));
}

pub async fn links_are_listed_by_provider_then_mode(repo: &dyn CustomerRepo) {
    // `a-b` before `aa`: by code point, whatever the database's collation makes of hyphens. Live before test, likewise.
    let sorted = [("a-b", Live), ("a-b", Test), ("aa", Test), ("stripe", Live), ("stripe", Test)];
    for (provider, mode) in [sorted[3], sorted[1], sorted[4], sorted[2], sorted[0]] {
        keep(repo, "ann", &account(provider, mode), &format!("cus_{provider}_{mode}")).await;
    }
    keep(repo, "bob", &stripe(), "cus_bob").await;
    let expected: Vec<_> = sorted
        .iter()
        .map(|(provider, mode)| {
            link(
                &user("ann"),
                &account(provider, *mode),
                &customer(&format!("cus_{provider}_{mode}")),
            )
        })
        .collect();
    assert_eq!(repo.list(&user("ann")).await.unwrap(), expected);
}

pub async fn whoever_is_linked_to_a_customer_is_listed_in_order(repo: &dyn CustomerRepo) {
    let (test, live) = (stripe(), account("stripe", Live));
    // By code point, whatever the database's collation makes of case, hyphens and accents.
    let sorted = ["Zoe", "a-b", "aa", "ann", "é"];
    for owner in [sorted[3], sorted[1], sorted[4], sorted[0], sorted[2]] {
        keep(repo, owner, &test, "cus_1").await;
    }
    keep(repo, "bob", &test, "cus_2").await;
    keep(repo, "bob", &live, "cus_1").await;
    keep(repo, "bob", &account("sandbox", Test), "cus_1").await;
    let owners = async |at, id| repo.owners(at, &customer(id)).await.unwrap();
    assert_eq!(owners(&test, "cus_1").await, sorted.map(user));
    assert_eq!(owners(&live, "cus_1").await, [user("bob")]);
    assert_eq!(owners(&test, "cus_3").await, []);
    repo.unlink(&user("ann"), &test).await.unwrap();
    replace(repo, "aa", &test, "cus_2").await;
    assert_eq!(owners(&test, "cus_1").await, ["Zoe", "a-b", "é"].map(user));
    assert_eq!(owners(&test, "cus_2").await, ["aa", "bob"].map(user));
}

pub async fn ids_keep_their_characters(repo: &dyn CustomerRepo) {
    let users = [
        "김하늘",
        "ünï@例え.jp",
        "👩‍💻",
        " leading and trailing ",
        "auth0|64\\n",
        "%",
        "_",
        "a\u{202e}b",
    ];
    for (n, id) in users.iter().enumerate() {
        assert_eq!(
            keep(repo, id, &stripe(), &format!("cus_{n}")).await,
            LinkOutcome::Created,
            "{id}"
        );
    }
    for (n, id) in users.iter().enumerate() {
        assert_eq!(found(repo, id, &stripe()).await, Some(format!("cus_{n}")), "{id}");
        let listed = repo.list(&user(id)).await.unwrap();
        assert_eq!(listed.len(), 1, "{id}");
        assert_eq!(listed[0].owner.as_str(), *id);
    }
}

pub async fn ids_that_differ_little_are_different(repo: &dyn CustomerRepo) {
    // Case; trailing space; composed and decomposed accents (no normalisation); a character that collations ignore.
    let users = [
        "ann", "Ann", "ann ", "\u{e9}", "e\u{301}", "e", "co-op", "coop", "ss", "ß", "1", "01",
        "1.0",
    ];
    for (n, id) in users.iter().enumerate() {
        assert_eq!(
            keep(repo, id, &stripe(), &format!("cus_{n}")).await,
            LinkOutcome::Created,
            "{id:?}"
        );
    }
    for (n, id) in users.iter().enumerate() {
        assert_eq!(found(repo, id, &stripe()).await, Some(format!("cus_{n}")), "{id:?}");
    }
    keep(repo, "case", &stripe(), "cus_a").await;
    assert_eq!(
        keep(repo, "case", &stripe(), "cus_A").await,
        LinkOutcome::Conflict(customer("cus_a"))
    );
}

pub async fn ids_of_full_length_fit(repo: &dyn CustomerRepo) {
    // Counted in characters, a user id may have 1,020 bytes.
    let (long_user, long_customer) = ("🦀".repeat(255), "c".repeat(255));
    let at = account(&"p".repeat(32), Live);
    assert_eq!(keep(repo, &long_user, &at, &long_customer).await, LinkOutcome::Created);
    assert_eq!(found(repo, &long_user, &at).await, Some(long_customer));
    assert_eq!(found(repo, &"🦀".repeat(254), &at).await, None);
}

pub async fn text_that_looks_like_sql_is_text(repo: &dyn CustomerRepo) {
    let hostile = [
        "'; DROP TABLE billing_customers; --",
        "' OR '1'='1",
        "\" OR 1=1 --",
        "$1",
        "?",
        ":user_id",
        "NULL",
        "\\",
    ];
    for (n, id) in hostile.iter().enumerate() {
        assert_eq!(
            keep(repo, id, &stripe(), &format!("';--{n}")).await,
            LinkOutcome::Created,
            "{id}"
        );
    }
    for (n, id) in hostile.iter().enumerate() {
        assert_eq!(found(repo, id, &stripe()).await, Some(format!("';--{n}")), "{id}");
        assert_eq!(
            repo.unlink(&user(id), &stripe()).await.unwrap(),
            Some(customer(&format!("';--{n}"))),
            "{id}"
        );
    }
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
            repo.unlink(&owner, &at).await.unwrap()
        });
        assert_eq!(unlinked, Some(customer("cus_old")));
        match found(repo, &ann, &at).await.as_deref() {
            Some("cus_new") => assert_eq!(linked, LinkOutcome::Created),
            None => assert_eq!(linked, LinkOutcome::Conflict(customer("cus_old"))),
            other => panic!("{other:?}"),
        }
    }
}
