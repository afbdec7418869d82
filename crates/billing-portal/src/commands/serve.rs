//! `serve`: the service.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use api_http::readiness::Readiness;
use api_http::{Api, Guard, problem, routes};
use auth_api_key::ApiKeys;
use auth_jwt::JwtAuthenticator;
use billing_domain::{
    ApiKeyIssuer, ApiKeyService, DenialCounter, KeyPrefix, KeyRules, PortalService, WebhookIntake,
};
use http_edge::{Drain, EdgeConfig, FailureLimiter, RateLimiter, edge_layers};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use sandbox_stripe::{Sandbox, SandboxSettings};
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::Signal;
use tokio::sync::Notify;

use super::{Context, Failure, clock};
use crate::cli::Serve;
use crate::config::ServeConfig;
use crate::inbox::InboxWorker;
use crate::logging::LogSettings;
use crate::reconciling::{Reconciling, check_catalogue};
use crate::upkeep::Upkeep;
use crate::wiring::accounts::Accounts;
use crate::wiring::provider::{Provider, RunningSandbox, note_sandbox};
use crate::{demo, signals, wiring};

/// Kinds of denied attempts that are told apart within a minute.
const DENIALS_A_MINUTE: usize = 1000;
/// How often histograms are folded, so that they do not grow while nobody reads them.
const METRICS_UPKEEP: Duration = Duration::from_secs(5);
/// So long the events that are being applied at the end may take.
const LAST_EVENTS: Duration = Duration::from_secs(5);
/// Connections that the kernel completes for us while we are busy; it cuts this to its own limit.
const BACKLOG: u32 = 4096;

