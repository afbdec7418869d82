//! `/v1/billing_portal/configurations`.

use super::call::{Call, Reply};
use super::error::ApiError;
use super::list::{self, PAGE_PARAMS, Page};
use super::params::Params;
use super::portal_features;
use crate::ids::{self, IdKind};
use crate::model::{Metadata, PortalConfiguration, PortalFeatures};
use crate::view;

const KNOWN: &[&str] =
    &["business_profile", "default_return_url", "features", "login_page", "metadata", "name"];

/// `POST /v1/billing_portal/configurations`
pub(crate) fn create(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    call.params.expect(KNOWN, &[])?;
    let features = call.params.required_object("features")?;
    let now = call.transaction.now();
    let id = ids::generate(IdKind::PortalConfiguration)?;
    let mut configuration = PortalConfiguration {
        id: id.clone(),
        created: now,
        updated: now,
        active: true,
        is_default: false,
        name: None,
        default_return_url: None,
        headline: None,
        privacy_policy_url: None,
        terms_of_service_url: None,
        features: PortalFeatures::default(),
        metadata: Metadata::new(),
    };
    portal_features::create(&mut configuration.features, features, call.state())?;
    change(&mut configuration, &mut call.params)?;
    call.transaction.put(configuration);
    Ok(Reply::Object(id))
}

/// `POST /v1/billing_portal/configurations/{configuration}`
pub(crate) fn update(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    let id = call.argument("configuration");
    let found = call.state().portal_configurations.get(id).cloned();
    let mut configuration =
        found.ok_or_else(|| ApiError::not_found("configuration", id, "configuration"))?;
    call.params.expect(&[KNOWN, &["active"]].concat(), &[])?;
    if let Some(active) = call.params.boolean("active")? {
        if !active && configuration.is_default {
            let message = "The default portal configuration cannot be deactivated.";
            return Err(ApiError::conflicts(Some("active".to_owned()), message));
        }
        configuration.active = active;
    }
    if let Some(features) = call.params.object("features")? {
        portal_features::update(&mut configuration.features, features, call.state())?;
    }
    change(&mut configuration, &mut call.params)?;
    configuration.updated = call.transaction.now();
    let id = configuration.id.clone();
    call.transaction.put(configuration);
    Ok(Reply::Object(id))
}

fn change(configuration: &mut PortalConfiguration, params: &mut Params) -> Result<(), ApiError> {
    params.patch("name", 256)?.apply(&mut configuration.name);
    params.url_patch("default_return_url")?.apply(&mut configuration.default_return_url);
    if let Some(mut profile) = params.object("business_profile")? {
        profile.expect(&["headline", "privacy_policy_url", "terms_of_service_url"], &[])?;
        profile.patch("headline", 60)?.apply(&mut configuration.headline);
        profile.url_patch("privacy_policy_url")?.apply(&mut configuration.privacy_policy_url);
        profile.url_patch("terms_of_service_url")?.apply(&mut configuration.terms_of_service_url);
    }
    if let Some(mut login) = params.object("login_page")? {
        login.expect(&["enabled"], &[])?;
        if login.boolean("enabled")?.ok_or_else(|| login.absent("enabled"))? {
            let name = login.name("enabled");
            return Err(ApiError::invalid(
                None,
                name,
                "This sandbox has no login page, because it sends no e-mail.",
            ));
        }
    }
    params.metadata(&mut configuration.metadata)
}

/// `GET /v1/billing_portal/configurations/{configuration}`
pub(crate) fn read(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    call.params.expect(&[], &[])?;
    call.reply(
        (&call.state().portal_configurations, "configuration"),
        "configuration",
        "configuration",
    )
}

/// `GET /v1/billing_portal/configurations`
pub(crate) fn list(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    let params = &mut call.params;
    params.expect(&[&PAGE_PARAMS[..], &["active", "is_default"]].concat(), &[])?;
    let page = Page::read(params)?;
    let active = params.boolean("active")?;
    let default = params.boolean("is_default")?;
    let keep = |record: &PortalConfiguration| {
        active.is_none_or(|active| record.active == active)
            && default.is_none_or(|default| record.is_default == default)
    };
    let table = (&call.state().portal_configurations, "configuration");
    let url = "/v1/billing_portal/configurations";
    Ok(Reply::Value(list::page(table, None, &page, url, keep, view::portal_configuration)?))
}
