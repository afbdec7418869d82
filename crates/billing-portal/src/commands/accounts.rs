//! `customers import|reconcile`: the commands that read customers from the provider.

use std::path::Path;

use billing_domain::ports::Clock;
use billing_domain::{
    CustomerId, CustomerService, ImportPlan, ImportSource, ReconcileReport, RunMode,
    SkippedCustomer, UserId,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Context, session};
use crate::cli::{Import, Reconcile};
use crate::config::{Settings, provider};
use crate::failure::Failure;
use crate::wiring::accounts::Accounts;
use crate::wiring::clock::clock;
use crate::wiring::provider::{connect, running_sandbox};
use crate::wiring::store::Stores;

/// A row of a list of users and customers.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CustomerRow {
    user: String,
    customer: String,
}

/// A row of a list of users and their e-mail addresses.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EmailRow {
    user: String,
    email: String,
    email_verified: bool,
}

pub(crate) async fn import(context: &Context, arguments: Import) -> Result<(), Failure> {
    let (stores, accounts) = connect_accounts(context).await?;
    let source = match (&arguments.csv, &arguments.verified_emails) {
        (Some(file), _) => ImportSource::Pairs(pairs(file)?),
        (None, Some(file)) => ImportSource::VerifiedEmails(addresses(file)?),
        (None, None) => ImportSource::Metadata,
    };
    let failed = |error| Failure::failed("the import failed", &error);
    let import = accounts.import();
    let mut plan = import.plan(source).await.map_err(failed)?;
    if arguments.apply {
        let service = CustomerService::new(stores.customers, clock());
        plan = import.apply(plan, &service).await.map_err(failed)?;
    }
    context.print(&plan_json(&plan, arguments.apply), || plan_text(&plan, arguments.apply))
}

pub(crate) async fn reconcile(context: &Context, arguments: Reconcile) -> Result<(), Failure> {
    let (_, accounts) = connect_accounts(context).await?;
    let mode = if arguments.dry_run { RunMode::DryRun } else { RunMode::Apply };
    let report = accounts.reconciler().run(mode).await;
    let report = report.map_err(|error| {
        Failure::failed("the mirror could not be compared with the provider", &error)
    })?;
    context.print(&report_json(&report, mode), || report_text(&report, mode))?;
    match report.failed.len() {
        0 => Ok(()),
        failed => Err(Failure::Failed(format!("{failed} customers could not be read"))),
    }
}

/// Opens the database and connects the provider.
async fn connect_accounts(context: &Context) -> Result<(Stores, Accounts), Failure> {
    let (stores, provider) = session(context, |settings: &mut Settings| {
        let folder = settings.data_folder();
        provider::read(settings).map(|provider| (provider, folder))
    })
    .await?;
    let (settings, folder) = provider;
    let sandbox =
        running_sandbox(&folder).map_err(|error| Failure::failed("the data folder", &error))?;
    let provider = connect(settings, Some(&sandbox)).map_err(Failure::Failed)?;
    let clock: std::sync::Arc<dyn Clock> = clock();
    let accounts = Accounts::new(&stores, provider.ports(), clock);
    Ok((stores, accounts))
}

fn pairs(file: &Path) -> Result<Vec<(UserId, CustomerId)>, Failure> {
    let read = |row: CustomerRow| {
        let user = row.user.parse().map_err(|error| format!("user: {error}"))?;
        let customer = row.customer.parse().map_err(|error| format!("customer: {error}"))?;
        Ok(Some((user, customer)))
    };
    rows(file, read)
}

/// Reads the verified addresses. An unverified address does not prove who owns it.
fn addresses(file: &Path) -> Result<Vec<(UserId, String)>, Failure> {
    let read = |row: EmailRow| {
        let user = row.user.parse().map_err(|error| format!("user: {error}"))?;
        Ok(row.email_verified.then_some((user, row.email)))
    };
    rows(file, read)
}

/// Reads a CSV file (RFC 4180) with a header. A faulty row fails the command before it changes
/// anything.
fn rows<L: for<'a> Deserialize<'a>, T>(
    file: &Path,
    read: impl Fn(L) -> Result<Option<T>, String>,
) -> Result<Vec<T>, Failure> {
    let wrong = |why: String| Failure::Failed(format!("{}: {why}", file.display()));
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(file)
        .map_err(|error| wrong(error.to_string()))?;
    let mut found = Vec::new();
    for (index, row) in reader.deserialize().enumerate() {
        let row = row.map_err(|error| wrong(error.to_string()))?;
        found.extend(read(row).map_err(|why| wrong(format!("line {}: {why}", index + 2)))?);
    }
    Ok(found)
}

