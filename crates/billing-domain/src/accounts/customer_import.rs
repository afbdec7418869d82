//! [`CustomerImport`]: links users to customers that existed before this service.

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

/// Time limit for one provider call, retries included.
const BUDGET: Duration = Duration::from_secs(20);

/// Imports links. It skips every ambiguous pair.
#[derive(Clone, Debug)]
pub struct CustomerImport {
    account: ProviderAccount,
    directory: Arc<dyn CustomerDirectory>,
    reader: Arc<dyn SubscriptionReader>,
    customers: Arc<dyn CustomerRepo>,
}

/// The source of the pairs of user and customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportSource {
    /// The metadata of the provider's customers.
    Metadata,
    /// A list of the operator.
    Pairs(Vec<(UserId, CustomerId)>),
    /// Users and their verified e-mail addresses. An address must match exactly one customer. Only
    /// the case of ASCII letters is ignored: Unicode lower case maps the Kelvin sign to `k`.
    VerifiedEmails(Vec<(UserId, String)>),
}

/// The links that an import creates or skips.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportPlan {
    /// Links to create.
    pub links: Vec<(UserId, CustomerId)>,
    /// Users that already have the link.
    pub unchanged: Vec<UserId>,
    /// Skipped users and customers.
    pub skipped: Vec<SkippedCustomer>,
}

/// A user or a customer that the import skips.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedCustomer {
    /// The user, if known.
    pub user: Option<UserId>,
    /// The candidate customers.
    pub customers: Vec<CustomerId>,
    /// The reason.
    pub reason: SkipReason,
}

/// The reasons why an import skips a user or a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// Several customers match the user.
    SeveralCustomers,
    /// The customer's metadata contain no valid user id.
    NoPossibleUser,
    /// The provider does not know the customer.
    UnknownCustomer,
    /// The user is linked to another customer.
    LinkedElsewhere,
    /// The customer belongs to another user, according to its metadata or to a link.
    OtherOwner,
    /// Several users have this e-mail address.
    SeveralUsers,
    /// No customer has the user's e-mail address.
    NoSuchEmail,
}

impl SkipReason {
    /// Returns the reason's name in the command's output.
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

/// The reasons why an import stops.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A provider call failed.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] RepoError),
}

impl CustomerImport {
    /// Creates an import from this provider account.
    #[must_use]
    pub fn new(
        account: ProviderAccount,
        directory: Arc<dyn CustomerDirectory>,
        reader: Arc<dyn SubscriptionReader>,
        customers: Arc<dyn CustomerRepo>,
    ) -> Self {
        Self { account, directory, reader, customers }
    }

    /// Plans an import, without any change.
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
                for listed in self.list_customers().await? {
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
                for (user, customer) in self.match_emails(users, &mut plan).await? {
                    add(user, customer);
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

    /// Finds the customers with the users' e-mail addresses. Skips ambiguous and foreign matches.
    async fn match_emails(
        &self,
        users: Vec<(UserId, String)>,
        plan: &mut ImportPlan,
    ) -> Result<Vec<(UserId, CustomerId)>, ImportError> {
        let mut by_email: BTreeMap<String, Vec<ListedCustomer>> = BTreeMap::new();
        for listed in self.list_customers().await? {
            if let Some(email) = &listed.email {
                by_email.entry(email.to_ascii_lowercase()).or_default().push(listed);
            }
        }
        let mut users_by_email: BTreeMap<String, BTreeSet<UserId>> = BTreeMap::new();
        for (user, email) in users {
            users_by_email.entry(email.to_ascii_lowercase()).or_default().insert(user);
        }

        let mut matched = Vec::new();
        for (email, users) in users_by_email {
            let found = by_email.get(&email).map_or(&[][..], Vec::as_slice);
            let several = users.len() > 1;
            for user in users {
                let reason = if found.is_empty() {
                    Some(SkipReason::NoSuchEmail)
                } else if several {
                    Some(SkipReason::SeveralUsers)
                } else {
                    self.has_other_owner(found, &user).await?.then_some(SkipReason::OtherOwner)
                };
                let customers = found.iter().map(|listed| listed.id.clone());
                match reason {
                    Some(reason) => plan.skip(Some(user), customers.collect(), reason),
                    None => matched.extend(customers.map(|customer| (user.clone(), customer))),
                }
            }
        }
        Ok(matched)
    }

    /// Creates a plan's links. Skips users that were linked to another customer since the plan.
    ///
    /// # Errors
    /// The store failed. Created links remain, and the operator can run the import again.
    pub async fn apply(
        &self,
        mut plan: ImportPlan,
        service: &CustomerService,
    ) -> Result<ImportPlan, ImportError> {
        let mut created = Vec::new();
        for (owner, customer) in std::mem::take(&mut plan.links) {
            let link = CustomerLink {
                owner: owner.clone(),
                account: self.account.clone(),
                customer: customer.clone(),
            };
            match service.link(&link, OnConflict::Keep).await? {
                LinkOutcome::Created | LinkOutcome::Replaced(_) => created.push((owner, customer)),
                LinkOutcome::Unchanged => plan.unchanged.push(owner),
                LinkOutcome::Conflict(other) => {
                    plan.skip(Some(owner), vec![customer, other], SkipReason::LinkedElsewhere)
                }
            }
        }
        plan.links = created;
        Ok(plan)
    }

    /// Returns whether one of these customers belongs to another user.
    async fn has_other_owner(
        &self,
        found: &[ListedCustomer],
        user: &UserId,
    ) -> Result<bool, RepoError> {
        for listed in found {
            let names_another =
                listed.owner != NamedOwner::None && listed.owner != NamedOwner::User(user.clone());
            let owners = self.customers.owners(&self.account, &listed.id).await?;
            if names_another || owners.iter().any(|owner| owner != user) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn list_customers(&self) -> Result<Vec<ListedCustomer>, ProviderError> {
        let mut all = Vec::new();
        let mut after = None;
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
