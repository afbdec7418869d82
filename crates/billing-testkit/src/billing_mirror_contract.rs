//! Contract of every [`BillingMirror`](billing_domain::ports::BillingMirror) for stored readings.

#![expect(missing_docs, reason = "the cases' names state the guarantees")]

use std::time::Duration;

use billing_domain::Mode::{Live, Test};
use billing_domain::SubscriptionStatus::{Active, Canceled, Incomplete};
use billing_domain::ports::RepoError;
use billing_domain::{
    BillingCycle, CustomerId, CustomerReading, CustomerState, FreshReading, LinkSummary,
    MirroredCustomer, NamedOwner, ProviderAccount, ReadingOutcome, Subscription,
    SubscriptionStatus, Timestamp,
};
use futures_util::future::join_all;

use crate::BillingPorts;
use crate::samples::{
    account, add_link, customer, link, provider_key, subscription, subscription_id, user,
};

/// Runs every case against a new database: `billing_mirror_contract!(make)`. `make` is an async
/// function that returns an `Arc<BillingPorts>` and the resources to keep alive.
#[macro_export]
macro_rules! billing_mirror_contract {
    ($make:path) => {
        $crate::contract_tests!(
            billing_mirror_contract,
            $make,
            [
                a_customer_that_was_never_read_is_not_found,
                a_saved_reading_is_found,
                every_status_is_stored,
                subscriptions_are_sorted_newest_first_then_by_id,
                each_reading_increments_the_version,
                a_reading_replaces_all_subscriptions,
                an_outdated_reading_changes_nothing,
                one_of_many_concurrent_readings_is_written,
                concurrent_chains_of_readings_lose_none,
                concurrent_readings_of_different_customers_are_all_written,
                a_deleted_customer_is_kept_as_a_tombstone,
                a_tombstone_may_be_replaced_by_a_reading,
                providers_and_modes_are_isolated,
                customer_of_returns_the_customer_with_the_subscription,
                a_page_lists_mirrored_linked_and_claimed_customers,
                pages_have_no_gap_or_overlap,
                pages_are_sorted_by_code_point,
                an_unreachable_database_is_unavailable,
            ]
        );
    };
}

pub(crate) fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(1_700_000_000).plus(Duration::from_secs(seconds))
}

pub(crate) fn stripe() -> ProviderAccount {
    account("stripe", Test)
}

/// Returns a reading without an owner, read at second 100 + `expected_version`.
pub(crate) fn update(
    id: &str,
    expected_version: u64,
    subscriptions: &[Subscription],
) -> FreshReading {
    FreshReading {
        account: stripe(),
        customer: customer(id),
        expected_version,
        reading: CustomerReading {
            state: CustomerState::Present(subscriptions.to_vec()),
            owner: NamedOwner::None,
        },
        read_at: at(100 + expected_version),
        settled_events: None,
    }
}

/// Returns a reading of a deleted customer.
pub(crate) fn gone(id: &str, expected_version: u64) -> FreshReading {
    let mut update = update(id, expected_version, &[]);
    update.reading.state = CustomerState::Gone;
    update
}

pub(crate) async fn write(ports: &BillingPorts, update: &FreshReading) -> ReadingOutcome {
    update.save(&*ports.mirror, &*ports.customers).await.unwrap()
}

pub(crate) async fn found(ports: &BillingPorts, id: &str) -> Option<MirroredCustomer> {
    ports.mirror.find(&stripe(), &customer(id)).await.unwrap()
}

pub(crate) fn written() -> ReadingOutcome {
    ReadingOutcome::Written(LinkSummary::default())
}

fn mirrored(update: &FreshReading) -> MirroredCustomer {
    MirroredCustomer {
        customer: update.customer.clone(),
        version: update.expected_version + 1,
        read_at: update.read_at,
        state: update.reading.state.clone(),
    }
}

async fn page(ports: &BillingPorts, after: Option<&str>, limit: u32) -> Vec<(String, u64)> {
    let after = after.map(customer);
    let page = ports.mirror.list(&stripe(), after.as_ref(), limit).await.unwrap();
    page.into_iter().map(|known| (known.customer.to_string(), known.version)).collect()
}

async fn customer_of(ports: &BillingPorts, at: &ProviderAccount, id: &str) -> Option<CustomerId> {
    ports.mirror.customer_of(at, &subscription_id(id)).await.unwrap()
}

pub async fn a_customer_that_was_never_read_is_not_found(ports: &BillingPorts) {
    assert_eq!(found(ports, "cus_1").await, None);
    assert_eq!(page(ports, None, 10).await, []);
    assert_eq!(customer_of(ports, &stripe(), "sub_1").await, None);
}

