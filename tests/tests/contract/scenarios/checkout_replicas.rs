//! V1 on two replicas, as two checkout services of one process with one sandbox.
//!
//! Two `serve` processes cannot be used: each embedded default has its own sandbox, and provider
//! `stripe` accepts only pages with TLS.

use std::sync::Arc;
use std::time::{Duration, Instant};

use billing_domain::ports::{BillingProvider as _, KeyGenerator};
use billing_domain::{
    AccountPorts, AuthMethod, BillingAccounts, BillingCycle, Catalogue, CheckoutError,
    CheckoutPorts, CheckoutService, CheckoutUrls, ClaimToken, Deadline, Mode, OriginPattern,
    Permissions, Plan, PlanPrice, PriceCheck, Principal, ProviderKey, RequestOrigin, ReturnUrl,
    ReturnUrlPolicy, StartCheckout, StartedCheckout,
};
use provider_stripe::{StripeProvider, StripeSettings};
use secrecy::SecretString;
use serde_json::Value;
use store_postgres::{PgSettings, PgStore};
use store_sqlite::{SqliteSettings, SqliteStore};
use uuid::Uuid;
use workspace_tests::database::{Database, Store};
use workspace_tests::runtime;
use workspace_tests::sandbox::SandboxProcess;
use workspace_tests::sandbox_fixture::call;
use workspace_tests::scenario::{Scenario, scenario};

use super::in_process::SystemClock;

pub(super) const SCENARIOS: &[Scenario] = &[scenario!(
    concurrent_checkouts_on_two_replicas_create_one_customer(store),
    "V1.one_customer"
)];

const USER: &str = "replicated-buyer";

/// Number of concurrent requests.
const CALLERS: usize = 24;

#[derive(Debug)]
struct UuidKeys;

impl KeyGenerator for UuidKeys {
    fn provider_key(&self) -> ProviderKey {
        ProviderKey::from_unique(&Uuid::now_v7())
    }

    fn claim_token(&self) -> ClaimToken {
        ClaimToken(Uuid::now_v7().to_string())
    }
}

/// Creates one replica's checkout service. Both stores have the same methods but no common trait.
macro_rules! checkout {
    ($store:expr, $provider:expr) => {{
        let ((store, tasks), provider) = ($store, $provider);
        for task in tasks {
            tokio::spawn(task.run);
        }
        let clock = Arc::new(SystemClock);
        let accounts = AccountPorts {
            reader: provider.clone(),
            mirror: store.mirror(),
            customers: store.customers(),
            claims: store.claims(),
            inbox: store.inbox(),
            clock: clock.clone(),
        };
        let ports = CheckoutPorts {
            provider: provider.clone(),
            prices: Arc::new(PriceCheck::new(provider.clone(), clock)),
            requests: store.checkouts(),
            audit: store.audit(),
            keys: Arc::new(UuidKeys),
        };
        let at = provider.account().clone();
        store.database().migrate().await.unwrap();
        CheckoutService::new(
            BillingAccounts::new(at, accounts),
            ports,
            Arc::new(catalogue()),
            urls(),
        )
    }};
}

async fn replica(database: &Database, sandbox: &str) -> CheckoutService {
    let settings = StripeSettings::sandbox(sandbox, "sk_test_replicas0000000001").unwrap();
    let provider = Arc::new(StripeProvider::new(settings).unwrap());
    let url = SecretString::from(database.url());
    match database.store() {
        Store::Sqlite => {
            checkout!(SqliteStore::open(SqliteSettings::from_url(&url).unwrap()), provider)
        }
        Store::Postgres => checkout!(PgStore::open(PgSettings::from_url(&url).unwrap()), provider),
    }
}

fn catalogue() -> Catalogue {
    let monthly = PlanPrice { id: "price_1SandboxDemoStartMonthly1".parse().unwrap(), amount: 900 };
    let plan = Plan {
        id: "starter".parse().unwrap(),
        name: "Starter".to_owned(),
        monthly_credits: 1000,
        features: Vec::new(),
        currency: "usd".parse().unwrap(),
        monthly: Some(monthly),
        yearly: None,
    };
    Catalogue::new(vec![plan]).unwrap()
}

fn urls() -> CheckoutUrls {
    let home = ReturnUrl::configured("https://app.example.com/").unwrap();
    let policy = ReturnUrlPolicy::new(home, vec![OriginPattern::AnyHttps], Mode::Test).unwrap();
    CheckoutUrls { success: policy.clone(), cancel: policy }
}

async fn start_checkout(replica: CheckoutService) -> Result<StartedCheckout, CheckoutError> {
    let principal = Principal {
        owner: USER.parse().unwrap(),
        method: AuthMethod::AccessToken,
        permissions: Permissions::All,
        return_origins: Vec::new(),
    };
    let request = StartCheckout {
        plan: "starter".to_owned(),
        cycle: BillingCycle::Monthly,
        success_url: None,
        cancel_url: None,
        key: None,
        deadline: Deadline::at(Instant::now() + Duration::from_secs(15)),
        origin: RequestOrigin::default(),
    };
    replica.start(&principal, request).await
}

fn concurrent_checkouts_on_two_replicas_create_one_customer(store: Store) {
    let database = Database::create(store);
    let sandbox = SandboxProcess::start(database.folder(), &[]);
    let provider = sandbox.address();
    let replicas = runtime::wait(async {
        [replica(&database, &sandbox.base_url).await, replica(&database, &sandbox.base_url).await]
    });
    // The provider is slow, rejects some requests and closes some connections. Lost responses must
    // not create further customers.
    for fault in ["delay=300", "drop=after", "status=429", "drop"] {
        let _ = call(provider, "POST", "/sandbox/faults", &[("fault", fault), ("times", "2")]);
    }
    let answers = runtime::wait(async {
        let asking: Vec<_> = replicas
            .iter()
            .cycle()
            .take(CALLERS)
            .map(|one| tokio::spawn(start_checkout(one.clone())))
            .collect();
        let mut answers = Vec::new();
        for one in asking {
            answers.push(one.await.unwrap());
        }
        answers
    });
    // The requests alternate between the replicas, so each has created sessions.
    for turn in 0..replicas.len() {
        let mine = answers.iter().skip(turn).step_by(replicas.len());
        assert!(
            mine.clone().any(Result::is_ok),
            "replica {turn} has created no session: {:?}",
            mine.collect::<Vec<_>>()
        );
    }
    let customers = call(provider, "GET", "/v1/customers", &[("limit", "100")]);
    let customers = customers["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["metadata"]["user_id"] == USER);
    let customers: Vec<&Value> = customers.map(|one| &one["id"]).collect();
    assert_eq!(customers.len(), 1, "{customers:?}");
    for started in answers.iter().filter_map(|answer| answer.as_ref().ok()) {
        let session =
            call(provider, "GET", &format!("/v1/checkout/sessions/{}", started.session.id), &[]);
        assert_eq!(&session["customer"], customers[0]);
    }
}