pub(crate) async fn run(context: &Context, arguments: Serve) -> Result<(), Failure> {
    let flags = [("LISTEN", arguments.listen), ("ADMIN_LISTEN", arguments.admin_listen)];
    let mut settings = context.settings(&flags);
    let log = LogSettings::read(&mut settings.reader, "info");
    let config = ServeConfig::read(&mut settings);
    let config = Context::checked(settings, log, config)?;

    let metrics = start_metrics()?;
    let (public, admin) = (listen(config.listen)?, listen(config.admin_listen)?);
    let address = |listener: &TcpListener| {
        listener.local_addr().map_err(|error| Failure::failed("no address", &error))
    };
    let (public_address, admin_address) = (address(&public)?, address(&admin)?);
    let base = format!("http://{public_address}");
    let return_urls = config.return_urls(&format!("{base}/")).map_err(Failure::Failed)?;
    let checkout_urls = config.checkout_urls(&return_urls);
    let key_origins = config.keys.return_origins().unwrap_or(return_urls.allowed()).to_vec();
    let key_rules = KeyRules { at_most: config.keys.max_per_user(), return_origins: key_origins };
    let embedded = config.provider.is_embedded();
    let sandbox = if embedded { Some(start_sandbox(&config).await?) } else { None };

    let drain = Drain::new();
    let stores = config.store.open();
    let readiness = Arc::new(Readiness::new(drain.clone(), clock()));
    let running = sandbox
        .as_ref()
        .map(|sandbox| introduce(sandbox, &base, &config.data_folder))
        .transpose()?;
    let provider = config.provider.connect(running.as_ref()).map_err(Failure::Failed)?;
    let ports = provider.ports().observed(&readiness);
    let account = ports.billing.account().clone();
    let accounts = Accounts::new(&stores, ports.clone(), clock());
    let (catalogue, prices) = (Arc::new(config.catalogue), accounts.prices());
    let new_events = Arc::new(Notify::new());
    let tokens = JwtAuthenticator::start(config.tokens.clone(), clock());
    let tokens =
        Arc::new(tokens.map_err(|error| Failure::failed("the key set cannot be fetched", &error))?);
    let keys = wiring::keys::start(&config.keys, &stores, clock());
    let keys =
        Arc::new(keys.map_err(|error| Failure::failed("API keys cannot be judged", &error))?);
    let service = ApiKeyService::new(stores.api_keys.clone(), clock());
    let issuer = ApiKeyIssuer::new(service.clone(), keys.minter().clone(), account.mode());
    let denials = Arc::new(DenialCounter::new(DENIALS_A_MINUTE));
    let api = Api {
        portal: Arc::new(PortalService::new(
            accounts.billing(),
            ports.billing,
            stores.audit.clone(),
            clock(),
            return_urls,
        )),
        checkout: Arc::new(accounts.checkout(
            Arc::clone(&prices),
            Arc::clone(&catalogue),
            checkout_urls,
        )),
        subscriptions: Arc::new(accounts.subscriptions(Arc::clone(&catalogue))),
        webhooks: Arc::new(WebhookIntake::new(
            account.clone(),
            provider.webhooks(),
            stores.inbox.clone(),
            clock(),
        )),
        intake_room: Arc::default(),
        new_events: Arc::clone(&new_events),
        access_tokens: tokens.clone(),
        api_keys: keys.authenticator().clone(),
        keys: service,
        issuer: issuer.clone(),
        key_rules: Arc::new(key_rules),
        key_prefix: config.keys.prefix().clone(),
        presented_key_id: auth_api_key::presented_key_id,
        guard: Arc::new(Guard {
            rate: config.rate_limit.map(RateLimiter::per_minute),
            failures: config.failure_limit.map(FailureLimiter::per_minute),
            denials: Arc::clone(&denials),
        }),
        clock: clock(),
        request_timeout: config.request_timeout,
        readiness: Arc::clone(&readiness),
        public_url: config.public_url.clone(),
        documents: Arc::default(),
    };
    let edge = EdgeConfig::new(problem::from_fault)
        .with_body_limit(routes::STRIPE_WEBHOOKS, routes::webhooks::BODY_LIMIT)
        .with_base(config.public_url.as_deref().unwrap_or_default())
        .with_trusted_proxies(config.proxies)
        .with_cors(config.cors);
    let settings = match http_edge::raise_file_limit() {
        Ok(files) => config.edge.within_file_limit(files),
        Err(error) => {
            tracing::warn!(%error, "the limit of open files cannot be raised");
            config.edge
        }
    };

    tracing::info!(public = %public_address, admin = %admin_address, provider = %account, version = env!("CARGO_PKG_VERSION"), "listening");
    let upkeep = Upkeep {
        stores: stores.clone(),
        readiness: Arc::clone(&readiness),
        tokens: Arc::clone(&tokens),
        gate: Arc::new(Mutex::new(config.keys.gate().clone())),
        auto_migrate: config.auto_migrate,
        denials,
        retention: config.retention,
        clock: clock(),
    };
    let mut background = tokio::task::JoinSet::new();
    background.spawn(upkeep.clone().watch());
    let audit = tokio::spawn(upkeep.clone().audit(drain.clone()));
    background.spawn(fold(metrics.clone()));
    let worker = InboxWorker {
        processor: accounts.processor(),
        inbox: stores.inbox.clone(),
        at: account.clone(),
        new_events,
        readiness: Arc::clone(&readiness),
        clock: clock(),
    };
    let worker = tokio::spawn(worker.run(drain.clone()));
    background.spawn(check_catalogue(prices, catalogue, Arc::clone(&readiness)));
    if let Some(every) = config.reconcile_every {
        let leadership = stores.leadership.clone();
        let reconciling = Reconciling {
            accounts,
            leadership,
            readiness: Arc::clone(&readiness),
            clock: clock(),
            every,
        };
        background.spawn(reconciling.run());
    }
    if let Some(sandbox) = sandbox {
        let demo = demo::Demo {
            base,
            sandbox: sandbox.base_url().to_owned(),
            folder: config.data_folder,
            tokens: config.tokens,
            keys: keys.authenticator().clone(),
            issuer,
            stores: stores.clone(),
            account,
        };
        let seeded = sandbox
            .seed_demo()
            .map_err(|error| Failure::failed("the sandbox cannot be seeded", &error))?;
        let stop = drain.clone();
        // The sandbox outlives the drain: what runs still needs it. It ends with the process.
        background.spawn(async move {
            tell(sandbox.serve(std::future::pending()).await, "the sandbox failed")
        });
        background.spawn(async move {
            readiness.wait_until_ready().await;
            if !stop.is_draining() {
                tell(demo.prepare(seeded.customer).await, "the demo cannot be prepared");
            }
        });
    }
    signals::drain_and_end(drain.clone())
        .map_err(|error| Failure::failed("signals cannot be caught", &error))?;
    let reload = Reload {
        tokens,
        keys: Arc::clone(&keys),
        provider,
        prefix: config.keys.prefix().clone(),
        upkeep: upkeep.clone(),
    };
    background.spawn(reload.on_hangup(
        signals::hangups().map_err(|error| Failure::failed("no signals", &error))?,
        context.clone(),
        flags,
    ));
    let served = tokio::try_join!(
        http_edge::serve(
            public,
            edge_layers(routes::public(api.clone()), edge.clone()),
            settings.clone(),
            drain.clone()
        ),
        http_edge::serve(admin, edge_layers(routes::admin(api, metrics), edge), settings, drain),
    );
    served.map_err(|error| Failure::failed("a listener failed", &error))?;
    background.shutdown().await;
    keys.shutdown().await;
    // It ends with the drain; a failure of it is no reason not to write what is left.
    let _ = audit.await;
    // What it has begun is soon done; cut short it would be done by others a minute later.
    let _ = tokio::time::timeout(LAST_EVENTS, worker).await;
    upkeep.write_denials().await;
    stores.database.close().await;
    tracing::info!("ended");
    Ok(())
}