fn plan_json(plan: &ImportPlan, applied: bool) -> Value {
    let left = |left: &SkippedCustomer| {
        json!({
            "user": left.user.as_ref().map(UserId::as_str),
            "customers": left.customers.iter().map(CustomerId::as_str).collect::<Vec<_>>(),
            "reason": left.reason.as_str(),
        })
    };
    json!({
        "applied": applied,
        "links": plan.links.iter().map(pair).collect::<Vec<_>>(),
        "unchanged": plan.unchanged.len(),
        "left": plan.skipped.iter().map(left).collect::<Vec<_>>(),
    })
}

fn plan_text(plan: &ImportPlan, applied: bool) -> String {
    let verb = if applied { "linked" } else { "would link" };
    let mut lines: Vec<String> =
        plan.links.iter().map(|(user, customer)| format!("{verb} {user} to {customer}")).collect();
    for left in &plan.skipped {
        let user = left.user.as_ref().map_or("no user", UserId::as_str);
        let customers =
            left.customers.iter().map(CustomerId::as_str).collect::<Vec<_>>().join(", ");
        lines.push(format!("skipped: {user}, {} ({customers})", left.reason.as_str()));
    }
    let (links, unchanged, left) = (plan.links.len(), plan.unchanged.len(), plan.skipped.len());
    lines.push(format!(
        "{links} {}, {unchanged} unchanged, {left} skipped",
        if applied { "linked" } else { "to link" }
    ));
    if !applied {
        lines.push(
            "Nothing was changed. Run the command with --apply to create the links.".to_owned(),
        );
    }
    lines.join("\n")
}

fn report_json(report: &ReconcileReport, mode: RunMode) -> Value {
    let ids = |list: &[CustomerId]| {
        list.iter().map(CustomerId::as_str).map(Value::from).collect::<Vec<_>>()
    };
    let conflicts: Vec<Value> = report
        .conflicts
        .iter()
        .map(|(customer, other)| {
            json!({
                "customer": customer.as_str(),
                "linked": other.as_str(),
            })
        })
        .collect();
    let failed: Vec<Value> = report
        .failed
        .iter()
        .map(|(customer, error)| {
            json!({
                "customer": customer.as_str(),
                "error": error,
            })
        })
        .collect();
    json!({
        "dryRun": mode == RunMode::DryRun,
        "compared": report.compared,
        "differed": ids(&report.differed),
        "linked": report.linked.iter().map(pair).collect::<Vec<_>>(),
        "unlinked": report.unlinked.iter().map(pair).collect::<Vec<_>>(),
        "conflicts": conflicts,
        "ambiguous": ids(&report.ambiguous),
        "failed": failed,
    })
}

fn report_text(report: &ReconcileReport, mode: RunMode) -> String {
    let (repaired, linked, unlinked) = match mode {
        RunMode::Apply => ("repaired", "linked", "unlinked"),
        RunMode::DryRun => ("would repair", "would link", "would unlink"),
    };
    let mut lines: Vec<String> =
        report.differed.iter().map(|customer| format!("{repaired} {customer}")).collect();
    lines.extend(
        report.linked.iter().map(|(user, customer)| format!("{linked} {user} to {customer}")),
    );
    lines.extend(
        report.unlinked.iter().map(|(user, customer)| format!("{unlinked} {user} from {customer}")),
    );
    lines.extend(
        report
            .conflicts
            .iter()
            .map(|(customer, other)| format!("skipped: {customer}, its user is linked to {other}")),
    );
    lines.extend(report.ambiguous.iter().map(|customer| {
        format!("skipped: {customer}, the provider has several user ids, or an invalid one")
    }));
    lines.extend(report.failed.iter().map(|(customer, why)| format!("failed: {customer}: {why}")));
    lines.push(format!(
        "{} customers compared, {} differed",
        report.compared,
        report.differed.len()
    ));
    lines.join("\n")
}

fn pair((user, customer): &(UserId, CustomerId)) -> Value {
    json!({ "user": user.as_str(), "customer": customer.as_str() })
}
