//! The routes over scripted ports, for failures that a real provider cannot produce.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use api_http::readiness::{ReadinessProbe, State};
use api_http::{AppState, IntakeCapacity, RequestLimits, routes};
use async_trait::async_trait;
use billing_domain::ports::{
    BillingProvider, Clock, KeyGenerator, KeyMinter, MintError, MintedKey, ProviderError,
    VerifiedEvent, WebhookError, WebhookVerifier,
};
use billing_domain::{
    AccountPorts, ApiKeyId, ApiKeyIssuer, ApiKeyService, AuthMethod, BillingAccounts, Capabilities,
    CheckoutPorts, CheckoutService, CheckoutUrls, ClaimToken, CustomerLink, DenialCounter,
    KeyPrefix, KeyRules, Mode, Permissions, PortalRequest, PortalService, PortalSession,
    PriceCheck, Principal, ProviderAccount, ProviderKey, ReturnUrl, ReturnUrlPolicy,
    SubscriptionService, Timestamp, WebhookIntake,
};
use billing_testkit::{
    FakeAuthenticator, FakeBillingAccountProvider, FakeBillingProvider, InMemoryBilling,
    Reachability, samples,
};
use http_edge::{CorsPolicy, Drain, EdgeSettings, TrustedProxies, edge_layers};
use serde_json::{Value, json};
use workspace_tests::response::Response;
use workspace_tests::runner::TOKEN_ROUTE;
use workspace_tests::scenario::{Scenario, scenario};
use workspace_tests::wire::Request;
use workspace_tests::{api_document, invariants, runtime};

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!(
        portal_returns_unsupported_flow_when_the_provider_lacks_it(),
        "H3.flow_unsupported",
        "E1.unsupported_flow"
    ),
    scenario!(panic_returns_internal_error(), "E1.panic", "E1.internal_error"),
    scenario!(exhausted_capacity_returns_overloaded(), "E1.overloaded"),
];

const TOKEN: &str = "header.claims.signature";

#[derive(Debug)]
pub(super) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
    }
}

/// A provider with a bug.
#[derive(Debug)]
struct Panicking(FakeBillingProvider);

#[async_trait]
impl BillingProvider for Panicking {
    fn account(&self) -> &ProviderAccount {
        self.0.account()
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    async fn create_portal_session(
        &self,
        _: &PortalRequest,
    ) -> Result<PortalSession, ProviderError> {
        panic!("a bug with sk_test_inside00000001 in its message")
    }
}

/// A minter for cases that create no key.
#[derive(Debug)]
struct NoMinter;

#[async_trait]
impl KeyMinter for NoMinter {
    async fn mint(&self) -> Result<MintedKey, MintError> {
        Err(MintError::Failed { reason: "no case creates a key".to_owned() })
    }

