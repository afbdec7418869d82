//! Contract of every [`CheckoutProvider`](billing_domain::ports::CheckoutProvider).

#![expect(missing_docs, reason = "the cases' names state the guarantees")]

use billing_domain::ports::ProviderError;
use billing_domain::{
    CheckoutOrder, CheckoutSession, CustomerId, CustomerState, NamedOwner, NewCustomer, PriceId,
    ReturnUrl,
};
use futures_util::future::join_all;

use crate::billing_account_world::{BillingAccountWorld, passed, soon};
use crate::samples::{customer, user};

/// Runs every case in a new world: `checkout_provider_contract!(make)`. `make` is an async function
/// that returns a `Box<dyn BillingAccountWorld>` and the resources to keep alive.
#[macro_export]
macro_rules! checkout_provider_contract {
    ($make:path) => {
        $crate::contract_tests!(
            checkout_provider_contract,
            $make,
            [
                a_new_customer_has_no_subscription_and_names_its_owner,
                owners_keep_their_characters,
                the_same_key_returns_the_same_customer,
                different_keys_create_different_customers,
                concurrent_requests_with_one_key_create_one_customer,
                a_session_has_an_absolute_url,
                a_new_session_creates_no_subscription,
                the_same_key_returns_the_same_session,
                different_keys_create_different_sessions,
                a_key_with_other_parameters_is_refused,
                the_session_id_placeholder_is_accepted_anywhere_in_the_url,
                an_unknown_customer_is_not_found,
                a_deleted_customer_is_not_found,
                an_unknown_price_is_refused,
                an_archived_price_is_refused,
                a_price_has_amount_currency_and_cycle,
                price_returns_none_for_an_unknown_id,
                a_passed_deadline_is_a_timeout_without_a_call,
                debug_contains_no_secret,
            ]
        );
    };
}

fn customer_order(owner: &str, key: &str) -> NewCustomer {
    NewCustomer { owner: user(owner), key: key.parse().unwrap(), deadline: soon() }
}

fn order(customer: &CustomerId, price: &PriceId, key: &str) -> CheckoutOrder {
    CheckoutOrder {
        customer: customer.clone(),
        owner: user("ann"),
        price: price.clone(),
        success_url: ReturnUrl::configured(
            "https://app.example.com/done?session={CHECKOUT_SESSION_ID}",
        )
        .unwrap(),
        cancel_url: ReturnUrl::configured("https://app.example.com/pricing").unwrap(),
        key: key.parse().unwrap(),
        deadline: soon(),
    }
}

/// Returns an order of an existing customer at an active price.
async fn plain(world: &dyn BillingAccountWorld, key: &str) -> CheckoutOrder {
    order(&world.add_customer(Some("ann"), None).await, &world.prices().monthly.0, key)
}

async fn make(world: &dyn BillingAccountWorld, order: &NewCustomer) -> CustomerId {
    world.checkout().create_customer(order).await.unwrap()
}

async fn open(world: &dyn BillingAccountWorld, order: &CheckoutOrder) -> CheckoutSession {
    match world.checkout().create_checkout_session(order).await {
        Ok(session) => session,
        Err(error) => panic!("{error:?} for {order:?}"),
    }
}

async fn fail(world: &dyn BillingAccountWorld, order: &CheckoutOrder) -> ProviderError {
    match world.checkout().create_checkout_session(order).await {
        Ok(session) => panic!("{session:?} for {order:?}"),
        Err(error) => error,
    }
}

pub async fn a_new_customer_has_no_subscription_and_names_its_owner(
    world: &dyn BillingAccountWorld,
) {
    let id = make(world, &customer_order("ann", "key-1")).await;
    let reading = world.reader().customer(&id, soon()).await.unwrap();
    assert_eq!(reading.state, CustomerState::Present(vec![]));
    assert_eq!(reading.owner, NamedOwner::User(user("ann")));
}

pub async fn owners_keep_their_characters(world: &dyn BillingAccountWorld) {
    let longest = "é".repeat(255);
    let owners =
        ["auth0|64\\n", "김하늘 & co + 1=1", "a[b]=c&metadata[x]=y", "👩‍💻%20", longest.as_str()];
    for (n, owner) in owners.into_iter().enumerate() {
        let id = make(world, &customer_order(owner, &format!("key-{n}"))).await;
        let reading = world.reader().customer(&id, soon()).await.unwrap();
        assert_eq!(reading.owner, NamedOwner::User(user(owner)));
    }
}

pub async fn the_same_key_returns_the_same_customer(world: &dyn BillingAccountWorld) {
    let first = make(world, &customer_order("ann", "key-1")).await;
    assert_eq!(make(world, &customer_order("ann", "key-1")).await, first);
}

pub async fn different_keys_create_different_customers(world: &dyn BillingAccountWorld) {
    let first = make(world, &customer_order("ann", "key-1")).await;
    assert_ne!(make(world, &customer_order("ann", "key-2")).await, first);
}

pub async fn concurrent_requests_with_one_key_create_one_customer(world: &dyn BillingAccountWorld) {
    let order = customer_order("ann", "key-1");
    let results = join_all((0..8).map(|_| world.checkout().create_customer(&order))).await;
    // A concurrent request may get a transient error.
    let first = make(world, &order).await;
    for result in results {
        match result {
            Ok(id) => assert_eq!(id, first),
            Err(error) => assert!(error.is_transient(), "{error:?}"),
        }
    }
    let page = world.directory().list_customers(None, soon()).await.unwrap();
    let owned = page.items.iter().filter(|listed| listed.owner == NamedOwner::User(user("ann")));
    assert_eq!(owned.count(), 1);
}

