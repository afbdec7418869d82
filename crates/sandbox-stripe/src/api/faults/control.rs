//! The control endpoint: which faults are to come, for those who cannot send a header.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};

use super::fault::{Fault, NoFault};
use super::{Faults, Rule};
use crate::api::control::answer;
use crate::api::error::ApiError;
use crate::api::operations::{OPERATIONS, Operation};
use crate::api::params::Params;

/// More than any test needs.
const MOST_TIMES: i64 = 1_000_000;

/// The routes that make, list and forget faults; test keys open them as they open the API.
pub(crate) fn router(faults: Faults) -> Router {
    Router::new().route("/sandbox/faults", get(list).post(add).delete(forget)).with_state(faults)
}

async fn list(State(faults): State<Faults>, request: Request) -> Response {
    answer(request, async |_| {
        Ok(json!({ "data": faults.pending().iter().map(Rule::view).collect::<Vec<_>>() }))
    })
    .await
}

async fn add(State(faults): State<Faults>, request: Request) -> Response {
    answer(request, async |params| Ok(faults.add(Rule::read(params)?)?.view())).await
}

async fn forget(State(faults): State<Faults>, request: Request) -> Response {
    answer(request, async |_| Ok(json!({ "forgotten": faults.forget() }))).await
}

impl Rule {
    fn read(mut params: Params) -> Result<Self, ApiError> {
        params.expect(&["fault", "method", "path", "times"], &[])?;
        let fault: Fault =
            params.required_text("fault", 200)?.parse().map_err(|error: NoFault| {
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
            u32::try_from(times).ok().filter(|times| (1..=MOST_TIMES).contains(&i64::from(*times)));
        let times = times.ok_or_else(|| {
            ApiError::invalid(
                None,
                "times",
                format!("Invalid times: a fault comes 1 to {MOST_TIMES} times"),
            )
        })?;
        let fits = |operation: &Operation| {
            method.as_ref().is_none_or(|method| operation.method.http() == *method)
                && path.as_ref().is_none_or(|path| stands_at(operation.path, path))
        };
        // A misspelt path would wait for ever for its call.
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

/// Whether a path is the operation's own, or one of those that it stands for.
fn stands_at(operation: &str, path: &str) -> bool {
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
    fn a_rule_is_for_operations_that_there_are() {
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
