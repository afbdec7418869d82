//! The hostile corpus: every case of the data files that must be rejected, sent to both routes.

use crate::case::{self, Case, Route, Statuses};
use crate::invariants;
use crate::runner;
use crate::shared_fixture::SharedFixture;

/// Files of the corpus: tokens, the header, keys, return URLs, bodies.
pub const FILES: &[&str] =
    &["tokens.jsonl", "authorization.jsonl", "keys.jsonl", "return_urls.jsonl", "body.jsonl"];

/// Returns all hostile cases.
#[must_use]
pub fn corpus() -> Vec<Case> {
    FILES.iter().flat_map(|file| case::read::<Case>(file)).filter(is_hostile).collect()
}

/// Returns whether the service rejects the case on the portal's paths without the provider.
fn is_hostile(case: &Case) -> bool {
    let rejected = match &case.expect.status {
        Statuses::One(one) => (400..500).contains(one),
        Statuses::AnyOf(several) => several.iter().all(|status| (400..500).contains(status)),
    };
    let never_reaches_provider =
        case.expect.calls.is_none() && case.expect.max_calls.is_none() && case.faults.is_none();
    rejected
        && never_reaches_provider
        && case.method == "POST"
        && case.target.is_none()
        && case.listener.is_none()
}

/// Sends a hostile case to one route. On its own route it must be rejected as the case expects. On
/// the other route it must be rejected by the service.
///
/// # Errors
/// When it was accepted, returned 500, or reached the provider.
pub fn send(shared: &SharedFixture, case: &Case, route: Route) -> Result<(), String> {
    // A case that is wrong only for its own route is valid on the other one.
    let wrong_here_only = case.expect.code.as_deref() == Some("wrong_credential_type");
    if wrong_here_only && case.route != route {
        return Ok(());
    }
    shared.with_user(|user| {
        shared.portal(&case.profile, |portal| {
            let mut placeholders = shared.placeholders(&case.profile, user);
            placeholders.set("host", portal.public.to_string());
            placeholders.set(
                "credential",
                placeholders.fill(if route == Route::Key { "{key}" } else { "{token}" }),
            );
            let request = runner::request(shared, case, route, user, &placeholders);
            let before = shared.requests_for(&case.profile, &user.customer).len();
            let answer = request.send(portal.public)?;
            let reached = shared.requests_for(&case.profile, &user.customer).len() - before;
            let own = case.route == Route::Both || case.route == route;
            let right = if own {
                case.expect.status.allow(answer.status)
            } else {
                (400..500).contains(&answer.status)
            };
            let coded = !own || case.expect.code.as_ref().is_none_or(|code| answer.code() == *code);
            if !right || !coded || reached > 0 {
                let text = answer.text();
                return Err(format!(
                    "{} on {route:?}: {} after {reached} calls: {text}",
                    case.name, answer.status
                ));
            }
            invariants::check("POST", &request.target, &answer)
                .map_err(|wrong| format!("{} on {route:?}: {wrong}", case.name))
        })
    })
}
