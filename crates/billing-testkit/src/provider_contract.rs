//! Contract of every [`BillingProvider`].

#![expect(missing_docs, reason = "the cases' names state the guarantees")]

use std::collections::HashSet;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use billing_domain::ports::{BillingProvider, ProviderError};
use billing_domain::{
    CustomerId, Deadline, FlowKind, Locale, LocaleRange, PortalFlow, PortalRequest, PortalSession,
    ReturnUrl, SubscriptionId,
};

/// A provider with test data.
///
/// Each case gets a new world. The cases use only effects that an outside observer could cause and
/// see.
#[async_trait]
pub trait ProviderWorld: Send + Sync {
    /// Returns the provider under test.
    fn provider(&self) -> &dyn BillingProvider;

    /// Returns the ids of the test data.
    fn population(&self) -> Population;

    /// Returns whether the provider's server received a request.
    async fn was_called(&self) -> bool;

    /// Returns the target of the session's "return" link, as stored by the provider's server.
    async fn return_link(&self, session: &PortalSession) -> Option<String>;

    /// Returns the credentials for the provider, which no output may contain.
    fn secrets(&self) -> Vec<String>;
}

/// Known and unknown ids of a [`ProviderWorld`].
#[derive(Clone, Debug)]
pub struct Population {
    /// A customer with a subscription.
    pub customer: CustomerId,
    /// An active subscription of `customer`.
    pub subscription: SubscriptionId,
    /// Another customer, without `subscription`.
    pub other_customer: CustomerId,
    /// A deleted customer.
    pub deleted_customer: CustomerId,
    /// A well-formed id without a customer.
    pub unknown_customer: CustomerId,
    /// A well-formed id without a subscription.
    pub unknown_subscription: SubscriptionId,
}

/// Runs every case in a new world: `provider_contract!(make)`. `make` is an async function that
/// returns a `Box<dyn ProviderWorld>` and the resources to keep alive.
#[macro_export]
macro_rules! provider_contract {
    ($make:path) => {
        $crate::contract_tests!(
            provider_contract,
            $make,
            [
                h4_every_session_is_new,
                h4_concurrent_sessions_are_all_different,
                p4_a_session_has_an_absolute_url,
                h3_the_return_url_arrives_unchanged,
                h3_every_declared_locale_is_accepted,
                h3_every_declared_flow_is_accepted,
                h3_flow_locale_and_return_url_can_be_combined,
                p3_an_unknown_customer_is_not_found,
                p3_a_deleted_customer_is_not_found,
                p3_an_unknown_subscription_is_not_found,
                p3_a_subscription_of_another_customer_is_not_found,
                p3_an_unknown_customer_with_a_flow_is_not_found,
                p2_a_passed_deadline_is_a_timeout_without_a_call,
                s3_account_and_capabilities_do_not_change,
                h4_debug_contains_no_secret,
            ]
        );
    };
}

fn request(customer: CustomerId) -> PortalRequest {
    let deadline = Deadline::at(Instant::now() + Duration::from_secs(15));
    PortalRequest { customer, return_url: None, locale: None, flow: None, deadline }
}

/// Returns a request with a return URL, if the provider supports one.
fn plain(world: &dyn ProviderWorld) -> PortalRequest {
    let return_url =
        world.provider().capabilities().return_url.then(|| url("https://app.example.com/billing"));
    PortalRequest { return_url, ..request(world.population().customer) }
}

fn url(text: &str) -> ReturnUrl {
    ReturnUrl::configured(text).unwrap()
}

async fn open(world: &dyn ProviderWorld, request: &PortalRequest) -> PortalSession {
    match world.provider().create_portal_session(request).await {
        Ok(session) => session,
        Err(error) => panic!("{error:?} for {request:?}"),
    }
}

async fn fail(world: &dyn ProviderWorld, request: &PortalRequest) -> ProviderError {
    match world.provider().create_portal_session(request).await {
        Ok(session) => panic!("{session:?} for {request:?}"),
        Err(error) => error,
    }
}