pub async fn a_saved_reading_is_found(ports: &BillingPorts) {
    let full = Subscription {
        prices: vec![
            "price_2".parse().unwrap(),
            "p".repeat(255).parse().unwrap(),
            "price_1".parse().unwrap(),
        ],
        cycle: Some(BillingCycle::Yearly),
        period_start: Some(at(1)),
        period_end: Some(at(2)),
        cancel_at_period_end: true,
        cancel_at: Some(Timestamp::from_millis(-1)),
        ..subscription(&"s".repeat(255), Active, at(9))
    };
    let bare =
        Subscription { prices: vec![], cycle: None, ..subscription("sub_2", Canceled, at(8)) };
    for update in [update("cus_1", 0, &[full, bare]), update(&"'".repeat(255), 0, &[])] {
        assert_eq!(write(ports, &update).await, written());
        assert_eq!(found(ports, update.customer.as_str()).await, Some(mirrored(&update)));
    }
}

pub async fn every_status_is_stored(ports: &BillingPorts) {
    let all: Vec<_> = (0..)
        .zip(SubscriptionStatus::ALL)
        .map(|(n, &status)| subscription(&format!("sub_{n}"), status, at(0)))
        .collect();
    let update = update("cus_1", 0, &all);
    write(ports, &update).await;
    assert_eq!(found(ports, "cus_1").await, Some(mirrored(&update)));
}

pub async fn subscriptions_are_sorted_newest_first_then_by_id(ports: &BillingPorts) {
    let shuffled = [("sub_b", 5), ("sub_z", 7), ("sub_a", 5), ("sub_B", 5), ("sub_0", 1)];
    let shuffled = shuffled.map(|(id, seconds)| subscription(id, Active, at(seconds)));
    write(ports, &update("cus_1", 0, &shuffled)).await;
    let known = found(ports, "cus_1").await.unwrap();
    let ids: Vec<_> = known.state.subscriptions().iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids, ["sub_z", "sub_B", "sub_a", "sub_b", "sub_0"]);
    let paged = ports.mirror.list(&stripe(), None, 1).await.unwrap();
    assert_eq!(paged, [known]);
}

pub async fn each_reading_increments_the_version(ports: &BillingPorts) {
    for expected in 0..5 {
        let update = update("cus_1", expected, &[subscription("sub_1", Active, at(expected))]);
        assert_eq!(write(ports, &update).await, written());
        assert_eq!(found(ports, "cus_1").await, Some(mirrored(&update)));
    }
}

pub async fn a_reading_replaces_all_subscriptions(ports: &BillingPorts) {
    let (one, two) = (subscription("sub_1", Active, at(1)), subscription("sub_2", Active, at(2)));
    write(ports, &update("cus_1", 0, &[two, one.clone()])).await;
    write(ports, &update("cus_2", 0, &[subscription("sub_9", Active, at(1))])).await;
    let ended = Subscription { status: Canceled, cancel_at: Some(at(7)), ..one };
    let three = subscription("sub_3", Incomplete, at(0));
    let second = update("cus_1", 1, &[ended, three]);
    assert_eq!(write(ports, &second).await, written());
    assert_eq!(found(ports, "cus_1").await, Some(mirrored(&second)));
    write(ports, &update("cus_1", 2, &[])).await;
    assert_eq!(found(ports, "cus_1").await.unwrap().state, CustomerState::Present(vec![]));
    assert_eq!(found(ports, "cus_2").await.unwrap().state.subscriptions().len(), 1);
}

pub async fn an_outdated_reading_changes_nothing(ports: &BillingPorts) {
    let other = [subscription("sub_2", Active, at(1))];
    for expected in [1, 2, u64::MAX] {
        let mut early = update("cus_1", 0, &other);
        early.expected_version = expected;
        early.reading.owner = NamedOwner::User(user("ann"));
        assert_eq!(write(ports, &early).await, ReadingOutcome::Outdated);
    }
    assert_eq!(found(ports, "cus_1").await, None);
    write(ports, &update("cus_1", 0, &[])).await;
    let current = update("cus_1", 1, &[subscription("sub_1", Active, at(1))]);
    write(ports, &current).await;
    for expected in [0, 1, 3] {
        let mut late = gone("cus_1", 0);
        late.expected_version = expected;
        assert_eq!(write(ports, &late).await, ReadingOutcome::Outdated);
        late.reading.state = CustomerState::Present(other.to_vec());
        late.reading.owner = NamedOwner::User(user("ann"));
        assert_eq!(write(ports, &late).await, ReadingOutcome::Outdated);
    }
    assert_eq!(found(ports, "cus_1").await, Some(mirrored(&current)));
    assert_eq!(customer_of(ports, &stripe(), "sub_2").await, None);
    assert_eq!(ports.customers.list(&user("ann")).await.unwrap(), []);
}

