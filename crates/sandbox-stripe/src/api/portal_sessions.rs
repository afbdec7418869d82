//! `/v1/billing_portal/sessions`.

use super::call::{Call, Reply};
use super::error::ApiError;
use super::params::Params;
use crate::ids::{self, IdKind, SessionToken};
use crate::model::{
    AfterCompletion, ConfirmItem, Flow, FlowTask, PortalConfiguration, PortalSession, Subscription,
    UNOPENED_SECONDS,
};
use crate::state::State;
use crate::view;

/// The `locale` values of the published schema.
const LOCALES: &[&str] = &[
    "auto", "bg", "cs", "da", "de", "el", "en", "en-AU", "en-CA", "en-GB", "en-IE", "en-IN",
    "en-NZ", "en-SG", "es", "es-419", "et", "fi", "fil", "fr", "fr-CA", "hr", "hu", "id", "it",
    "ja", "ko", "lt", "lv", "ms", "mt", "nb", "nl", "pl", "pt", "pt-BR", "ro", "ru", "sk", "sl",
    "sv", "th", "tr", "vi", "zh", "zh-HK", "zh-TW",
];

const FLOW_TYPES: &[&str] = &[
    "payment_method_update",
    "subscription_cancel",
    "subscription_update",
    "subscription_update_confirm",
];

/// `POST /v1/billing_portal/sessions`
pub(crate) fn create(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    let params = &mut call.params;
    params.expect(
        &["configuration", "customer", "flow_data", "locale", "return_url"],
        &["customer_account", "on_behalf_of"],
    )?;
    let customer = params.required_text("customer", 5_000)?;
    let configuration = params.text("configuration", 5_000)?;
    let return_url = params.url("return_url")?;
    let locale = params.choice("locale", LOCALES)?;
    let mut flow = params.object("flow_data")?.map(read_flow).transpose()?;

    let state = call.transaction.state();
    let customer = state
        .live_customer(&customer)
        .ok_or_else(|| ApiError::missing("customer", &customer, "customer"))?;
    let configuration = find_configuration(state, configuration.as_deref())?;
    if let Some((flow, param)) = &mut flow {
        check_flow(state, &customer.id, configuration, &flow.task, param)?;
        keep_quantities(state, &mut flow.task);
    }

    let token = SessionToken::mint()?;
    let now = call.transaction.now();
    let session = PortalSession {
        id: ids::generate(IdKind::PortalSession)?,
        digest: token.digest(),
        created: now,
        expires_at: now + UNOPENED_SECONDS,
        customer: customer.id.clone(),
        configuration: configuration.id.clone(),
        return_url: return_url.or_else(|| configuration.default_return_url.clone()),
        locale: locale.map(str::to_owned),
        flow: flow.map(|(flow, _)| flow),
        flow_done: false,
        challenge: None,
    };
    let url = format!("{}/p/session/{}", call.base_url, token.reveal());
    let answer = view::portal_session(&session, &url);
    call.transaction.put(session);
    Ok(Reply::Value(answer))
}

/// Reads the flow, and returns it with the bracketed name of its details.
fn read_flow(mut params: Params) -> Result<(Flow, String), ApiError> {
    params.expect(
        &[
            "after_completion",
            "subscription_cancel",
            "subscription_update",
            "subscription_update_confirm",
            "type",
        ],
        &[],
    )?;
    let kind = params.choice("type", FLOW_TYPES)?.ok_or_else(|| params.absent("type"))?;
    let after_completion = match params.object("after_completion")? {
        Some(after) => read_after_completion(after)?,
        None => AfterCompletion::PortalHomepage,
    };
    let param = params.name(kind);
    let task = match kind {
        "payment_method_update" => FlowTask::PaymentMethodUpdate,
        "subscription_cancel" => {
            let mut details = params.required_object(kind)?;
            details.expect(&["subscription"], &["retention"])?;
            FlowTask::SubscriptionCancel {
                subscription: details.required_text("subscription", 5_000)?,
            }
        }
        "subscription_update" => {
            let mut details = params.required_object(kind)?;
            details.expect(&["subscription"], &[])?;
            FlowTask::SubscriptionUpdate {
                subscription: details.required_text("subscription", 5_000)?,
            }
        }
        _ => {
            let mut details = params.required_object(kind)?;
            details.expect(&["items", "subscription"], &["discounts"])?;
            FlowTask::SubscriptionUpdateConfirm {
                subscription: details.required_text("subscription", 5_000)?,
                items: read_items(&mut details)?,
            }
        }
    };
    Ok((Flow { task, after_completion }, param))
}

