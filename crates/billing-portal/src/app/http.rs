//! The HTTP API over the [`Services`], and its two listeners.

use std::sync::Arc;

use api_http::{AppState, IntakeCapacity, RequestLimits, edge, routes};
use axum::Router;
use billing_domain::{KeyRules, PortalService, WebhookIntake};
use http_edge::{Drain, EdgeSettings, FailureLimiter, RateLimiter, edge_layers, raise_file_limit};
use metrics_exporter_prometheus::PrometheusHandle;

use super::listeners::Listeners;
use super::services::Services;
use super::supervisor::{Kind, Supervisor};
use crate::config::ServeConfig;
use crate::failure::Failure;

/// Creates the state of the API. `base` is the URL of the public listener.
pub(crate) fn api(
    services: &Services,
    config: &ServeConfig,
    base: &str,
) -> Result<Arc<AppState>, Failure> {
    let Services { clock, stores, ports, account, accounts, keys, catalogue, .. } = services;
    let return_urls = config.return_urls(&format!("{base}/")).map_err(Failure::Failed)?;
    let checkout_urls = config.checkout_urls(&return_urls);
    let key_origins = config.keys.return_origins().unwrap_or(return_urls.allowed()).to_vec();
    let portal = PortalService::new(
        accounts.billing(),
        ports.billing.clone(),
        stores.audit.clone(),
        clock.clone(),
        return_urls,
    );
    let prices = Arc::clone(&services.prices);
    let webhooks = services.provider.webhooks();
    Ok(Arc::new(AppState {
        portal,
        checkout: accounts.checkout(prices, Arc::clone(catalogue), checkout_urls),
        subscriptions: accounts.subscriptions(Arc::clone(catalogue)),
        webhooks: WebhookIntake::new(
            account.clone(),
            webhooks,
            stores.inbox.clone(),
            clock.clone(),
        ),
        intake_capacity: IntakeCapacity::default(),
        new_events: Arc::clone(&services.new_events),
        access_tokens: services.tokens.clone(),
        api_keys: keys.authenticator().clone(),
        keys: services.key_service.clone(),
        issuer: services.issuer.clone(),
        key_rules: KeyRules {
            max_active_keys: config.keys.max_per_user(),
            return_origins: key_origins,
        },
        key_prefix: config.keys.prefix().clone(),
        limits: RequestLimits {
            rate: config.rate_limit.map(RateLimiter::per_minute),
            failures: config.failure_limit.map(FailureLimiter::per_minute),
            denials: Arc::clone(&services.denials),
        },
        clock: clock.clone(),
        request_timeout: config.request_timeout,
        readiness: services.readiness.clone(),
        public_url: config.public_url.clone(),
    }))
}

/// The routes of both listeners.
pub(crate) struct Routers {
    public: Router,
    admin: Router,
}

impl Routers {
    /// `front` replaces the public listener's front page.
    pub(crate) fn new(
        app: Arc<AppState>,
        front: Option<Router<Arc<AppState>>>,
        metrics: PrometheusHandle,
    ) -> Self {
        let public = match front {
            Some(front) => routes::public_with_front_page(Arc::clone(&app), front),
            None => routes::public(Arc::clone(&app)),
        };
        Self { public, admin: routes::admin(app, metrics) }
    }
}

/// Registers both listeners.
pub(crate) fn listen(
    supervisor: &mut Supervisor,
    listeners: Listeners,
    routers: Routers,
    config: &ServeConfig,
    drain: &Drain,
) {
    let public_url = config.public_url.as_deref();
    let edge = edge::config(public_url, config.proxies.clone(), config.cors.clone());
    let settings = within_file_limit(config.edge.clone());
    let public = edge_layers(routers.public, edge.clone());
    let admin = edge_layers(routers.admin, edge);
    for (name, listener, router) in
        [("public listener", listeners.public, public), ("admin listener", listeners.admin, admin)]
    {
        let served = http_edge::serve(listener, router, settings.clone(), drain.clone());
        supervisor.add(name, Kind::Listener, async {
            served.await.map_err(|error| Failure::failed("it cannot accept connections", &error))
        });
    }
}

fn within_file_limit(settings: EdgeSettings) -> EdgeSettings {
    match raise_file_limit() {
        Ok(files) => settings.within_file_limit(files),
        Err(error) => {
            tracing::warn!(%error, "the limit of open files cannot be raised");
            settings
        }
    }
}
