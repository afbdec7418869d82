//! `customers link|show|unlink|forget`, and the way to `import` and `reconcile`.

use billing_domain::ports::RepoError;
use billing_domain::{
    Actor, AuditAction, AuditEvent, CustomerLink, CustomerService, LinkOutcome, Mode, OnConflict,
    ProviderAccount, RequestOrigin,
};
use serde_json::{Value, json};

use super::{Context, accounts, session};
use crate::cli::{At, Customers};
use crate::config::{Settings, provider};
use crate::failure::Failure;
use crate::wiring::clock::clock;

pub(crate) async fn run(context: &Context, command: Customers) -> Result<(), Failure> {
    let command = match command {
        Customers::Import(arguments) => return accounts::import(context, arguments).await,
        Customers::Reconcile(arguments) => return accounts::reconcile(context, arguments).await,
        other => other,
    };
    let (stores, at) = session(context, |settings| match &command {
        Customers::Link { at, .. } | Customers::Unlink { at, .. } => {
            account(settings, at).map(Some)
        }
        _ => Some(None),
    })
    .await?;
    let customers = CustomerService::new(stores.customers, clock());
    let failed = |error: RepoError| Failure::failed("the database failed", &error);
    match (command, at) {
        (Customers::Link { user, customer, replace, .. }, Some(at)) => {
            let link = CustomerLink { owner: user, at, customer };
            let on_conflict = if replace { OnConflict::Replace } else { OnConflict::Keep };
            let outcome = customers.link(&link, on_conflict).await.map_err(failed)?;
            let previous = match outcome {
                LinkOutcome::Created | LinkOutcome::Unchanged => None,
                LinkOutcome::Replaced(previous) => Some(previous),
                LinkOutcome::Conflict(existing) => {
                    let owner = &link.owner;
                    return Err(Failure::Failed(format!(
                        "{owner} is the customer {existing} already; --replace puts another in its place"
                    )));
                }
            };
            let mut shown = described(&link);
            shown["replaced"] = json!(previous.as_ref().map(|customer| customer.as_str()));
            context.print(&shown, || match previous {
                Some(previous) => format!("{} (instead of {previous})", sentence(&link)),
                None => sentence(&link),
            })
        }
        (Customers::Unlink { user, .. }, Some(at)) => {
            match customers.unlink(&user, &at).await.map_err(failed)? {
                Some(customer) => {
                    let link = CustomerLink { owner: user, at, customer };
                    context.print(&described(&link), || {
                        format!(
                            "{} is no longer the customer {} of {}",
                            link.owner, link.customer, link.at
                        )
                    })
                }
                None => Err(Failure::Failed(format!("{user} is no customer of {at}"))),
            }
        }
        (Customers::Show { user }, _) => {
            let links = customers.list(&user).await.map_err(failed)?;
            if links.is_empty() {
                return Err(Failure::Failed(format!("{user} is no customer anywhere")));
            }
            let shown: Vec<Value> = links.iter().map(described).collect();
            context.print(&json!({ "user": user.as_str(), "customers": shown }), || {
                links.iter().map(sentence).collect::<Vec<_>>().join("\n")
            })
        }
        (Customers::Forget { user }, _) => {
            let rows = stores.audit.forget(&user).await.map_err(failed)?;
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
                format!("{user} is forgotten, in {rows} rows")
            })
        }
        (
            Customers::Import(_)
            | Customers::Reconcile(_)
            | Customers::Link { .. }
            | Customers::Unlink { .. },
            _,
        ) => Err(Failure::Failed("no provider is known: this is a bug".to_owned())),
    }
}

/// The named provider and mode, or the configured ones.
pub(crate) fn account(settings: &mut Settings, at: &At) -> Option<ProviderAccount> {
    let name = match &at.provider {
        Some(name) => Some(name.clone()),
        None => provider::name(settings),
    };
    let mode = match at.mode {
        Some(mode) => Some(mode),
        None if name.as_ref().is_some_and(|name| name.as_str() == "sandbox") => Some(Mode::Test),
        None => provider::read(settings).map(|settings| settings.mode()),
    };
    Some(ProviderAccount::new(name?, mode?))
}

fn described(link: &CustomerLink) -> Value {
    json!({
        "user": link.owner.as_str(),
        "provider": link.at.provider().as_str(),
        "mode": link.at.mode().as_str(),
        "customer": link.customer.as_str(),
    })
}

fn sentence(link: &CustomerLink) -> String {
    format!("{} is the customer {} of {}", link.owner, link.customer, link.at)
}
