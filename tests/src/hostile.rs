//! The corpus of hostile cases: every line of the data files that is to be refused, sent to both routes.

use crate::case::{self, Case, Route, Statuses};
use crate::invariants;
use crate::runner;
use crate::shared_fixture::SharedFixture;

/// The files whose refused lines make up the corpus: tokens, the header, keys, return URLs, bodies.
pub const FILES: &[&str] =
    &["tokens.jsonl", "authorization.jsonl", "keys.jsonl", "return_urls.jsonl", "body.jsonl"];

/// All hostile cases.
#[must_use]
pub fn corpus() -> Vec<Case> {
    FILES.iter().flat_map(|file| case::read::<Case>(file)).filter(is_hostile).collect()
}

/// It is refused by us, on the portal's own paths, whatever the provider does.
fn is_hostile(case: &Case) -> bool {
    let refused = match &case.expect.status {
        Statuses::One(one) => (400..500).contains(one),
        Statuses::AnyOf(several) => several.iter().all(|status| (400..500).contains(status)),
    };
    let reaches_nobody =
        case.expect.calls.is_none() && case.expect.max_calls.is_none() && case.faults.is_none();
    refused
        && reaches_nobody
        && case.method == "POST"
        && case.target.is_none()
        && case.listener.is_none()
}

/// Sends a hostile case to one route. On its own route it is refused as it says; on the other one somehow, but by us.
///
/// # Errors
/// That it was accepted, failed inside, or reached the provider.
pub fn send(shared: &SharedFixture, case: &Case, route: Route) -> Result<(), String> {
    // What is wrong on its own route alone is good on the other one.
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
                let said = answer.text();
                return Err(format!(
                    "{} on {route:?}: {} after {reached} calls: {said}",
                    case.name, answer.status
                ));
            }
            invariants::check("POST", &request.target, &answer)
                .map_err(|wrong| format!("{} on {route:?}: {wrong}", case.name))
        })
    })
}
