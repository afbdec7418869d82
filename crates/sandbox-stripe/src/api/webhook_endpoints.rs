//! `/v1/webhook_endpoints`.

mod event_types;

use serde_json::{Value, json};

pub(crate) use self::event_types::EVENT_TYPES;
use super::call::{Call, Reply};
use super::error::{ApiError, excerpt};
use super::list::{self, PAGE_PARAMS, Page};
use super::params::Params;
use crate::ids::{self, IdKind};
use crate::model::{Metadata, SigningSecret, WebhookEndpoint};
use crate::version::API_VERSION;
use crate::view;
use crate::webhooks::address;

/// Stripe's limit for one account (<https://docs.stripe.com/webhooks>).
const MAX_ENDPOINTS: usize = 16;

/// `POST /v1/webhook_endpoints`
pub(crate) fn create(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    let params = &mut call.params;
    params.expect(
        &["api_version", "connect", "description", "enabled_events", "metadata", "url"],
        &[],
    )?;
    let api_version = api_version(params)?;
    if params.boolean("connect")? == Some(true) {
        let message = "This sandbox has no connected accounts.";
        return Err(ApiError::invalid(None, "connect", message));
    }
    let enabled_events = enabled_events(params)?.ok_or_else(|| params.absent("enabled_events"))?;
    let url = url(params)?.ok_or_else(|| params.absent("url"))?;
    let mut endpoint = WebhookEndpoint {
        id: ids::generate(IdKind::WebhookEndpoint)?,
        created: call.transaction.now(),
        url,
        secret: SigningSecret::mint()?,
        enabled_events,
        disabled: false,
        api_version,
        description: None,
        metadata: Metadata::new(),
    };
    change(&mut endpoint, &mut call.params)?;
    if call.state().webhook_endpoints.len() >= MAX_ENDPOINTS {
        let message =
            format!("You have reached the maximum of {MAX_ENDPOINTS} test webhook endpoints.");
        return Err(ApiError::conflicts(None, message));
    }
    let mut shown = view::webhook_endpoint(&endpoint);
    // Only this response contains the secret.
    shown["secret"] = endpoint.secret.reveal().into();
    call.transaction.put(endpoint);
    Ok(Reply::Value(shown))
}

/// `GET /v1/webhook_endpoints/{webhook_endpoint}`
pub(crate) fn read(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    call.params.expect(&[], &[])?;
    find(call).map(|endpoint| Reply::Object(endpoint.id))
}

/// `GET /v1/webhook_endpoints`
pub(crate) fn list(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    call.params.expect(&PAGE_PARAMS, &[])?;
    let page = Page::read(&mut call.params)?;
    let table = (&call.state().webhook_endpoints, "webhook endpoint");
    let url = "/v1/webhook_endpoints";
    Ok(Reply::Value(list::page(table, None, &page, url, |_| true, view::webhook_endpoint)?))
}

/// `POST /v1/webhook_endpoints/{webhook_endpoint}`
pub(crate) fn update(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    let mut endpoint = find(call)?;
    let params = &mut call.params;
    params.expect(&["description", "disabled", "enabled_events", "metadata", "url"], &[])?;
    if let Some(enabled_events) = enabled_events(params)? {
        endpoint.enabled_events = enabled_events;
    }
    if let Some(url) = url(params)? {
        endpoint.url = url;
    }
    if let Some(disabled) = params.boolean("disabled")? {
        endpoint.disabled = disabled;
    }
    change(&mut endpoint, params)?;
    let id = endpoint.id.clone();
    call.transaction.put(endpoint);
    Ok(Reply::Object(id))
}

/// `DELETE /v1/webhook_endpoints/{webhook_endpoint}`
pub(crate) fn delete(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    call.params.expect(&[], &[])?;
    let id = find(call)?.id;
    let gone: Value = json!({ "id": id, "object": "webhook_endpoint", "deleted": true });
    call.transaction.put(crate::state::Change::WebhookEndpointGone(id));
    Ok(Reply::Value(gone))
}

fn find(call: &Call<'_, '_>) -> Result<WebhookEndpoint, ApiError> {
    let id = call.argument("webhook_endpoint");
    let found = call.state().webhook_endpoints.get(id).cloned();
    found.ok_or_else(|| ApiError::not_found("webhook endpoint", id, "webhook_endpoint"))
}

fn change(endpoint: &mut WebhookEndpoint, params: &mut Params) -> Result<(), ApiError> {
    params.patch("description", 5_000)?.apply(&mut endpoint.description);
    params.metadata(&mut endpoint.metadata)
}

fn url(params: &mut Params) -> Result<Option<String>, ApiError> {
    let Some(text) = params.text("url", 5_000)? else { return Ok(None) };
    let refused =
        |error: address::UrlError| ApiError::invalid(Some("url_invalid"), "url", error.to_string());
    address::check(&text).map(Some).map_err(refused)
}

/// Reads the subscribed event types. Stripe has types that the sandbox never sends.
fn enabled_events(params: &mut Params) -> Result<Option<Vec<String>>, ApiError> {
    let Some(types) = params.texts("enabled_events")? else { return Ok(None) };
    for (index, kind) in types.iter().enumerate() {
        if kind != "*" && EVENT_TYPES.binary_search(&kind.as_str()).is_err() {
            let param = format!("enabled_events[{index}]");
            let message = format!("Invalid {param}: unknown event type '{}'", excerpt(kind));
            return Err(ApiError::invalid(None, param, message));
        }
    }
    Ok(Some(types))
}

/// Accepts only the version in which the sandbox renders events.
fn api_version(params: &mut Params) -> Result<Option<String>, ApiError> {
    let version = params.text("api_version", 5_000)?;
    if version.as_ref().is_some_and(|version| version != API_VERSION) {
        let message = format!("This sandbox renders events in version {API_VERSION} only.");
        return Err(ApiError::invalid(None, "api_version", message));
    }
    Ok(version)
}
