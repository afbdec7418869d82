//! P1 to P4: each case of `data/provider_faults.toml` (portal) and `data/account_faults.toml`
//! (checkout and reads) is a test, named after its rule.

use std::time::{Duration, Instant};

use billing_domain::ports::{
    BillingProvider, CheckoutProvider, CustomerDirectory, ProviderError, SubscriptionReader,
};
use billing_domain::{
    CheckoutOrder, CustomerState, Deadline, NewCustomer, PortalFlow, PortalRequest, ReturnUrl,
};
use libtest_mimic::{Arguments, Failed, Trial};
use provider_stripe::{StripeProvider, StripeSettings};
use serde::Deserialize;
use workspace_tests::stripe_stub::{CUSTOMER, Fault, MONTHLY_PRICE, SUBSCRIPTION, StripeStub};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    case: Vec<Case>,
}

/// The faults at Stripe and the expected result. `stripe_stub::Fault` has the names of faults.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    rule: String,
    name: String,
    /// The called method of the provider.
    #[serde(default)]
    call: Call,
    /// The stub's fault for each request. Afterwards `default` applies.
    #[serde(default)]
    script: Vec<String>,
    #[serde(default = "ok")]
    default: String,
    /// Whether the provider's port is closed.
    #[serde(default)]
    closed: bool,
    /// The caller's deadline in milliseconds.
    #[serde(default = "usual_budget")]
    budget: u64,
    #[serde(default)]
    live: bool,
    /// Whether the provider is `sandbox` instead of `stripe`.
    #[serde(default)]
    sandbox: bool,
    configuration: Option<String>,
    customer: Option<String>,
    /// The subscription of the flow.
    cancel: Option<String>,
    /// The call's result (`session`, `customer`, …), or a variant of `ProviderError` in snake case.
    expect: String,
    /// The number of requests that reach Stripe.
    attempts: usize,
    /// The idempotency key of each retry: the `same` as in the attempt before, or `fresh`.
    keys: Option<Vec<String>>,
    /// The error's `Retry-After` in seconds.
    retry_after: Option<u64>,
    /// Texts that the error contains.
    #[serde(default)]
    error_contains: Vec<String>,
}

/// A method of one of the ports.
#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Call {
    #[default]
    CreatePortalSession,
    CreateCustomer,
    CreateCheckoutSession,
    Price,
    Customer,
    CustomerOf,
    ListCustomers,
    ListSubscriptions,
}

/// The idempotency key of every creation.
const ORDER_KEY: &str = "order-key-1";

fn ok() -> String {
    "ok".to_owned()
}

const fn usual_budget() -> u64 {
    15_000
}

fn main() {
    let read = |text: &str| toml::from_str::<Data>(text).unwrap().case;
    let portal = read(include_str!("../data/provider_faults.toml"));
    let accounts = read(include_str!("../data/account_faults.toml"));
    let trials = portal.into_iter().chain(accounts).map(|case| {
        let name = format!("{}::{}", case.rule, case.name);
        Trial::test(name, move || tokio::runtime::Runtime::new().unwrap().block_on(run(case)))
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit();
}

async fn run(case: Case) -> Result<(), Failed> {
    let stub = if case.live { StripeStub::start_live().await } else { StripeStub::start().await };
    for fault in &case.script {
        stub.push(fault_of(fault)?);
    }
    stub.set_default(fault_of(&case.default)?);
    let provider = provider(&case, &stub)?;
    if case.closed {
        stub.close().await;
    }
    let started = Instant::now();
    let budget = Duration::from_millis(case.budget);
    let result = call_provider(&provider, &case, Deadline::at(started + budget)).await?;
    let took = started.elapsed();
    let requests = stub.requests();
    let answered = answered(&result);
    let facts = format!("{result:?} after {} requests in {took:?}", requests.len());
    check(answered == case.expect, &facts)?;
    check(requests.len() == case.attempts, &facts)?;
    check(took < budget + Duration::from_secs(1), &facts)?;
    let keys: Vec<&str> = requests.iter().filter_map(|request| request.idempotency_key()).collect();
    let changes_something = matches!(
        case.call,
        Call::CreatePortalSession | Call::CreateCustomer | Call::CreateCheckoutSession
    );
    check(keys.len() == if changes_something { requests.len() } else { 0 }, &facts)?;
    let is_of_order = case.call != Call::CreatePortalSession;
    check(!is_of_order || keys.iter().all(|key| *key == ORDER_KEY), &facts)?;
    let changes: Vec<&str> =
        keys.windows(2).map(|pair| if pair[0] == pair[1] { "same" } else { "fresh" }).collect();
    let expected = case.keys.clone().unwrap_or_else(|| vec!["same".to_owned(); changes.len()]);
    check(changes == expected, &format!("keys {changes:?}, {facts}"))?;
    let retry_after = match &result {
        Err(ProviderError::Unavailable { retry_after, .. }) => Some(retry_after.as_secs()),
        _ => None,
    };
    check(case.retry_after.is_none() || case.retry_after == retry_after, &facts)?;
    for text in &case.error_contains {
        check(facts.contains(text), &format!("{text:?} is missing in {facts}"))?;
    }
    check(
        !facts.contains(stub.secret_key())
            && !stub.issued_urls().iter().any(|url| facts.contains(url)),
        &facts,
    )
}

fn check(holds: bool, facts: &str) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(facts.into()) }
}

