//! Checks a form against an operation's request schema in the published subset.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

use crate::schema_guard::Subset;
use crate::stripe_form::Param;

static SUBSET: LazyLock<Subset> = LazyLock::new(Subset::read);

/// The reason for a rejected parameter: Stripe's error code and the parameter's bracketed name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Violation {
    pub(super) code: &'static str,
    pub(super) param: String,
}

/// Returns the schema of an operation's form or query, if the subset has the operation.
pub(super) fn of_operation(method: &str, path: &str) -> Option<Value> {
    SUBSET.parameters(method, path)
}

/// Checks all parameters of a form. Stripe rejects unknown parameters at every level, so this check
/// does too, also where the schema allows them.
pub(super) fn check(form: &BTreeMap<String, Param>, schema: &Value) -> Result<(), Violation> {
    check_object(form, schema, "")
}

fn check_object(
    form: &BTreeMap<String, Param>,
    schema: &Value,
    parent: &str,
) -> Result<(), Violation> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let more = schema.get("additionalProperties").filter(|more| more.is_object());
    for (key, param) in form {
        let name = child(parent, key);
        match properties.and_then(|properties| properties.get(key)).or(more) {
            Some(schema) => check_param(param, schema, &name)?,
            None => return Err(Violation { code: "parameter_unknown", param: name }),
        }
    }
    let required = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    match required.into_iter().find(|key| !form.contains_key(*key)) {
        Some(key) => Err(Violation { code: "parameter_missing", param: child(parent, key) }),
        None => Ok(()),
    }
}

fn check_param(param: &Param, schema: &Value, name: &str) -> Result<(), Violation> {
    let invalid = |code| Err(Violation { code, param: name.to_owned() });
    if let Some(any) = schema.get("anyOf").and_then(Value::as_array) {
        let mut results = any.iter().map(|schema| check_param(param, schema, name));
        let first = results.next().unwrap_or_else(|| invalid("parameter_invalid_type"));
        return first.or_else(
            |violation| if results.any(|one| one.is_ok()) { Ok(()) } else { Err(violation) },
        );
    }
    match (schema.get("type").and_then(Value::as_str), param) {
        (Some("object"), Param::Map(form)) => check_object(form, schema, name),
        (Some("array"), Param::Map(items)) => {
            let items_schema = schema.get("items").unwrap_or(&Value::Null);
            let in_order = (0..items.len()).all(|at| items.contains_key(&at.to_string()));
            if !in_order {
                return invalid("parameter_invalid_array");
            }
            items
                .iter()
                .try_for_each(|(at, item)| check_param(item, items_schema, &child(name, at)))
        }
        (Some("string"), Param::Text(text)) => check_text(text, schema, name),
        (Some("integer"), Param::Text(text)) if text.parse::<i64>().is_err() => {
            invalid("parameter_invalid_integer")
        }
        (Some("boolean"), Param::Text(text)) if text != "true" && text != "false" => {
            invalid("parameter_invalid_boolean")
        }
        (Some("integer" | "boolean"), Param::Text(_)) => Ok(()),
        _ => invalid("parameter_invalid_type"),
    }
}

fn check_text(text: &str, schema: &Value, name: &str) -> Result<(), Violation> {
    let longest = schema.get("maxLength").and_then(Value::as_u64);
    let allowed = schema.get("enum").and_then(Value::as_array);
    let code = if text.is_empty() {
        "parameter_invalid_empty"
    } else if longest.is_some_and(|longest| text.chars().count() as u64 > longest) {
        "parameter_invalid_string_too_long"
    } else if allowed.is_some_and(|allowed| !allowed.iter().any(|value| value == text)) {
        "parameter_invalid_enum"
    } else {
        return Ok(());
    };
    Err(Violation { code, param: name.to_owned() })
}

fn child(parent: &str, key: &str) -> String {
    if parent.is_empty() { key.to_owned() } else { format!("{parent}[{key}]") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stripe_form;

    fn check_body(body: &str) -> Result<(), (&'static str, String)> {
        let schema = of_operation("post", "/v1/billing_portal/sessions").unwrap();
        let tree = stripe_form::tree(&stripe_form::fields(body.as_bytes())).unwrap();
        check(&tree, &schema).map_err(|violation| (violation.code, violation.param))
    }

    #[test]
    fn subset_has_the_pinned_version() {
        assert_eq!(SUBSET.version(), super::super::API_VERSION);
    }

    #[test]
    fn known_parameters_pass() {
        let full = "customer=cus_1&return_url=https://a.example/&locale=ko&configuration=bpc_1&flow_data[type]=subscription_cancel\
            &flow_data[subscription_cancel][subscription]=sub_1&flow_data[after_completion][type]=redirect\
            &flow_data[after_completion][redirect][return_url]=https://a.example/&expand[0]=configuration";
        assert_eq!(check_body(full), Ok(()));
    }

    #[test]
    fn unknown_parameters_are_rejected_by_name() {
        for (body, code, param) in [
            ("customer=cus_1&returnUrl=x", "parameter_unknown", "returnUrl"),
            (
                "flow_data[type]=payment_method_update&flow_data[x]=1",
                "parameter_unknown",
                "flow_data[x]",
            ),
            ("locale=tlh", "parameter_invalid_enum", "locale"),
            ("flow_data=1", "parameter_invalid_type", "flow_data"),
            ("customer[id]=1", "parameter_invalid_type", "customer"),
            ("flow_data[type]=customer_update", "parameter_invalid_enum", "flow_data[type]"),
            ("flow_data[after_completion][type]=redirect", "parameter_missing", "flow_data[type]"),
            ("customer=", "parameter_invalid_empty", "customer"),
        ] {
            assert_eq!(check_body(body), Err((code, param.to_owned())), "{body}");
        }
    }
}
