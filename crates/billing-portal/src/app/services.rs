//! [`Services`]: the services that requests and background tasks share.

use std::sync::Arc;

use auth_api_key::ApiKeys;
use auth_jwt::JwtAuthenticator;
use billing_domain::ports::{BackgroundTask, Clock};
use billing_domain::{
    ApiKeyIssuer, ApiKeyService, Catalogue, DenialCounter, PriceCheck, ProviderAccount,
};
use http_edge::Drain;
use tokio::sync::Notify;

use crate::config::ServeConfig;
use crate::failure::Failure;
use crate::readiness::Readiness;
use crate::wiring::accounts::Accounts;
use crate::wiring::clock::clock;
use crate::wiring::keys;
use crate::wiring::provider::{self, Provider, ProviderPorts, RunningSandbox};
use crate::wiring::store::{self, Stores};
use crate::workers::pepper_check::PepperCheck;

/// Maximum kinds of denied attempts that are counted separately between two writes.
const DENIAL_KINDS: usize = 1000;

/// The stores, the provider, the authenticators, and the services over them.
pub(crate) struct Services {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) readiness: Arc<Readiness>,
    pub(crate) stores: Stores,
    pub(crate) provider: Provider,
    pub(crate) ports: ProviderPorts,
    pub(crate) account: ProviderAccount,
    pub(crate) accounts: Accounts,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) prices: Arc<PriceCheck>,
    pub(crate) tokens: Arc<JwtAuthenticator>,
    pub(crate) keys: Arc<ApiKeys>,
    pub(crate) key_service: ApiKeyService,
    pub(crate) issuer: ApiKeyIssuer,
    pub(crate) pepper: Arc<PepperCheck>,
    pub(crate) denials: Arc<DenialCounter>,
    /// Wakes the inbox worker.
    pub(crate) new_events: Arc<Notify>,
}

impl Services {
    /// Connects the adapters and creates the services. Also returns the tasks of the adapters.
    pub(crate) fn connect(
        config: &ServeConfig,
        drain: Drain,
        sandbox: Option<&RunningSandbox>,
    ) -> Result<(Self, Vec<BackgroundTask>), Failure> {
        let clock = clock();
        let readiness = Arc::new(Readiness::new(drain.clone(), clock.clone()));
        let (stores, mut tasks) = store::open(config.store.clone());
        let provider =
            provider::connect(config.provider.clone(), sandbox).map_err(Failure::Failed)?;
        let ports = provider.ports().observed(&readiness);
        let account = ports.billing.account().clone();
        let accounts = Accounts::new(&stores, ports.clone(), clock.clone());

        let (tokens, token_tasks) =
            JwtAuthenticator::start(config.tokens.clone(), clock.clone())
                .map_err(|error| Failure::failed("the key set cannot be fetched", &error))?;
        let (keys, key_tasks) = keys::start(&config.keys, &stores, clock.clone())
            .map_err(|error| Failure::failed("API keys cannot be verified", &error))?;
        tasks.extend(token_tasks);
        tasks.extend(key_tasks.into_iter().map(|task| after_database(task, &readiness, &drain)));
        let key_service = ApiKeyService::new(stores.api_keys.clone(), clock.clone());
        let issuer = ApiKeyIssuer::new(key_service.clone(), keys.minter().clone(), account.mode());
        let gate = config.keys.gate().clone();
        let pepper = PepperCheck::new(stores.usage.clone(), clock.clone(), gate);

        let services = Self {
            clock,
            readiness,
            stores,
            provider,
            ports,
            account,
            prices: accounts.prices(),
            accounts,
            catalogue: Arc::clone(&config.catalogue),
            tokens: Arc::new(tokens),
            keys: Arc::new(keys),
            key_service,
            issuer,
            pepper: Arc::new(pepper),
            denials: Arc::new(DenialCounter::new(DENIAL_KINDS)),
            new_events: Arc::default(),
        };
        Ok((services, tasks))
    }
}

/// Delays a task until the database is reachable and migrated. It does not wait for the keys of
/// access tokens: API keys work without them, and their changes must be followed.
fn after_database(
    task: BackgroundTask,
    readiness: &Arc<Readiness>,
    drain: &Drain,
) -> BackgroundTask {
    let (readiness, drain) = (Arc::clone(readiness), drain.clone());
    BackgroundTask::new(task.name, async move {
        tokio::select! {
            () = readiness.wait_for_database() => {}
            () = drain.wait() => {}
        }
        task.run.await;
    })
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::time::Duration;

    use super::*;

    async fn ends(task: &mut (impl Future<Output = ()> + Unpin)) -> bool {
        tokio::time::timeout(Duration::from_millis(20), task).await.is_ok()
    }

    fn delayed() -> (Arc<Readiness>, Drain, BackgroundTask) {
        let drain = Drain::new();
        let readiness = Arc::new(Readiness::new(drain.clone(), clock()));
        let task = BackgroundTask::new("a task", std::future::ready(()));
        let task = after_database(task, &readiness, &drain);
        (readiness, drain, task)
    }

    #[tokio::test]
    async fn delayed_task_runs_when_the_database_is_up_and_token_keys_are_missing() {
        let (readiness, _drain, mut task) = delayed();
        assert!(!ends(&mut task.run).await);
        readiness.observe(true, false);
        assert!(ends(&mut task.run).await);
    }

    #[tokio::test]
    async fn delayed_task_runs_when_the_drain_begins() {
        let (_readiness, drain, mut task) = delayed();
        assert!(!ends(&mut task.run).await);
        drain.begin();
        assert!(ends(&mut task.run).await);
    }
}
