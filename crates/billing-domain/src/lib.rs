//! The billing portal's domain: value objects, the ports that adapters implement, and [`PortalService`].
//!
//! Nothing here does I/O or knows a framework. An adapter depends on this crate and on no other of ours; see
//! `ARCHITECTURE.md` for the arrows and `docs/adding-a-provider.md` for a walk through a new adapter.
//!
//! Values are parsed once, at the edge, and are valid from then on: each type has private fields and one fallible
//! constructor. What an adapter receives it need not check again.

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