fn fault_of(name: &str) -> Result<Fault, Failed> {
    Ok(Fault::from_name(name)?)
}

fn provider(case: &Case, stub: &StripeStub) -> Result<StripeProvider, Failed> {
    let base = stub.base_url();
    let settings = if case.sandbox {
        StripeSettings::sandbox(&base, stub.secret_key())
    } else {
        StripeSettings::read(&mut |name| match name {
            "STRIPE_API_BASE" => Some(base.clone()),
            "STRIPE_SECRET_KEY" => Some(stub.secret_key().to_owned()),
            "STRIPE_PORTAL_CONFIGURATION" => case.configuration.clone(),
            _ => None,
        })
    };
    Ok(StripeProvider::new(settings.map_err(|faults| format!("{faults:?}"))?)?)
}

/// Calls the provider. Returns the kind of the result.
async fn call_provider(
    provider: &StripeProvider,
    case: &Case,
    deadline: Deadline,
) -> Result<Result<&'static str, ProviderError>, Failed> {
    let customer = case.customer.as_deref().unwrap_or(CUSTOMER).parse()?;
    Ok(match case.call {
        Call::CreatePortalSession => {
            provider.create_portal_session(&order(case, deadline)?).await.map(|_| "session")
        }
        Call::CreateCustomer => {
            let order = NewCustomer { owner: "ann".parse()?, key: ORDER_KEY.parse()?, deadline };
            provider.create_customer(&order).await.map(|_| "customer")
        }
        Call::CreateCheckoutSession => {
            let order = CheckoutOrder {
                customer,
                owner: "ann".parse()?,
                price: MONTHLY_PRICE.parse()?,
                success_url: ReturnUrl::configured(
                    "https://app.example.com/billing?s={CHECKOUT_SESSION_ID}",
                )?,
                cancel_url: ReturnUrl::configured("https://app.example.com/pricing")?,
                key: ORDER_KEY.parse()?,
                deadline,
            };
            provider.create_checkout_session(&order).await.map(|_| "session")
        }
        Call::Price => {
            provider.price(&MONTHLY_PRICE.parse()?, deadline).await.map(|price| match price {
                Some(_) => "price",
                None => "none",
            })
        }
        Call::Customer => {
            provider.customer(&customer, deadline).await.map(|reading| match reading.state {
                CustomerState::Present(_) => "present",
                CustomerState::Gone => "gone",
            })
        }
        Call::CustomerOf => {
            provider.customer_of(&SUBSCRIPTION.parse()?, deadline).await.map(|customer| {
                match customer {
                    Some(_) => "customer_id",
                    None => "none",
                }
            })
        }
        Call::ListCustomers => provider.list_customers(None, deadline).await.map(|_| "page"),
        Call::ListSubscriptions => {
            provider.list_subscriptions(None, deadline).await.map(|_| "page")
        }
    })
}

fn order(case: &Case, deadline: Deadline) -> Result<PortalRequest, Failed> {
    let flow = case.cancel.as_deref().map(str::parse).transpose()?;
    Ok(PortalRequest {
        customer: case.customer.as_deref().unwrap_or(CUSTOMER).parse()?,
        return_url: Some(ReturnUrl::configured("https://app.example.com/billing")?),
        locale: None,
        flow: flow.map(PortalFlow::SubscriptionCancel),
        deadline,
    })
}

fn answered(result: &Result<&'static str, ProviderError>) -> &'static str {
    match result {
        Ok(answer) => answer,
        Err(ProviderError::CustomerNotFound { .. }) => "customer_not_found",
        Err(ProviderError::SubscriptionNotFound { .. }) => "subscription_not_found",
        Err(ProviderError::Refused { .. }) => "refused",
        Err(ProviderError::Unusable { .. }) => "unusable",
        Err(ProviderError::Unavailable { .. }) => "unavailable",
        Err(ProviderError::Timeout { .. }) => "timeout",
        Err(ProviderError::Overloaded { .. }) => "overloaded",
    }
}
