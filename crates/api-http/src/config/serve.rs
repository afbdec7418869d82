//! What `serve` needs, checked as a whole.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use auth_api_key::ApiKeySettings;
use auth_jwt::JwtSettings;
use billing_domain::{Mode, OriginPattern, ReturnUrl, ReturnUrlPolicy};
use http_edge::EdgeSettings;

use layered_settings::Reader;

use super::Settings;
use crate::wiring::{provider, store};

/// The whole service's configuration.
#[derive(Debug)]
pub(crate) struct ServeConfig {
    pub(crate) listen: SocketAddr,
    pub(crate) admin_listen: SocketAddr,
    pub(crate) store: store::StoreSettings,
    pub(crate) auto_migrate: bool,
    pub(crate) provider: provider::ProviderSettings,
    pub(crate) tokens: JwtSettings,
    pub(crate) keys: ApiKeySettings,
    pub(crate) dashboard: Option<ReturnUrl>,
    pub(crate) origins: Option<Vec<OriginPattern>>,
    pub(crate) public_url: Option<String>,
    pub(crate) request_timeout: Duration,
    pub(crate) edge: EdgeSettings,
    pub(crate) data_folder: PathBuf,
}

impl ServeConfig {
    /// Reads everything; `None` where something is wrong, which the reader then knows.
    pub(crate) fn read(settings: &mut Settings) -> Option<Self> {
        let embedded = settings.provider() == "sandbox";
        let store = store::read(settings);
        let auto_migrate = store::auto_migrate(settings);
        let provider = provider::read(settings);
        settings.supply_pepper();
        settings.supply_token_secret();
        let data_folder = settings.data_folder();
        let reader = &mut settings.reader;
        let listen = address(reader, "LISTEN", 8080, embedded);
        let admin_listen = address(reader, "ADMIN_LISTEN", 9090, embedded);
        if listen == admin_listen && listen.port() != 0 {
            reader.fault("ADMIN_LISTEN", "it is the same address as BILLING_LISTEN; give metrics a port of their own");
        }
        let tokens = reader.adapter(|get| JwtSettings::read(get));
        let keys = reader.adapter(|get| ApiKeySettings::read(get));
        let dashboard = dashboard(reader, embedded);
        let origins = reader.text("RETURN_URL_ORIGINS").map(|list| origins(reader, "RETURN_URL_ORIGINS", &list));
        if let (Some(dashboard), Some(mode)) = (&dashboard, provider.as_ref().map(provider::ProviderSettings::mode)) {
            check_breadth(reader, dashboard, origins.as_deref().unwrap_or_default(), mode);
        }
        let public_url = reader.text("PUBLIC_URL").and_then(|url| public_url(reader, &url));
        let request_timeout = Duration::from_secs(reader.number("REQUEST_TIMEOUT_SECONDS", 15, 1..=300));
        let edge = reader.adapter(|get| EdgeSettings::read(get));
        refuse_what_is_not_here_yet(reader);
        Some(Self {
            listen,
            admin_listen,
            store: store?,
            auto_migrate,
            provider: provider?,
            tokens: tokens?,
            keys: keys?,
            dashboard,
            origins,
            public_url,
            request_timeout,
            edge: edge?,
            data_folder,
        })
    }

    /// The return URL policy, once it is known where the service itself listens.
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
}

fn address(reader: &mut Reader, name: &str, port: u16, embedded: bool) -> SocketAddr {
    let default = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
    let Some(text) = reader.text(name) else { return default };
    match text.parse::<SocketAddr>() {
        Ok(address) if embedded && !address.ip().is_loopback() => {
            reader.fault(
                name,
                "the sandbox listens on loopback only; set BILLING_PROVIDER to a real one to serve others",
            );
            default
        }
        Ok(address) => address,
        Err(_) => {
            reader.fault(name, "it must be an IP address and a port, such as 0.0.0.0:8080 or [::]:8080");
            default
        }
    }
}

fn dashboard(reader: &mut Reader, embedded: bool) -> Option<ReturnUrl> {
    let Some(text) = reader.text("DASHBOARD_URL") else {
        if !embedded && !reader.has("DASHBOARD_URL") {
            reader.fault("DASHBOARD_URL", "it is required: the page of your app that users return to");
        }
        return None;
    };
    ReturnUrl::configured(&text)
        .map_err(|error| reader.fault("DASHBOARD_URL", format!("it cannot be used: {error}")))
        .ok()
}

/// A comma-separated list of origin patterns; each wrong one is a fault of `name`.
fn origins(reader: &mut Reader, name: &str, list: &str) -> Vec<OriginPattern> {
    let mut patterns = Vec::new();
    for entry in list.split(',').map(str::trim) {
        match entry.parse() {
            Ok(pattern) => patterns.push(pattern),
            Err(error) => reader.fault(name, format!("`{}` cannot be used: {error}", entry.escape_debug())),
        }
    }
    patterns
}

fn check_breadth(reader: &mut Reader, dashboard: &ReturnUrl, origins: &[OriginPattern], mode: Mode) {
    if let Err(error) = ReturnUrlPolicy::new(dashboard.clone(), origins.to_vec(), mode) {
        reader.fault("RETURN_URL_ORIGINS", error.to_string());
    }
}

fn public_url(reader: &mut Reader, text: &str) -> Option<String> {
    let base = text.trim_end_matches('/');
    match url::Url::parse(base) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.fragment().is_none() => {
            Some(base.to_owned())
        }
        _ => {
            reader.fault("PUBLIC_URL", "it must be an absolute http or https URL without query and fragment");
            None
        }
    }
}

/// Settings of parts that a later version brings: they are checked from now, and a value that needs the part is a fault.
fn refuse_what_is_not_here_yet(reader: &mut Reader) {
    const MISSING: &str = "this is not in this version; remove it";
    for name in ["RATE_LIMIT_PER_MINUTE", "AUTH_FAILURES_PER_MINUTE", "PROVIDER_MAX_IN_FLIGHT"] {
        if reader.number(name, 0, 0..=1_000_000) != 0 {
            reader.fault(name, format!("{MISSING}, or set it to 0"));
        }
    }
    if let Some(list) = reader.text("CORS_ORIGINS") {
        let exact = |entry: &str| matches!(entry.trim().parse(), Ok(OriginPattern::Exact(_)));
        let remedy = if list.split(',').all(exact) { MISSING } else { "it must be exact origins, separated by commas" };
        reader.fault("CORS_ORIGINS", remedy);
    }
    if let Some(list) = reader.text("TRUSTED_PROXIES") {
        let remedy = if list.split(',').all(is_cidr) {
            MISSING
        } else {
            "it must be CIDRs such as 10.0.0.0/8, separated by commas"
        };
        reader.fault("TRUSTED_PROXIES", remedy);
    }
}

fn is_cidr(entry: &str) -> bool {
    let entry = entry.trim();
    let (address, prefix) = entry.split_once('/').map_or((entry, None), |(address, prefix)| (address, Some(prefix)));
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let bits = if address.is_ipv4() { 32 } else { 128 };
    prefix.is_none_or(|prefix| prefix.parse::<u8>().is_ok_and(|length| length <= bits))
}
