//! [`ServeConfig`]: the settings of `serve`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use auth_api_key::ApiKeySettings;
use auth_jwt::JwtSettings;
use billing_domain::{
    BroadOriginError, Catalogue, CheckoutUrls, Mode, OriginPattern, ReturnUrl, ReturnUrlPolicy,
};
use http_edge::{CorsPolicy, EdgeSettings, TrustedProxies};

use layered_settings::Reader;

use super::{Settings, Source, catalogue, provider, store};
use crate::failure::Failure;
use crate::logging::{self, LogSettings};

/// An address to listen on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListenAddress {
    pub(crate) address: SocketAddr,
    /// Uses the next free port if the port is taken.
    pub(crate) may_use_next_port: bool,
}

/// The configuration of the service.
#[derive(Debug)]
pub struct ServeConfig {
    pub(crate) source: Source,
    pub(crate) listen: ListenAddress,
    pub(crate) admin_listen: ListenAddress,
    pub(crate) store: store::StoreSettings,
    pub(crate) auto_migrate: bool,
    pub(crate) provider: provider::ProviderSettings,
    pub(crate) tokens: JwtSettings,
    pub(crate) keys: ApiKeySettings,
    pub(crate) dashboard: Option<ReturnUrl>,
    /// Default `cancelUrl` of a checkout. `None` is the dashboard.
    pub(crate) pricing: Option<ReturnUrl>,
    pub(crate) catalogue: Arc<Catalogue>,
    /// Interval at which the mirror is compared with the provider. `None` is never.
    pub(crate) reconcile_every: Option<Duration>,
    pub(crate) origins: Option<Vec<OriginPattern>>,
    pub(crate) public_url: Option<String>,
    pub(crate) request_timeout: Duration,
    pub(crate) edge: EdgeSettings,
    pub(crate) data_folder: PathBuf,
    /// Folder in which the sandbox records its exchanges, for tests.
    pub(crate) sandbox_record: Option<PathBuf>,
    pub(crate) rate_limit: Option<NonZeroU32>,
    pub(crate) failure_limit: Option<NonZeroU32>,
    pub(crate) cors: CorsPolicy,
    pub(crate) proxies: TrustedProxies,
    /// Retention of audit records; `None` keeps them permanently.
    pub(crate) retention: Option<Duration>,
}

impl ServeConfig {
    /// Reads the settings and starts the process's log.
    ///
    /// # Errors
    /// [`Failure::Configuration`] with all faults.
    pub fn load(source: &Source) -> Result<Self, Failure> {
        let mut settings = Settings::gather(source);
        let level =
            if settings.is_embedded() { logging::WARNINGS_AND_REQUESTS } else { logging::INFO };
        let log = LogSettings::read(&mut settings.reader, level);
        let config = Self::read(&mut settings);
        settings.start(log, config)
    }

