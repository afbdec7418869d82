//! Contract of every [`CustomerRepo`].

#![expect(missing_docs, reason = "the cases' names state the guarantees")]

use billing_domain::Mode::{Live, Test};
use billing_domain::ports::{CustomerRepo, LinkChange};
use billing_domain::{LinkOutcome, ProviderAccount};

use crate::link_steps::{NOW, found, keep, replace, stripe};
use crate::samples::{account, customer, link, remove_link, user};

/// Runs every case against a new, empty repo: `customer_repo_contract!(make)`. `make` is an async
/// function that returns an `Arc<dyn CustomerRepo>` and the resources to keep alive.
#[macro_export]
macro_rules! customer_repo_contract {
    ($make:path) => {
        $crate::contract_tests!(
            customer_repo_contract,
            $make,
            [
                a_user_without_a_link_has_no_customer,
                an_added_link_is_found,
                adding_the_same_link_again_changes_nothing,
                link_to_a_second_customer_is_a_conflict_and_keeps_the_first,
                replace_changes_the_linked_customer,
                replace_with_the_same_customer_changes_nothing,
                replace_without_a_link_creates_one,
                an_unlinked_user_has_no_customer,
                unlinking_a_user_without_a_link_changes_nothing,
                an_unlinked_user_can_be_linked_again,
                test_and_live_mode_are_isolated,
                providers_are_isolated,
                users_may_share_a_customer,
                unlinking_one_user_keeps_other_links_to_the_customer,
                links_are_listed_by_provider_then_mode,
                owners_of_a_customer_are_listed_by_code_point,
                ids_are_stored_exactly,
                similar_ids_are_different,
                ids_of_maximum_length_are_stored,
                text_with_sql_is_stored_exactly,
                a_change_that_expects_another_link_is_refused,
            ]
        );
        $crate::link_race_contract!($make);
    };
}

async fn create(repo: &dyn CustomerRepo, owner: &str, at: &ProviderAccount, id: &str) {
    assert_eq!(keep(repo, owner, at, id).await, LinkOutcome::Created, "{owner:?}");
}

pub async fn a_user_without_a_link_has_no_customer(repo: &dyn CustomerRepo) {
    assert_eq!(found(repo, "unknown", &stripe()).await, None);
    assert_eq!(repo.list(&user("unknown")).await.unwrap(), []);
}

pub async fn an_added_link_is_found(repo: &dyn CustomerRepo) {
    create(repo, "ann", &stripe(), "cus_1").await;
    assert_eq!(found(repo, "ann", &stripe()).await.as_deref(), Some("cus_1"));
    assert_eq!(found(repo, "bob", &stripe()).await, None);
}

pub async fn adding_the_same_link_again_changes_nothing(repo: &dyn CustomerRepo) {
    keep(repo, "ann", &stripe(), "cus_1").await;
    assert_eq!(keep(repo, "ann", &stripe(), "cus_1").await, LinkOutcome::Unchanged);
    assert_eq!(repo.list(&user("ann")).await.unwrap().len(), 1);
}

pub async fn link_to_a_second_customer_is_a_conflict_and_keeps_the_first(repo: &dyn CustomerRepo) {
    keep(repo, "ann", &stripe(), "cus_1").await;
    assert_eq!(
        keep(repo, "ann", &stripe(), "cus_2").await,
        LinkOutcome::Conflict(customer("cus_1"))
    );
    assert_eq!(found(repo, "ann", &stripe()).await.as_deref(), Some("cus_1"));
}

pub async fn replace_changes_the_linked_customer(repo: &dyn CustomerRepo) {
    keep(repo, "ann", &stripe(), "cus_1").await;
    assert_eq!(
        replace(repo, "ann", &stripe(), "cus_2").await,
        LinkOutcome::Replaced(customer("cus_1"))
    );
    assert_eq!(found(repo, "ann", &stripe()).await.as_deref(), Some("cus_2"));
    assert_eq!(repo.list(&user("ann")).await.unwrap().len(), 1);
}

