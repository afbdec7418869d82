//! The billing portal's domain: value objects, the ports that adapters implement, and [`PortalService`].
//!
//! Nothing here does I/O or knows a framework. An adapter depends on this crate and on no other of ours; see
//! `ARCHITECTURE.md` for the arrows and `docs/adding-a-provider.md` for a walk through a new adapter.
//!
//! Values are parsed once, at the edge, and are valid from then on: each type has private fields and one fallible
//! constructor. What an adapter receives it need not check again.

mod account;
mod api_key;
mod api_key_service;
mod audit;
mod billing_accounts;
mod checkout;
mod checkout_service;
mod credential;
mod customer;
mod customer_claim;
mod customer_import;
mod customer_service;
mod deadline;
mod denial_counter;
mod event_processor;
mod flow;
mod hosted_url;
mod inbox;
mod locale;
mod mirror;
mod permission;
mod plan;
mod portal_service;
mod portal_session;
pub mod ports;
mod price_check;
mod principal;
mod provider_event;
mod reconciler;
mod return_url;
mod subscription;
mod subscription_service;
mod timestamp;
mod user;
mod webhook_intake;

pub use account::{AccountError, Mode, ProviderAccount, ProviderName};
pub use api_key::{
    ApiKey, ApiKeyId, ApiKeyIdError, KeyDescription, KeyDescriptionError, KeyName, KeyNameError,
    KeyVerifier, PepperId, PepperIdError, StoredApiKey,
};
pub use api_key_service::{
    ApiKeyError, ApiKeyIssuer, ApiKeyService, CreatedKey, KeyRules, NewApiKey,
};
pub use audit::{
    Actor, AuditAction, AuditEntry, AuditEvent, AuditQuery, AuditRecord, AuditWordError, Denials,
    RequestOrigin,
};
pub use billing_accounts::{AccountPorts, BillingAccounts, RefreshError, Refreshed};
pub use checkout::{
    CheckoutOrder, CheckoutSession, CheckoutSessionId, CheckoutSessionIdError, CustomerOrder,
    IdempotencyKey, IdempotencyKeyError, PriceFacts, ProviderKey,
};
pub use checkout_service::{
    CheckoutError, CheckoutPorts, CheckoutService, CheckoutUrl, CheckoutUrls, StartCheckout,
    StartedCheckout,
};
pub use credential::{Credential, CredentialKind, KeyPrefix, KeyPrefixError};
pub use customer::{CustomerId, CustomerIdError, CustomerLink};
pub use customer_claim::CustomerClaim;
pub use customer_import::{CustomerImport, ImportError, ImportPlan, ImportSource, LeftOut, Reason};
pub use customer_service::CustomerService;
pub use deadline::Deadline;
pub use denial_counter::DenialCounter;
pub use event_processor::{EventProcessor, Work, Worked};
pub use flow::{FlowKind, PortalFlow, SubscriptionId, SubscriptionIdError};
pub use hosted_url::{HostedUrl, HostedUrlError};
pub use inbox::{
    ClaimToken, Claimed, InboxCounts, InboxEvent, InboxQuery, InboxState, InboxWord,
    InboxWordError, Replay,
};
pub use locale::{Locale, LocaleError, LocaleRange, LocaleSupport};
pub use mirror::{MirrorEffect, MirrorOutcome, MirrorUpdate, MirroredCustomer};
pub use permission::{Permission, PermissionError, Permissions};
pub use plan::{
    BillingCycle, BillingCycleError, Catalogue, CatalogueError, Currency, CurrencyError, Plan,
    PlanId, PlanIdError, PlanPrice, PriceId, PriceIdError,
};
pub use portal_service::{OpenPortal, PortalError, PortalService};
pub use portal_session::{Capabilities, PortalRequest, PortalSession};
pub use price_check::{PriceCheck, PriceMismatch};
pub use principal::{AuthMethod, Principal};
pub use provider_event::{
    EventId, EventIdError, EventKind, EventKindError, EventSubject, ProviderEvent,
};
pub use reconciler::{ReconcileError, ReconcileReport, Reconciler, Repair};
pub use return_url::{
    Origin, OriginPattern, OriginPatternError, ReturnUrl, ReturnUrlError, ReturnUrlPolicy, TooBroad,
};
pub use subscription::{
    CustomerReading, CustomerState, NamedOwner, Subscription, SubscriptionStatus,
    SubscriptionStatusError,
};
pub use subscription_service::{CurrentError, CurrentSubscription, SubscriptionService};
pub use timestamp::Timestamp;
pub use user::{UserId, UserIdError};
pub use webhook_intake::{IntakeError, TakenIn, WebhookIntake};