/// What takes new settings while the service runs.
struct Reload {
    tokens: Arc<JwtAuthenticator>,
    keys: Arc<ApiKeys>,
    provider: Provider,
    prefix: KeyPrefix,
    upkeep: Upkeep,
}

impl Reload {
    /// On SIGHUP the settings are read again, files too. Secrets change without a failed request; what is wrong leaves all
    /// as it was, and what else changed waits for a restart.
    async fn on_hangup(
        self,
        mut hangups: Signal,
        context: Context,
        flags: [(&'static str, Option<String>); 2],
    ) {
        while hangups.recv().await.is_some() {
            let mut settings = context.settings(&flags);
            let config = ServeConfig::read(&mut settings);
            match (settings.reader.finish(), config) {
                (Ok(_), Some(config)) => match self.apply(config).await {
                    Ok(()) => tracing::info!("the secrets were read again"),
                    Err(cause) => {
                        tracing::error!(cause, "the new secrets cannot be used; the old ones stay")
                    }
                },
                (Err(faults), _) => {
                    tracing::error!(cause = %faults, "the new settings are wrong; the old ones stay")
                }
                (Ok(_), None) => {
                    tracing::error!("a setting is wrong and was not reported: this is a bug")
                }
            }
        }
    }

    /// What can fail comes first, so that all of it comes into force, or nothing.
    async fn apply(&self, config: ServeConfig) -> Result<(), String> {
        if !self.provider.accepts(&config.provider) {
            return Err("the new settings are for another provider or mode, which takes a restart"
                .to_owned());
        }
        if *config.keys.prefix() != self.prefix {
            return Err(
                "the new settings have another BILLING_API_KEY_PREFIX, which takes a restart"
                    .to_owned(),
            );
        }
        self.upkeep.accepts(config.keys.gate()).await?;
        self.tokens.reload(config.tokens).await.map_err(|error| problem::with_sources(&error))?;
        self.provider.reload(config.provider)?;
        self.keys.reload(&config.keys);
        self.upkeep.judge_by(config.keys.gate().clone());
        Ok(())
    }
}

fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    let bind = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    bind().map_err(|error: std::io::Error| {
        Failure::failed(&format!("cannot listen on {address}"), &error)
    })
}

fn start_metrics() -> Result<PrometheusHandle, Failure> {
    const SECONDS: &[f64] =
        &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS);
    builder
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| Failure::failed("metrics cannot start", &error))
}

async fn fold(metrics: PrometheusHandle) {
    let mut tick = tokio::time::interval(METRICS_UPKEEP);
    loop {
        tick.tick().await;
        metrics.run_upkeep();
    }
}

async fn start_sandbox(config: &ServeConfig) -> Result<Sandbox, Failure> {
    let settings = SandboxSettings {
        fallback_to_free_port: true,
        state: Some(config.data_folder.join("sandbox.jsonl")),
        record: config.sandbox_record.clone(),
        ..SandboxSettings::default()
    };
    Sandbox::bind(settings)
        .await
        .map_err(|error| Failure::failed("the sandbox cannot start", &error))
}

/// The sandbox is to deliver its events here, and commands are to find it.
fn introduce(sandbox: &Sandbox, base: &str, data_folder: &Path) -> Result<RunningSandbox, Failure> {
    let failed = |error| Failure::failed("the sandbox cannot be set up", &error);
    let signing_secret =
        sandbox.webhook_endpoint(&format!("{base}{}", routes::STRIPE_WEBHOOKS)).map_err(failed)?;
    note_sandbox(data_folder, sandbox.base_url()).map_err(failed)?;
    Ok(RunningSandbox {
        base_url: sandbox.base_url().to_owned(),
        signing_secret: Some(signing_secret),
    })
}

fn tell<E: std::error::Error>(result: Result<(), E>, what: &str) {
    let _ =
        result.map_err(|error| tracing::error!(cause = problem::with_sources(&error), "{what}"));
}
