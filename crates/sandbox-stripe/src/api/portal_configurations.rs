//! `/v1/billing_portal/configurations`.

use super::error::ApiError;
use super::list::{self, PAGE_PARAMS, Page};
use super::operations::{Call, Reply};
use super::view;
use crate::model::PortalConfiguration;

/// `GET /v1/billing_portal/configurations/{configuration}`
pub(crate) fn read(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    call.params.expect(&[], &[])?;
    let id = call.argument("configuration");
    let found = call.state().portal_configurations.get(id).map(|record| Reply::Object(record.id.clone()));
    found.ok_or_else(|| ApiError::not_found("configuration", id, "configuration"))
}

/// `GET /v1/billing_portal/configurations`
pub(crate) fn list(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    let params = &mut call.params;
    params.expect(&[&PAGE_PARAMS[..], &["active", "is_default"]].concat(), &[])?;
    let page = Page::read(params)?;
    let (active, default) = (params.boolean("active")?, params.boolean("is_default")?);
    let keep = |record: &PortalConfiguration| {
        active.is_none_or(|active| record.active == active)
            && default.is_none_or(|default| record.is_default == default)
    };
    let table = (&call.state().portal_configurations, "configuration");
    let url = "/v1/billing_portal/configurations";
    Ok(Reply::Value(list::page(table, None, &page, url, keep, view::portal_configuration)?))
}