pub async fn one_of_many_concurrent_readings_is_written(ports: &BillingPorts) {
    for expected in 0..3 {
        let own = |n| subscription(&format!("sub_{n}"), Active, at(expected));
        let updates: Vec<_> = (0..16).map(|n| update("cus_1", expected, &[own(n)])).collect();
        let outcomes = join_all(updates.iter().map(|update| write(ports, update))).await;
        let count = |expected| outcomes.iter().filter(|outcome| **outcome == expected).count();
        assert_eq!((count(written()), count(ReadingOutcome::Outdated)), (1, 15));
        let winner = outcomes.iter().position(|outcome| *outcome == written()).unwrap();
        assert_eq!(found(ports, "cus_1").await, Some(mirrored(&updates[winner])));
    }
}

pub async fn concurrent_chains_of_readings_lose_none(ports: &BillingPorts) {
    let writers = (0..4).map(|n| async move {
        let mut left = 5;
        while left > 0 {
            let version = found(ports, "cus_1").await.map_or(0, |known| known.version);
            let own = subscription(&format!("sub_{n}_{left}"), Active, at(version));
            match write(ports, &update("cus_1", version, &[own])).await {
                ReadingOutcome::Written(_) => left -= 1,
                ReadingOutcome::Outdated => {}
                ReadingOutcome::ClaimLost => panic!("nothing was claimed"),
            }
        }
    });
    join_all(writers).await;
    let known = found(ports, "cus_1").await.unwrap();
    assert_eq!((known.version, known.state.subscriptions().len()), (20, 1));
}

pub async fn concurrent_readings_of_different_customers_are_all_written(ports: &BillingPorts) {
    let updates: Vec<_> = (0..64)
        .map(|n| {
            let own = [subscription(&format!("sub_{n}"), Active, at(n))];
            let mut update = update(&format!("cus_{n:02}"), 0, &own);
            update.reading.owner = NamedOwner::User(user(&format!("user{n}")));
            update
        })
        .collect();
    let outcomes = join_all(updates.iter().map(|update| write(ports, update))).await;
    assert!(
        outcomes.iter().all(|outcome| matches!(outcome, ReadingOutcome::Written(_))),
        "{outcomes:?}"
    );
    assert_eq!(page(ports, None, 100).await.len(), 64);
}

pub async fn a_deleted_customer_is_kept_as_a_tombstone(ports: &BillingPorts) {
    write(ports, &update("cus_1", 0, &[subscription("sub_1", Active, at(1))])).await;
    for gone in [gone("cus_1", 1), gone("cus_2", 0)] {
        assert_eq!(write(ports, &gone).await, written());
        assert_eq!(found(ports, gone.customer.as_str()).await, Some(mirrored(&gone)));
    }
    assert_eq!(customer_of(ports, &stripe(), "sub_1").await, None);
    assert_eq!(page(ports, None, 9).await, [("cus_1".to_owned(), 2), ("cus_2".to_owned(), 1)]);
}

pub async fn a_tombstone_may_be_replaced_by_a_reading(ports: &BillingPorts) {
    write(ports, &gone("cus_1", 0)).await;
    let back = update("cus_1", 1, &[subscription("sub_1", Active, at(1))]);
    assert_eq!(write(ports, &back).await, written());
    assert_eq!(found(ports, "cus_1").await, Some(mirrored(&back)));
}

pub async fn providers_and_modes_are_isolated(ports: &BillingPorts) {
    let first = update("cus_1", 0, &[subscription("sub_1", Active, at(1))]);
    write(ports, &first).await;
    for other in [account("stripe", Live), account("sandbox", Test)] {
        assert_eq!(ports.mirror.find(&other, &customer("cus_1")).await.unwrap(), None);
        assert_eq!(ports.mirror.list(&other, None, 9).await.unwrap(), []);
        assert_eq!(customer_of(ports, &other, "sub_1").await, None);
        let own = [subscription("sub_1", Canceled, at(2)), subscription("sub_2", Active, at(1))];
        let theirs = FreshReading { account: other.clone(), ..update("cus_1", 0, &own) };
        assert_eq!(write(ports, &theirs).await, written());
        assert_eq!(
            ports.mirror.find(&other, &customer("cus_1")).await.unwrap(),
            Some(mirrored(&theirs))
        );
        let deleted = FreshReading { account: other, ..gone("cus_1", 1) };
        assert_eq!(write(ports, &deleted).await, written());
    }
    assert_eq!(found(ports, "cus_1").await, Some(mirrored(&first)));
}

