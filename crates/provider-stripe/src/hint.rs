//! Hints for operators about rejected requests, for the log. Only this module interprets Stripe's
//! messages.

use billing_domain::Mode;
use outbound_http::StatusCode;

use crate::operation::Operation;
use crate::stripe_error::StripeError;

/// Returns a hint for the log if the cause is known. Stripe does not document these messages.
pub(crate) fn for_refusal(
    operation: Operation,
    status: StatusCode,
    error: &StripeError,
    mode: Mode,
) -> Option<String> {
    let code = error.code.as_deref().unwrap_or_default();
    let param = error.param.as_deref().unwrap_or_default();
    let message = error.message.as_deref().unwrap_or_default().to_lowercase();
    let has = |text: &str| message.contains(text);
    let page = match mode {
        Mode::Test => "https://dashboard.stripe.com/test/settings/billing/portal",
        Mode::Live => "https://dashboard.stripe.com/settings/billing/portal",
    };
    let hint = if has("no configuration provided")
        || has("configuration has not been created")
        || has("save your customer portal settings")
    {
        format!(
            "no portal configuration is saved in {mode} mode: save the customer portal settings at \
             {page}, or set BILLING_STRIPE_PORTAL_CONFIGURATION"
        )
    } else if status == StatusCode::UNAUTHORIZED {
        "BILLING_STRIPE_SECRET_KEY is wrong, revoked or expired: set a current key".to_owned()
    } else if status == StatusCode::FORBIDDEN {
        let permission = operation.permission();
        format!(
            "the restricted key in BILLING_STRIPE_SECRET_KEY lacks a permission: add {permission}"
        )
    } else if param == "configuration" {
        format!(
            "BILLING_STRIPE_PORTAL_CONFIGURATION does not name a usable portal configuration of \
             {mode} mode"
        )
    } else if has("portal configuration is disabled") {
        format!("the portal configuration does not allow this flow: enable the feature at {page}")
    } else if code == "resource_missing" && param.starts_with("line_items[") {
        format!(
            "the plan's price does not exist in {mode} mode of this account: correct the price id \
             in the catalogue"
        )
    } else if has("price specified is inactive") {
        "the plan's price is archived: set a current price id in the catalogue".to_owned()
    } else if code == "url_invalid" || matches!(param, "return_url" | "success_url" | "cancel_url")
    {
        "Stripe rejected the return URL: in live mode it must be https".to_owned()
    } else if code == "resource_missing" && has("similar object exists in") {
        format!("the id belongs to the other mode: this process uses {mode} mode")
    } else {
        return None;
    };
    Some(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(status: u16, message: &str, mode: Mode) -> String {
        let error = StripeError { message: Some(message.to_owned()), ..StripeError::default() };
        for_refusal(
            Operation::CreatePortalSession,
            StatusCode::from_u16(status).unwrap(),
            &error,
            mode,
        )
        .unwrap_or_default()
    }

    #[test]
    fn missing_portal_configuration_hint_has_the_settings_page() {
        for message in [
            "No configuration provided and your test mode default configuration has not been created. Provide a …",
            "You can’t create a portal session in test mode until you save your customer portal settings in test mode at …",
        ] {
            let test = hint(400, message, Mode::Test);
            assert!(test.contains("dashboard.stripe.com/test/settings/billing/portal"), "{test}");
            assert!(test.contains("BILLING_STRIPE_PORTAL_CONFIGURATION"), "{test}");
            assert!(
                hint(400, message, Mode::Live)
                    .contains("dashboard.stripe.com/settings/billing/portal")
            );
        }
    }

    #[test]
    fn missing_price_hint_points_to_the_catalogue() {
        let error = StripeError {
            code: Some("resource_missing".to_owned()),
            param: Some("line_items[0][price]".to_owned()),
            ..StripeError::default()
        };
        let hint = for_refusal(
            Operation::CreateCheckoutSession,
            StatusCode::BAD_REQUEST,
            &error,
            Mode::Live,
        );
        assert!(hint.is_some_and(|hint| hint.contains("catalogue") && hint.contains("live mode")));
        let hint = for_refusal(
            Operation::ReadPrice,
            StatusCode::FORBIDDEN,
            &StripeError::default(),
            Mode::Test,
        );
        assert!(hint.is_some_and(|hint| hint.contains("read access to prices")));
    }

    #[test]
    fn unknown_cause_has_no_hint() {
        assert_eq!(hint(400, "Something else", Mode::Test), "");
        assert!(hint(401, "", Mode::Test).contains("BILLING_STRIPE_SECRET_KEY"));
    }
}