fn flow(kind: FlowKind, subscription: SubscriptionId) -> PortalFlow {
    match kind {
        FlowKind::PaymentMethodUpdate => PortalFlow::PaymentMethodUpdate,
        FlowKind::SubscriptionCancel => PortalFlow::SubscriptionCancel(subscription),
        FlowKind::SubscriptionUpdate => PortalFlow::SubscriptionUpdate(subscription),
    }
}

/// Returns the declared flows for a subscription, with this subscription.
fn subscription_flows(world: &dyn ProviderWorld, subscription: &SubscriptionId) -> Vec<PortalFlow> {
    let declared = world.provider().capabilities().flows;
    declared
        .into_iter()
        .map(|kind| flow(kind, subscription.clone()))
        .filter(|f| f.subscription().is_some())
        .collect()
}

fn locales(world: &dyn ProviderWorld) -> Vec<Locale> {
    let support = world.provider().capabilities().locales;
    let ranges = support.auto.map(|_| "auto").into_iter().chain(support.tags.iter().copied());
    ranges.map(|range| support.lookup(&range.parse::<LocaleRange>().unwrap()).unwrap()).collect()
}

pub async fn h4_every_session_is_new(world: &dyn ProviderWorld) {
    let request = plain(world);
    let (first, second) = (open(world, &request).await, open(world, &request).await);
    assert_ne!(first.url.expose(), second.url.expose());
    assert!(first.id.is_none() || first.id != second.id);
}

pub async fn h4_concurrent_sessions_are_all_different(world: &dyn ProviderWorld) {
    let request = plain(world);
    let sessions = futures_util::future::join_all((0..16).map(|_| open(world, &request))).await;
    let urls: HashSet<&str> = sessions.iter().map(|session| session.url.expose()).collect();
    assert_eq!(urls.len(), sessions.len());
}

pub async fn p4_a_session_has_an_absolute_url(world: &dyn ProviderWorld) {
    let session = open(world, &plain(world)).await;
    let url = url::Url::parse(session.url.expose()).unwrap();
    assert!(url.host().is_some());
    assert_eq!(session.expires_at.is_some(), world.provider().capabilities().expiry);
}

pub async fn h3_the_return_url_arrives_unchanged(world: &dyn ProviderWorld) {
    if !world.provider().capabilities().return_url {
        return;
    }
    for text in [
        "https://app.example.com/",
        "https://app.example.com/a%20b/%EA%B2%B0%EC%A0%9C?x=1&y=2+3&z=a%3Db%26c%2Bd#top",
        "https://app.example.com/?next=https://other.example/?a=b&flow_data[type]=x;y%00",
        "https://app.example.com:8443/%25/~!$'()*,;:@/?%22#%5B%5D",
    ] {
        let return_url = url(text);
        let session =
            open(world, &PortalRequest { return_url: Some(return_url.clone()), ..plain(world) })
                .await;
        assert_eq!(world.return_link(&session).await.as_deref(), Some(return_url.as_str()));
    }
}

pub async fn h3_every_declared_locale_is_accepted(world: &dyn ProviderWorld) {
    for locale in locales(world) {
        open(world, &PortalRequest { locale: Some(locale), ..plain(world) }).await;
    }
}

pub async fn h3_every_declared_flow_is_accepted(world: &dyn ProviderWorld) {
    for kind in world.provider().capabilities().flows {
        let flow = Some(flow(kind, world.population().subscription));
        open(world, &PortalRequest { flow: flow.clone(), ..plain(world) }).await;
        open(world, &PortalRequest { flow, return_url: None, ..plain(world) }).await;
    }
}

