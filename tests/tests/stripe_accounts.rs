//! `provider-stripe` against the strict stub: the contracts of checkout, reader and directory, and
//! the requests that Stripe receives.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use billing_domain::ports::{
    CheckoutProvider, CustomerDirectory, ProviderError, SubscriptionReader,
};
use billing_domain::{
    BillingCycle, CheckoutOrder, CustomerId, CustomerState, Deadline, NamedOwner, NewCustomer,
    PriceId, ProviderPrice, ReturnUrl, SubscriptionId,
};
use billing_testkit::billing_account_world::{BillingAccountWorld, End, Prices};
use http::Method;
use provider_stripe::{StripeProvider, StripeSettings};
use serde_json::{Value, json};
use workspace_tests::stripe_stub::{CUSTOMER, MONTHLY_PRICE, StripeStub, YEARLY_PRICE};

billing_testkit::checkout_provider_contract!(stub_world);
billing_testkit::subscription_reader_contract!(stub_world);
billing_testkit::customer_directory_contract!(stub_world);

/// Fields that a test sets on an object of the stub.
type Fields = Vec<(&'static str, Value)>;

const ARCHIVED_PRICE: &str = "price_StubArchived01";

struct StubWorld {
    stub: StripeStub,
    provider: StripeProvider,
    made: AtomicUsize,
}

async fn stub_world() -> (Box<dyn BillingAccountWorld>, ()) {
    let stub = StripeStub::start().await;
    stub.add_price(ARCHIVED_PRICE, &[("active", json!(false))]);
    let provider = provider(&stub, &[]);
    (Box::new(StubWorld { stub, provider, made: AtomicUsize::new(0) }), ())
}

/// Creates a provider `stripe` for this stub with additional settings.
fn provider(stub: &StripeStub, more: &[(&str, &str)]) -> StripeProvider {
    let (base, key) = (stub.base_url(), stub.secret_key().to_owned());
    let mut pairs = vec![("STRIPE_API_BASE", base.as_str()), ("STRIPE_SECRET_KEY", key.as_str())];
    pairs.extend(more);
    let get = |name: &str| {
        pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    };
    StripeProvider::new(StripeSettings::read(&mut |name| get(name)).unwrap()).unwrap()
}

impl StubWorld {
    fn next(&self) -> usize {
        self.made.fetch_add(1, Ordering::SeqCst)
    }
}

#[async_trait]
impl BillingAccountWorld for StubWorld {
    fn checkout(&self) -> &dyn CheckoutProvider {
        &self.provider
    }

    fn reader(&self) -> &dyn SubscriptionReader {
        &self.provider
    }

    fn directory(&self) -> &dyn CustomerDirectory {
        &self.provider
    }

    fn prices(&self) -> Prices {
        let price = |id: &str, amount, cycle, active| {
            let facts = ProviderPrice {
                amount: Some(amount),
                currency: "usd".parse().unwrap(),
                cycle: Some(cycle),
                active,
            };
            (id.parse().unwrap(), facts)
        };
        Prices {
            monthly: price(MONTHLY_PRICE, 900, BillingCycle::Monthly, true),
            yearly: price(YEARLY_PRICE, 9000, BillingCycle::Yearly, true),
            archived: price(ARCHIVED_PRICE, 900, BillingCycle::Monthly, false),
            unknown: "price_NeverHeardOf1".parse().unwrap(),
        }
    }

    async fn was_called(&self) -> bool {
        !self.stub.requests().is_empty()
    }

    async fn add_customer(&self, owner: Option<&str>, email: Option<&str>) -> CustomerId {
        let id = format!("cus_World{:08}", self.next());
        let metadata: Vec<_> = owner.map(|owner| ("user_id", owner)).into_iter().collect();
        self.stub.add_customer_with(&id, &metadata);
        self.stub.change(&id, &[("email", json!(email))]);
        id.parse().unwrap()
    }

    async fn delete_customer(&self, customer: &CustomerId) {
        self.stub.delete_customer(customer.as_str());
    }

    async fn subscribe(&self, customer: &CustomerId, price: &PriceId) -> SubscriptionId {
        let id = format!("sub_World{:08}", self.next());
        self.stub.add_subscription_at(customer.as_str(), &id, price.as_str());
        id.parse().unwrap()
    }

    async fn cancel(&self, subscription: &SubscriptionId, end: End) {
        let change = match end {
            End::Now => ("status", json!("canceled")),
            End::WithThePeriod => ("cancel_at_period_end", json!(true)),
        };
        self.stub.change(subscription.as_str(), &[change]);
    }

    fn secrets(&self) -> Vec<String> {
        vec![self.stub.secret_key().to_owned()]
    }
}

fn soon() -> Deadline {
    Deadline::at(Instant::now() + Duration::from_secs(15))
}

fn user(id: &str) -> NamedOwner {
    NamedOwner::User(id.parse().unwrap())
}

fn order(owner: &str) -> CheckoutOrder {
    CheckoutOrder {
        customer: CUSTOMER.parse().unwrap(),
        owner: owner.parse().unwrap(),
        price: MONTHLY_PRICE.parse().unwrap(),
        success_url: ReturnUrl::configured("https://app.example.com/done/{CHECKOUT_SESSION_ID}")
            .unwrap(),
        cancel_url: ReturnUrl::configured("https://app.example.com/pricing").unwrap(),
        key: "order-key-1".parse().unwrap(),
        deadline: soon(),
    }
}

async fn owner_of(provider: &StripeProvider, customer: &str) -> NamedOwner {
    provider.customer(&customer.parse().unwrap(), soon()).await.unwrap().owner
}

#[tokio::test]
async fn customer_and_session_carry_the_owner_in_their_metadata() {
    let stub = StripeStub::start().await;
    let provider = provider(&stub, &[("STRIPE_USER_METADATA_KEY", "owner")]);
    let owner = "ann".parse().unwrap();
    let customer = NewCustomer { owner, key: "customer-key-1".parse().unwrap(), deadline: soon() };
    provider.create_customer(&customer).await.unwrap();
    provider.create_checkout_session(&order("ann")).await.unwrap();
    let requests = stub.requests();
    assert_eq!(requests[0].form, [("metadata[owner]".to_owned(), "ann".to_owned())]);
    let expected = [
        ("mode", "subscription"),
        ("customer", CUSTOMER),
        ("line_items[0][price]", MONTHLY_PRICE),
        ("line_items[0][quantity]", "1"),
        ("client_reference_id", "ann"),
        ("metadata[owner]", "ann"),
        ("subscription_data[metadata][owner]", "ann"),
        ("success_url", "https://app.example.com/done/{CHECKOUT_SESSION_ID}"),
        ("cancel_url", "https://app.example.com/pricing"),
    ];
    assert_eq!(requests[1].form, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let keys: Vec<_> = requests.iter().map(|request| request.idempotency_key().unwrap()).collect();
    assert_eq!(keys, ["customer-key-1", "order-key-1"]);
}

#[tokio::test]
async fn p1_reads_have_no_idempotency_key_and_no_body() {
    let stub = StripeStub::start().await;
    let provider = provider(&stub, &[]);
    provider.customer(&CUSTOMER.parse().unwrap(), soon()).await.unwrap();
    provider.price(&MONTHLY_PRICE.parse().unwrap(), soon()).await.unwrap();
    let requests = stub.requests();
    let paths: Vec<&str> = requests.iter().map(|request| request.path.as_str()).collect();
    let expected = [
        format!("/v1/subscriptions?customer={CUSTOMER}&status=all&limit=100"),
        format!("/v1/customers/{CUSTOMER}"),
        format!("/v1/checkout/sessions?customer={CUSTOMER}&status=complete&limit=100"),
        format!("/v1/prices/{MONTHLY_PRICE}"),
    ];
    assert_eq!(paths, expected);
    for request in &requests {
        assert_eq!((&request.method, request.idempotency_key()), (&Method::GET, None));
        assert_eq!(request.header("content-type"), None);
    }
}

#[tokio::test]
async fn ids_stay_within_their_path_segment() {
    let stub = StripeStub::start().await;
    let provider = provider(&stub, &[]);
    let hostile =
        ["../prices/x", "a/b", "%2e%2e", "a?limit=1", "a#b", "a\\..\\b", "..", ".", "a;b", "+"];
    for id in hostile {
        // The stub has the customer, so that the id appears in a path.
        stub.add_customer(id);
        let reading = provider.customer(&id.parse().unwrap(), soon()).await.unwrap();
        let there = reading.state == CustomerState::Present(vec![]);
        assert_eq!(there, !matches!(id, "." | ".."), "{id}");
    }
    for request in
        stub.requests().iter().filter(|request| request.path.starts_with("/v1/customers"))
    {
        assert_eq!(request.path.matches('/').count(), 3, "{}", request.path);
        assert!(!request.path.contains(['?', '#', '\\', ';']), "{}", request.path);
    }
}

#[tokio::test]
async fn reading_fails_when_a_list_has_a_thousand_entries() {
    let stub = StripeStub::start().await;
    let provider = provider(&stub, &[]);
    stub.add_customer_with("cus_Many", &[("user_id", "ann")]);
    for n in 0..1000 {
        stub.add_subscription("cus_Many", &format!("sub_Many{n:04}"));
    }
    let many = "cus_Many".parse().unwrap();
    let CustomerState::Present(all) = provider.customer(&many, soon()).await.unwrap().state else {
        panic!("gone")
    };
    assert_eq!((all.len(), stub.requests().len()), (1000, 11));
    assert!(all.windows(2).all(|pair| pair[0].created >= pair[1].created));
    stub.add_subscription("cus_Many", "sub_Many1000");
    let error = provider.customer(&many, soon()).await.unwrap_err();
    assert!(
        matches!(&error, ProviderError::Unusable { context } if context.contains("pages")),
        "{error:?}"
    );
    assert_eq!(stub.requests().len(), 21);
}

#[tokio::test]
async fn owner_is_read_from_paid_sessions_when_the_metadata_has_none() {
    let stub = StripeStub::start().await;
    let provider = provider(&stub, &[]);
    let metadata = |owner: &str| ("metadata", json!({ "user_id": owner }));
    let reference = |owner: &str| ("client_reference_id", json!(owner));
    let by_link = ("payment_link", json!("plink_1"));
    let too_long = "x".repeat(256);
    let cases: Vec<(Vec<Fields>, NamedOwner)> = vec![
        (vec![], NamedOwner::None),
        (vec![vec![reference("ann")]], user("ann")),
        (vec![vec![metadata("ann")]], user("ann")),
        (vec![vec![reference("ann"), metadata("ann")], vec![], vec![metadata("ann")]], user("ann")),
        (vec![vec![reference("ann"), metadata("bob")]], NamedOwner::Ambiguous),
        (vec![vec![reference("ann")], vec![reference("bob")]], NamedOwner::Ambiguous),
        (vec![vec![reference("ann"), by_link.clone()]], NamedOwner::None),
        (vec![vec![reference("mallory"), by_link], vec![reference("ann")]], user("ann")),
        (vec![vec![reference("ann"), ("status", json!("open"))]], NamedOwner::None),
        (vec![vec![reference("ann"), ("status", json!("expired"))]], NamedOwner::None),
        (vec![vec![reference(&too_long)]], NamedOwner::Ambiguous),
    ];
    for (n, (sessions, expected)) in cases.into_iter().enumerate() {
        let customer = format!("cus_Owner{n}");
        stub.add_customer_with(&customer, &[("unrelated", "x")]);
        for (m, fields) in sessions.iter().enumerate() {
            stub.add_complete_session(&format!("cs_test_{n}x{m}"), &customer, fields);
        }
        assert_eq!(owner_of(&provider, &customer).await, expected, "{sessions:?}");
    }
}

#[tokio::test]
async fn customer_metadata_takes_precedence_over_sessions() {
    let stub = StripeStub::start().await;
    let provider = provider(&stub, &[("STRIPE_USER_METADATA_KEY", "owner")]);
    stub.add_customer_with("cus_Owned", &[("owner", "ann"), ("user_id", "mallory")]);
    stub.add_complete_session("cs_test_1", "cus_Owned", &[("client_reference_id", json!("bob"))]);
    assert_eq!(owner_of(&provider, "cus_Owned").await, user("ann"));
    assert!(stub.requests().iter().all(|request| !request.path.contains("checkout")));
}

#[tokio::test]
async fn s3_live_key_reads_live_customers() {
    let stub = StripeStub::start_live().await;
    let provider = provider(&stub, &[]);
    assert!(matches!(
        provider.customer(&CUSTOMER.parse().unwrap(), soon()).await.unwrap().state,
        CustomerState::Present(all) if all.len() == 1
    ));
    let session = provider.create_checkout_session(&order("ann")).await.unwrap();
    assert!(session.id.as_str().starts_with("cs_live_"));
}