pub async fn customer_of_returns_the_customer_with_the_subscription(ports: &BillingPorts) {
    write(ports, &update("cus_1", 0, &[subscription("sub_1", Canceled, at(1))])).await;
    assert_eq!(customer_of(ports, &stripe(), "sub_1").await, Some(customer("cus_1")));
    assert_eq!(customer_of(ports, &stripe(), "sub_2").await, None);
    // Does not happen at Stripe. The newer reading would be kept.
    write(ports, &update("cus_2", 0, &[subscription("sub_1", Active, at(1))])).await;
    assert_eq!(customer_of(ports, &stripe(), "sub_1").await, Some(customer("cus_2")));
    assert_eq!(found(ports, "cus_1").await.unwrap().state, CustomerState::Present(vec![]));
}

async fn add_link_and_claim(
    ports: &BillingPorts,
    owner: &str,
    linked: Option<&str>,
    claimed: Option<&str>,
) {
    let (owner, key) = (user(owner), provider_key("key"));
    if let Some(id) = linked {
        add_link(&*ports.customers, &link(&owner, &stripe(), &customer(id))).await.unwrap();
    }
    if let Some(id) = claimed {
        ports.claims.claim(&owner, &stripe(), &key, at(0)).await.unwrap();
        ports.claims.fulfil(&owner, &stripe(), &key, &customer(id)).await.unwrap();
    }
}

pub async fn a_page_lists_mirrored_linked_and_claimed_customers(ports: &BillingPorts) {
    add_link_and_claim(ports, "ann", Some("cus_b"), Some("cus_b")).await;
    add_link_and_claim(ports, "bob", Some("cus_b"), Some("cus_d")).await;
    add_link_and_claim(ports, "cid", Some("cus_a"), None).await;
    ports.claims.claim(&user("dan"), &stripe(), &provider_key("open"), at(0)).await.unwrap();
    let live = link(&user("eve"), &account("stripe", Live), &customer("cus_live"));
    add_link(&*ports.customers, &live).await.unwrap();
    let own = [subscription("sub_1", Active, at(1)), subscription("sub_2", Active, at(0))];
    let read = update("cus_c", 0, &own);
    write(ports, &read).await;
    write(ports, &update("cus_b", 0, &[])).await;
    let never_read = |id: &str| MirroredCustomer {
        customer: customer(id),
        version: 0,
        read_at: Timestamp::from_millis(0),
        state: CustomerState::Present(vec![]),
    };
    let page = ports.mirror.list(&stripe(), None, 10).await.unwrap();
    let expected = [
        never_read("cus_a"),
        mirrored(&update("cus_b", 0, &[])),
        mirrored(&read),
        never_read("cus_d"),
    ];
    assert_eq!(page, expected);
}

pub async fn pages_have_no_gap_or_overlap(ports: &BillingPorts) {
    for n in 0..9 {
        let id = format!("cus_{n}");
        match n % 3 {
            0 => {
                let own = subscription(&format!("sub_{n}"), Active, at(0));
                write(ports, &update(&id, 0, &[own])).await;
            }
            1 => add_link_and_claim(ports, &format!("user{n}"), Some(&id), None).await,
            _ => add_link_and_claim(ports, &format!("user{n}"), None, Some(&id)).await,
        }
    }
    let (mut after, mut all, mut sizes) = (None, Vec::new(), Vec::new());
    loop {
        let chunk = page(ports, after.as_deref(), 4).await;
        let Some((last, _)) = chunk.last() else { break };
        after = Some(last.clone());
        sizes.push(chunk.len());
        all.extend(chunk.into_iter().map(|(id, _)| id));
    }
    assert_eq!(sizes, [4, 4, 1]);
    assert_eq!(all, (0..9).map(|n| format!("cus_{n}")).collect::<Vec<_>>());
    assert_eq!(page(ports, None, 0).await, []);
    assert_eq!(page(ports, Some("cus_6x"), 1).await, [("cus_7".to_owned(), 0)]);
}

pub async fn pages_are_sorted_by_code_point(ports: &BillingPorts) {
    let sorted = ["!", "cus-1", "cusA", "cus_1", "cusa", "~"];
    for id in sorted.into_iter().rev() {
        write(ports, &update(id, 0, &[])).await;
    }
    let page = page(ports, None, 10).await;
    assert_eq!(page.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), sorted);
}

pub async fn an_unreachable_database_is_unavailable(ports: &BillingPorts) {
    ports.database.close().await;
    let errors = [
        ports.mirror.find(&stripe(), &customer("cus_1")).await.err(),
        update("cus_1", 0, &[]).save(&*ports.mirror, &*ports.customers).await.err(),
        ports.mirror.list(&stripe(), None, 1).await.err(),
        ports.mirror.customer_of(&stripe(), &subscription_id("sub_1")).await.err(),
    ];
    assert!(
        errors.iter().all(|error| matches!(error, Some(RepoError::Unavailable(_)))),
        "{errors:?}"
    );
}
