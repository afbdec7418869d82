//! Tests of sequential checkouts.

use std::sync::Arc;
use std::time::Duration;

use billing_domain::ports::{CustomerClaims, CustomerRepo, ProviderError};
use billing_domain::*;
use billing_testkit::samples::{provider_key, user};

use crate::unreliable::UnreliableProvider;
use crate::world::{Shop, at, order, price, principal, without_permissions};

const KEY_TTL: Duration = Duration::from_secs(600);

fn unavailable() -> ProviderError {
    ProviderError::Unavailable {
        context: "configured".to_owned(),
        retry_after: Duration::from_secs(1),
    }
}

async fn start(
    shop: &Shop,
    name: &str,
    key: Option<&str>,
) -> Result<StartedCheckout, CheckoutError> {
    shop.checkout().start(&principal(name), order(key)).await
}

/// Returns the customers of started checkouts in the audit log.
fn customers_in_audit(shop: &Shop) -> Vec<CustomerId> {
    let events = shop.stores.audit().events().into_iter();
    let started = events.filter(|event| event.action == AuditAction::CheckoutStarted);
    started.map(|event| event.customer.unwrap().1).collect()
}

#[tokio::test]
async fn the_first_fault_is_returned_and_no_call_reaches_the_provider() {
    let shop = Shop::open();
    let evil = || Some("https://evil.example/".to_owned());
    let all_wrong = StartCheckout {
        plan: "none".to_owned(),
        success_url: evil(),
        cancel_url: evil(),
        ..order(None)
    };
    let refused = async |principal: &Principal, request: &StartCheckout| {
        let refused = shop.checkout().start(principal, request.clone()).await.unwrap_err();
        assert_eq!(
            (shop.provider.calls(), shop.stores.audit().events().len()),
            (0, 0),
            "{refused}"
        );
        assert_eq!(shop.claimed("ann").await, None, "{refused}");
        refused
    };
    let ann = principal("ann");
    let error = refused(&without_permissions("ann"), &all_wrong).await;
    assert!(matches!(error, CheckoutError::PermissionDenied(_)), "{error}");
    assert!(matches!(refused(&ann, &all_wrong).await, CheckoutError::UnknownPlan));
    let by_the_year = StartCheckout {
        plan: "archived".to_owned(),
        cycle: BillingCycle::Yearly,
        ..all_wrong.clone()
    };
    assert!(matches!(refused(&ann, &by_the_year).await, CheckoutError::UnknownPlan));
    let both_urls = StartCheckout { plan: "starter".to_owned(), ..all_wrong };
    let error = refused(&ann, &both_urls).await;
    assert!(
        matches!(error, CheckoutError::ReturnUrl { which: CheckoutUrlKind::Success, .. }),
        "{error}"
    );
    let error = refused(&ann, &StartCheckout { success_url: None, ..both_urls }).await;
    assert!(
        matches!(error, CheckoutError::ReturnUrl { which: CheckoutUrlKind::Cancel, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn different_request_with_the_same_key_is_a_conflict_without_a_call() {
    let shop = Shop::open();
    start(&shop, "ann", Some("k")).await.unwrap();
    let calls = shop.provider.calls();
    let yearly = StartCheckout { cycle: BillingCycle::Yearly, ..order(Some("k")) };
    let refused = shop.checkout().start(&principal("ann"), yearly).await;
    assert!(matches!(refused, Err(CheckoutError::IdempotencyConflict)));
    assert_eq!(shop.provider.calls(), calls);
}

#[tokio::test]
async fn the_same_request_and_key_return_the_same_session_per_user() {
    let shop = Shop::open();
    let first = start(&shop, "ann", Some("k")).await.unwrap().session;
    let again = start(&shop, "ann", Some("k")).await.unwrap().session;
    assert_eq!((first.id.as_str(), first.url.expose()), (again.id.as_str(), again.url.expose()));
    assert_ne!(start(&shop, "bob", Some("k")).await.unwrap().session.id, first.id);
    assert_ne!(start(&shop, "ann", None).await.unwrap().session.id, first.id);
    assert_eq!(shop.provider.customer_count(), 2);
}

#[tokio::test]
async fn a_session_with_a_lost_response_is_returned_again_for_the_key() {
    let shop = Shop::open();
    // Only the third response, that of the session, is lost.
    let unreliable =
        Arc::new(UnreliableProvider::new(&shop.provider, &[]).losing(&[false, false, true]));
    let checkout = shop.checkout_over(shop.accounts(), unreliable);
    let lost = checkout.start(&principal("ann"), order(Some("k"))).await;
    assert!(matches!(lost, Err(CheckoutError::Provider(ProviderError::Timeout { .. }))));
    let changes = shop.provider.now();
    start(&shop, "ann", Some("k")).await.unwrap();
    assert_eq!(shop.provider.now(), changes, "something was created again");
}

#[tokio::test]
async fn a_key_stays_usable_after_its_customer_was_replaced() {
    let shop = Shop::open();
    let unreliable =
        Arc::new(UnreliableProvider::new(&shop.provider, &[]).losing(&[false, false, true]));
    let checkout = shop.checkout_over(shop.accounts(), unreliable);
    checkout.start(&principal("ann"), order(Some("k"))).await.unwrap_err();
    let first = shop.claimed("ann").await.unwrap().customer.unwrap();
    shop.provider.delete_customer(&first);
    start(&shop, "ann", Some("k")).await.unwrap();
    assert_ne!(customers_in_audit(&shop), [first]);
}

#[tokio::test]
async fn a_key_whose_session_cannot_be_returned_again_is_a_conflict() {
    for forget in [true, false] {
        let shop = Shop::open();
        start(&shop, "ann", Some("k")).await.unwrap();
        if forget {
            shop.provider.forget_keys();
        } else {
            shop.provider.delete_customer(&shop.claimed("ann").await.unwrap().customer.unwrap());
        }
        assert!(matches!(
            start(&shop, "ann", Some("k")).await,
            Err(CheckoutError::IdempotencyConflict)
        ));
    }
}

#[tokio::test]
async fn an_existing_subscription_is_checked_at_the_provider_not_in_the_mirror() {
    let shop = Shop::open();
    let (_, subscription) = shop.subscriber("ann").await;
    shop.provider.cancel(&subscription);
    start(&shop, "ann", None).await.unwrap();
    let linked = shop.linked("ann").await.unwrap();
    shop.provider.subscribe(&linked, &price("price_yearly"));
    let (calls, changes) = (shop.provider.calls(), shop.provider.now());
    assert!(matches!(start(&shop, "ann", None).await, Err(CheckoutError::AlreadySubscribed)));
    assert_eq!((shop.provider.calls(), shop.provider.now()), (calls + 1, changes));
    // Also for a purchase without an event.
    let session = start(&shop, "bob", None).await.unwrap().session;
    shop.provider.pay(&session.id);
    assert!(matches!(start(&shop, "bob", None).await, Err(CheckoutError::AlreadySubscribed)));
    assert!(shop.linked("bob").await.is_some());
}

#[tokio::test]
async fn a_deleted_customer_is_replaced() {
    let shop = Shop::open();
    let (linked, _) = shop.subscriber("ann").await;
    shop.provider.delete_customer(&linked);
    start(&shop, "ann", None).await.unwrap();
    start(&shop, "bob", None).await.unwrap();
    let claimed = shop.claimed("bob").await.unwrap().customer.unwrap();
    shop.provider.delete_customer(&claimed);
    start(&shop, "bob", None).await.unwrap();
    let used = customers_in_audit(&shop);
    assert!(
        !used.contains(&linked) && used.iter().filter(|one| **one == claimed).count() == 1,
        "{used:?}"
    );
    assert_eq!((shop.linked("ann").await, shop.provider.customer_count()), (None, 2));
}

#[tokio::test]
async fn a_deleted_customer_returned_for_the_claim_s_key_is_replaced() {
    let shop = Shop::open();
    let unreliable = Arc::new(UnreliableProvider::new(&shop.provider, &[]).losing(&[true]));
    shop.checkout_over(shop.accounts(), unreliable)
        .start(&principal("ann"), order(None))
        .await
        .unwrap_err();
    let created = shop.reconciler().run(RunMode::DryRun).await.unwrap().differed;
    shop.provider.delete_customer(&created[0]);
    start(&shop, "ann", None).await.unwrap();
    assert_eq!(
        (shop.provider.customer_count(), customers_in_audit(&shop).contains(&created[0])),
        (1, false)
    );
}

#[tokio::test]
async fn a_claim_with_an_expired_key_is_renewed_once() {
    let shop = Shop::open();
    shop.provider.fail_next(unavailable());
    start(&shop, "ann", None).await.unwrap_err();
    let old = shop.claimed("ann").await.unwrap();
    shop.advance(KEY_TTL - Duration::from_millis(1));
    shop.provider.fail_next(unavailable());
    start(&shop, "ann", None).await.unwrap_err();
    assert_eq!(shop.claimed("ann").await.unwrap(), old);
    shop.advance(Duration::from_millis(1));
    shop.provider.fail_next(unavailable());
    start(&shop, "ann", None).await.unwrap_err();
    let renewed = shop.claimed("ann").await.unwrap();
    assert!(renewed.key != old.key && renewed.claimed_at == shop.now());
    start(&shop, "ann", None).await.unwrap();
    let fulfilled = shop.claimed("ann").await.unwrap();
    assert_eq!((fulfilled.key, fulfilled.claimed_at), (renewed.key, renewed.claimed_at));
    shop.advance(KEY_TTL);
    start(&shop, "ann", None).await.unwrap();
    assert_eq!(shop.claimed("ann").await.unwrap().customer, fulfilled.customer);
    assert_eq!(shop.provider.customer_count(), 1);
}

#[tokio::test]
async fn a_customer_created_with_an_older_key_does_not_fulfil_the_claim() {
    let shop = Shop::open();
    let claims = shop.stores.claims();
    let stale = provider_key("an-older-key");
    claims.claim(&user("ann"), &at(), &stale, shop.now()).await.unwrap();
    shop.advance(KEY_TTL);
    start(&shop, "ann", None).await.unwrap();
    let kept = shop.claimed("ann").await.unwrap();
    let late =
        claims.fulfil(&user("ann"), &at(), &stale, &"cus_late".parse().unwrap()).await.unwrap();
    assert_eq!(late, Some(kept));
}

#[tokio::test]
async fn a_plan_whose_price_differs_at_the_provider_is_refused() {
    let shop = Shop::open();
    let archived = StartCheckout { plan: "archived".to_owned(), ..order(None) };
    let refused = shop.checkout().start(&principal("ann"), archived).await;
    assert!(matches!(refused, Err(CheckoutError::Catalogue(_))));
    assert_eq!(customers_in_audit(&shop), []);
}

#[tokio::test]
async fn without_a_database_the_provider_is_not_called() {
    let shop = Shop::open();
    shop.database.go_down();
    for key in [None, Some("k")] {
        assert!(matches!(start(&shop, "ann", key).await, Err(CheckoutError::Store(_))));
    }
    assert_eq!(shop.provider.calls(), 0);
    shop.database.come_back();
    start(&shop, "ann", None).await.unwrap();
    assert_eq!(shop.stores.customers().find(&user("ann"), &at()).await.unwrap(), None);
}
