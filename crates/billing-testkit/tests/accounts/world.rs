//! [`Shop`]: all services of billing accounts with one database and one provider.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use billing_domain::ports::{
    BillingMirror, CheckoutProvider, CustomerClaims, CustomerRepo, EventInbox, SubscriptionReader,
};
use billing_domain::*;
use billing_testkit::samples::{account, user};
use billing_testkit::{
    CountedKeys, FakeBillingAccountProvider, FixedClock, InMemoryBilling, Reachability,
};

/// The default return URL.
const DASHBOARD: &str = "https://app.example.com/";

/// The state of a test. Nothing in it changes by itself.
#[derive(Debug)]
pub(crate) struct Shop {
    pub(crate) provider: Arc<FakeBillingAccountProvider>,
    pub(crate) stores: InMemoryBilling,
    pub(crate) database: Reachability,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) keys: Arc<CountedKeys>,
}

pub(crate) fn at() -> ProviderAccount {
    account("stripe", Mode::Test)
}

pub(crate) fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(60))
}

pub(crate) fn price(id: &str) -> PriceId {
    id.parse().unwrap()
}

pub(crate) fn principal(name: &str) -> Principal {
    Principal {
        owner: user(name),
        method: AuthMethod::AccessToken,
        permissions: Permissions::All,
        return_origins: Vec::new(),
    }
}

pub(crate) fn without_permissions(name: &str) -> Principal {
    Principal { permissions: Permissions::Only(BTreeSet::new()), ..principal(name) }
}

/// Returns a checkout request for the active plan.
pub(crate) fn order(key: Option<&str>) -> StartCheckout {
    StartCheckout {
        plan: "starter".to_owned(),
        cycle: BillingCycle::Monthly,
        success_url: None,
        cancel_url: None,
        key: key.map(|key| key.parse().unwrap()),
        deadline: soon(),
        origin: RequestOrigin::default(),
    }
}

fn catalogue() -> Arc<Catalogue> {
    let starter = Plan {
        id: "starter".parse().unwrap(),
        name: "Starter".to_owned(),
        monthly_credits: 100,
        features: Vec::new(),
        currency: "usd".parse().unwrap(),
        monthly: Some(PlanPrice { id: price("price_monthly"), amount: 900 }),
        yearly: Some(PlanPrice { id: price("price_yearly"), amount: 9_000 }),
    };
    let archived = Plan {
        id: "archived".parse().unwrap(),
        monthly: Some(PlanPrice { id: price("price_archived"), amount: 900 }),
        yearly: None,
        ..starter.clone()
    };
    Arc::new(Catalogue::new(vec![starter, archived]).unwrap())
}

impl Shop {
    pub(crate) fn open() -> Self {
        let provider = Arc::new(FakeBillingAccountProvider::new().with_pages_of(3));
        let sold = [
            ("price_monthly", BillingCycle::Monthly, 900, true),
            ("price_yearly", BillingCycle::Yearly, 9_000, true),
            ("price_archived", BillingCycle::Monthly, 900, false),
        ];
        for (id, cycle, amount, active) in sold {
            let currency = "usd".parse().unwrap();
            let facts =
                ProviderPrice { amount: Some(amount), currency, cycle: Some(cycle), active };
            provider.set_price(price(id), facts);
        }
        let clock = Arc::new(FixedClock::at(provider.now()));
        let database = Reachability::default();
        let stores = InMemoryBilling::with(database.clone());
        Self { provider, stores, database, clock, keys: Arc::default() }
    }

    pub(crate) fn accounts(&self) -> BillingAccounts {
        self.accounts_over(Arc::clone(&self.provider) as _)
    }

    pub(crate) fn accounts_over(&self, reader: Arc<dyn SubscriptionReader>) -> BillingAccounts {
        let ports = AccountPorts {
            reader,
            mirror: self.stores.mirror(),
            customers: self.stores.customers(),
            claims: self.stores.claims(),
            inbox: self.stores.inbox(),
            clock: Arc::clone(&self.clock) as _,
        };
        BillingAccounts::new(at(), ports)
    }

