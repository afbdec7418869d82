//! The billing portal's domain: value objects, services, and the ports that adapters implement.
//!
//! This crate does no I/O and uses no framework. `ARCHITECTURE.md` shows the allowed dependencies
//! between crates; `docs/adding-a-provider.md` explains how to write an adapter.
//!
//! Values are parsed once, at the edge. Each type has private fields and one fallible constructor,
//! so adapters need not check values again.

mod accounts;
mod audit;
mod checkout;
mod deadline;
mod error_chain;
mod identity;
mod ids;
mod keys;
mod plan;
mod portal;
pub mod ports;
mod provider_account;
mod return_url;
mod timestamp;

pub use accounts::*;
pub use audit::*;
pub use checkout::*;
pub use deadline::Deadline;
pub use error_chain::error_chain;
pub use identity::*;
pub use ids::*;
pub use keys::*;
pub use plan::{
    BillingCycle, BillingCycleError, Catalogue, CatalogueError, Currency, CurrencyError, Plan,
    PlanId, PlanIdError, PlanPrice, PriceId, PriceIdError,
};
pub use portal::*;
pub use provider_account::{Mode, ProviderAccount, ProviderAccountError, ProviderName};
pub use return_url::{
    BroadOriginError, Origin, OriginPattern, OriginPatternError, ReturnUrl, ReturnUrlError,
    ReturnUrlPolicy,
};
pub use timestamp::Timestamp;
