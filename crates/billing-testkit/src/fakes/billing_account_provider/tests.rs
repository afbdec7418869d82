//! Runs the suites of the three ports, and tests of the fake itself.

use async_trait::async_trait;
use billing_domain::ports::{CheckoutProvider, CustomerDirectory, SubscriptionReader};
use billing_domain::{BillingCycle, CustomerReading, NewCustomer};

use super::*;
use crate::billing_account_world::{BillingAccountWorld, End, Prices, soon};
use crate::samples::user;

struct World(FakeBillingAccountProvider);

#[async_trait]
impl BillingAccountWorld for World {
    fn checkout(&self) -> &dyn CheckoutProvider {
        &self.0
    }

    fn reader(&self) -> &dyn SubscriptionReader {
        &self.0
    }

    fn directory(&self) -> &dyn CustomerDirectory {
        &self.0
    }

    fn prices(&self) -> Prices {
        Prices {
            monthly: price("price_monthly", BillingCycle::Monthly, true),
            yearly: price("price_yearly", BillingCycle::Yearly, true),
            archived: price("price_archived", BillingCycle::Monthly, false),
            unknown: "price_unknown".parse().unwrap(),
        }
    }

    async fn was_called(&self) -> bool {
        self.0.calls() > 0
    }

    async fn add_customer(&self, owner: Option<&str>, email: Option<&str>) -> CustomerId {
        let owner = match owner.map(str::parse) {
            None => NamedOwner::None,
            Some(Ok(owner)) => NamedOwner::User(owner),
            Some(Err(_)) => NamedOwner::Ambiguous,
        };
        self.0.add_customer(owner, email).0
    }

    async fn delete_customer(&self, customer: &CustomerId) {
        self.0.delete_customer(customer);
    }

    async fn subscribe(&self, customer: &CustomerId, price: &PriceId) -> SubscriptionId {
        self.0.subscribe(customer, price).0
    }

    async fn cancel(&self, subscription: &SubscriptionId, end: End) {
        match end {
            End::Now => self.0.cancel(subscription),
            End::WithThePeriod => {
                self.0.change(subscription, |subscription| subscription.cancel_at_period_end = true)
            }
        };
    }

    fn secrets(&self) -> Vec<String> {
        Vec::new()
    }
}

fn price(id: &str, cycle: BillingCycle, active: bool) -> (PriceId, ProviderPrice) {
    let facts = ProviderPrice {
        amount: Some(900),
        currency: "usd".parse().unwrap(),
        cycle: Some(cycle),
        active,
    };
    (id.parse().unwrap(), facts)
}

fn world_with_prices() -> World {
    let world = World(FakeBillingAccountProvider::new().with_pages_of(7));
    let Prices { monthly, yearly, archived, .. } = world.prices();
    [monthly, yearly, archived].into_iter().for_each(|(id, facts)| world.0.set_price(id, facts));
    world
}

async fn boxed_world() -> (Box<dyn BillingAccountWorld>, ()) {
    (Box::new(world_with_prices()), ())
}

crate::checkout_provider_contract!(boxed_world);
crate::subscription_reader_contract!(boxed_world);
crate::customer_directory_contract!(boxed_world);

async fn read(world: &World, customer: &CustomerId) -> CustomerReading {
    world.0.customer(customer, soon()).await.unwrap()
}

#[tokio::test]
async fn two_fakes_with_the_same_calls_are_equal() {
    let run = async || {
        let world = world_with_prices();
        let (customer, created) = world.0.add_customer(NamedOwner::User(user("ann")), None);
        let (subscription, sold) = world.0.subscribe(&customer, &world.prices().monthly.0);
        let ended = world.0.cancel(&subscription);
        let events =
            [vec![created], sold, vec![ended], world.0.delete_customer(&customer)].concat();
        (events, read(&world, &customer).await)
    };
    let (events, reading) = run().await;
    assert_eq!((events.clone(), reading), run().await);
    assert!(
        events.windows(2).all(|pair| pair[0].created < pair[1].created && pair[0].id != pair[1].id)
    );
}

#[tokio::test]
async fn a_paid_session_creates_a_subscription_and_names_the_owner() {
    let world = world_with_prices();
    let (customer, _) = world.0.add_customer(NamedOwner::None, None);
    let order = billing_domain::CheckoutOrder {
        customer: customer.clone(),
        owner: user("ann"),
        price: world.prices().yearly.0,
        success_url: billing_domain::ReturnUrl::configured("https://a.example/").unwrap(),
        cancel_url: billing_domain::ReturnUrl::configured("https://a.example/").unwrap(),
        key: "key-1".parse().unwrap(),
        deadline: soon(),
    };
    let session = world.0.create_checkout_session(&order).await.unwrap();
    let (subscription, events) = world.0.pay(&session.id);
    assert!(events.iter().all(|event| event.subject == EventSubject::Customer(customer.clone())));
    let reading = read(&world, &customer).await;
    assert_eq!(reading.state.subscriptions()[0].id, subscription);
    assert_eq!(reading.owner, NamedOwner::User(user("ann")));
    world.0.add_paid_session(&customer, NamedOwner::User(user("bob")));
    assert_eq!(read(&world, &customer).await.owner, NamedOwner::Ambiguous);
    world.0.name_owner(&customer, NamedOwner::User(user("bob")));
    assert_eq!(read(&world, &customer).await.owner, NamedOwner::User(user("bob")));
}

#[tokio::test]
async fn a_lost_customer_or_subscription_does_not_exist() {
    let world = world_with_prices();
    let (customer, _) = world.0.add_customer(NamedOwner::None, None);
    let (subscription, _) = world.0.subscribe(&customer, &world.prices().monthly.0);
    world.0.lose_subscription(&subscription);
    assert_eq!(world.0.customer_of(&subscription, soon()).await.unwrap(), None);
    assert_eq!(world.0.customer_count(), 1);
    world.0.lose_customer(&customer);
    assert_eq!(world.0.customer_count(), 0);
    assert_eq!(read(&world, &customer).await.state, billing_domain::CustomerState::Gone);
}

#[tokio::test]
async fn forget_keys_creates_a_second_customer_and_fail_next_fails_one_call() {
    let world = world_with_prices();
    let order = NewCustomer { owner: user("ann"), key: "key-1".parse().unwrap(), deadline: soon() };
    let first = world.0.create_customer(&order).await.unwrap();
    world.0.fail_next(ProviderError::Unusable { context: "configured".to_owned() });
    assert!(world.0.create_customer(&order).await.is_err());
    assert_eq!(world.0.create_customer(&order).await.unwrap(), first);
    world.0.forget_keys();
    assert_ne!(world.0.create_customer(&order).await.unwrap(), first);
    assert_eq!(world.0.calls(), 4);
}
