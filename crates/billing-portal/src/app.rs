//! [`App`]: the service, from its configuration to its exit.

mod embedded;
mod front_page;
mod http;
mod listeners;
mod metrics;
mod reload;
mod services;
mod supervisor;
mod tasks;

use std::net::SocketAddr;
use std::sync::Arc;

use auth_api_key::ApiKeys;
use billing_domain::ProviderAccount;
use billing_domain::ports::Database;
use http_edge::Drain;

pub use supervisor::TaskFuture;

use crate::config::ServeConfig;
use crate::failure::Failure;
use crate::signals;
use crate::wiring::install_crypto_provider;
use embedded::Embedded;
use listeners::Listeners;
use reload::Reload;
use services::Services;
use supervisor::{Kind, Supervisor, infallible};

/// The wired service with bound listeners. [`serve`](Self::serve) starts its tasks.
pub struct App {
    supervisor: Supervisor,
    keys: Arc<ApiKeys>,
    database: Arc<dyn Database>,
    account: ProviderAccount,
    public: SocketAddr,
    admin: SocketAddr,
}

impl App {
    /// Binds the listeners and wires the service. A process can build one `App` only.
    ///
    /// # Errors
    /// [`Failure::Failed`] if an address, the provider or the sandbox cannot be used.
    pub async fn build(config: ServeConfig) -> Result<Self, Failure> {
        install_crypto_provider();
        let metrics = metrics::install()?;
        let listeners = Listeners::bind(config.listen, config.admin_listen)?;
        let (public, admin) = (listeners.public_address, listeners.admin_address);
        let base = listeners.base_url();
        let is_embedded = config.provider.is_embedded();
        let embedded =
            if is_embedded { Some(Embedded::start(&config, &base, admin).await?) } else { None };
        let drain = Drain::new();
        let sandbox = embedded.as_ref().map(|embedded| &embedded.running);
        let (services, adapter_tasks) = Services::connect(&config, drain.clone(), sandbox)?;

        let mut supervisor = Supervisor::new(drain.clone());
        supervisor.add_adapter(adapter_tasks);
        let api = http::api(&services, &config, &base)?;
        let front = embedded.as_ref().map(|embedded| {
            front_page::routes(&embedded.running.base_url, Arc::clone(&services.catalogue))
        });
        let front = front.transpose()?;
        let routers = http::Routers::new(api, front, metrics.clone());
        http::listen(&mut supervisor, listeners, routers, &config, &drain);
        supervisor.add("metrics upkeep", Kind::Endless, infallible(metrics::upkeep(metrics)));
        tasks::register(&mut supervisor, &services, &config, &drain);
        if let Some(embedded) = embedded {
            embedded.register(&mut supervisor, &services, &config, base, &drain);
        }
        let hangups = signals::hangups()
            .map_err(|error| Failure::failed("signals cannot be caught", &error))?;
        let reload = Reload {
            source: config.source,
            tokens: services.tokens,
            keys: Arc::clone(&services.keys),
            provider: services.provider,
            prefix: config.keys.prefix().clone(),
            pepper: services.pepper,
        };
        supervisor.add("reload", Kind::Endless, infallible(reload.run(hangups)));
        let (keys, database) = (services.keys, services.stores.database);
        Ok(Self { supervisor, keys, database, account: services.account, public, admin })
    }

    /// Replaces the work of every task. Tests use it to let tasks fail.
    #[must_use]
    pub fn map_tasks(mut self, change: impl FnMut(&'static str, TaskFuture) -> TaskFuture) -> Self {
        self.supervisor.map(change);
        self
    }

    /// Serves until `shutdown` resolves or a task fails, and drains: requests first, then workers,
    /// then the stores' writers.
    ///
    /// # Errors
    /// [`Failure::Task`] if a task panicked, failed or ended early; [`Failure::Configuration`] if
    /// the pepper fits no stored key.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) -> Result<(), Failure> {
        let Self { supervisor, keys, database, account, public, admin } = self;
        let version = env!("CARGO_PKG_VERSION");
        tracing::info!(%public, %admin, provider = %account, version, "listening");
        let draining = supervisor.run(shutdown).await;
        keys.flush().await;
        drop(keys);
        let outcome = draining.finish().await;
        database.close().await;
        tracing::info!("ended");
        outcome
    }
}
