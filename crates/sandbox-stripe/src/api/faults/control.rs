//! The control endpoint for fault rules, for clients that cannot send a header.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};

use super::fault::{Fault, FaultError};
use super::{Faults, Rule};
use crate::api::control::respond;
use crate::api::error::ApiError;
use crate::api::operations::{OPERATIONS, Operation};
use crate::api::params::Params;

/// Maximum `times` of a rule; our limit.
const MAX_TIMES: i64 = 1_000_000;

/// The routes that create, list and delete fault rules. They accept the API's test keys.
pub(crate) fn router(faults: Faults) -> Router {
    Router::new().route("/sandbox/faults", get(list).post(add).delete(forget)).with_state(faults)
}

async fn list(State(faults): State<Faults>, request: Request) -> Response {
    respond(request, async |_| {
        Ok(json!({ "data": faults.pending().iter().map(Rule::view).collect::<Vec<_>>() }))
    })
    .await
}

async fn add(State(faults): State<Faults>, request: Request) -> Response {
    respond(request, async |params| Ok(faults.add(Rule::read(params)?)?.view())).await
}

async fn forget(State(faults): State<Faults>, request: Request) -> Response {
    respond(request, async |_| Ok(json!({ "forgotten": faults.forget() }))).await
}

impl Rule {
    fn read(mut params: Params) -> Result<Self, ApiError> {
        params.expect(&["fault", "method", "path", "times"], &[])?;
        let fault: Fault =
            params.required_text("fault", 200)?.parse().map_err(|error: FaultError| {
                ApiError::invalid(None, "fault", format!("Invalid fault: {error}"))
            })?;
        let method = match params.choice("method", &["GET", "POST", "DELETE"])? {
            Some("GET") => Some(Method::GET),
            Some("POST") => Some(Method::POST),
            Some(_) => Some(Method::DELETE),
            None => None,
        };
        let path = params.text("path", 500)?;
        let times = params.integer("times")?.unwrap_or(1);
        let times =
            u32::try_from(times).ok().filter(|times| (1..=MAX_TIMES).contains(&i64::from(*times)));
        let times = times.ok_or_else(|| {
            ApiError::invalid(
                None,
                "times",
                format!("Invalid times: must be from 1 to {MAX_TIMES}"),
            )
        })?;
        let fits = |operation: &Operation| {
            method.as_ref().is_none_or(|method| operation.method.http() == *method)
                && path.as_ref().is_none_or(|path| matches_path(operation.path, path))
        };
        // A misspelt path would never match a call.
        if !OPERATIONS.iter().any(fits) {
            let message = "Invalid path: the sandbox has no such operation";
            return Err(ApiError::invalid(None, "path", message));
        }
        Ok(Self { id: 0, fault, method, path, times })
    }

    fn view(&self) -> Value {
        json!({
            "id": self.id,
            "fault": self.fault.to_string(),
            "method": self.method.as_ref().map(Method::as_str),
            "path": self.path,
            "times": self.times,
        })
    }
}

/// Returns whether the path equals the operation's path or matches its pattern.
fn matches_path(operation: &str, path: &str) -> bool {
    let mut parts = path.split('/');
    let fits = operation.split('/').all(|expected| {
        parts
            .next()
            .is_some_and(|part| part == expected || (expected.starts_with('{') && !part.is_empty()))
    });
    fits && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::api::form;

    fn read(text: &str) -> Result<Rule, ApiError> {
        let mut nodes = BTreeMap::new();
        form::parse(text.as_bytes(), &mut nodes).expect("parameters");
        Rule::read(Params::new(nodes))
    }

    #[test]
    fn a_rule_must_match_an_operation() {
        for good in [
            "fault=drop",
            "fault=drop&method=POST&path=/v1/billing_portal/sessions&times=3",
            "fault=drop&path=/v1/customers/{customer}",
            "fault=drop&path=/v1/customers/cus_1&method=DELETE",
        ] {
            assert!(read(good).is_ok(), "{good}");
        }
        for (bad, param) in [
            ("", "fault"),
            ("fault=none", "fault"),
            ("fault=drop&method=PUT", "method"),
            ("fault=drop&path=/v1/customer", "path"),
            ("fault=drop&path=/v1/customers/", "path"),
            ("fault=drop&path=/v1/billing_portal/sessions&method=GET", "path"),
            ("fault=drop&times=0", "times"),
            ("fault=drop&times=1000001", "times"),
            ("fault=drop&time=1", "time"),
        ] {
            assert_eq!(
                read(bad).err().and_then(|error| error.param).as_deref(),
                Some(param),
                "{bad}"
            );
        }
    }
}
