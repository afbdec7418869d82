//! The `features` of a portal configuration.

use super::error::ApiError;
use super::params::{MAX_QUANTITY, Params, Patch};
use crate::model::{
    AdjustableQuantity, AllowedUpdate, CancelMode, CustomerField, CustomerUpdate, Feedback,
    OfferedProduct, PortalFeatures, ProrationBehavior, SubscriptionCancel, SubscriptionUpdate,
};
use crate::state::State;

/// Stripe's maximum of products
/// (<https://docs.stripe.com/api/customer_portal/configurations/create>).
const MAX_PRODUCTS: usize = 10;

/// Reads the features of a new configuration; each given feature requires `enabled`.
pub(crate) fn create(
    features: &mut PortalFeatures,
    params: Params,
    state: &State,
) -> Result<(), ApiError> {
    read(features, params, state, true)
}

/// Reads changes of the features.
pub(crate) fn update(
    features: &mut PortalFeatures,
    params: Params,
    state: &State,
) -> Result<(), ApiError> {
    read(features, params, state, false)
}

fn read(
    features: &mut PortalFeatures,
    mut params: Params,
    state: &State,
    new: bool,
) -> Result<(), ApiError> {
    params.expect(
        &[
            "customer_update",
            "invoice_history",
            "payment_method_update",
            "subscription_cancel",
            "subscription_update",
        ],
        &[],
    )?;
    if let Some(mut part) = params.object("customer_update")? {
        part.expect(&["allowed_updates", "enabled"], &[])?;
        customer_update(&mut features.customer_update, &mut part, new)?;
    }
    if let Some(mut part) = params.object("invoice_history")? {
        part.expect(&["enabled"], &[])?;
        features.invoice_history = enabled(&mut part)?;
    }
    if let Some(mut part) = params.object("payment_method_update")? {
        part.expect(&["enabled"], &["payment_method_configuration"])?;
        features.payment_method_update = enabled(&mut part)?;
    }
    if let Some(mut part) = params.object("subscription_cancel")? {
        part.expect(&["cancellation_reason", "enabled", "mode", "proration_behavior"], &[])?;
        subscription_cancel(&mut features.subscription_cancel, &mut part, new)?;
    }
    if let Some(mut part) = params.object("subscription_update")? {
        let known = [
            "billing_cycle_anchor",
            "default_allowed_updates",
            "enabled",
            "products",
            "proration_behavior",
            "schedule_at_period_end",
            "trial_update_behavior",
        ];
        part.expect(&known, &[])?;
        subscription_update(&mut features.subscription_update, &mut part, state, new)?;
    }
    Ok(())
}

fn enabled(part: &mut Params) -> Result<bool, ApiError> {
    part.boolean("enabled")?.ok_or_else(|| part.absent("enabled"))
}

/// Reads `enabled`: required for a new feature, optional in an update.
fn switched(now: bool, part: &mut Params, new: bool) -> Result<bool, ApiError> {
    match part.boolean("enabled")? {
        None if new => Err(part.absent("enabled")),
        given => Ok(given.unwrap_or(now)),
    }
}

