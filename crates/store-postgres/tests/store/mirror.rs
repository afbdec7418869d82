//! Readings that are concurrent with other writers of the same rows.

use crate::fixture::Fixture;
use billing_domain::ports::RepoError;
use billing_domain::{
    CustomerReading, CustomerState, FreshReading, Mode, NamedOwner, ReadingOutcome,
    SubscriptionStatus, Timestamp,
};
use billing_testkit::samples::{
    account, customer, provider_event, provider_key, subscription, user,
};
use store_postgres::PgStore;

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

/// Writes a reading of a customer with a purchase, or of one that is gone. Retries until it
/// succeeds.
async fn read(store: &PgStore, id: &str, owner: &str, is_gone: bool) -> Result<(), RepoError> {
    let bought = || vec![subscription(&format!("sub_of_{id}"), SubscriptionStatus::Active, NOW)];
    let state = if is_gone { CustomerState::Gone } else { CustomerState::Present(bought()) };
    let mut update = FreshReading {
        account: account("stripe", Mode::Test),
        customer: customer(id),
        expected_version: 0,
        reading: CustomerReading { state, owner: NamedOwner::User(user(owner)) },
        read_at: NOW,
        settled_events: None,
    };
    loop {
        let known = store.mirror().find(&update.account, &update.customer).await?;
        update.expected_version = known.map_or(0, |known| known.version);
        match update.save(&*store.mirror(), &*store.customers()).await? {
            ReadingOutcome::Written(_) => return Ok(()),
            ReadingOutcome::Outdated => {}
            ReadingOutcome::ClaimLost => panic!("nothing was claimed"),
        }
    }
}

/// Postgres ends a deadlock after a second, and the call fails.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_readings_claims_and_forgetting_never_deadlock() {
    let fixture = Fixture::new().await;
    let (one, other) = (fixture.migrated().await, fixture.store());
    let (at, ann, bob) = (account("stripe", Mode::Test), user("ann"), user("bob"));
    for round in 0..20 {
        let event = provider_event(&format!("evt_{round}"), &customer("cus_1"), NOW);
        let key = provider_key(&format!("key-{round}"));
        let (audit, claims, inbox) = (one.audit(), other.claims(), one.inbox());
        let (a, b, c, d, e, f, g, h) = tokio::join!(
            read(&one, "cus_1", "ann", false),
            read(&other, "cus_2", "ann", false),
            read(&other, "cus_1", "bob", round % 3 == 0),
            read(&one, "cus_2", "bob", round % 3 == 1),
            async { claims.claim(&ann, &at, &key, NOW).await.map(drop) },
            async { claims.claim(&bob, &at, &key, NOW).await.map(drop) },
            async { audit.forget(if round % 2 == 0 { &ann } else { &bob }).await.map(drop) },
            inbox.accept(&at, &event, NOW),
        );
        for result in [a, b, c, d, e, f, g, h] {
            result.unwrap();
        }
    }
}
