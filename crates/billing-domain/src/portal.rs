//! The hosted portal: what a caller asks for and what may be asked for.

mod flow;
mod hosted_url;
mod locale;
mod portal_service;
mod portal_session;
mod return_url;

pub use flow::{FlowKind, PortalFlow, SubscriptionId, SubscriptionIdError};
pub use hosted_url::{HostedUrl, HostedUrlError};
pub use locale::{Locale, LocaleError, LocaleRange, LocaleSupport};
pub use portal_service::{OpenPortal, PortalError, PortalService};
pub use portal_session::{Capabilities, PortalRequest, PortalSession};
pub use return_url::{
    Origin, OriginPattern, OriginPatternError, ReturnUrl, ReturnUrlError, ReturnUrlPolicy, TooBroad,
};
