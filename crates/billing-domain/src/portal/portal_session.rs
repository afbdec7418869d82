//! What a provider is asked for, what it can do, and what it gives.

use std::collections::BTreeSet;

use crate::{
    CustomerId, Deadline, FlowKind, HostedUrl, Locale, LocaleSupport, PortalFlow, ReturnUrl,
    Timestamp,
};

/// What a provider's portal can honour. [`PortalService`](crate::PortalService) asks for nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Whether the portal leads back to a URL of ours.
    pub return_url: bool,
    /// The portal's languages.
    pub locales: LocaleSupport,
    /// The deep links it knows.
    pub flows: BTreeSet<FlowKind>,
    /// Whether its answer says when the session expires.
    pub expiry: bool,
}

/// An order for a portal session; every value in it has been checked.
#[derive(Clone, Debug)]
pub struct PortalRequest {
    /// Whose portal.
    pub customer: CustomerId,
    /// Where its "return" link leads, where the provider has one.
    pub return_url: Option<ReturnUrl>,
    /// Its language; `None` leaves it to the provider.
    pub locale: Option<Locale>,
    /// The task it opens on; `None` is its front page.
    pub flow: Option<PortalFlow>,
    /// When the caller's time is up: attempts and retries all happen before it.
    pub deadline: Deadline,
}

/// A fresh portal session.
#[derive(Clone, Debug)]
pub struct PortalSession {
    /// Where the user goes.
    pub url: HostedUrl,
    /// The provider's id for the session, safe to log, if it has one.
    pub id: Option<String>,
    /// When the URL stops working, if the provider says.
    pub expires_at: Option<Timestamp>,
}
