//! Every operation of the API, by method and path as Stripe's published schema names them.

use axum::routing::MethodFilter;

use super::call::{Call, Reply};
use super::error::ApiError;
use super::{
    checkout_sessions, customers, events, invoice_previews, invoices, payment_methods,
    portal_configurations, portal_sessions, prices, products, subscriptions, webhook_endpoints,
};

/// One operation.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) method: Method,
    /// The path as the schema writes it; `{…}` are the call's arguments.
    pub(crate) path: &'static str,
    /// The kind of object in the response, for `expand`.
    pub(crate) answers: Answers,
    pub(crate) run: fn(&mut Call<'_, '_>) -> Result<Reply, ApiError>,
}

/// The methods of Stripe's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
    Delete,
}

/// One object or a list of objects, by the value of their `object` field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answers {
    One(&'static str),
    ListOf(&'static str),
}

impl Method {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }

    pub(crate) const fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
            Self::Delete => MethodFilter::DELETE,
        }
    }

    pub(crate) const fn http(self) -> axum::http::Method {
        match self {
            Self::Get => axum::http::Method::GET,
            Self::Post => axum::http::Method::POST,
            Self::Delete => axum::http::Method::DELETE,
        }
    }
}

/// Every operation that the sandbox offers: the method in capitals, and the path as in Stripe's
/// published schema.
pub fn operations() -> impl Iterator<Item = (&'static str, &'static str)> {
    OPERATIONS.iter().map(|operation| (operation.method.as_str(), operation.path))
}

/// Every operation that the sandbox offers.
pub(crate) const OPERATIONS: &[Operation] = {
    use Answers::{ListOf, One};
    use Method::{Delete, Get, Post};

    const fn on(
        method: Method,
        path: &'static str,
        answers: Answers,
        run: fn(&mut Call<'_, '_>) -> Result<Reply, ApiError>,
    ) -> Operation {
        Operation { method, path, answers, run }
    }

    const CHECKOUT: &str = "checkout.session";
    const CONFIGURATION: &str = "billing_portal.configuration";

    &[
        on(
            Post,
            "/v1/billing_portal/sessions",
            One("billing_portal.session"),
            portal_sessions::create,
        ),
        on(
            Get,
            "/v1/billing_portal/configurations",
            ListOf(CONFIGURATION),
            portal_configurations::list,
        ),
        on(
            Post,
            "/v1/billing_portal/configurations",
            One(CONFIGURATION),
            portal_configurations::create,
        ),
        on(
            Get,
            "/v1/billing_portal/configurations/{configuration}",
            One(CONFIGURATION),
            portal_configurations::read,
        ),
        on(
            Post,
            "/v1/billing_portal/configurations/{configuration}",
            One(CONFIGURATION),
            portal_configurations::update,
        ),
        on(Get, "/v1/checkout/sessions", ListOf(CHECKOUT), checkout_sessions::list),
        on(Post, "/v1/checkout/sessions", One(CHECKOUT), checkout_sessions::create),
        on(Get, "/v1/checkout/sessions/{session}", One(CHECKOUT), checkout_sessions::read),
        on(
            Post,
            "/v1/checkout/sessions/{session}/expire",
            One(CHECKOUT),
            checkout_sessions::expire,
        ),
        on(
            Get,
            "/v1/checkout/sessions/{session}/line_items",
            ListOf("item"),
            checkout_sessions::line_items,
        ),
        on(Post, "/v1/customers", One("customer"), customers::create),
        on(Get, "/v1/customers", ListOf("customer"), customers::list),
        on(Get, "/v1/customers/{customer}", One("customer"), customers::read),
        on(Post, "/v1/customers/{customer}", One("customer"), customers::update),
        on(Delete, "/v1/customers/{customer}", One("customer"), customers::delete),
        on(
            Get,
            "/v1/customers/{customer}/payment_methods",
            ListOf("payment_method"),
            payment_methods::list_of_customer,
        ),
        on(
            Get,
            "/v1/customers/{customer}/payment_methods/{payment_method}",
            One("payment_method"),
            payment_methods::read_of_customer,
        ),
        on(Get, "/v1/events", ListOf("event"), events::list),
        on(Get, "/v1/events/{id}", One("event"), events::read),
        on(Get, "/v1/invoices", ListOf("invoice"), invoices::list),
        on(Post, "/v1/invoices/create_preview", One("invoice"), invoice_previews::create),
        on(Get, "/v1/invoices/{invoice}", One("invoice"), invoices::read),
        on(Get, "/v1/invoices/{invoice}/lines", ListOf("line_item"), invoices::lines),
        on(Post, "/v1/invoices/{invoice}/pay", One("invoice"), invoices::pay),
        on(Get, "/v1/payment_methods", ListOf("payment_method"), payment_methods::list),
        on(Post, "/v1/payment_methods", One("payment_method"), payment_methods::create),
        on(
            Get,
            "/v1/payment_methods/{payment_method}",
            One("payment_method"),
            payment_methods::read,
        ),
        on(
            Post,
            "/v1/payment_methods/{payment_method}",
            One("payment_method"),
            payment_methods::update,
        ),
        on(
            Post,
            "/v1/payment_methods/{payment_method}/attach",
            One("payment_method"),
            payment_methods::attach_to,
        ),
        on(
            Post,
            "/v1/payment_methods/{payment_method}/detach",
            One("payment_method"),
            payment_methods::detach,
        ),
        on(Get, "/v1/prices", ListOf("price"), prices::list),
        on(Post, "/v1/prices", One("price"), prices::create),
        on(Get, "/v1/prices/{price}", One("price"), prices::read),
        on(Post, "/v1/prices/{price}", One("price"), prices::update),
        on(Get, "/v1/products", ListOf("product"), products::list),
        on(Post, "/v1/products", One("product"), products::create),
        on(Get, "/v1/products/{id}", One("product"), products::read),
        on(Post, "/v1/products/{id}", One("product"), products::update),
        on(Delete, "/v1/products/{id}", One("product"), products::delete),
        on(Get, "/v1/subscriptions", ListOf("subscription"), subscriptions::list),
        on(Post, "/v1/subscriptions", One("subscription"), subscriptions::create),
        on(
            Get,
            "/v1/subscriptions/{subscription_exposed_id}",
            One("subscription"),
            subscriptions::read,
        ),
        on(
            Post,
            "/v1/subscriptions/{subscription_exposed_id}",
            One("subscription"),
            subscriptions::update,
        ),
        on(
            Delete,
            "/v1/subscriptions/{subscription_exposed_id}",
            One("subscription"),
            subscriptions::cancel,
        ),
        on(
            Post,
            "/v1/subscriptions/{subscription}/resume",
            One("subscription"),
            subscriptions::resume,
        ),
        on(Get, "/v1/webhook_endpoints", ListOf("webhook_endpoint"), webhook_endpoints::list),
        on(Post, "/v1/webhook_endpoints", One("webhook_endpoint"), webhook_endpoints::create),
        on(
            Get,
            "/v1/webhook_endpoints/{webhook_endpoint}",
            One("webhook_endpoint"),
            webhook_endpoints::read,
        ),
        on(
            Post,
            "/v1/webhook_endpoints/{webhook_endpoint}",
            One("webhook_endpoint"),
            webhook_endpoints::update,
        ),
        on(
            Delete,
            "/v1/webhook_endpoints/{webhook_endpoint}",
            One("webhook_endpoint"),
            webhook_endpoints::delete,
        ),
    ]
};