/// Reads a list of words; an empty text is an empty list.
fn words<T: Copy>(
    part: &mut Params,
    name: &str,
    all: &[&'static str],
    of_word: fn(&str) -> Option<T>,
) -> Result<Option<Vec<T>>, ApiError> {
    let list = match part.texts_patch(name)? {
        Patch::Keep => return Ok(None),
        Patch::Clear => return Ok(Some(Vec::new())),
        Patch::Set(list) => list,
    };
    let value = |(index, word): (usize, &String)| {
        of_word(word).ok_or_else(|| {
            let name = format!("{}[{index}]", part.name(name));
            let message = format!("Invalid {name}: must be one of {}", all.join(", "));
            ApiError::invalid(None, name, message)
        })
    };
    list.iter().enumerate().map(value).collect::<Result<_, _>>().map(Some)
}

fn proration(part: &mut Params, now: ProrationBehavior) -> Result<ProrationBehavior, ApiError> {
    let word = part.choice("proration_behavior", ProrationBehavior::WORDS)?;
    Ok(word.and_then(ProrationBehavior::of_word).unwrap_or(now))
}

fn customer_update(
    feature: &mut CustomerUpdate,
    part: &mut Params,
    new: bool,
) -> Result<(), ApiError> {
    feature.enabled = switched(feature.enabled, part, new)?;
    if let Some(allowed) =
        words(part, "allowed_updates", CustomerField::WORDS, CustomerField::of_word)?
    {
        feature.allowed = allowed;
    }
    Ok(())
}

fn subscription_cancel(
    feature: &mut SubscriptionCancel,
    part: &mut Params,
    new: bool,
) -> Result<(), ApiError> {
    feature.enabled = switched(feature.enabled, part, new)?;
    if let Some(word) = part.choice("mode", CancelMode::WORDS)? {
        feature.mode = CancelMode::of_word(word).unwrap_or(feature.mode);
    }
    feature.proration = proration(part, feature.proration)?;
    if let Some(mut reason) = part.object("cancellation_reason")? {
        reason.expect(&["enabled", "options"], &[])?;
        feature.asks_reason = enabled(&mut reason)?;
        match words(&mut reason, "options", Feedback::WORDS, Feedback::of_word)? {
            Some(reasons) => feature.reasons = reasons,
            None if new => return Err(reason.absent("options")),
            None => {}
        }
    }
    Ok(())
}

fn subscription_update(
    feature: &mut SubscriptionUpdate,
    part: &mut Params,
    state: &State,
    new: bool,
) -> Result<(), ApiError> {
    feature.enabled = switched(feature.enabled, part, new)?;
    if let Some(allowed) =
        words(part, "default_allowed_updates", AllowedUpdate::WORDS, AllowedUpdate::of_word)?
    {
        feature.allowed = allowed;
    }
    feature.proration = proration(part, feature.proration)?;
    if let Some(word) = part.choice("billing_cycle_anchor", &["now", "unchanged"])? {
        feature.resets_anchor = word == "now";
    }
    if let Some(word) = part.choice("trial_update_behavior", &["continue_trial", "end_trial"])? {
        feature.ends_trial = word == "end_trial";
    }
    if let Some(mut schedule) = part.object("schedule_at_period_end")? {
        schedule.expect(&["conditions"], &[])?;
        if let Patch::Set(conditions) = schedule.objects_patch("conditions")?
            && !conditions.is_empty()
        {
            let message =
                "This sandbox does not schedule changes: a plan change takes effect immediately.";
            return Err(ApiError::invalid(None, schedule.name("conditions"), message));
        }
    }
    match part.objects_patch("products")? {
        Patch::Keep => {}
        Patch::Clear => feature.products = Some(Vec::new()),
        Patch::Set(list) if list.len() > MAX_PRODUCTS => {
            let message = format!("You may specify at most {MAX_PRODUCTS} products.");
            return Err(ApiError::invalid(None, part.name("products"), message));
        }
        Patch::Set(list) => {
            feature.products =
                Some(list.into_iter().map(|item| product(item, state)).collect::<Result<_, _>>()?);
        }
    }
    Ok(())
}

fn product(mut item: Params, state: &State) -> Result<OfferedProduct, ApiError> {
    item.expect(&["adjustable_quantity", "prices", "product"], &[])?;
    let product = item.required_text("product", 5_000)?;
    if state.products.get(&product).is_none() {
        return Err(ApiError::missing("product", &product, item.name("product")));
    }
    let prices = item.texts("prices")?.ok_or_else(|| item.absent("prices"))?;
    for (index, id) in prices.iter().enumerate() {
        let name = || format!("{}[{index}]", item.name("prices"));
        let price = state.prices.get(id).ok_or_else(|| ApiError::missing("price", id, name()))?;
        if price.product != product || price.recurring.is_none() {
            let message =
                format!("The price {id} is not a recurring price of the product {product}.");
            return Err(ApiError::invalid(None, name(), message));
        }
    }
    let quantity = item
        .object("adjustable_quantity")?
        .map_or(Ok(AdjustableQuantity::default()), adjustable)?;
    Ok(OfferedProduct { product, prices, quantity })
}

fn adjustable(mut part: Params) -> Result<AdjustableQuantity, ApiError> {
    part.expect(&["enabled", "maximum", "minimum"], &[])?;
    let quantity = AdjustableQuantity {
        enabled: enabled(&mut part)?,
        minimum: part.amount("minimum", MAX_QUANTITY)?.unwrap_or(1),
        maximum: part.amount("maximum", MAX_QUANTITY)?,
    };
    if quantity.maximum.is_some_and(|maximum| maximum < quantity.minimum) {
        let message = "The maximum is below the minimum.";
        return Err(ApiError::invalid(None, part.name("maximum"), message));
    }
    Ok(quantity)
}