    /// Reads all settings. Returns `None` if one is faulty; the reader has the faults.
    pub(crate) fn read(settings: &mut Settings) -> Option<Self> {
        let embedded = settings.is_embedded();
        let store = store::read(settings);
        let auto_migrate = store::auto_migrate(settings);
        let provider = provider::read(settings);
        settings.supply_pepper();
        settings.supply_token_secret();
        let data_folder = settings.data_folder();
        let sandbox_record = settings.sandbox_record();
        let source = settings.source.clone();
        let reader = &mut settings.reader;
        let listen = address(reader, "LISTEN", 8080, embedded);
        let admin_listen = address(reader, "ADMIN_LISTEN", 9090, embedded);
        if listen.address == admin_listen.address && listen.address.port() != 0 {
            reader.fault(
                "ADMIN_LISTEN",
                "it is the same address as BILLING_LISTEN; set another port",
            );
        }
        let tokens = reader.adapter(|get| JwtSettings::read(get));
        let keys = reader.adapter(|get| ApiKeySettings::read(get));
        let dashboard = dashboard(reader, embedded);
        let pricing =
            reader.text("PRICING_URL").and_then(|url| configured(reader, "PRICING_URL", &url));
        let catalogue = plan_catalogue(reader, provider.as_ref());
        let reconcile = reader.number("RECONCILE_INTERVAL_SECONDS", 3600, 0..=604_800);
        let origins = reader
            .text("RETURN_URL_ORIGINS")
            .map(|list| origins(reader, "RETURN_URL_ORIGINS", &list));
        let live = provider.as_ref().is_some_and(|provider| provider.mode() == Mode::Live);
        let key_origins =
            keys.as_ref().and_then(ApiKeySettings::return_origins).unwrap_or_default();
        if let Some(broad) = key_origins.iter().find(|origin| live && origin.is_broad()) {
            reader.fault("API_KEY_RETURN_ORIGINS", BroadOriginError(broad.clone()).to_string());
        }
        if let (Some(dashboard), Some(mode)) =
            (&dashboard, provider.as_ref().map(provider::ProviderSettings::mode))
        {
            check_breadth(reader, dashboard, origins.as_deref().unwrap_or_default(), mode);
        }
        let public_url = reader.text("PUBLIC_URL").and_then(|url| public_url(reader, &url));
        let request_timeout =
            Duration::from_secs(reader.number("REQUEST_TIMEOUT_SECONDS", 15, 1..=300));
        if embedded {
            // There is no load balancer that must notice the shutdown first.
            reader.supply("SHUTDOWN_LAME_DUCK_SECONDS", "0".to_owned());
        }
        let edge = reader.adapter(|get| EdgeSettings::read(get));
        let rate_limit = per_minute(reader, "RATE_LIMIT_PER_MINUTE", 60);
        let failure_limit = per_minute(reader, "AUTH_FAILURES_PER_MINUTE", 120);
        let cors = edge_list(reader, "CORS_ORIGINS", CorsPolicy::parse);
        let proxies = edge_list(reader, "TRUSTED_PROXIES", TrustedProxies::parse);
        let retention = reader.number("AUDIT_RETENTION_DAYS", 0, 0..=36_500);
        Some(Self {
            source,
            listen,
            admin_listen,
            store: store?,
            auto_migrate,
            provider: provider?,
            tokens: tokens?,
            keys: keys?,
            dashboard,
            pricing,
            catalogue: Arc::new(catalogue?),
            reconcile_every: (reconcile > 0).then(|| Duration::from_secs(reconcile)),
            origins,
            public_url,
            request_timeout,
            edge: edge?,
            data_folder,
            sandbox_record,
            rate_limit,
            failure_limit,
            cors,
            proxies,
            retention: (retention > 0).then(|| Duration::from_secs(retention * 24 * 60 * 60)),
        })
    }

    /// Returns the policy for return URLs. `own_page` is the front page of the service.
    pub(crate) fn return_urls(&self, own_page: &str) -> Result<ReturnUrlPolicy, String> {
        let mode = self.provider.mode();
        let (default, origins) = match (&self.dashboard, &self.origins) {
            (Some(dashboard), Some(origins)) => (dashboard.clone(), origins.clone()),
            (Some(dashboard), None) if !self.provider.is_embedded() => {
                let origin = dashboard.origin().into_iter().map(OriginPattern::Exact);
                (dashboard.clone(), origin.collect())
            }
            (dashboard, origins) => {
                let own = ReturnUrl::configured(own_page).map_err(|error| error.to_string())?;
                let any = vec![OriginPattern::AnyHttps, OriginPattern::AnyLoopbackHttp];
                (dashboard.clone().unwrap_or(own), origins.clone().unwrap_or(any))
            }
        };
        ReturnUrlPolicy::new(default, origins, mode).map_err(|error| error.to_string())
    }

    /// Returns the policies for the URLs of a checkout. They extend the policy for return URLs.
    pub(crate) fn checkout_urls(&self, return_urls: &ReturnUrlPolicy) -> CheckoutUrls {
        let cancel = match &self.pricing {
            Some(pricing) => return_urls.clone().with_default(pricing.clone()),
            None => return_urls.clone(),
        };
        CheckoutUrls { success: return_urls.clone(), cancel }
    }
}

fn address(reader: &mut Reader, name: &str, port: u16, embedded: bool) -> ListenAddress {
    let default = ListenAddress {
        address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port),
        may_use_next_port: embedded,
    };
    let Some(text) = reader.text(name) else { return default };
    match text.parse::<SocketAddr>() {
        Ok(address) if embedded && !address.ip().is_loopback() => {
            reader.fault(
                name,
                "the sandbox listens on loopback only; to serve other machines, set \
                 BILLING_PROVIDER to a real provider",
            );
            default
        }
        Ok(address) => ListenAddress { address, may_use_next_port: false },
        Err(_) => {
            reader.fault(
                name,
                "it must be an IP address and a port, such as 0.0.0.0:8080 or [::]:8080",
            );
            default
        }
    }
}

fn dashboard(reader: &mut Reader, embedded: bool) -> Option<ReturnUrl> {
    let Some(text) = reader.text("DASHBOARD_URL") else {
        if !embedded && !reader.has("DASHBOARD_URL") {
            reader.fault(
                "DASHBOARD_URL",
                "it is required; set the page of your app that users return to",
            );
        }
        return None;
    };
    configured(reader, "DASHBOARD_URL", &text)
}

