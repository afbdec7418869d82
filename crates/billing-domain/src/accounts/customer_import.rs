//! [`CustomerImport`]: links users to customers who were there before this service, and guesses nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::ports::{
    CustomerDirectory, CustomerRepo, ListedCustomer, ProviderError, RepoError, SubscriptionReader,
};
use crate::{
    CustomerId, CustomerLink, CustomerService, CustomerState, Deadline, LinkOutcome, NamedOwner,
    OnConflict, ProviderAccount, UserId,
};

/// So long one call to the provider may take.
const BUDGET: Duration = Duration::from_secs(20);

/// Imports links.
#[derive(Clone, Debug)]
pub struct CustomerImport {
    account: ProviderAccount,
    directory: Arc<dyn CustomerDirectory>,
    reader: Arc<dyn SubscriptionReader>,
    customers: Arc<dyn CustomerRepo>,
}

/// Where pairs of a user and a customer come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportSource {
    /// The metadata of the provider's customers.
    Metadata,
    /// Somebody's list.
    Pairs(Vec<(UserId, CustomerId)>),
    /// E-mail addresses of users, each verified by whoever made the list: a user is the one customer with the same address, but
    /// for the case of ASCII letters. (Others turn into ASCII letters: the lower case of the Kelvin sign is `k`.)
    VerifiedEmails(Vec<(UserId, String)>),
}

/// What an import would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportPlan {
    /// Links to be made.
    pub links: Vec<(UserId, CustomerId)>,
    /// Users who have this very link already.
    pub unchanged: Vec<UserId>,
    /// What is not linked, and why.
    pub skipped: Vec<SkippedCustomer>,
}

/// A pair, or half of one, that is not linked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedCustomer {
    /// The user, if one is known.
    pub user: Option<UserId>,
    /// The customers that it could be.
    pub customers: Vec<CustomerId>,
    /// Why not.
    pub reason: SkipReason,
}

/// Why something is not linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// Several customers could be this user's.
    SeveralCustomers,
    /// The customer's metadata name no possible user.
    NoPossibleUser,
    /// The provider does not know the customer.
    UnknownCustomer,
    /// The user has another customer already.
    LinkedElsewhere,
    /// The customer is another user's: the metadata say so, or, for a match by e-mail, a link does.
    OtherOwner,
    /// Several users have this e-mail address.
    SeveralUsers,
    /// No customer has the user's e-mail address.
    NoSuchEmail,
}

impl SkipReason {
    /// The reason as a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SeveralCustomers => "several_customers",
            Self::NoPossibleUser => "no_possible_user",
            Self::UnknownCustomer => "unknown_customer",
            Self::LinkedElsewhere => "linked_elsewhere",
            Self::OtherOwner => "other_owner",
            Self::SeveralUsers => "several_users",
            Self::NoSuchEmail => "no_such_email",
        }
    }
}

/// Why an import ended early.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The provider could not be asked.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] RepoError),
}

impl CustomerImport {
    /// An import from this provider.
    #[must_use]
    pub fn new(
        account: ProviderAccount,
        directory: Arc<dyn CustomerDirectory>,
        reader: Arc<dyn SubscriptionReader>,
        customers: Arc<dyn CustomerRepo>,
    ) -> Self {
        Self { account, directory, reader, customers }
    }