pub async fn h3_flow_locale_and_return_url_can_be_combined(world: &dyn ProviderWorld) {
    let locale = locales(world).pop();
    for kind in world.provider().capabilities().flows {
        let flow = Some(flow(kind, world.population().subscription));
        let request = PortalRequest { flow, locale, ..plain(world) };
        let session = open(world, &request).await;
        if let Some(return_url) = &request.return_url {
            assert_eq!(world.return_link(&session).await.as_deref(), Some(return_url.as_str()));
        }
    }
}

pub async fn p3_an_unknown_customer_is_not_found(world: &dyn ProviderWorld) {
    let request = PortalRequest { customer: world.population().unknown_customer, ..plain(world) };
    let error = fail(world, &request).await;
    assert!(matches!(error, ProviderError::CustomerNotFound { .. }), "{error:?}");
}

pub async fn p3_a_deleted_customer_is_not_found(world: &dyn ProviderWorld) {
    let request = PortalRequest { customer: world.population().deleted_customer, ..plain(world) };
    let error = fail(world, &request).await;
    assert!(matches!(error, ProviderError::CustomerNotFound { .. }), "{error:?}");
}

pub async fn p3_an_unknown_subscription_is_not_found(world: &dyn ProviderWorld) {
    for flow in subscription_flows(world, &world.population().unknown_subscription) {
        let error = fail(world, &PortalRequest { flow: Some(flow), ..plain(world) }).await;
        assert!(matches!(error, ProviderError::SubscriptionNotFound { .. }), "{error:?}");
    }
}

pub async fn p3_a_subscription_of_another_customer_is_not_found(world: &dyn ProviderWorld) {
    for flow in subscription_flows(world, &world.population().subscription) {
        let customer = world.population().other_customer;
        let error =
            fail(world, &PortalRequest { customer, flow: Some(flow), ..plain(world) }).await;
        assert!(matches!(error, ProviderError::SubscriptionNotFound { .. }), "{error:?}");
    }
}

pub async fn p3_an_unknown_customer_with_a_flow_is_not_found(world: &dyn ProviderWorld) {
    for flow in subscription_flows(world, &world.population().subscription) {
        let customer = world.population().unknown_customer;
        let error =
            fail(world, &PortalRequest { customer, flow: Some(flow), ..plain(world) }).await;
        assert!(matches!(error, ProviderError::CustomerNotFound { .. }), "{error:?}");
    }
}

pub async fn p2_a_passed_deadline_is_a_timeout_without_a_call(world: &dyn ProviderWorld) {
    let request = PortalRequest { deadline: Deadline::at(Instant::now()), ..plain(world) };
    let error = fail(world, &request).await;
    assert!(matches!(error, ProviderError::Timeout { .. }), "{error:?}");
    assert!(!world.was_called().await);
}

pub async fn s3_account_and_capabilities_do_not_change(world: &dyn ProviderWorld) {
    let provider = world.provider();
    let (account, capabilities) = (provider.account().clone(), provider.capabilities());
    open(world, &plain(world)).await;
    fail(world, &PortalRequest { customer: world.population().unknown_customer, ..plain(world) })
        .await;
    assert_eq!(provider.account(), &account);
    assert_eq!(provider.capabilities(), capabilities);
}

pub async fn h4_debug_contains_no_secret(world: &dyn ProviderWorld) {
    let session = open(world, &plain(world)).await;
    let error = fail(
        world,
        &PortalRequest { customer: world.population().unknown_customer, ..plain(world) },
    )
    .await;
    let shown = format!("{:?} {session:?} {error:?} {error}", world.provider());
    for secret in world.secrets().iter().map(String::as_str).chain([session.url.expose()]) {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_case_is_run() {
        let source = include_str!("provider_contract.rs");
        let (listed, cases) = source.split_once("\nfn request").unwrap();
        let declared: Vec<&str> = cases
            .split("\npub async fn ")
            .skip(1)
            .filter_map(|rest| rest.split('(').next())
            .collect();
        assert!(!declared.is_empty());
        for case in declared {
            assert!(listed.contains(&format!(" {case},\n")), "{case} is not in the macro's list");
        }
    }
}
