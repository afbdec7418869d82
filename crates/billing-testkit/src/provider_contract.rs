//! What every [`BillingProvider`] promises.

#![expect(missing_docs, reason = "the cases' names are the promises")]

use std::collections::HashSet;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use billing_domain::ports::{BillingProvider, ProviderError};
use billing_domain::{
    CustomerId, Deadline, FlowKind, Locale, LocaleRange, PortalFlow, PortalRequest, PortalSession,
    ReturnUrl, SubscriptionId,
};

/// A provider with a world behind it in which the cases find what they need.
///
/// Each case gets a fresh one. What the cases ask of the world they ask as an outsider would: they never script it.
#[async_trait]
pub trait ProviderWorld: Send + Sync {
    /// The provider under test.
    fn provider(&self) -> &dyn BillingProvider;

    /// Who and what is known there.
    fn population(&self) -> Population;

    /// Whether anything of ours has reached the provider's server so far.
    async fn was_called(&self) -> bool;

    /// Where the session's "return" link leads, as the provider's server has it.
    async fn return_link(&self, session: &PortalSession) -> Option<String>;

    /// Our credentials for the provider: texts that must show nowhere.
    fn secrets(&self) -> Vec<String>;
}

/// The ids that a [`ProviderWorld`] knows, and those that it does not.
#[derive(Clone, Debug)]
pub struct Population {
    /// Somebody with a subscription.
    pub customer: CustomerId,
    /// An active subscription of `customer`.
    pub subscription: SubscriptionId,
    /// Somebody else, to whom `subscription` does not belong.
    pub other_customer: CustomerId,
    /// Somebody who was deleted.
    pub deleted_customer: CustomerId,
    /// An id of the right form that never was anybody's.
    pub unknown_customer: CustomerId,
    /// An id of the right form that never was a subscription's.
    pub unknown_subscription: SubscriptionId,
}

/// Runs every case, each in a fresh world: `provider_contract!(make)`, where `make` is an async function that gives a pair of
/// a `Box<dyn ProviderWorld>` and what must outlive it.
#[macro_export]
macro_rules! provider_contract {
    ($make:path) => {
        $crate::contract_tests!(
            provider_contract,
            $make,
            [
                h4_every_session_is_a_fresh_one,
                h4_many_sessions_at_once_are_all_different,
                p4_the_url_is_one_that_users_can_be_sent_to,
                h3_the_return_url_arrives_unchanged,
                h3_every_declared_locale_is_taken,
                h3_every_declared_flow_is_taken,
                h3_flow_locale_and_return_url_go_together,
                p3_an_unknown_customer_is_not_found,
                p3_a_deleted_customer_is_not_found,
                p3_an_unknown_subscription_is_not_found,
                p3_a_subscription_of_somebody_else_is_not_found,
                p3_an_unknown_customer_with_a_flow_is_not_found,
                p2_a_deadline_that_has_passed_is_a_timeout_without_a_call,
                s3_account_and_capabilities_do_not_change,
                h4_debug_shows_no_secret,
            ]
        );
    };
}

fn order(customer: CustomerId) -> PortalRequest {
    let deadline = Deadline::at(Instant::now() + Duration::from_secs(15));
    PortalRequest { customer, return_url: None, locale: None, flow: None, deadline }
}

/// An order with everything that this provider lets it have.
fn plain(world: &dyn ProviderWorld) -> PortalRequest {
    let return_url =
        world.provider().capabilities().return_url.then(|| url("https://app.example.com/billing"));
    PortalRequest { return_url, ..order(world.population().customer) }
}

fn url(text: &str) -> ReturnUrl {
    ReturnUrl::configured(text).unwrap()
}

async fn open(world: &dyn ProviderWorld, order: &PortalRequest) -> PortalSession {
    match world.provider().create_portal_session(order).await {
        Ok(session) => session,
        Err(error) => panic!("{error:?} for {order:?}"),
    }
}

async fn fail(world: &dyn ProviderWorld, order: &PortalRequest) -> ProviderError {
    match world.provider().create_portal_session(order).await {
        Ok(session) => panic!("{session:?} for {order:?}"),
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

/// The declared flows about a subscription, each about this one.
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

pub async fn h4_every_session_is_a_fresh_one(world: &dyn ProviderWorld) {
    let order = plain(world);
    let (first, second) = (open(world, &order).await, open(world, &order).await);
    assert_ne!(first.url.expose(), second.url.expose());
    assert!(first.id.is_none() || first.id != second.id);
}

pub async fn h4_many_sessions_at_once_are_all_different(world: &dyn ProviderWorld) {
    let order = plain(world);
    let sessions = futures_util::future::join_all((0..16).map(|_| open(world, &order))).await;
    let urls: HashSet<&str> = sessions.iter().map(|session| session.url.expose()).collect();
    assert_eq!(urls.len(), sessions.len());
}

pub async fn p4_the_url_is_one_that_users_can_be_sent_to(world: &dyn ProviderWorld) {
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

pub async fn h3_every_declared_locale_is_taken(world: &dyn ProviderWorld) {
    for locale in locales(world) {
        open(world, &PortalRequest { locale: Some(locale), ..plain(world) }).await;
    }
}

pub async fn h3_every_declared_flow_is_taken(world: &dyn ProviderWorld) {
    for kind in world.provider().capabilities().flows {
        let flow = Some(flow(kind, world.population().subscription));
        open(world, &PortalRequest { flow: flow.clone(), ..plain(world) }).await;
        open(world, &PortalRequest { flow, return_url: None, ..plain(world) }).await;
    }
}

pub async fn h3_flow_locale_and_return_url_go_together(world: &dyn ProviderWorld) {
    let locale = locales(world).pop();
    for kind in world.provider().capabilities().flows {
        let flow = Some(flow(kind, world.population().subscription));
        let order = PortalRequest { flow, locale, ..plain(world) };
        let session = open(world, &order).await;
        if let Some(return_url) = &order.return_url {
            assert_eq!(world.return_link(&session).await.as_deref(), Some(return_url.as_str()));
        }
    }
}

pub async fn p3_an_unknown_customer_is_not_found(world: &dyn ProviderWorld) {
    let order = PortalRequest { customer: world.population().unknown_customer, ..plain(world) };
    let error = fail(world, &order).await;
    assert!(matches!(error, ProviderError::CustomerNotFound { .. }), "{error:?}");
}

pub async fn p3_a_deleted_customer_is_not_found(world: &dyn ProviderWorld) {
    let order = PortalRequest { customer: world.population().deleted_customer, ..plain(world) };
    let error = fail(world, &order).await;
    assert!(matches!(error, ProviderError::CustomerNotFound { .. }), "{error:?}");
}

pub async fn p3_an_unknown_subscription_is_not_found(world: &dyn ProviderWorld) {
    for flow in subscription_flows(world, &world.population().unknown_subscription) {
        let error = fail(world, &PortalRequest { flow: Some(flow), ..plain(world) }).await;
        assert!(matches!(error, ProviderError::SubscriptionNotFound { .. }), "{error:?}");
    }
}

pub async fn p3_a_subscription_of_somebody_else_is_not_found(world: &dyn ProviderWorld) {
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

pub async fn p2_a_deadline_that_has_passed_is_a_timeout_without_a_call(world: &dyn ProviderWorld) {
    let order = PortalRequest { deadline: Deadline::at(Instant::now()), ..plain(world) };
    let error = fail(world, &order).await;
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

pub async fn h4_debug_shows_no_secret(world: &dyn ProviderWorld) {
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
        let (listed, cases) = source.split_once("\nfn order").unwrap();
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
