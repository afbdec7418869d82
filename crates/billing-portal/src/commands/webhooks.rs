//! `webhooks list|replay`: prints and replays events of the provider.

use api_http::timestamps::rfc3339;
use billing_domain::ports::RepoError;
use billing_domain::{EventSubject, InboxEvent, InboxQuery, ReplayScope};
use serde_json::{Value, json};

use super::{Context, customers, session};
use crate::cli::Webhooks;
use crate::failure::Failure;
use crate::wiring::clock::clock;

pub(crate) async fn run(context: &Context, command: Webhooks) -> Result<(), Failure> {
    let (stores, account) = session(context, |settings| match &command {
        Webhooks::List { account, .. } | Webhooks::Replay { account, .. } => {
            customers::selected(settings, account)
        }
    })
    .await?;
    let failed = |error: RepoError| Failure::failed("the database failed", &error);
    match command {
        Webhooks::List { state, limit, .. } => {
            let events =
                stores.inbox.list(&account, &InboxQuery { state, limit }).await.map_err(failed)?;
            let shown: Vec<Value> = events.iter().map(event_json).collect();
            context.print(&json!({ "events": shown }), || {
                if events.is_empty() { "no events".to_owned() } else { lines(&events).join("\n") }
            })
        }
        Webhooks::Replay { event, .. } => {
            let which = event.map_or(ReplayScope::AllDead, ReplayScope::Event);
            let count =
                stores.inbox.replay(&account, &which, clock().now()).await.map_err(failed)?;
            if let (0, ReplayScope::Event(id)) = (count, &which) {
                return Err(Failure::Failed(format!("{account} has no event {id} in the inbox")));
            }
            let plural = if count == 1 { "event" } else { "events" };
            context.print(&json!({ "replayed": count }), || {
                format!("{count} {plural} will be applied again")
            })
        }
    }
}

fn event_json(event: &InboxEvent) -> Value {
    let (state, at) = event.state.parts();
    json!({
        "id": event.event.id.as_str(),
        "type": event.event.kind.as_str(),
        "subject": subject(&event.event.subject),
        "created": rfc3339(event.event.created),
        "received": rfc3339(event.received),
        "state": state.as_str(),
        "at": rfc3339(at),
        "attempts": event.attempts,
        "error": event.error,
    })
}

fn lines(events: &[InboxEvent]) -> Vec<String> {
    let line = |event: &InboxEvent| {
        let (state, at) = event.state.parts();
        let (id, kind, attempts) = (&event.event.id, &event.event.kind, event.attempts);
        let about = subject(&event.event.subject).unwrap_or("no customer");
        let error = event.error.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
        format!(
            "{id} {kind} about {about}, {state} {}, {attempts} attempts{error}",
            rfc3339(at),
            state = state.as_str()
        )
    };
    events.iter().map(line).collect()
}

fn subject(subject: &EventSubject) -> Option<&str> {
    match subject {
        EventSubject::Customer(customer) => Some(customer.as_str()),
        EventSubject::Subscription(subscription) => Some(subscription.as_str()),
        EventSubject::Unrelated => None,
    }
}
