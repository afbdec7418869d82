//! [`FreshReading`]: the changes that a reading of a customer causes.
//!
//! This file has the rules for links, claims and audit records. The stores apply their result.

use crate::ports::{BillingMirror, CustomerRepo, RepoError};
use crate::{
    Actor, AuditAction, AuditEvent, ClaimedEvents, CustomerId, CustomerReading, CustomerState,
    Effect, MirrorOutcome, MirrorUpdate, NamedOwner, ProviderAccount, RequestOrigin, Timestamp,
    UserId,
};

/// A reading of a customer that is not yet in the mirror.
#[derive(Clone, Debug)]
pub struct FreshReading {
    /// The provider and the mode of the customer.
    pub account: ProviderAccount,
    /// The customer.
    pub customer: CustomerId,
    /// The mirror's version before the provider call; 0 if the customer was not in the mirror. If
    /// the version has changed, another process wrote a newer reading, and this one is discarded.
    pub expected_version: u64,
    /// The reading.
    pub reading: CustomerReading,
    /// The time of the provider call.
    pub read_at: Timestamp,
    /// The events that caused the reading. The transaction that writes the reading settles them.
    pub settled_events: Option<ClaimedEvents>,
}

/// The links that a decision depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkSnapshot {
    /// The customer that the [purchaser](FreshReading::purchaser) is linked to.
    pub linked: Option<CustomerId>,
    /// The users linked to the customer, if the customer is gone.
    pub owners: Vec<UserId>,
}

/// The changes that a reading causes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The effects, in the order in which the store applies them.
    ///
    /// Every decision uses the same order of tables, which prevents deadlocks. Audit records are
    /// last, because readers of the audit log wait for its writers.
    pub effects: Vec<Effect>,
    /// The changes of links.
    pub links: LinkSummary,
}

/// The changes of links that a reading causes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkSummary {
    /// The user that gets a link to the customer.
    pub linked: Option<UserId>,
    /// The other customer that the owner stays linked to.
    pub conflict: Option<CustomerId>,
    /// The users whose link is removed, because the customer was deleted.
    pub unlinked: Vec<UserId>,
}

/// The result of saving a reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadingOutcome {
    /// The reading was written.
    Written(LinkSummary),
    /// Another process wrote the mirror. The caller reads the customer again.
    Outdated,
    /// Another worker has claimed the events.
    ClaimLost,
}

impl FreshReading {
    /// Returns the user that the reading links to the customer: the named owner of a customer with
    /// a purchase.
    #[must_use]
    pub fn purchaser(&self) -> Option<&UserId> {
        self.named_owner().filter(|_| self.reading.state.has_purchased())
    }

    /// Returns the owner according to the provider, if the customer exists.
    fn named_owner(&self) -> Option<&UserId> {
        match (&self.reading.owner, &self.reading.state) {
            (NamedOwner::User(owner), CustomerState::Present(_)) => Some(owner),
            _ => None,
        }
    }

    /// Reads the links that the decision depends on.
    ///
    /// # Errors
    /// [`RepoError`].
    pub async fn read_links(
        &self,
        customers: &dyn CustomerRepo,
    ) -> Result<LinkSnapshot, RepoError> {
        let mut snapshot = LinkSnapshot::default();
        if let Some(purchaser) = self.purchaser() {
            snapshot.linked = customers.find(purchaser, &self.account).await?;
        }
        if self.reading.state == CustomerState::Gone {
            snapshot.owners = customers.owners(&self.account, &self.customer).await?;
        }
        Ok(snapshot)
    }

    /// Decides the changes for the current links:
    ///
    /// - Links the purchaser to the customer. Keeps a link to another customer and reports a
    ///   conflict.
    /// - Fulfils the open claim of the named owner, with or without a purchase.
    /// - Removes all links and claims of a customer that is gone. The next purchase then creates a
    ///   new customer.
    /// - Records each new or removed link in the audit log, with the provider as actor.
    /// - Settles the events.
    #[must_use]
    pub fn decide(&self, snapshot: &LinkSnapshot) -> Decision {
        let mut links = LinkSummary::default();
        let mut effects = Vec::new();
        let mut records = Vec::new();

        match (self.purchaser(), &snapshot.linked) {
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
            links.unlinked.clone_from(&snapshot.owners);
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

    /// Writes the reading and its effects in one transaction. Repeats the decision if a link
    /// changed in between.
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
        // The loop repeats only if another process changed the links in between.
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

    /// Returns a customer of Ann with one subscription of this status, or with none.
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
    fn purchaser_without_link_is_linked_and_recorded() {
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
    fn purchaser_with_same_link_changes_no_link() {
        let decision = anns(Some(SubscriptionStatus::Active)).decide(&linked("cus_1"));
        assert_eq!(decision.effects, [Effect::FulfilClaim(user("ann"))]);
        assert_eq!(decision.links, LinkSummary::default());
    }

    #[test]
    fn purchaser_with_another_link_keeps_that_link_and_is_a_conflict() {
        let decision = anns(Some(SubscriptionStatus::Active)).decide(&linked("cus_2"));
        assert_eq!(decision.effects, [Effect::FulfilClaim(user("ann"))]);
        let summary = LinkSummary { conflict: Some(customer("cus_2")), ..LinkSummary::default() };
        assert_eq!(decision.links, summary);
    }

    #[test]
    fn owner_without_purchase_only_fulfils_the_claim() {
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
    fn missing_or_ambiguous_owner_changes_nothing() {
        for owner in [NamedOwner::None, NamedOwner::Ambiguous] {
            let bought = vec![subscription(SubscriptionStatus::Active)];
            let fresh = fresh(CustomerState::Present(bought), owner);
            let decision = fresh.decide(&LinkSnapshot::default());
            assert_eq!(decision.effects, []);
            assert_eq!(decision.links, LinkSummary::default());
        }
    }

    #[test]
    fn gone_customer_loses_all_links_and_claims_for_every_named_owner() {
        for owner in [NamedOwner::None, NamedOwner::Ambiguous, ann()] {
            let snapshot = LinkSnapshot { owners: ["eve", "bob"].map(user).to_vec(), linked: None };
            let decision = fresh(CustomerState::Gone, owner).decide(&snapshot);
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
    fn gone_customer_without_links_only_drops_claims() {
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
    fn each_link_effect_has_one_record_and_one_summary_entry() {
        let owners = ["ann", "bob"].map(user).to_vec();
        let snapshots = [LinkSnapshot::default(), linked("cus_1"), linked("cus_2")];
        let gone = LinkSnapshot { owners, ..LinkSnapshot::default() };
        let decisions = snapshots
            .iter()
            .map(|snapshot| anns(Some(SubscriptionStatus::Active)).decide(snapshot))
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
