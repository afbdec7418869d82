//! The hosted portal: requests, capabilities and sessions.

mod flow;
mod hosted_url;
mod locale;
mod portal_service;
mod portal_session;

pub use flow::{FlowKind, PortalFlow};
pub use hosted_url::{HostedUrl, HostedUrlError};
pub use locale::{Locale, LocaleError, LocaleRange, LocaleSupport};
pub use portal_service::{OpenPortal, PortalError, PortalService};
pub use portal_session::{Capabilities, PortalRequest, PortalSession};
