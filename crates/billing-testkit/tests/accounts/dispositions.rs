//! Tests of retries and dead letters.

use std::time::Duration;

use billing_domain::ports::{EventInbox, ProviderError};
use billing_domain::*;
use billing_testkit::samples::{event_id, provider_event};

use crate::history::LONG;
use crate::world::{Shop, at, price};

const THREE_DAYS: Duration = Duration::from_secs(72 * 3600);

fn outage() -> ProviderError {
    ProviderError::Unavailable { context: "out".to_owned(), retry_after: Duration::from_secs(1) }
}

fn refusal() -> ProviderError {
    ProviderError::Refused { context: "another key".to_owned() }
}

/// Delivers an event now.
async fn deliver(shop: &Shop, id: &str) {
    shop.deliver(&provider_event(id, &"cus_1".parse().unwrap(), shop.now())).await;
}

async fn kept(shop: &Shop, id: &str) -> InboxEvent {
    shop.inbox().await.into_iter().find(|event| event.event.id == event_id(id)).unwrap()
}

/// Processes due events with a failing provider.
async fn fail(shop: &Shop, error: fn() -> ProviderError) -> Vec<ProcessingOutcome> {
    shop.provider.fail_next(error());
    let outcomes = shop.work().await;
    assert_eq!(outcomes.len(), 1);
    outcomes
}

#[tokio::test]
async fn the_backoff_doubles_and_the_error_is_stored() {
    let shop = Shop::open();
    deliver(&shop, "evt_1").await;
    for seconds in [1, 2, 4, 8] {
        assert_eq!(fail(&shop, outage).await, [ProcessingOutcome::Postponed]);
        let due = shop.now().plus(Duration::from_secs(seconds));
        let event = kept(&shop, "evt_1").await;
        assert_eq!(
            (event.state, event.error.unwrap().contains("out")),
            (InboxState::Pending(due), true)
        );
        shop.clock.set(Timestamp::from_millis(due.as_millis() - 1));
        assert_eq!(shop.work().await, []);
        shop.clock.set(due);
    }
    assert_eq!(shop.work().await, [ProcessingOutcome::Applied]);
    let event = kept(&shop, "evt_1").await;
    assert_eq!(
        (event.state, event.attempts, event.error),
        (InboxState::Applied(shop.now()), 5, None)
    );
}

#[tokio::test]
async fn an_event_that_fails_without_an_outage_is_dead_after_twelve_attempts() {
    let shop = Shop::open();
    deliver(&shop, "evt_1").await;
    for _ in 0..11 {
        assert_eq!(fail(&shop, refusal).await, [ProcessingOutcome::Postponed]);
        shop.advance(LONG);
    }
    assert_eq!(fail(&shop, refusal).await, [ProcessingOutcome::Dead]);
    assert_eq!(kept(&shop, "evt_1").await.state, InboxState::Dead(shop.now()));
    shop.advance(LONG);
    assert_eq!(shop.work().await, []);
}

#[tokio::test]
async fn during_an_outage_an_event_is_retried_for_three_days() {
    let shop = Shop::open();
    let end = shop.now().plus(THREE_DAYS);
    deliver(&shop, "evt_1").await;
    while shop.now() < end {
        assert_eq!(fail(&shop, outage).await, [ProcessingOutcome::Postponed]);
        shop.advance(LONG);
    }
    assert_eq!(fail(&shop, outage).await, [ProcessingOutcome::Dead]);
}

#[tokio::test]
async fn days_without_an_attempt_do_not_kill_an_event() {
    let shop = Shop::open();
    deliver(&shop, "evt_1").await;
    shop.advance(THREE_DAYS);
    assert_eq!(fail(&shop, outage).await, [ProcessingOutcome::Postponed]);
}

#[tokio::test]
async fn event_is_not_dead_lettered_with_an_older_event_of_its_customer() {
    for (error, before) in [(refusal as fn() -> _, Duration::ZERO), (outage, THREE_DAYS)] {
        let shop = Shop::open();
        deliver(&shop, "evt_old").await;
        for _ in 0..11 {
            fail(&shop, error).await;
            shop.advance(LONG);
        }
        shop.advance(before);
        deliver(&shop, "evt_new").await;
        assert_eq!(fail(&shop, error).await, [ProcessingOutcome::Dead]);
        assert_eq!(kept(&shop, "evt_old").await.state, InboxState::Dead(shop.now()));
        let due = shop.now().plus(Duration::from_secs(1));
        assert_eq!(kept(&shop, "evt_new").await.state, InboxState::Pending(due));
    }
}

#[tokio::test]
async fn a_replayed_event_of_any_age_starts_with_zero_attempts() {
    let shop = Shop::open();
    deliver(&shop, "evt_1").await;
    for _ in 0..12 {
        fail(&shop, refusal).await;
        shop.advance(LONG);
    }
    shop.advance(THREE_DAYS);
    assert_eq!(
        shop.stores.inbox().replay(&at(), &ReplayScope::AllDead, shop.now()).await.unwrap(),
        1
    );
    assert_eq!(fail(&shop, outage).await, [ProcessingOutcome::Postponed]);
    shop.advance(LONG);
    assert_eq!(fail(&shop, refusal).await, [ProcessingOutcome::Postponed]);
    shop.advance(LONG);
    assert_eq!(shop.work().await, [ProcessingOutcome::Applied]);
    assert_eq!(shop.stores.inbox().counts(&at()).await.unwrap(), InboxCounts::default());
}

#[tokio::test]
async fn unrelated_events_are_ignored_and_subscription_events_update_the_customer() {
    let shop = Shop::open();
    let (customer, _) = shop.provider.add_customer(NamedOwner::None, None);
    let (subscription, _) = shop.provider.subscribe(&customer, &price("price_monthly"));
    let unknown = EventSubject::Subscription("sub_unknown".parse().unwrap());
    for subject in [EventSubject::Unrelated, unknown, EventSubject::Subscription(subscription)] {
        shop.deliver(&shop.provider.event("invoice.paid", subject)).await;
    }
    let mut outcomes = shop.work().await;
    outcomes.sort_by_key(|outcome| *outcome == ProcessingOutcome::Applied);
    assert_eq!(
        outcomes,
        [ProcessingOutcome::Ignored, ProcessingOutcome::Ignored, ProcessingOutcome::Applied]
    );
    assert_eq!(
        shop.mirrored(&customer).await.unwrap().state,
        shop.provider.reading(&customer).state
    );
}

#[tokio::test]
async fn a_replica_with_an_expired_lease_loses_the_events_to_another() {
    let shop = Shop::open();
    deliver(&shop, "evt_1").await;
    let (slow, quick) = (shop.processor(), shop.processor());
    let work = slow.claim().await.unwrap().pop().unwrap();
    assert!(quick.claim().await.unwrap().is_empty());
    shop.advance(Duration::from_secs(60));
    let again = quick.claim().await.unwrap().pop().unwrap();
    assert_eq!(slow.process(work.clone()).await.unwrap(), ProcessingOutcome::Lost);
    shop.provider.fail_next(outage());
    assert_eq!(slow.process(work).await.unwrap(), ProcessingOutcome::Lost);
    assert_eq!(quick.process(again).await.unwrap(), ProcessingOutcome::Applied);
    assert_eq!(shop.mirrored(&"cus_1".parse().unwrap()).await.unwrap().version, 1);
}