    pub(crate) fn customer_service(&self) -> CustomerService {
        CustomerService::new(self.stores.customers(), Arc::clone(&self.clock) as _)
    }

    pub(crate) fn processor(&self) -> EventProcessor {
        EventProcessor::new(self.accounts(), Arc::clone(&self.keys) as _)
    }

    pub(crate) fn reconciler(&self) -> Reconciler {
        Reconciler::new(self.accounts(), Arc::clone(&self.provider) as _)
    }

    pub(crate) fn subscriptions(&self) -> SubscriptionService {
        SubscriptionService::new(self.accounts(), catalogue())
    }

    pub(crate) fn checkout(&self) -> CheckoutService {
        self.checkout_over(self.accounts(), Arc::clone(&self.provider) as _)
    }

    /// Returns a replica's checkout. Replicas share only database and provider.
    pub(crate) fn checkout_over(
        &self,
        accounts: BillingAccounts,
        provider: Arc<dyn CheckoutProvider>,
    ) -> CheckoutService {
        let ports = CheckoutPorts {
            prices: Arc::new(PriceCheck::new(Arc::clone(&provider), Arc::clone(&self.clock) as _)),
            provider,
            requests: self.stores.checkouts(),
            audit: self.stores.audit(),
            keys: Arc::clone(&self.keys) as _,
        };
        let policy = || {
            ReturnUrlPolicy::new(ReturnUrl::configured(DASHBOARD).unwrap(), Vec::new(), Mode::Test)
                .unwrap()
        };
        CheckoutService::new(
            accounts,
            ports,
            catalogue(),
            CheckoutUrls { success: policy(), cancel: policy() },
        )
    }

    /// Accepts an event, as the webhook route does after it verified the signature.
    pub(crate) async fn deliver(&self, event: &ProviderEvent) {
        self.stores.inbox().accept(&at(), event, self.now()).await.unwrap();
    }

    /// Processes all due events and returns the outcomes.
    pub(crate) async fn work(&self) -> Vec<ProcessingOutcome> {
        let processor = self.processor();
        let mut outcomes = Vec::new();
        for work in processor.claim().await.unwrap() {
            outcomes.push(processor.process(work).await.unwrap());
        }
        outcomes
    }

    pub(crate) async fn deliver_all(&self, events: Vec<ProviderEvent>) {
        for event in &events {
            self.deliver(event).await;
        }
        self.work().await;
    }

    /// Adds a subscribed, mirrored and linked customer.
    pub(crate) async fn subscriber(&self, name: &str) -> (CustomerId, SubscriptionId) {
        let (customer, created) = self.provider.add_customer(NamedOwner::User(user(name)), None);
        let (subscription, sold) = self.provider.subscribe(&customer, &price("price_monthly"));
        self.deliver_all([vec![created], sold].concat()).await;
        assert_eq!(self.linked(name).await.as_ref(), Some(&customer));
        (customer, subscription)
    }

    pub(crate) async fn linked(&self, name: &str) -> Option<CustomerId> {
        self.stores.customers().find(&user(name), &at()).await.unwrap()
    }

    pub(crate) async fn claimed(&self, name: &str) -> Option<CustomerClaim> {
        self.stores.claims().find(&user(name), &at()).await.unwrap()
    }

    pub(crate) async fn mirrored(&self, customer: &CustomerId) -> Option<MirroredCustomer> {
        self.stores.mirror().find(&at(), customer).await.unwrap()
    }

    pub(crate) async fn inbox(&self) -> Vec<InboxEvent> {
        let query = InboxQuery { state: None, limit: u32::MAX };
        self.stores.inbox().list(&at(), &query).await.unwrap()
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    pub(crate) fn now(&self) -> Timestamp {
        use billing_domain::ports::Clock;
        self.clock.now()
    }
}
