//! Billing accounts: customers, subscriptions, the mirror of the provider, and its events.

mod billing_accounts;
mod customer;
mod customer_claim;
mod customer_import;
mod customer_service;
mod event_processor;
mod fresh_reading;
mod inbox;
mod mirror;
mod provider_event;
mod reconciler;
mod subscription;
mod subscription_service;
mod webhook_intake;

pub use billing_accounts::{AccountPorts, BillingAccounts, RefreshError, RefreshOutcome};
pub use customer::CustomerLink;
pub use customer_claim::CustomerClaim;
pub use customer_import::{
    CustomerImport, ImportError, ImportPlan, ImportSource, SkipReason, SkippedCustomer,
};
pub use customer_service::{CustomerService, LinkOutcome, OnConflict};
pub use event_processor::{EventBatch, EventProcessor, ProcessingOutcome};
pub use fresh_reading::{Decision, FreshReading, LinkSnapshot, LinkSummary, ReadingOutcome};
pub use inbox::{
    ClaimToken, ClaimedEvents, InboxCounts, InboxEvent, InboxQuery, InboxState, InboxStatus,
    InboxStatusError, ReplayScope,
};
pub use mirror::{Effect, MirrorOutcome, MirrorUpdate, MirroredCustomer};
pub use provider_event::{
    EventId, EventIdError, EventKind, EventKindError, EventSubject, ProviderEvent,
};
pub use reconciler::{ReconcileError, ReconcileReport, Reconciler, RunMode};
pub use subscription::{
    CustomerReading, CustomerState, NamedOwner, Subscription, SubscriptionStatus,
    SubscriptionStatusError,
};
pub use subscription_service::{
    CurrentSubscription, CurrentSubscriptionError, SubscriptionService,
};
pub use webhook_intake::{IntakeError, IntakeOutcome, WebhookIntake};