fn read_after_completion(mut params: Params) -> Result<AfterCompletion, ApiError> {
    params.expect(&["hosted_confirmation", "redirect", "type"], &[])?;
    let kind = params
        .choice("type", &["hosted_confirmation", "portal_homepage", "redirect"])?
        .ok_or_else(|| params.absent("type"))?;
    match kind {
        "redirect" => {
            let mut redirect = params.required_object("redirect")?;
            redirect.expect(&["return_url"], &[])?;
            let return_url =
                redirect.url("return_url")?.ok_or_else(|| redirect.absent("return_url"))?;
            Ok(AfterCompletion::Redirect { return_url })
        }
        "hosted_confirmation" => {
            let mut confirmation = params.object("hosted_confirmation")?.unwrap_or_default();
            confirmation.expect(&["custom_message"], &[])?;
            Ok(AfterCompletion::HostedConfirmation {
                custom_message: confirmation.text("custom_message", 500)?,
            })
        }
        _ => Ok(AfterCompletion::PortalHomepage),
    }
}

fn read_items(details: &mut Params) -> Result<Vec<ConfirmItem>, ApiError> {
    let items = details.objects("items")?.ok_or_else(|| details.absent("items"))?;
    items
        .into_iter()
        .map(|mut item| {
            item.expect(&["id", "price", "quantity"], &[])?;
            Ok(ConfirmItem {
                id: item.required_text("id", 5_000)?,
                price: item.text("price", 5_000)?,
                quantity: item.integer("quantity")?,
            })
        })
        .collect()
}

fn find_configuration<'a>(
    state: &'a State,
    asked: Option<&str>,
) -> Result<&'a PortalConfiguration, ApiError> {
    let Some(id) = asked else {
        return state.default_portal_configuration().ok_or_else(|| {
            ApiError::conflicts(
                None,
                "No configuration provided and your test mode default configuration has not been \
                created. Provide a configuration or create your default by saving your customer \
                portal settings in test mode at \
                https://dashboard.stripe.com/test/settings/billing/portal.",
            )
        });
    };
    let found = state.portal_configurations.get(id);
    let found = found.ok_or_else(|| ApiError::missing("configuration", id, "configuration"))?;
    if found.active {
        Ok(found)
    } else {
        let message =
            "The portal configuration is not active. Activate it, or specify another one.";
        Err(ApiError::conflicts(Some("configuration".to_owned()), message))
    }
}

fn check_flow(
    state: &State,
    customer: &str,
    configuration: &PortalConfiguration,
    task: &FlowTask,
    param: &str,
) -> Result<(), ApiError> {
    let features = &configuration.features;
    let (enabled, feature) = match task {
        FlowTask::PaymentMethodUpdate => (features.payment_method_update, "payment method update"),
        FlowTask::SubscriptionCancel { .. } => {
            (features.subscription_cancel.enabled, "subscription cancel")
        }
        FlowTask::SubscriptionUpdate { .. } | FlowTask::SubscriptionUpdateConfirm { .. } => {
            (features.subscription_update.enabled, "subscription update")
        }
    };
    if !enabled {
        let message = format!(
            "The {feature} feature is disabled in the portal configuration {}.",
            configuration.id
        );
        return Err(ApiError::conflicts(Some("flow_data[type]".to_owned()), message));
    }
    let Some(id) = task.subscription() else { return Ok(()) };
    let param = format!("{param}[subscription]");
    // Unknown and another customer's subscription get the same error, so ids cannot be probed.
    let subscription =
        state.subscriptions.get(id).filter(|subscription| subscription.customer == customer);
    let subscription =
        subscription.ok_or_else(|| ApiError::missing("subscription", id, param.clone()))?;
    if !subscription.is_running() {
        let message = format!(
            "The subscription {id} is canceled. A portal flow needs a running subscription."
        );
        return Err(ApiError::conflicts(Some(param), message));
    }
    match task {
        FlowTask::SubscriptionUpdateConfirm { items, .. } => {
            check_items(state, subscription, items)
        }
        _ => Ok(()),
    }
}

/// Fills in the current quantity where the request has none.
fn keep_quantities(state: &State, task: &mut FlowTask) {
    let FlowTask::SubscriptionUpdateConfirm { subscription, items } = task else { return };
    let known =
        state.subscriptions.get(subscription).map_or(&[][..], |subscription| &subscription.items);
    for item in items.iter_mut().filter(|item| item.quantity.is_none()) {
        item.quantity = known.iter().find(|known| known.id == item.id).map(|known| known.quantity);
    }
}

fn check_items(
    state: &State,
    subscription: &Subscription,
    items: &[ConfirmItem],
) -> Result<(), ApiError> {
    for (index, item) in items.iter().enumerate() {
        let name = |field: &str| {
            format!("flow_data[subscription_update_confirm][items][{index}][{field}]")
        };
        if subscription.items.iter().all(|known| known.id != item.id) {
            return Err(ApiError::missing("subscription item", &item.id, name("id")));
        }
        if let Some(price) = &item.price
            && state.prices.get(price).is_none()
        {
            return Err(ApiError::missing("price", price, name("price")));
        }
    }
    Ok(())
}
