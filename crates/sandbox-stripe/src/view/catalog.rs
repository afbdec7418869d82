//! Products and prices.

use serde_json::{Value, json};

use crate::model::{Price, Product};

/// Renders a `product`.
pub(crate) fn product(record: &Product) -> Value {
    let features: Vec<Value> =
        record.marketing_features.iter().map(|name| json!({ "name": name })).collect();
    json!({
        "id": record.id,
        "object": "product",
        "active": record.active,
        "created": record.created,
        "default_price": record.default_price,
        "description": record.description,
        "images": record.images,
        "livemode": false,
        "marketing_features": features,
        "metadata": record.metadata,
        "name": record.name,
        "package_dimensions": null,
        "shippable": null,
        "statement_descriptor": record.statement_descriptor,
        "tax_code": null,
        "unit_label": record.unit_label,
        "updated": record.updated,
        "url": record.url,
    })
}

/// Renders a `price`.
pub(crate) fn price(record: &Price) -> Value {
    let recurring = record.recurring.map(|recurring| {
        json!({
            "interval": recurring.interval.as_str(),
            "interval_count": recurring.interval_count,
            "meter": null,
            "usage_type": "licensed",
        })
    });
    json!({
        "id": record.id,
        "object": "price",
        "active": record.active,
        "billing_scheme": "per_unit",
        "created": record.created,
        "currency": record.currency,
        "custom_unit_amount": null,
        "livemode": false,
        "lookup_key": record.lookup_key,
        "metadata": record.metadata,
        "nickname": record.nickname,
        "product": record.product,
        "type": if recurring.is_some() { "recurring" } else { "one_time" },
        "recurring": recurring,
        "tax_behavior": record.tax_behavior,
        "tiers_mode": null,
        "transform_quantity": null,
        "unit_amount": record.unit_amount,
        "unit_amount_decimal": record.unit_amount.to_string(),
    })
}
