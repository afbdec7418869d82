//! [`FreshReading`]: what a reading of a customer changes. The rules about links, claims and audit records are here, and the
//! stores apply what follows from them.

use crate::ports::{BillingMirror, CustomerRepo, RepoError};
use crate::{
    Actor, AuditAction, AuditEvent, ClaimedEvents, CustomerId, CustomerReading, CustomerState,
    Effect, MirrorOutcome, MirrorUpdate, NamedOwner, ProviderAccount, RequestOrigin, Timestamp,
    UserId,
};

/// A customer, freshly read from the provider, on its way into the mirror.
#[derive(Clone, Debug)]
pub struct FreshReading {
    /// Where the customer lives.
    pub account: ProviderAccount,
    /// The customer.
    pub customer: CustomerId,
    /// The mirror's version when the provider was asked (0: there was none). If it is another by now, somebody else asked
    /// later, and this reading is not written.
    pub expected_version: u64,
    /// What the provider said.
    pub reading: CustomerReading,
    /// When it was asked.
    pub read_at: Timestamp,
    /// The events that led here. They count as applied in the transaction that writes the reading, or not at all.
    pub settled_events: Option<ClaimedEvents>,
}

/// What the decision about a reading depends on, next to the reading itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkSnapshot {
    /// The customer that the [purchaser](FreshReading::purchaser) is linked to.
    pub linked: Option<CustomerId>,
    /// The users who are linked to a customer who is gone.
    pub owners: Vec<UserId>,
}

/// What a reading changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What the store applies, in this order. Rows of one table come together, tables always in the same order, so that two
    /// transactions never wait for each other in a circle. Audit records come last: readers of the log wait for its writers.
    pub effects: Vec<Effect>,
    /// What that does to links.
    pub links: LinkSummary,
}

/// What a reading does to the links between users and customers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkSummary {
    /// This user is linked to the customer now, and was not before.
    pub linked: Option<UserId>,
    /// The owner has another customer, which was left.
    pub conflict: Option<CustomerId>,
    /// These users were linked to the customer, who is gone.
    pub unlinked: Vec<UserId>,
}

/// What became of a reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadingOutcome {
    /// It is written.
    Written(LinkSummary),
    /// The mirror was written meanwhile: ask the provider again.
    Outdated,
    /// The events are no longer this claim's: another replica applies them.
    ClaimLost,
}

impl FreshReading {
    /// Whom the reading links to the customer: the one owner that the provider names, once there was a purchase.
    #[must_use]
    pub fn purchaser(&self) -> Option<&UserId> {
        self.named_owner().filter(|_| self.reading.state.has_purchased())
    }

    /// The one owner that the provider names, of a customer who is there.
    fn named_owner(&self) -> Option<&UserId> {
        match (&self.reading.owner, &self.reading.state) {
            (NamedOwner::User(owner), CustomerState::Present(_)) => Some(owner),
            _ => None,
        }
    }

    /// The links that the decision depends on, as they are now.
    ///
    /// # Errors
    /// [`RepoError`].
    pub async fn read_links(
        &self,
        customers: &dyn CustomerRepo,
    ) -> Result<LinkSnapshot, RepoError> {
        let mut facts = LinkSnapshot::default();
        if let Some(purchaser) = self.purchaser() {
            facts.linked = customers.find(purchaser, &self.account).await?;
        }
        if self.reading.state == CustomerState::Gone {
            facts.owners = customers.owners(&self.account, &self.customer).await?;
        }
        Ok(facts)
    }

    /// What the reading changes, where the links are like this:
    ///
    /// - The purchaser is linked to the customer. A link to another customer is left: that is a conflict.
    /// - The named owner's claim, if it is open, gets the customer, purchase or not.
    /// - All links to a customer who is gone are removed, and all claims that have it, so that the next purchase makes a new
    ///   customer.
    /// - Each link that is made or removed is on record, as the provider's doing.
    /// - The events are settled.
    #[must_use]
    pub fn decide(&self, facts: &LinkSnapshot) -> Decision {
        let mut links = LinkSummary::default();
        let mut effects = Vec::new();
        let mut records = Vec::new();
        match (self.purchaser(), &facts.linked) {
            (Some(purchaser), None) => {
                effects.push(Effect::Link(purchaser.clone()));
                records.push(self.record(AuditAction::CustomerLinked, purchaser));
                links.linked = Some(purchaser.clone());
            }
            (Some(_), Some(linked)) if *linked != self.customer => {
                links.conflict = Some(linked.clone());
            }
            _ => {}
        }
        if let Some(owner) = self.named_owner() {
            effects.push(Effect::FulfilClaim(owner.clone()));
        }
        if self.reading.state == CustomerState::Gone {
            links.unlinked.clone_from(&facts.owners);
            links.unlinked.sort_unstable();
            for owner in &links.unlinked {
                effects.push(Effect::Unlink(owner.clone()));
                records.push(self.record(AuditAction::CustomerUnlinked, owner));
            }
            effects.push(Effect::DropClaims);
        }
        effects.extend(self.settled_events.clone().map(Effect::SettleEvents));
        effects.extend(records);
        Decision { effects, links }
    }