pub async fn a_session_has_an_absolute_url(world: &dyn BillingAccountWorld) {
    let session = open(world, &plain(world, "key-1").await).await;
    assert!(url::Url::parse(session.url.expose()).unwrap().host().is_some());
}

pub async fn a_new_session_creates_no_subscription(world: &dyn BillingAccountWorld) {
    let order = plain(world, "key-1").await;
    open(world, &order).await;
    let reading = world.reader().customer(&order.customer, soon()).await.unwrap();
    assert_eq!(reading.state, CustomerState::Present(vec![]));
}

pub async fn the_same_key_returns_the_same_session(world: &dyn BillingAccountWorld) {
    let order = plain(world, "key-1").await;
    let (first, second) = (open(world, &order).await, open(world, &order).await);
    assert_eq!((first.id, first.url.expose()), (second.id, second.url.expose()));
}

pub async fn different_keys_create_different_sessions(world: &dyn BillingAccountWorld) {
    let order = plain(world, "key-1").await;
    let first = open(world, &order).await;
    let second = open(world, &CheckoutOrder { key: "key-2".parse().unwrap(), ..order }).await;
    assert_ne!(first.id, second.id);
    assert_ne!(first.url.expose(), second.url.expose());
}

pub async fn a_key_with_other_parameters_is_refused(world: &dyn BillingAccountWorld) {
    let order = plain(world, "key-1").await;
    open(world, &order).await;
    let error = fail(world, &CheckoutOrder { price: world.prices().yearly.0, ..order }).await;
    assert!(matches!(error, ProviderError::Refused { .. }), "{error:?}");
}

pub async fn the_session_id_placeholder_is_accepted_anywhere_in_the_url(
    world: &dyn BillingAccountWorld,
) {
    let order = plain(world, "key-1").await;
    for (n, place) in
        ["{CHECKOUT_SESSION_ID}/x", "?s={CHECKOUT_SESSION_ID}&x=y", "#{CHECKOUT_SESSION_ID}"]
            .iter()
            .enumerate()
    {
        let success_url =
            ReturnUrl::configured(&format!("https://app.example.com/{place}")).unwrap();
        let key = format!("key-of-{n}").parse().unwrap();
        open(world, &CheckoutOrder { success_url, key, ..order.clone() }).await;
    }
}

pub async fn an_unknown_customer_is_not_found(world: &dyn BillingAccountWorld) {
    let order = order(&customer("cus_Unknown01"), &world.prices().monthly.0, "key-1");
    let error = fail(world, &order).await;
    assert!(matches!(error, ProviderError::CustomerNotFound { .. }), "{error:?}");
}

pub async fn a_deleted_customer_is_not_found(world: &dyn BillingAccountWorld) {
    let order = plain(world, "key-1").await;
    world.delete_customer(&order.customer).await;
    let error = fail(world, &order).await;
    assert!(matches!(error, ProviderError::CustomerNotFound { .. }), "{error:?}");
}

pub async fn an_unknown_price_is_refused(world: &dyn BillingAccountWorld) {
    let error = fail(
        world,
        &CheckoutOrder { price: world.prices().unknown, ..plain(world, "key-1").await },
    )
    .await;
    assert!(matches!(error, ProviderError::Refused { .. }), "{error:?}");
}

pub async fn an_archived_price_is_refused(world: &dyn BillingAccountWorld) {
    let error = fail(
        world,
        &CheckoutOrder { price: world.prices().archived.0, ..plain(world, "key-1").await },
    )
    .await;
    assert!(matches!(error, ProviderError::Refused { .. }), "{error:?}");
}

pub async fn a_price_has_amount_currency_and_cycle(world: &dyn BillingAccountWorld) {
    let prices = world.prices();
    for (id, facts) in [prices.monthly, prices.yearly, prices.archived] {
        assert_eq!(world.checkout().price(&id, soon()).await.unwrap(), Some(facts), "{id}");
    }
}

pub async fn price_returns_none_for_an_unknown_id(world: &dyn BillingAccountWorld) {
    assert_eq!(world.checkout().price(&world.prices().unknown, soon()).await.unwrap(), None);
}

pub async fn a_passed_deadline_is_a_timeout_without_a_call(world: &dyn BillingAccountWorld) {
    let checkout = world.checkout();
    let price = world.prices().monthly.0;
    let late = NewCustomer { deadline: passed(), ..customer_order("ann", "key-1") };
    let session =
        CheckoutOrder { deadline: passed(), ..order(&customer("cus_1"), &price, "key-2") };
    for error in [
        checkout.create_customer(&late).await.unwrap_err(),
        checkout.create_checkout_session(&session).await.unwrap_err(),
        checkout.price(&price, passed()).await.unwrap_err(),
    ] {
        assert!(matches!(error, ProviderError::Timeout { .. }), "{error:?}");
    }
    assert!(!world.was_called().await);
}

pub async fn debug_contains_no_secret(world: &dyn BillingAccountWorld) {
    let order = plain(world, "key-1").await;
    let session = open(world, &order).await;
    let unknown =
        CheckoutOrder { price: world.prices().unknown, key: "key-2".parse().unwrap(), ..order };
    let error = fail(world, &unknown).await;
    let shown = format!("{:?} {session:?} {error:?} {error}", world.checkout());
    for secret in world.secrets().iter().map(String::as_str).chain([session.url.expose()]) {
        assert!(!shown.contains(secret), "{shown}");
    }
}
