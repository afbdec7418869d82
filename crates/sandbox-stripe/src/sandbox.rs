//! The sandbox: binds an address, seeds the demo, and serves until shutdown.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::accept;
use crate::api::record::Recorder;
use crate::api::{self, AppState};
use crate::checkout::{self, Checkout};
use crate::clock::{Clock, SystemClock};
use crate::demo::{self, Demo};
use crate::front_page;
use crate::invoice;
use crate::model::{Metadata, PortalConfiguration, PortalFeatures};
use crate::portal::{self, Portal};
use crate::settings::{SandboxSettings, WebhookSettings};
use crate::state::Change;
use crate::store::Store;
use crate::webhooks::{self, Webhooks};

/// Number of ports to try above the configured one before any free port.
const PORTS_TRIED: u16 = 20;

/// The default portal configuration's id, the same in every sandbox.
const DEFAULT_CONFIGURATION: &str = "bpc_1SandboxDefaultConfig0001";

/// A sandbox with an address and a state. It does not serve yet.
#[derive(Debug)]
pub struct Sandbox {
    listener: TcpListener,
    local_addr: SocketAddr,
    base_url: Arc<str>,
    store: Arc<Store>,
    recorder: Option<Recorder>,
    state: Option<PathBuf>,
    webhooks: WebhookSettings,
}

impl Sandbox {
    /// Binds the address and opens the state. Renews and bills subscriptions that are due.
    ///
    /// # Errors
    /// The address is in use or not local; the state file is unreadable, damaged, or in use by
    /// another process (`ErrorKind::ResourceBusy`); or the folder for the record is not writable.
    /// The error's text names the cause and the fix.
    pub async fn bind(settings: SandboxSettings) -> io::Result<Self> {
        Self::bind_with_clock(settings, Arc::new(SystemClock)).await
    }

