//! Readings that meet each other, and whoever else writes to the same rows.

use crate::place::Place;
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

/// Reads a customer who bought, or is gone, until the reading is written.
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

/// Whoever waits in a circle is told that the database is unavailable, after a second.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readings_claims_and_forgetting_never_wait_for_each_other_in_a_circle() {
    let place = Place::new().await;
    let (one, other) = (place.migrated().await, place.store());
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
