//! The sandbox as a whole: bound to an address, seeded, serving until told to stop.

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
use crate::api::{self, Api};
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

/// So many ports above the asked one are tried before any free one is taken.
const PORTS_TRIED: u16 = 20;

/// The default portal configuration's id, the same in every sandbox.
const DEFAULT_CONFIGURATION: &str = "bpc_1SandboxDefaultConfig0001";

/// A sandbox that has its address and its state, and does not answer yet.
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
    /// Takes the address and opens the state; subscriptions whose period ended meanwhile are renewed and billed.
    ///
    /// # Errors
    /// The address is in use (and no other was allowed) or not ours; the state file is unreadable, damaged, or in
    /// use by another process (`ErrorKind::ResourceBusy`). The error's text says which, and what to do. Or the folder
    /// for the record cannot be written.
    pub async fn bind(settings: SandboxSettings) -> io::Result<Self> {
        Self::bind_with_clock(settings, Arc::new(SystemClock)).await
    }

    /// [`Sandbox::bind`] with another clock, for tests of what takes time.
    ///
    /// # Errors
    /// As [`Sandbox::bind`].
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
        settle_default_configuration(&store, settings.without_portal_configuration)?;
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

    /// Where the sandbox listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// What clients put before `/v1`, without a slash at the end; the links that the sandbox mints begin with it.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Makes a demo customer with a subscription, two paid invoices and a card, or finds the one that is there
    /// (ids are the same in every sandbox). One that was deleted is made anew.
    ///
    /// # Errors
    /// The state file cannot be written.
    pub fn seed_demo(&self) -> io::Result<Demo> {
        demo::seed(&self.store)
    }

    /// Makes a webhook endpoint for every type of event, or finds the one that is there (its id is the same in every
    /// sandbox) and moves it to this address, `http://…`; gives the secret that its deliveries are signed under. What an
    /// earlier run did not deliver comes to the new address.
    ///
    /// # Errors
    /// Nothing can be delivered to the address (`ErrorKind::InvalidInput`), or the state file cannot be written.
    pub fn webhook_endpoint(&self, url: &str) -> io::Result<SecretString> {
        webhooks::settle_default_endpoint(&self.store, url)
    }

    /// Answers and delivers events until `shutdown` is done, finishes what is being answered or delivered (for at most
    /// a second or two), and brings the state to the disk.
    ///
    /// # Errors
    /// The state cannot be brought to the disk.
    pub async fn serve(self, shutdown: impl Future<Output = ()> + Send) -> io::Result<()> {
        let Self { listener, base_url, store, recorder, state, webhooks, .. } = self;
        let webhooks = Arc::new(Webhooks::new(store.clone(), webhooks));
        let front_page = front_page::router(base_url.clone(), state.as_deref());
        let router = router(&store, base_url, &webhooks).merge(front_page);
        let router = match recorder {
            Some(recorder) => recorder.watch(router),
            None => router,
        };
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            shutdown.await;
            // Whoever delivers no more has ended already.
            let _ = stop.send(());
        };
        tokio::join!(accept::serve(listener, router, shutdown), webhooks.run(stopped));
        store.flush()
    }
}

fn router(store: &Arc<Store>, base_url: Arc<str>, webhooks: &Arc<Webhooks>) -> Router {
    Router::new()
        .merge(api::router(&Api::new(store.clone(), base_url.clone())))
        .merge(api::clock::router(store.clone()))
        .merge(api::deliveries::router(store.clone(), webhooks.clone()))
        .merge(portal::router(Portal::new(store.clone(), base_url.clone())))
        .merge(checkout::router(Checkout::new(store.clone(), base_url)))
        .merge(invoice::router(store.clone()))
        .fallback(api::unrecognized)
        .method_not_allowed_fallback(api::unrecognized)
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
    tracing::debug!(%address, %error, "taking the next free port");
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

/// The address as a browser on this machine reaches it.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// A fresh sandbox offers everything; one that is to have no configuration loses ours, and keeps those made through
/// the API.
fn settle_default_configuration(store: &Store, without: bool) -> io::Result<()> {
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
