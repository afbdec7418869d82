//! The mirror: what the provider said last about each customer, and what a fresh reading changes.

use crate::{
    Claimed, CustomerId, CustomerReading, CustomerState, NamedOwner, ProviderAccount, Timestamp,
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

/// A fresh reading, on its way into the mirror.
#[derive(Clone, Debug)]
pub struct MirrorUpdate {
    /// Where the customer lives.
    pub at: ProviderAccount,
    /// The customer.
    pub customer: CustomerId,
    /// The mirror's version when the provider was asked (0: there was none). If it is another by now, somebody else asked
    /// later, and this reading is not written.
    pub expected: u64,
    /// What the provider said.
    pub reading: CustomerReading,
    /// When it was asked.
    pub read_at: Timestamp,
    /// The events that led here. They count as applied in the very transaction that writes the reading, or not at all.
    pub settles: Option<Claimed>,
}

/// What became of an update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MirrorOutcome {
    /// It is written.
    Written(MirrorEffect),
    /// The mirror was written meanwhile: ask the provider again.
    Outdated,
    /// The events are no longer this claim's: somebody else sees to them.
    ClaimLost,
}

/// What a written update did to the links between users and customers, in the same transaction, audit records included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MirrorEffect {
    /// This user is linked to the customer now, and was not before.
    pub linked: Option<UserId>,
    /// The owner has another customer, which was left.
    pub conflict: Option<CustomerId>,
    /// These users were linked to the customer, who is gone.
    pub unlinked: Vec<UserId>,
}

impl MirrorUpdate {
    /// Whom the reading links to the customer: the one owner that the provider names, once there was a purchase. A link that
    /// exists is never replaced.
    #[must_use]
    pub fn links(&self) -> Option<&UserId> {
        match (&self.reading.owner, &self.reading.state) {
            (NamedOwner::User(owner), CustomerState::Present(_))
                if self.reading.state.has_bought() =>
            {
                Some(owner)
            }
            _ => None,
        }
    }

    /// Whose open claim the customer fulfils: the one owner's, purchase or not.
    #[must_use]
    pub const fn fulfils(&self) -> Option<&UserId> {
        match (&self.reading.owner, &self.reading.state) {
            (NamedOwner::User(owner), CustomerState::Present(_)) => Some(owner),
            _ => None,
        }
    }
}
