//! `serve`: the service.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use api_http::observed_provider::ObservedProvider;
use api_http::readiness::Readiness;
use api_http::{Api, problem, routes};
use auth_jwt::JwtAuthenticator;
use billing_domain::PortalService;
use billing_domain::ports::{Database, RepoError, SchemaState};
use http_edge::{Drain, EdgeConfig, edge_layers};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use sandbox_stripe::{Sandbox, SandboxSettings};
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Context, Failure, clock};
use crate::cli::Serve;
use crate::config::ServeConfig;
use crate::demo;
use crate::logging::LogSettings;
use crate::wiring::keys::Keys;

/// How often an unready service looks for its database, and a ready one whether it is still there.
const DATABASE_CHECK: Duration = Duration::from_secs(1);
/// How often histograms are folded, so that they do not grow while nobody reads them.
const METRICS_UPKEEP: Duration = Duration::from_secs(5);
/// Connections that the kernel completes for us while we are busy; it cuts this to its own limit.
const BACKLOG: u32 = 4096;

pub(crate) async fn run(context: &Context, arguments: Serve) -> Result<(), Failure> {
    let mut settings = context.settings(&[("LISTEN", arguments.listen), ("ADMIN_LISTEN", arguments.admin_listen)]);
    let log = LogSettings::read(&mut settings.reader, "info");
    let config = ServeConfig::read(&mut settings);
    let config = Context::checked(settings, log, config)?;

    let metrics = start_metrics()?;
    let (public, admin) = (listen(config.listen)?, listen(config.admin_listen)?);
    let address = |listener: &TcpListener| listener.local_addr().map_err(|error| Failure::failed("no address", &error));
    let (public_address, admin_address) = (address(&public)?, address(&admin)?);
    let base = format!("http://{public_address}");
    let return_urls = config.return_urls(&format!("{base}/")).map_err(Failure::Failed)?;
    let embedded = config.provider.is_embedded();
    let sandbox = if embedded { Some(start_sandbox(&config).await?) } else { None };

    let drain = Drain::new();
    let stores = config.store.open();
    let readiness = Arc::new(Readiness::new(drain.clone(), clock()));
    let provider = config.provider.connect(sandbox.as_ref().map(Sandbox::base_url)).map_err(Failure::Failed)?;
    let account = provider.account().clone();
    let provider = Arc::new(ObservedProvider::new(provider, Arc::clone(&readiness)));
    let keys = Keys::new(&config.keys, &stores.api_keys, &clock());
    let api = Api {
        portal: Arc::new(PortalService::new(Arc::clone(&stores.customers), provider, return_urls)),
        access_tokens: Arc::new(JwtAuthenticator::new(config.tokens.clone(), clock())),
        api_keys: keys.authenticator.clone(),
        key_prefix: config.keys.prefix().clone(),
        request_timeout: config.request_timeout,
        readiness: Arc::clone(&readiness),
        public_url: config.public_url.clone(),
    };
    let edge = EdgeConfig::new(problem::from_fault).with_base(config.public_url.as_deref().unwrap_or_default());
    let settings = match http_edge::raise_file_limit() {
        Ok(files) => config.edge.within_file_limit(files),
        Err(error) => {
            tracing::warn!(%error, "the limit of open files cannot be raised");
            config.edge
        }
    };

    tracing::info!(public = %public_address, admin = %admin_address, provider = %account, version = env!("CARGO_PKG_VERSION"), "listening");
    let mut background = tokio::task::JoinSet::new();
    background.spawn(watch_database(Arc::clone(&stores.database), Arc::clone(&readiness), config.auto_migrate));
    background.spawn(upkeep(metrics.clone()));
    if let Some(sandbox) = sandbox {
        let demo = demo::Demo {
            base,
            sandbox: sandbox.base_url().to_owned(),
            folder: config.data_folder,
            tokens: config.tokens,
            keys,
            stores: stores.clone(),
            account,
        };
        let customer =
            sandbox.seed_demo().map_err(|error| Failure::failed("the sandbox cannot be seeded", &error))?.customer;
        let stop = drain.clone();
        // The sandbox outlives the drain: what runs still needs it. It ends with the process.
        background.spawn(async move { tell(sandbox.serve(std::future::pending()).await, "the sandbox failed") });
        background.spawn(async move {
            readiness.wait_until_ready().await;
            if !stop.is_draining() {
                tell(demo.prepare(customer).await, "the demo cannot be prepared");
            }
        });
    }
    end_on_signals(drain.clone())?;
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
    stores.database.close().await;
    tracing::info!("ended");
    Ok(())
}

fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    let bind = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    bind().map_err(|error: std::io::Error| Failure::failed(&format!("cannot listen on {address}"), &error))
}

fn start_metrics() -> Result<PrometheusHandle, Failure> {
    const SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
    let builder = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS);
    builder
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| Failure::failed("metrics cannot start", &error))
}

async fn upkeep(metrics: PrometheusHandle) {
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
        ..SandboxSettings::default()
    };
    Sandbox::bind(settings).await.map_err(|error| Failure::failed("the sandbox cannot start", &error))
}

/// Until the database fits: looks for it, and migrates it where that is allowed. From then on: tells whether it is there.
async fn watch_database(database: Arc<dyn Database>, readiness: Arc<Readiness>, auto_migrate: bool) {
    let mut tick = tokio::time::interval(DATABASE_CHECK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut last = String::new();
    loop {
        tick.tick().await;
        let state = match database.schema().await {
            Ok(SchemaState::Behind { .. }) if auto_migrate => migrate(database.as_ref()).await,
            found => found,
        };
        let news = match state {
            Ok(state) if state.fits() => {
                readiness.database_is_up();
                String::new()
            }
            Ok(_) => {
                readiness.database_is_down();
                "the database is not migrated: run `billing-portal migrate`".to_owned()
            }
            Err(error) => {
                readiness.database_is_down();
                problem::with_sources(&error)
            }
        };
        if news != last {
            if news.is_empty() {
                tracing::info!("the database is back")
            } else {
                tracing::warn!(cause = news, "the database cannot be used")
            }
            last = news;
        }
    }
}

async fn migrate(database: &dyn Database) -> Result<SchemaState, RepoError> {
    let applied = database.migrate().await?;
    tracing::info!(applied, "the database is migrated");
    database.schema().await
}

/// The first signal drains; the second one ends the process at once, as if nothing caught it.
fn end_on_signals(drain: Drain) -> Result<(), Failure> {
    let failed = |error| Failure::failed("signals cannot be caught", &error);
    let (mut terminate, mut interrupt) = signals().map_err(failed)?;
    tokio::spawn(async move {
        either(&mut terminate, &mut interrupt).await;
        tracing::info!("draining");
        drain.begin();
        let number = either(&mut terminate, &mut interrupt).await;
        tracing::warn!("a second signal: ending at once");
        std::process::exit(128 + number);
    });
    Ok(())
}

/// Waits for SIGTERM or SIGINT.
pub(super) fn first_signal() -> std::io::Result<impl Future<Output = ()>> {
    let (mut terminate, mut interrupt) = signals()?;
    Ok(async move {
        either(&mut terminate, &mut interrupt).await;
    })
}

fn signals() -> std::io::Result<(Signal, Signal)> {
    Ok((signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?))
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) -> i32 {
    tokio::select! {
        _ = terminate.recv() => SignalKind::terminate().as_raw_value(),
        _ = interrupt.recv() => SignalKind::interrupt().as_raw_value(),
    }
}

fn tell<E: std::error::Error>(result: Result<(), E>, what: &str) {
    let _ = result.map_err(|error| tracing::error!(cause = problem::with_sources(&error), "{what}"));
}