    fn preview(&self, id: &ApiKeyId) -> String {
        id.to_string()
    }
}

fn account() -> ProviderAccount {
    ProviderAccount::new("stripe".parse().unwrap(), Mode::Test)
}

/// Sends a body to the routes over this provider and returns the response.
fn answer(provider: Arc<dyn BillingProvider>, body: &Value) -> Response {
    let address: SocketAddr = runtime::wait(async {
        let clock = Arc::new(SystemClock);
        let stores = InMemoryBilling::with(Reachability::default());
        let link = CustomerLink {
            owner: "u".parse().unwrap(),
            account: account(),
            customer: "cus_1".parse().unwrap(),
        };
        assert!(samples::add_link(&*stores.customers(), &link).await.unwrap());
        let tokens = FakeAuthenticator::default();
        let principal = principal();
        tokens.accept(TOKEN, principal);
        let policy = ReturnUrlPolicy::new(
            ReturnUrl::configured("https://dash.example/").unwrap(),
            Vec::new(),
            Mode::Test,
        );
        let drain = Drain::new();
        let keys = ApiKeyService::new(stores.api_keys(), clock.clone());
        let (accounts, checkout, subscriptions, webhooks) = unused_services(&stores, clock.clone());
        let portal =
            PortalService::new(accounts, provider, stores.audit(), clock.clone(), policy.unwrap());
        let app = AppState {
            portal,
            checkout,
            subscriptions,
            webhooks,
            intake_capacity: IntakeCapacity::default(),
            new_events: Arc::default(),
            issuer: ApiKeyIssuer::new(keys.clone(), Arc::new(NoMinter), Mode::Test),
            keys,
            key_rules: KeyRules { max_active_keys: 20, return_origins: Vec::new() },
            limits: RequestLimits {
                rate: None,
                failures: None,
                denials: Arc::new(DenialCounter::new(16)),
            },
            clock: clock.clone(),
            access_tokens: Arc::new(tokens),
            api_keys: Arc::new(FakeAuthenticator::default()),
            key_prefix: KeyPrefix::default(),
            request_timeout: Duration::from_secs(15),
            readiness: Arc::new(AlwaysReady),
            public_url: None,
        };
        let config = api_http::edge::config(None, TrustedProxies::default(), CorsPolicy::default());
        let app = edge_layers(routes::public(Arc::new(app)), config);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(http_edge::serve(listener, app, EdgeSettings::default(), drain));
        address
    });
    let _watched = api_document::watch(address);
    let answer = Request::post_json(TOKEN_ROUTE, body).bearer(TOKEN).send(address).unwrap();
    invariants::check("POST", TOKEN_ROUTE, &answer).unwrap();
    answer
}

/// Creates the services of the checkout and webhook routes, which no case calls.
fn unused_services(
    stores: &InMemoryBilling,
    clock: Arc<SystemClock>,
) -> (BillingAccounts, CheckoutService, SubscriptionService, WebhookIntake) {
    let provider = Arc::new(FakeBillingAccountProvider::new());
    let ports = AccountPorts {
        reader: provider.clone(),
        mirror: stores.mirror(),
        customers: stores.customers(),
        claims: stores.claims(),
        inbox: stores.inbox(),
        clock: clock.clone(),
    };
    let accounts = BillingAccounts::new(account(), ports);
    let url = ReturnUrl::configured("https://dash.example/").unwrap();
    let policy = ReturnUrlPolicy::new(url, Vec::new(), Mode::Test).unwrap();
    let ports = CheckoutPorts {
        provider: provider.clone(),
        prices: Arc::new(PriceCheck::new(provider, clock.clone())),
        requests: stores.checkouts(),
        audit: stores.audit(),
        keys: Arc::new(NoKeys),
    };
    let urls = CheckoutUrls { success: policy.clone(), cancel: policy };
    let intake = WebhookIntake::new(account(), Arc::new(NoWebhooks), stores.inbox(), clock);
    (
        accounts.clone(),
        CheckoutService::new(accounts.clone(), ports, Arc::default(), urls),
        SubscriptionService::new(accounts, Arc::default()),
        intake,
    )
}

#[derive(Debug)]
struct AlwaysReady;

impl ReadinessProbe for AlwaysReady {
    fn state(&self) -> State {
        State::Ready
    }
}

#[derive(Debug)]
struct NoKeys;

impl KeyGenerator for NoKeys {
    fn provider_key(&self) -> ProviderKey {
        "none".parse().unwrap()
    }

    fn claim_token(&self) -> ClaimToken {
        ClaimToken("none".to_owned())
    }
}

#[derive(Debug)]
struct NoWebhooks;

impl WebhookVerifier for NoWebhooks {
    fn verify(&self, _: &[u8], _: &[u8], _: Timestamp) -> Result<VerifiedEvent, WebhookError> {
        Err(WebhookError::Signature("no case sends an event"))
    }
}

fn principal() -> Principal {
    Principal {
        owner: "u".parse().unwrap(),
        method: AuthMethod::AccessToken,
        permissions: Permissions::All,
        return_origins: Vec::new(),
    }
}

fn portal_returns_unsupported_flow_when_the_provider_lacks_it() {
    let full = FakeBillingProvider::new(account()).capabilities();
    let provider = FakeBillingProvider::new(account())
        .with_capabilities(Capabilities { flows: BTreeSet::new(), ..full });
    let provider = Arc::new(provider);
    let rejected = answer(provider.clone(), &json!({"flow": {"type": "payment_method_update"}}));
    assert_eq!(
        (rejected.status, rejected.code().as_str()),
        (400, "unsupported_flow"),
        "{}",
        rejected.text()
    );
    assert!(provider.requests().is_empty(), "the provider received a request");
}

fn panic_returns_internal_error() {
    let failed = answer(Arc::new(Panicking(FakeBillingProvider::new(account()))), &json!({}));
    assert_eq!(
        (failed.status, failed.code().as_str()),
        (500, "internal_error"),
        "{}",
        failed.text()
    );
    assert!(
        !failed.text().contains("bug with"),
        "the response contains the panic's message: {}",
        failed.text()
    );
}

fn exhausted_capacity_returns_overloaded() {
    let provider = FakeBillingProvider::new(account());
    provider.add_customer("cus_1".parse().unwrap(), []);
    provider.fail_next(ProviderError::Overloaded { retry_after: Duration::from_secs(3) });
    let rejected = answer(Arc::new(provider), &json!({}));
    assert_eq!(
        (rejected.status, rejected.code().as_str()),
        (503, "overloaded"),
        "{}",
        rejected.text()
    );
    assert_eq!(rejected.header("retry-after"), Some("3"));
}