/// Parses a URL that the operator configured.
fn configured(reader: &mut Reader, name: &str, text: &str) -> Option<ReturnUrl> {
    ReturnUrl::configured(text)
        .map_err(|error| reader.fault(name, format!("it cannot be used: {error}")))
        .ok()
}

/// Reads the plan catalogue. Without a file, the sandbox has the demo's plans and a real provider
/// has none.
fn plan_catalogue(
    reader: &mut Reader,
    provider: Option<&provider::ProviderSettings>,
) -> Option<Catalogue> {
    let file = reader.text("CATALOGUE");
    let (mode, embedded) = provider.map(|provider| (provider.mode(), provider.is_embedded()))?;
    let read = match file {
        Some(file) => catalogue::read(file.as_ref(), mode),
        None if embedded => catalogue::demo(),
        None => Ok(Catalogue::default()),
    };
    read.map_err(|remedy| reader.fault("CATALOGUE", remedy)).ok()
}

/// Parses a comma-separated list of origin patterns. Each faulty pattern is a fault of `name`.
fn origins(reader: &mut Reader, name: &str, list: &str) -> Vec<OriginPattern> {
    let mut patterns = Vec::new();
    for entry in list.split(',').map(str::trim) {
        match entry.parse() {
            Ok(pattern) => patterns.push(pattern),
            Err(error) => {
                reader.fault(name, format!("`{}` cannot be used: {error}", entry.escape_debug()))
            }
        }
    }
    patterns
}

fn check_breadth(
    reader: &mut Reader,
    dashboard: &ReturnUrl,
    origins: &[OriginPattern],
    mode: Mode,
) {
    if let Err(error) = ReturnUrlPolicy::new(dashboard.clone(), origins.to_vec(), mode) {
        reader.fault("RETURN_URL_ORIGINS", error.to_string());
    }
}

fn public_url(reader: &mut Reader, text: &str) -> Option<String> {
    let base = text.trim_end_matches('/');
    match url::Url::parse(base) {
        Ok(url)
            if matches!(url.scheme(), "http" | "https")
                && url.query().is_none()
                && url.fragment().is_none() =>
        {
            Some(base.to_owned())
        }
        _ => {
            reader.fault(
                "PUBLIC_URL",
                "it must be an absolute http or https URL without query and fragment",
            );
            None
        }
    }
}

/// Reads a limit per minute. 0 is off.
fn per_minute(reader: &mut Reader, name: &str, default: u32) -> Option<NonZeroU32> {
    let limit = reader.number(name, default.into(), 0..=1_000_000);
    u32::try_from(limit).ok().and_then(NonZeroU32::new)
}

/// Reads a list for the edge. An absent list is empty.
fn edge_list<T: Default>(
    reader: &mut Reader,
    name: &str,
    parse: fn(&str) -> Result<T, String>,
) -> T {
    let parsed = reader.text(name).map(|list| parse(&list));
    parsed
        .transpose()
        .unwrap_or_else(|remedy| {
            reader.fault(name, remedy);
            None
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lame_duck(changes: &[(&'static str, &str)]) -> Duration {
        let folder = tempfile::tempdir().unwrap();
        let database = format!("sqlite://{}/portal.db", folder.path().display());
        let flags = [("DATABASE_URL", database.as_str())];
        let flags = flags.iter().chain(changes).map(|(name, value)| (*name, Some((*value).into())));
        let mut settings = Settings::gather(&Source { file: None, flags: flags.collect() });
        let config = ServeConfig::read(&mut settings);
        settings.finish(config).unwrap().0.edge.lame_duck
    }

    #[test]
    fn s2_embedded_default_has_no_lame_duck_unless_one_is_set() {
        assert_eq!(lame_duck(&[]), Duration::ZERO);
        let explicit = [("SHUTDOWN_LAME_DUCK_SECONDS", "7")];
        assert_eq!(lame_duck(&explicit), Duration::from_secs(7));
        let stripe = [
            ("PROVIDER", "stripe"),
            ("STRIPE_SECRET_KEY", "sk_test_LameDuckTest00000001"),
            ("DASHBOARD_URL", "https://dash.example.com/"),
            ("JWT_HS256_SECRET", "a-secret-0123456789-0123456789-abcdef"),
            ("API_KEY_PEPPER", "pepper-0123456789-0123456789-abcdef"),
        ];
        assert_eq!(lame_duck(&stripe), Duration::from_secs(2));
    }
}
