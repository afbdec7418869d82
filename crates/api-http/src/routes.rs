//! The routes: one file per endpoint.

mod api_keys;
mod checkout;
mod current;
mod documents;
mod livez;
mod plans;
mod portal;
mod readyz;
mod stripe_webhook;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use metrics_exporter_prometheus::PrometheusHandle;

use crate::caller::{AccessToken, ApiKey};
use crate::deadline;
use crate::endpoint::Endpoint;
use crate::openapi::{self, Document};
use crate::routes::documents::Documents;
use crate::state::AppState;

pub use checkout::CHECKOUT;
pub use portal::{PORTAL, PORTAL_BY_API_KEY};
pub(crate) use stripe_webhook::BODY_LIMIT as WEBHOOK_BODY_LIMIT;
pub use stripe_webhook::STRIPE_WEBHOOKS;

/// The path of the front page.
const FRONT_PAGE: &str = "/";

/// Returns all endpoints of the public listener.
fn endpoints(documents: &Documents) -> Vec<Endpoint> {
    let api = [
        portal::endpoint::<AccessToken>(),
        portal::endpoint::<ApiKey>(),
        checkout::endpoint::<AccessToken>(),
        checkout::endpoint::<ApiKey>(),
        current::endpoint::<AccessToken>(),
        current::endpoint::<ApiKey>(),
        plans::endpoint(),
        stripe_webhook::endpoint(),
        livez::endpoint(),
        readyz::endpoint(),
    ];
    api.into_iter().chain(api_keys::endpoints()).chain(documents::endpoints(documents)).collect()
}

/// Returns the router of the public listener.
pub fn public(app: Arc<AppState>) -> Router {
    router(app, Router::new(), |_| true)
}

/// Returns the router of the public listener with another front page. `front` has the route `/`, and may
/// have routes that the OpenAPI document does not list.
pub fn public_with_front_page(app: Arc<AppState>, front: Router<Arc<AppState>>) -> Router {
    router(app, front, |path| path != FRONT_PAGE)
}

fn router(
    app: Arc<AppState>,
    first: Router<Arc<AppState>>,
    is_kept: impl Fn(&str) -> bool,
) -> Router {
    let documents = Documents::default();
    let endpoints = endpoints(&documents);
    documents.render(&openapi::document(&endpoints, app.public_url.as_deref()));

    let kept = endpoints.into_iter().filter(|endpoint| is_kept(endpoint.path()));
    let router = kept.fold(first, |router, endpoint| endpoint.register(router));
    let router = documents::register_files(router);
    let limit = app.request_timeout;
    router.layer(from_fn_with_state(limit, deadline::enforce)).with_state(app)
}

/// Returns the router of the admin listener: metrics and probes.
pub fn admin(app: Arc<AppState>, metrics: PrometheusHandle) -> Router {
    let render = move || {
        let text = metrics.render();
        async move { ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text) }
    };
    let router = Router::new().route("/metrics", get(render));
    readyz::endpoint().register(livez::endpoint().register(router)).with_state(app)
}

/// Returns the OpenAPI document of the public listener.
#[must_use]
pub fn openapi_document(public_url: Option<&str>) -> Document {
    openapi::document(&endpoints(&Documents::default()), public_url)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::error_code::ErrorCode;

    fn text() -> String {
        serde_json::to_string(&openapi_document(None)).unwrap()
    }

    #[test]
    fn openapi_document_lists_the_portal_first() {
        let text = text();
        let paths = &text[text.find("\"paths\":").unwrap()..];
        let first = paths.split('"').nth(3).unwrap();
        assert_eq!(first, PORTAL);
        let place = |path: &str| paths.find(&format!("\"{path}\":")).unwrap();
        assert!(place(PORTAL_BY_API_KEY) < place(CHECKOUT));
        assert!(place(CHECKOUT) < place("/api/v1/api-keys"));
    }

    #[test]
    fn e1_every_error_code_is_in_the_document() {
        let text = text();
        for code in ErrorCode::ALL {
            assert!(text.contains(&format!("\"code\":\"{}\"", code.as_str())), "{code:?}");
        }
    }

    #[test]
    fn every_reference_in_the_document_resolves() {
        fn walk<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
            match value {
                Value::Object(map) => {
                    found.extend(map.get("$ref").and_then(Value::as_str));
                    map.values().for_each(|inner| walk(inner, found));
                }
                Value::Array(list) => list.iter().for_each(|inner| walk(inner, found)),
                _ => {}
            }
        }
        let document: Value = serde_json::from_str(&text()).unwrap();
        let mut references = Vec::new();
        walk(&document, &mut references);
        assert!(!references.is_empty());
        for reference in references {
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
        }
    }
}