pub async fn replace_with_the_same_customer_changes_nothing(repo: &dyn CustomerRepo) {
    keep(repo, "ann", &stripe(), "cus_1").await;
    assert_eq!(replace(repo, "ann", &stripe(), "cus_1").await, LinkOutcome::Unchanged);
}

pub async fn replace_without_a_link_creates_one(repo: &dyn CustomerRepo) {
    assert_eq!(replace(repo, "ann", &stripe(), "cus_1").await, LinkOutcome::Created);
    assert_eq!(found(repo, "ann", &stripe()).await.as_deref(), Some("cus_1"));
}

pub async fn an_unlinked_user_has_no_customer(repo: &dyn CustomerRepo) {
    keep(repo, "ann", &stripe(), "cus_1").await;
    assert_eq!(remove_link(repo, &user("ann"), &stripe()).await.unwrap(), Some(customer("cus_1")));
    assert_eq!(found(repo, "ann", &stripe()).await, None);
    assert_eq!(remove_link(repo, &user("ann"), &stripe()).await.unwrap(), None);
}

pub async fn unlinking_a_user_without_a_link_changes_nothing(repo: &dyn CustomerRepo) {
    keep(repo, "ann", &stripe(), "cus_1").await;
    assert_eq!(remove_link(repo, &user("bob"), &stripe()).await.unwrap(), None);
    assert_eq!(found(repo, "ann", &stripe()).await.as_deref(), Some("cus_1"));
}

pub async fn an_unlinked_user_can_be_linked_again(repo: &dyn CustomerRepo) {
    keep(repo, "ann", &stripe(), "cus_1").await;
    remove_link(repo, &user("ann"), &stripe()).await.unwrap();
    create(repo, "ann", &stripe(), "cus_2").await;
    assert_eq!(found(repo, "ann", &stripe()).await.as_deref(), Some("cus_2"));
}

pub async fn test_and_live_mode_are_isolated(repo: &dyn CustomerRepo) {
    let (test, live) = (account("stripe", Test), account("stripe", Live));
    create(repo, "ann", &test, "cus_test").await;
    assert_eq!(found(repo, "ann", &live).await, None);
    create(repo, "ann", &live, "cus_live").await;
    assert_eq!(found(repo, "ann", &test).await.as_deref(), Some("cus_test"));
    assert_eq!(remove_link(repo, &user("ann"), &live).await.unwrap(), Some(customer("cus_live")));
    assert_eq!(found(repo, "ann", &test).await.as_deref(), Some("cus_test"));
}

pub async fn providers_are_isolated(repo: &dyn CustomerRepo) {
    let (stripe, sandbox) = (account("stripe", Test), account("sandbox", Test));
    create(repo, "ann", &stripe, "cus_1").await;
    assert_eq!(found(repo, "ann", &sandbox).await, None);
    create(repo, "ann", &sandbox, "cus_2").await;
    assert_eq!(
        replace(repo, "ann", &sandbox, "cus_3").await,
        LinkOutcome::Replaced(customer("cus_2"))
    );
    assert_eq!(found(repo, "ann", &stripe).await.as_deref(), Some("cus_1"));
}

pub async fn users_may_share_a_customer(repo: &dyn CustomerRepo) {
    create(repo, "ann", &stripe(), "cus_1").await;
    create(repo, "bob", &stripe(), "cus_1").await;
    assert_eq!(found(repo, "ann", &stripe()).await, found(repo, "bob", &stripe()).await);
}

pub async fn unlinking_one_user_keeps_other_links_to_the_customer(repo: &dyn CustomerRepo) {
    keep(repo, "ann", &stripe(), "cus_1").await;
    keep(repo, "bob", &stripe(), "cus_1").await;
    remove_link(repo, &user("ann"), &stripe()).await.unwrap();
    assert_eq!(found(repo, "ann", &stripe()).await, None);
    assert_eq!(found(repo, "bob", &stripe()).await.as_deref(), Some("cus_1"));
}