    /// Binds with another clock, for time-dependent tests.
    ///
    /// # Errors
    /// See [`Sandbox::bind`].
    pub async fn bind_with_clock(
        settings: SandboxSettings,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Self> {
        let listener = listen(settings.listen, settings.fallback_to_free_port).await?;
        let local_addr = listener.local_addr()?;
        let base_url: Arc<str> = match &settings.public_url {
            Some(url) => url.as_str().trim_end_matches('/').into(),
            None => format!("http://{}", reachable(local_addr)).into(),
        };
        let store = Store::open(settings.state.as_deref(), clock, base_url.clone())?;
        ensure_default_configuration(&store, settings.without_portal_configuration)?;
        let recorder = settings.record.as_deref().map(Recorder::begin).transpose()?;
        Ok(Self {
            listener,
            local_addr,
            base_url,
            store: Arc::new(store),
            recorder,
            state: settings.state,
            webhooks: settings.webhooks,
        })
    }

    /// Returns the address on which the sandbox listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Returns the public URL without a trailing slash. Clients append `/v1`; links start with it.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Creates a demo customer with a subscription, two paid invoices and a card, unless it exists.
    /// Its ids are the same in every sandbox. A deleted demo customer is created again.
    ///
    /// # Errors
    /// The state file cannot be written.
    pub fn seed_demo(&self) -> io::Result<Demo> {
        demo::seed(&self.store)
    }

    /// Creates a webhook endpoint for all event types at this `http://` URL, or updates its URL.
    /// Returns the secret that signs its deliveries. Its id is the same in every sandbox. Pending
    /// deliveries of an earlier run go to the new URL.
    ///
    /// # Errors
    /// The URL is not usable (`ErrorKind::InvalidInput`), or the state file cannot be written.
    pub fn webhook_endpoint(&self, url: &str) -> io::Result<SecretString> {
        webhooks::upsert_default_endpoint(&self.store, url)
    }

    /// Serves and delivers events until `shutdown` completes. Then it finishes requests and
    /// deliveries in progress (for at most two seconds) and syncs the state to disk.
    ///
    /// # Errors
    /// The state cannot be synced to disk.
    pub async fn serve(self, shutdown: impl Future<Output = ()> + Send) -> io::Result<()> {
        self.serve_and_deliver_after(std::future::ready(()), shutdown).await
    }

    /// Like [`Sandbox::serve`], but the first delivery waits until `ready` is done. An application that embeds the sandbox
    /// prevents deliveries that it cannot accept yet.
    ///
    /// # Errors
    /// The state cannot be brought to the disk.
    pub async fn serve_and_deliver_after(
        self,
        ready: impl Future<Output = ()> + Send,
        shutdown: impl Future<Output = ()> + Send,
    ) -> io::Result<()> {
        let Self { listener, base_url, store, recorder, state, webhooks, .. } = self;
        let webhooks = Arc::new(Webhooks::new(store.clone(), webhooks));
        let front_page = front_page::router(base_url.clone(), state.as_deref());
        let router = router(&store, base_url, &webhooks, front_page);
        let router = match recorder {
            Some(recorder) => recorder.layer(router),
            None => router,
        };
        let (stop, mut stopped) = oneshot::channel();
        let shutdown = async {
            shutdown.await;
            // The send fails if the delivery worker has already ended.
            let _ = stop.send(());
        };
        let deliver = async {
            tokio::select! {
                () = ready => {}
                _ = &mut stopped => return,
            }
            webhooks.run(stopped).await;
        };
        tokio::join!(accept::serve(listener, router, shutdown), deliver);
        store.flush()
    }
}

fn router(
    store: &Arc<Store>,
    base_url: Arc<str>,
    webhooks: &Arc<Webhooks>,
    front_page: Router,
) -> Router {
    front_page
        .merge(api::router(&AppState::new(store.clone(), base_url.clone())))
        .merge(api::clock::router(store.clone()))
        .merge(api::deliveries::router(store.clone(), webhooks.clone()))
        .merge(portal::router(Portal::new(store.clone(), base_url.clone())))
        .merge(checkout::router(Checkout::new(store.clone(), base_url)))
        .merge(invoice::router(store.clone()))
        .fallback(api::unknown_operation)
        .method_not_allowed_fallback(api::unknown_operation)
}

async fn listen(address: SocketAddr, fall_back: bool) -> io::Result<TcpListener> {
    let error = match TcpListener::bind(address).await {
        Err(error) if fall_back && error.kind() == io::ErrorKind::AddrInUse => error,
        Err(error) => {
            return Err(io::Error::new(
                error.kind(),
                format!("cannot listen on {address}: {error}"),
            ));
        }
        Ok(listener) => return Ok(listener),
    };
    tracing::debug!(%address, %error, "the port is in use; trying the next one");
    let next = (1..=PORTS_TRIED).filter_map(|step| address.port().checked_add(step)).chain([0]);
    for port in next {
        match TcpListener::bind(SocketAddr::new(address.ip(), port)).await {
            Ok(listener) => return Ok(listener),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(error),
        }
    }
    Err(error)
}

/// Returns the address for browsers on this machine.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Creates or deletes the default configuration. Configurations from the API stay.
fn ensure_default_configuration(store: &Store, without: bool) -> io::Result<()> {
    store.transact(|transaction| {
        let exists = transaction.state().portal_configurations.get(DEFAULT_CONFIGURATION).is_some();
        match (without, exists) {
            (true, true) => {
                transaction.put(Change::PortalConfigurationGone(DEFAULT_CONFIGURATION.to_owned()))
            }
            (false, false) => {
                let now = transaction.now();
                transaction.put(PortalConfiguration {
                    id: DEFAULT_CONFIGURATION.to_owned(),
                    created: now,
                    updated: now,
                    active: true,
                    is_default: true,
                    name: None,
                    default_return_url: None,
                    headline: None,
                    privacy_policy_url: None,
                    terms_of_service_url: None,
                    features: PortalFeatures::all(),
                    metadata: Metadata::new(),
                });
            }
            _ => {}
        }
        Ok(())
    })
}