    /// What an import would do. Nothing is changed.
    ///
    /// # Errors
    /// See [`ImportError`].
    pub async fn plan(&self, source: ImportSource) -> Result<ImportPlan, ImportError> {
        let mut plan = ImportPlan::default();
        let mut candidates: BTreeMap<UserId, Vec<CustomerId>> = BTreeMap::new();
        let mut add = |user: UserId, customer: CustomerId| {
            let customers = candidates.entry(user).or_default();
            if !customers.contains(&customer) {
                customers.push(customer);
            }
        };
        match source {
            ImportSource::Metadata => {
                for listed in self.listed().await? {
                    match listed.owner {
                        NamedOwner::None => {}
                        NamedOwner::User(user) => add(user, listed.id),
                        NamedOwner::Ambiguous => {
                            plan.skip(None, vec![listed.id], SkipReason::NoPossibleUser)
                        }
                    }
                }
            }
            ImportSource::Pairs(pairs) => {
                for (user, customer) in pairs {
                    let reading = self.reader.customer(&customer, Deadline::after(BUDGET)).await?;
                    if reading.state == CustomerState::Gone {
                        plan.skip(Some(user), vec![customer], SkipReason::UnknownCustomer);
                    } else {
                        add(user, customer);
                    }
                }
            }
            ImportSource::VerifiedEmails(users) => {
                let mut by_email: BTreeMap<String, Vec<ListedCustomer>> = BTreeMap::new();
                for listed in self.listed().await? {
                    if let Some(email) = &listed.email {
                        by_email.entry(email.to_ascii_lowercase()).or_default().push(listed);
                    }
                }
                let mut users_by_email: BTreeMap<String, BTreeSet<UserId>> = BTreeMap::new();
                for (user, email) in users {
                    users_by_email.entry(email.to_ascii_lowercase()).or_default().insert(user);
                }
                for (email, users) in users_by_email {
                    let found = by_email.get(&email).map_or(&[][..], Vec::as_slice);
                    let several = users.len() > 1;
                    for user in users {
                        let reason = if found.is_empty() {
                            Some(SkipReason::NoSuchEmail)
                        } else if several {
                            Some(SkipReason::SeveralUsers)
                        } else {
                            self.is_anothers(found, &user).await?.then_some(SkipReason::OtherOwner)
                        };
                        let customers = found.iter().map(|one| one.id.clone());
                        match reason {
                            Some(reason) => plan.skip(Some(user), customers.collect(), reason),
                            None => customers.for_each(|customer| add(user.clone(), customer)),
                        }
                    }
                }
            }
        }
        for (user, customers) in candidates {
            let [customer] = customers.as_slice() else {
                plan.skip(Some(user), customers, SkipReason::SeveralCustomers);
                continue;
            };
            match self.customers.find(&user, &self.account).await? {
                None => plan.links.push((user, customer.clone())),
                Some(linked) if linked == *customer => plan.unchanged.push(user),
                Some(linked) => plan.skip(
                    Some(user),
                    vec![customer.clone(), linked],
                    SkipReason::LinkedElsewhere,
                ),
            }
        }
        Ok(plan)
    }

    /// Makes a plan's links. A user who got another customer since is left, and said.
    ///
    /// # Errors
    /// The store failed; what was linked stays so, and the same import may be run again.
    pub async fn apply(
        &self,
        mut plan: ImportPlan,
        service: &CustomerService,
    ) -> Result<ImportPlan, ImportError> {
        let mut made = Vec::new();
        for (owner, customer) in std::mem::take(&mut plan.links) {
            let link = CustomerLink {
                owner: owner.clone(),
                account: self.account.clone(),
                customer: customer.clone(),
            };
            match service.link(&link, OnConflict::Keep).await? {
                LinkOutcome::Created | LinkOutcome::Replaced(_) => made.push((owner, customer)),
                LinkOutcome::Unchanged => plan.unchanged.push(owner),
                LinkOutcome::Conflict(other) => {
                    plan.skip(Some(owner), vec![customer, other], SkipReason::LinkedElsewhere)
                }
            }
        }
        plan.links = made;
        Ok(plan)
    }

    /// Whether one of these customers is somebody else's.
    async fn is_anothers(
        &self,
        found: &[ListedCustomer],
        user: &UserId,
    ) -> Result<bool, RepoError> {
        for one in found {
            let names_another =
                one.owner != NamedOwner::None && one.owner != NamedOwner::User(user.clone());
            let owners = self.customers.owners(&self.account, &one.id).await?;
            if names_another || owners.iter().any(|owner| owner != user) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn listed(&self) -> Result<Vec<ListedCustomer>, ProviderError> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page =
                self.directory.list_customers(after.as_ref(), Deadline::after(BUDGET)).await?;
            after = page.items.last().map(|listed| listed.id.clone());
            all.extend(page.items);
            if !page.has_more || after.is_none() {
                return Ok(all);
            }
        }
    }
}

impl ImportPlan {
    fn skip(&mut self, user: Option<UserId>, customers: Vec<CustomerId>, reason: SkipReason) {
        self.skipped.push(SkippedCustomer { user, customers, reason });
    }
}
