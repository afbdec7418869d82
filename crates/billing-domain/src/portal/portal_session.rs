//! Requests, capabilities and sessions of a provider's portal.

use std::collections::BTreeSet;

use crate::{
    CustomerId, Deadline, FlowKind, HostedUrl, Locale, LocaleSupport, PortalFlow, ReturnUrl,
    Timestamp,
};

/// The capabilities of a provider's portal. [`PortalService`](crate::PortalService) rejects
/// requests that need others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Whether the portal supports a return URL.
    pub return_url: bool,
    /// The supported languages.
    pub locales: LocaleSupport,
    /// The supported flows.
    pub flows: BTreeSet<FlowKind>,
    /// Whether the provider reports the expiry time of a session.
    pub expiry: bool,
}

/// The checked parameters of a portal session.
#[derive(Clone, Debug)]
pub struct PortalRequest {
    /// The customer.
    pub customer: CustomerId,
    /// The target of the portal's return link, if the provider supports one.
    pub return_url: Option<ReturnUrl>,
    /// The language; `None` selects the provider's default.
    pub locale: Option<Locale>,
    /// The task that the portal opens; `None` opens the start page.
    pub flow: Option<PortalFlow>,
    /// The deadline of the request. It covers all attempts.
    pub deadline: Deadline,
}

/// A new portal session.
#[derive(Clone, Debug)]
pub struct PortalSession {
    /// The URL of the portal.
    pub url: HostedUrl,
    /// The provider's id of the session, if there is one. Safe to log.
    pub id: Option<String>,
    /// The expiry time of the URL, if known.
    pub expires_at: Option<Timestamp>,
}
