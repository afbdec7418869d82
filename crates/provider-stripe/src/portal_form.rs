//! The form of `POST /v1/billing_portal/sessions`, with Stripe's bracketed nesting.

use billing_domain::{PortalFlow, PortalRequest};
use url::form_urlencoded::Serializer;

/// The endpoint's path.
pub(crate) const PATH: &str = "/v1/billing_portal/sessions";

/// Returns the parameter for the subscription of a flow. Stripe's errors use the same name.
pub(crate) fn subscription_param(flow: &PortalFlow) -> Option<String> {
    flow.subscription().map(|_| format!("flow_data[{}][subscription]", flow.kind()))
}

/// Encodes a portal request as a form body.
pub(crate) fn encode(request: &PortalRequest, configuration: Option<&str>) -> String {
    let mut form = Serializer::new(String::new());
    form.append_pair("customer", request.customer.as_str());
    if let Some(url) = &request.return_url {
        form.append_pair("return_url", url.as_str());
    }
    if let Some(locale) = request.locale {
        form.append_pair("locale", locale.as_str());
    }
    if let Some(configuration) = configuration {
        form.append_pair("configuration", configuration);
    }
    if let Some(flow) = &request.flow {
        form.append_pair("flow_data[type]", flow.kind().as_str());
        if let (Some(param), Some(subscription)) = (subscription_param(flow), flow.subscription()) {
            form.append_pair(&param, subscription.as_str());
        }
        if let Some(url) = &request.return_url {
            form.append_pair("flow_data[after_completion][type]", "redirect");
            form.append_pair("flow_data[after_completion][redirect][return_url]", url.as_str());
        }
    }
    form.finish()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use billing_domain::{Deadline, ReturnUrl};
    use proptest::prelude::*;
    use url::form_urlencoded::parse;

    use super::*;

    fn request(return_url: Option<&str>, flow: Option<PortalFlow>) -> PortalRequest {
        PortalRequest {
            customer: "cus_1".parse().unwrap(),
            return_url: return_url.map(|url| ReturnUrl::configured(url).unwrap()),
            locale: None,
            flow,
            deadline: Deadline::at(Instant::now()),
        }
    }

    fn fields(body: &str) -> Vec<(String, String)> {
        parse(body.as_bytes()).into_owned().collect()
    }

    #[test]
    fn minimal_request_has_only_the_customer() {
        assert_eq!(encode(&request(None, None), None), "customer=cus_1");
    }

    #[test]
    fn flow_is_nested_and_redirects_after_completion() {
        let flow = PortalFlow::SubscriptionCancel("sub_1".parse().unwrap());
        let body = encode(&request(Some("https://a.example/b"), Some(flow)), Some("bpc_1"));
        let expected = [
            ("customer", "cus_1"),
            ("return_url", "https://a.example/b"),
            ("configuration", "bpc_1"),
            ("flow_data[type]", "subscription_cancel"),
            ("flow_data[subscription_cancel][subscription]", "sub_1"),
            ("flow_data[after_completion][type]", "redirect"),
            ("flow_data[after_completion][redirect][return_url]", "https://a.example/b"),
        ];
        assert_eq!(
            fields(&body),
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }

    #[test]
    fn flow_without_subscription_has_no_subscription_field() {
        let body = encode(&request(None, Some(PortalFlow::PaymentMethodUpdate)), None);
        assert_eq!(body, "customer=cus_1&flow_data%5Btype%5D=payment_method_update");
    }

    proptest! {
        #[test]
        fn return_url_is_escaped_to_one_field(
            rest in "[a-z0-9&=+%;#?/~!*'()@:$,._-]{0,80}",
            with_flow in any::<bool>(),
        ) {
            let url = format!("https://a.example/{rest}&customer=cus_2");
            let flow = with_flow.then_some(PortalFlow::PaymentMethodUpdate);
            let request = request(Some(&url), flow);
            let url = request.return_url.as_ref().unwrap().as_str();
            prop_assert!(url.contains("&customer=cus_2"));
            let mut expected = vec![("customer", "cus_1"), ("return_url", url)];
            if with_flow {
                expected.push(("flow_data[type]", "payment_method_update"));
                expected.push(("flow_data[after_completion][type]", "redirect"));
                expected.push(("flow_data[after_completion][redirect][return_url]", url));
            }
            let fields = fields(&encode(&request, None));
            let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            prop_assert_eq!(fields, expected);
        }
    }
}
