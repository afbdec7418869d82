//! The mirror: what the provider said last about each customer, and what a store applies to it.

use crate::{
    AuditEvent, ClaimedEvents, CustomerId, CustomerLink, CustomerState, ProviderAccount, Timestamp,
    UserId,
};

/// A customer as the mirror has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MirroredCustomer {
    /// The customer.
    pub customer: CustomerId,
    /// How often it was written; one that was never written has 0.
    pub version: u64,
    /// When the provider was asked.
    pub read_at: Timestamp,
    /// What it said.
    pub state: CustomerState,
}

/// The next version of a customer in the mirror.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MirrorUpdate {
    /// Where the customer lives.
    pub account: ProviderAccount,
    /// The customer.
    pub customer: CustomerId,
    /// The version that it takes the place of; 0 where there is none.
    pub expected_version: u64,
    /// What the provider said.
    pub state: CustomerState,
    /// When it was asked.
    pub read_at: Timestamp,
}

/// One step that a store applies together with a [`MirrorUpdate`], about its customer. Each is a compare-and-set: where what
/// it expects is not so, nothing of the update is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Links this user, who has no link there, to the customer.
    Link(UserId),
    /// Removes this user's link to the customer.
    Unlink(UserId),
    /// Notes the customer in this user's claim. Changes nothing where the user has no claim, or one that has a customer.
    FulfilClaim(UserId),
    /// Deletes all claims that have the customer, if there are any.
    DropClaims,
    /// Marks all these events as applied. They are this claim's.
    SettleEvents(ClaimedEvents),
    /// Adds a record to the audit log.
    Audit(AuditEvent),
}

/// What became of an update and its effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MirrorOutcome {
    /// All of it is applied. In each other case, nothing is.
    Applied,
    /// The mirror has another version than expected.
    Outdated,
    /// A link is not as [`Effect::Link`] or [`Effect::Unlink`] expects.
    LinksChanged,
    /// An event is no longer the claim's.
    ClaimLost,
}

impl MirrorUpdate {
    /// The link from this user to the customer.
    #[must_use]
    pub fn link_for(&self, owner: &UserId) -> CustomerLink {
        CustomerLink {
            owner: owner.clone(),
            account: self.account.clone(),
            customer: self.customer.clone(),
        }
    }
}
