//! The values of the mirror: the last reading of each customer, and updates.

use crate::{
    AuditEvent, ClaimedEvents, CustomerId, CustomerLink, CustomerState, ProviderAccount, Timestamp,
    UserId,
};

/// A customer in the mirror.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MirroredCustomer {
    /// The customer.
    pub customer: CustomerId,
    /// The number of writes; 0 for a customer that was never read.
    pub version: u64,
    /// The time of the provider call.
    pub read_at: Timestamp,
    /// The customer's state.
    pub state: CustomerState,
}

/// The next version of a customer in the mirror.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MirrorUpdate {
    /// The provider and the mode of the customer.
    pub account: ProviderAccount,
    /// The customer.
    pub customer: CustomerId,
    /// The version that the update replaces; 0 for a new customer.
    pub expected_version: u64,
    /// The customer's state.
    pub state: CustomerState,
    /// The time of the provider call.
    pub read_at: Timestamp,
}

/// A change that a store applies together with a [`MirrorUpdate`].
///
/// If the precondition of one effect fails, the store applies nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Links this user to the customer. Precondition: the user has no link.
    Link(UserId),
    /// Removes this user's link to the customer. Precondition: the link exists.
    Unlink(UserId),
    /// Sets the customer in this user's claim, if there is a claim without a customer.
    FulfilClaim(UserId),
    /// Deletes all claims to the customer.
    DropClaims,
    /// Marks these events as applied. Precondition: this claim still has all of them.
    SettleEvents(ClaimedEvents),
    /// Adds a record to the audit log.
    Audit(AuditEvent),
}

/// The result of applying an update and its effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MirrorOutcome {
    /// The store applied everything. In all other cases it applied nothing.
    Applied,
    /// The mirror has another version than expected.
    Outdated,
    /// The precondition of [`Effect::Link`] or [`Effect::Unlink`] failed.
    LinksChanged,
    /// The claim no longer has all events.
    ClaimLost,
}

impl MirrorUpdate {
    /// Returns a link from this user to the customer.
    #[must_use]
    pub fn link_for(&self, owner: &UserId) -> CustomerLink {
        CustomerLink {
            owner: owner.clone(),
            account: self.account.clone(),
            customer: self.customer.clone(),
        }
    }
}