    /// Writes the reading and what follows from it, in one transaction. Where a link changes in between, it is decided anew.
    ///
    /// # Errors
    /// [`RepoError`].
    pub async fn save(
        &self,
        mirror: &dyn BillingMirror,
        customers: &dyn CustomerRepo,
    ) -> Result<ReadingOutcome, RepoError> {
        let update = MirrorUpdate {
            account: self.account.clone(),
            customer: self.customer.clone(),
            expected_version: self.expected_version,
            state: self.reading.state.clone(),
            read_at: self.read_at,
        };
        // Another round only follows a change that somebody else made to the same links in between.
        loop {
            let Decision { effects, links } = self.decide(&self.read_links(customers).await?);
            match mirror.apply(&update, &effects).await? {
                MirrorOutcome::Applied => return Ok(ReadingOutcome::Written(links)),
                MirrorOutcome::Outdated => return Ok(ReadingOutcome::Outdated),
                MirrorOutcome::ClaimLost => return Ok(ReadingOutcome::ClaimLost),
                MirrorOutcome::LinksChanged => {}
            }
        }
    }

    fn record(&self, action: AuditAction, owner: &UserId) -> Effect {
        Effect::Audit(AuditEvent {
            at: self.read_at,
            action,
            actor: Actor::Provider,
            owner: Some(owner.clone()),
            key: None,
            customer: Some((self.account.clone(), self.customer.clone())),
            origin: RequestOrigin::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ClaimToken, Mode, Subscription, SubscriptionStatus};

    fn at() -> ProviderAccount {
        ProviderAccount::new("stripe".parse().unwrap(), Mode::Test)
    }

    fn user(id: &str) -> UserId {
        id.parse().unwrap()
    }

    fn customer(id: &str) -> CustomerId {
        id.parse().unwrap()
    }

    fn fresh(state: CustomerState, owner: NamedOwner) -> FreshReading {
        FreshReading {
            account: at(),
            customer: customer("cus_1"),
            expected_version: 3,
            reading: CustomerReading { state, owner },
            read_at: Timestamp::from_seconds(9),
            settled_events: None,
        }
    }

    /// A customer with one subscription of this status, if any, who names Ann as the owner.
    fn anns(status: Option<SubscriptionStatus>) -> FreshReading {
        fresh(CustomerState::Present(status.map(subscription).into_iter().collect()), ann())
    }

    fn ann() -> NamedOwner {
        NamedOwner::User(user("ann"))
    }

    fn subscription(status: SubscriptionStatus) -> Subscription {
        Subscription {
            id: "sub_1".parse().unwrap(),
            status,
            prices: Vec::new(),
            cycle: None,
            created: Timestamp::from_seconds(1),
            period_start: None,
            period_end: None,
            cancel_at_period_end: false,
            cancel_at: None,
        }
    }

    fn linked(id: &str) -> LinkSnapshot {
        LinkSnapshot { linked: Some(customer(id)), ..LinkSnapshot::default() }
    }

    fn audit(action: AuditAction, owner: &str) -> Effect {
        Effect::Audit(AuditEvent {
            at: Timestamp::from_seconds(9),
            action,
            actor: Actor::Provider,
            owner: Some(user(owner)),
            key: None,
            customer: Some((at(), customer("cus_1"))),
            origin: RequestOrigin::default(),
        })
    }

    fn links_of(decision: &Decision) -> Vec<&Effect> {
        let is_link = |effect: &&Effect| matches!(effect, Effect::Link(_) | Effect::Unlink(_));
        decision.effects.iter().filter(is_link).collect()
    }

    #[test]
    fn purchaser_without_a_link_is_linked_and_on_record() {
        for status in SubscriptionStatus::ALL.iter().filter(|status| status.was_purchased()) {
            let decision = anns(Some(*status)).decide(&LinkSnapshot::default());
            let expected = [
                Effect::Link(user("ann")),
                Effect::FulfilClaim(user("ann")),
                audit(AuditAction::CustomerLinked, "ann"),
            ];
            assert_eq!(decision.effects, expected, "{status}");
            let summary = LinkSummary { linked: Some(user("ann")), ..LinkSummary::default() };
            assert_eq!(decision.links, summary);
        }
    }

    #[test]
    fn purchaser_with_the_same_link_changes_no_link() {
        let decision = anns(Some(SubscriptionStatus::Active)).decide(&linked("cus_1"));
        assert_eq!(decision.effects, [Effect::FulfilClaim(user("ann"))]);
        assert_eq!(decision.links, LinkSummary::default());
    }

    #[test]
    fn purchaser_with_another_link_is_a_conflict_and_keeps_it() {
        let decision = anns(Some(SubscriptionStatus::Active)).decide(&linked("cus_2"));
        assert_eq!(decision.effects, [Effect::FulfilClaim(user("ann"))]);
        let summary = LinkSummary { conflict: Some(customer("cus_2")), ..LinkSummary::default() };
        assert_eq!(decision.links, summary);
    }

    #[test]
    fn owner_without_a_purchase_only_fulfils_the_claim() {
        let attempts =
            SubscriptionStatus::ALL.iter().copied().filter(|status| !status.was_purchased());
        for status in attempts.map(Some).chain([None]) {
            let fresh = anns(status);
            assert_eq!(fresh.purchaser(), None);
            let decision = fresh.decide(&LinkSnapshot::default());
            assert_eq!(decision.effects, [Effect::FulfilClaim(user("ann"))], "{status:?}");
            assert_eq!(decision.links, LinkSummary::default());
        }
    }

    #[test]
    fn owner_who_is_not_one_user_changes_nothing() {
        for owner in [NamedOwner::None, NamedOwner::Ambiguous] {
            let bought = vec![subscription(SubscriptionStatus::Active)];
            let fresh = fresh(CustomerState::Present(bought), owner);
            let decision = fresh.decide(&LinkSnapshot::default());
            assert_eq!(decision.effects, []);
            assert_eq!(decision.links, LinkSummary::default());
        }
    }

    #[test]
    fn gone_customer_loses_all_links_and_claims_whoever_is_named() {
        for owner in [NamedOwner::None, NamedOwner::Ambiguous, ann()] {
            let facts = LinkSnapshot { owners: ["eve", "bob"].map(user).to_vec(), linked: None };
            let decision = fresh(CustomerState::Gone, owner).decide(&facts);
            let expected = [
                Effect::Unlink(user("bob")),
                Effect::Unlink(user("eve")),
                Effect::DropClaims,
                audit(AuditAction::CustomerUnlinked, "bob"),
                audit(AuditAction::CustomerUnlinked, "eve"),
            ];
            assert_eq!(decision.effects, expected);
            assert_eq!(decision.links.unlinked, ["bob", "eve"].map(user));
            assert_eq!((decision.links.linked, decision.links.conflict), (None, None));
        }
    }

    #[test]
    fn gone_customer_without_links_drops_claims_only() {
        let decision = fresh(CustomerState::Gone, ann()).decide(&LinkSnapshot::default());
        assert_eq!(decision.effects, [Effect::DropClaims]);
        assert_eq!(decision.links, LinkSummary::default());
    }

    #[test]
    fn events_are_settled_after_links_and_claims_and_before_records() {
        let events = vec!["evt_1".parse().unwrap(), "evt_2".parse().unwrap()];
        let claimed = ClaimedEvents { token: ClaimToken("t".to_owned()), events };
        let mut fresh = anns(Some(SubscriptionStatus::Active));
        fresh.settled_events = Some(claimed.clone());
        let expected = [
            Effect::Link(user("ann")),
            Effect::FulfilClaim(user("ann")),
            Effect::SettleEvents(claimed),
            audit(AuditAction::CustomerLinked, "ann"),
        ];
        assert_eq!(fresh.decide(&LinkSnapshot::default()).effects, expected);
    }

    #[test]
    fn every_link_effect_has_one_record_and_is_in_the_summary() {
        let owners = ["ann", "bob"].map(user).to_vec();
        let facts = [LinkSnapshot::default(), linked("cus_1"), linked("cus_2")];
        let gone = LinkSnapshot { owners, ..LinkSnapshot::default() };
        let decisions = facts
            .iter()
            .map(|facts| anns(Some(SubscriptionStatus::Active)).decide(facts))
            .chain([fresh(CustomerState::Gone, ann()).decide(&gone)]);
        for decision in decisions {
            let is_record = |effect: &&Effect| matches!(effect, Effect::Audit(_));
            let records = decision.effects.iter().filter(is_record).count();
            let LinkSummary { linked, unlinked, .. } = &decision.links;
            assert_eq!(links_of(&decision).len(), records);
            assert_eq!(records, unlinked.len() + usize::from(linked.is_some()));
        }
    }
}