pub async fn links_are_listed_by_provider_then_mode(repo: &dyn CustomerRepo) {
    // Sorted by code point, independent of the database's collation: `a-b` before `aa`, live before
    // test.
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

pub async fn owners_of_a_customer_are_listed_by_code_point(repo: &dyn CustomerRepo) {
    let test = stripe();
    let live = account("stripe", Live);
    // Sorted by code point, independent of the database's collation.
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
    remove_link(repo, &user("ann"), &test).await.unwrap();
    replace(repo, "aa", &test, "cus_2").await;
    assert_eq!(owners(&test, "cus_1").await, ["Zoe", "a-b", "é"].map(user));
    assert_eq!(owners(&test, "cus_2").await, ["aa", "bob"].map(user));
}

pub async fn ids_are_stored_exactly(repo: &dyn CustomerRepo) {
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
        create(repo, id, &stripe(), &format!("cus_{n}")).await;
    }
    for (n, id) in users.iter().enumerate() {
        assert_eq!(found(repo, id, &stripe()).await, Some(format!("cus_{n}")), "{id}");
        let listed = repo.list(&user(id)).await.unwrap();
        assert_eq!(listed.len(), 1, "{id}");
        assert_eq!(listed[0].owner.as_str(), *id);
    }
}

pub async fn similar_ids_are_different(repo: &dyn CustomerRepo) {
    // Case, trailing space, composed and decomposed accents, characters that collations ignore.
    let users = [
        "ann", "Ann", "ann ", "\u{e9}", "e\u{301}", "e", "co-op", "coop", "ss", "ß", "1", "01",
        "1.0",
    ];
    for (n, id) in users.iter().enumerate() {
        create(repo, id, &stripe(), &format!("cus_{n}")).await;
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

pub async fn ids_of_maximum_length_are_stored(repo: &dyn CustomerRepo) {
    // The limit counts characters: a user id may have 1,020 bytes.
    let long_user = "🦀".repeat(255);
    let long_customer = "c".repeat(255);
    let at = account(&"p".repeat(32), Live);
    create(repo, &long_user, &at, &long_customer).await;
    assert_eq!(found(repo, &long_user, &at).await, Some(long_customer));
    assert_eq!(found(repo, &"🦀".repeat(254), &at).await, None);
}

pub async fn text_with_sql_is_stored_exactly(repo: &dyn CustomerRepo) {
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
        create(repo, id, &stripe(), &format!("';--{n}")).await;
    }
    for (n, id) in hostile.iter().enumerate() {
        assert_eq!(found(repo, id, &stripe()).await, Some(format!("';--{n}")), "{id}");
        assert_eq!(
            remove_link(repo, &user(id), &stripe()).await.unwrap(),
            Some(customer(&format!("';--{n}"))),
            "{id}"
        );
    }
}

pub async fn a_change_that_expects_another_link_is_refused(repo: &dyn CustomerRepo) {
    let to = |id: &str| link(&user("ann"), &stripe(), &customer(id));
    let replace = |old: &str, new: &str| LinkChange::Replace { old: customer(old), new: to(new) };
    let made = async |change: LinkChange| repo.change(&change, NOW, &[]).await.unwrap();
    assert!(!made(LinkChange::Remove(to("cus_1"))).await);
    assert!(!made(replace("cus_1", "cus_2")).await);
    assert_eq!(found(repo, "ann", &stripe()).await, None);
    assert!(made(LinkChange::Add(to("cus_1"))).await);
    assert!(!made(LinkChange::Add(to("cus_1"))).await);
    assert!(!made(LinkChange::Add(to("cus_2"))).await);
    assert!(!made(LinkChange::Remove(to("cus_2"))).await);
    assert!(!made(replace("cus_2", "cus_3")).await);
    assert_eq!(found(repo, "ann", &stripe()).await.as_deref(), Some("cus_1"));
    assert!(made(replace("cus_1", "cus_2")).await);
    assert!(made(LinkChange::Remove(to("cus_2"))).await);
    assert_eq!(found(repo, "ann", &stripe()).await, None);
}
