//! P1 to P4, clause by clause: each case of `data/provider_faults.toml` is a test of its own, named after its rule.

use std::time::{Duration, Instant};

use billing_domain::ports::{BillingProvider, ProviderError};
use billing_domain::{Deadline, PortalFlow, PortalRequest, PortalSession, ReturnUrl};
use libtest_mimic::{Arguments, Failed, Trial};
use provider_stripe::{StripeProvider, StripeSettings};
use serde::Deserialize;
use workspace_tests::stripe_stub::{CUSTOMER, Fault, StripeStub};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    case: Vec<Case>,
}

/// What happens at Stripe, and what must come of it. Names of faults: `stripe_stub::Fault`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    rule: String,
    name: String,
    /// What the stub does, request by request; then `default`.
    #[serde(default)]
    script: Vec<String>,
    #[serde(default = "ok")]
    default: String,
    /// Whether nothing listens.
    #[serde(default)]
    closed: bool,
    /// How long the caller waits, in milliseconds.
    #[serde(default = "usual_budget")]
    budget: u64,
    #[serde(default)]
    live: bool,
    /// Whether it is the provider `sandbox`.
    #[serde(default)]
    sandbox: bool,
    configuration: Option<String>,
    customer: Option<String>,
    /// A flow about this subscription.
    cancel: Option<String>,
    /// `session`, or a variant of `ProviderError` in snake case.
    expect: String,
    /// How many requests reach Stripe.
    attempts: usize,
    /// For each retry, whether its idempotency key is the `same` as the attempt's before, or `fresh`.
    keys: Option<Vec<String>>,
    /// What the error says about when to come back, in seconds.
    retry_after: Option<u64>,
    /// What the error's text holds.
    #[serde(default)]
    told: Vec<String>,
}

fn ok() -> String {
    "ok".to_owned()
}

const fn usual_budget() -> u64 {
    15_000
}

fn main() {
    let data: Data = toml::from_str(include_str!("../data/provider_faults.toml")).unwrap();
    let trials = data.case.into_iter().map(|case| {
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
    let result = provider.create_portal_session(&order(&case, started + budget)?).await;
    let took = started.elapsed();
    let requests = stub.requests();
    let answered = answered(&result);
    let facts = format!("{result:?} after {} requests in {took:?}", requests.len());
    check(answered == case.expect, &facts)?;
    check(requests.len() == case.attempts, &facts)?;
    check(took < budget + Duration::from_secs(1), &facts)?;
    let keys: Vec<&str> = requests.iter().filter_map(|request| request.idempotency_key()).collect();
    check(keys.len() == requests.len(), &facts)?;
    let changes: Vec<&str> = keys.windows(2).map(|pair| if pair[0] == pair[1] { "same" } else { "fresh" }).collect();
    let expected = case.keys.clone().unwrap_or_else(|| vec!["same".to_owned(); changes.len()]);
    check(changes == expected, &format!("keys {changes:?}, {facts}"))?;
    let retry_after = match &result {
        Err(ProviderError::Unavailable { retry_after, .. }) => Some(retry_after.as_secs()),
        _ => None,
    };
    check(case.retry_after.is_none() || case.retry_after == retry_after, &facts)?;
    for text in &case.told {
        check(facts.contains(text), &format!("{text:?} is not in {facts}"))?;
    }
    check(!facts.contains(stub.secret_key()) && !stub.issued_urls().iter().any(|url| facts.contains(url)), &facts)
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

fn order(case: &Case, deadline: Instant) -> Result<PortalRequest, Failed> {
    let flow = case.cancel.as_deref().map(str::parse).transpose()?;
    Ok(PortalRequest {
        customer: case.customer.as_deref().unwrap_or(CUSTOMER).parse()?,
        return_url: Some(ReturnUrl::configured("https://app.example.com/billing")?),
        locale: None,
        flow: flow.map(PortalFlow::SubscriptionCancel),
        deadline: Deadline::at(deadline),
    })
}

fn answered(result: &Result<PortalSession, ProviderError>) -> &'static str {
    match result {
        Ok(_) => "session",
        Err(ProviderError::CustomerNotFound { .. }) => "customer_not_found",
        Err(ProviderError::SubscriptionNotFound { .. }) => "subscription_not_found",
        Err(ProviderError::Refused { .. }) => "refused",
        Err(ProviderError::Unusable { .. }) => "unusable",
        Err(ProviderError::Unavailable { .. }) => "unavailable",
        Err(ProviderError::Timeout { .. }) => "timeout",
        Err(ProviderError::Overloaded { .. }) => "overloaded",
    }
}
