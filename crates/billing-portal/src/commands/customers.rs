//! `customers link|show|unlink|forget`; `import` and `reconcile` are in `accounts`.

use billing_domain::ports::RepoError;
use billing_domain::{
    Actor, AuditAction, AuditEvent, CustomerLink, CustomerService, LinkOutcome, Mode, OnConflict,
    ProviderAccount, RequestOrigin, UserId,
};
use serde_json::{Value, json};

use super::{Context, accounts, session};
use crate::cli::{AccountArgs, Customers};
use crate::config::{Settings, provider};
use crate::failure::Failure;
use crate::wiring::clock::clock;
use crate::wiring::store::Stores;

pub(crate) async fn run(context: &Context, command: Customers) -> Result<(), Failure> {
    match command {
        Customers::Link { user, customer, account, replace } => {
            let (stores, account) = session(context, |read| selected(read, &account)).await?;
            let on_conflict = if replace { OnConflict::Replace } else { OnConflict::Keep };
            link(context, stores, CustomerLink { owner: user, account, customer }, on_conflict)
                .await
        }
        Customers::Unlink { user, account } => {
            let (stores, account) = session(context, |read| selected(read, &account)).await?;
            unlink(context, stores, user, account).await
        }
        Customers::Show { user } => {
            let (stores, ()) = session(context, |_| Some(())).await?;
            show(context, stores, &user).await
        }
        Customers::Forget { user } => {
            let (stores, ()) = session(context, |_| Some(())).await?;
            forget(context, &stores, &user).await
        }
        Customers::Import(arguments) => accounts::import(context, arguments).await,
        Customers::Reconcile(arguments) => accounts::reconcile(context, arguments).await,
    }
}

async fn link(
    context: &Context,
    stores: Stores,
    link: CustomerLink,
    on_conflict: OnConflict,
) -> Result<(), Failure> {
    let previous = match service(stores).link(&link, on_conflict).await.map_err(failed)? {
        LinkOutcome::Created | LinkOutcome::Unchanged => None,
        LinkOutcome::Replaced(previous) => Some(previous),
        LinkOutcome::Conflict(existing) => {
            let owner = &link.owner;
            return Err(Failure::Failed(format!(
                "{owner} is already linked to {existing}; use --replace to link another customer"
            )));
        }
    };

    let mut shown = link_json(&link);
    shown["replaced"] = json!(previous.as_ref().map(|customer| customer.as_str()));
    context.print(&shown, || match previous {
        Some(previous) => format!("{}, replaced {previous}", sentence(&link)),
        None => sentence(&link),
    })
}

async fn unlink(
    context: &Context,
    stores: Stores,
    user: UserId,
    account: ProviderAccount,
) -> Result<(), Failure> {
    let Some(customer) = service(stores).unlink(&user, &account).await.map_err(failed)? else {
        return Err(Failure::Failed(format!("{user} is not linked to a customer of {account}")));
    };
    let link = CustomerLink { owner: user, account, customer };
    context.print(&link_json(&link), || {
        format!("{} is no longer linked to {} of {}", link.owner, link.customer, link.account)
    })
}

async fn show(context: &Context, stores: Stores, user: &UserId) -> Result<(), Failure> {
    let links = service(stores).list(user).await.map_err(failed)?;
    if links.is_empty() {
        return Err(Failure::Failed(format!("{user} is not linked to any customer")));
    }
    let shown: Vec<Value> = links.iter().map(link_json).collect();
    context.print(&json!({ "user": user.as_str(), "customers": shown }), || {
        links.iter().map(sentence).collect::<Vec<_>>().join("\n")
    })
}

async fn forget(context: &Context, stores: &Stores, user: &UserId) -> Result<(), Failure> {
    let rows = stores.audit.forget(user).await.map_err(failed)?;
    let event = AuditEvent {
        at: clock().now(),
        action: AuditAction::UserForgotten,
        actor: Actor::Operator,
        owner: None,
        key: None,
        customer: None,
        origin: RequestOrigin::default(),
    };
    stores.audit.append(&event).await.map_err(failed)?;
    context.print(&json!({ "user": user.as_str(), "rows": rows }), || {
        format!("erased {user} from {rows} rows")
    })
}

fn service(stores: Stores) -> CustomerService {
    CustomerService::new(stores.customers, clock())
}

fn failed(error: RepoError) -> Failure {
    Failure::failed("the database failed", &error)
}

/// Returns the provider and mode of the arguments, or else of the settings.
pub(crate) fn selected(settings: &mut Settings, account: &AccountArgs) -> Option<ProviderAccount> {
    let name = match &account.provider {
        Some(name) => Some(name.clone()),
        None => provider::name(settings),
    };
    let mode = match account.mode {
        Some(mode) => Some(mode),
        None if name.as_ref().is_some_and(|name| name.as_str() == "sandbox") => Some(Mode::Test),
        None => provider::read(settings).map(|settings| settings.mode()),
    };
    Some(ProviderAccount::new(name?, mode?))
}

fn link_json(link: &CustomerLink) -> Value {
    json!({
        "user": link.owner.as_str(),
        "provider": link.account.provider().as_str(),
        "mode": link.account.mode().as_str(),
        "customer": link.customer.as_str(),
    })
}

fn sentence(link: &CustomerLink) -> String {
    format!("{} is linked to {} of {}", link.owner, link.customer, link.account)
}
