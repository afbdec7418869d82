//! `GET /openapi.json`: the OpenAPI document.

use axum::body::Bytes;
use http::header::CONTENT_TYPE;
use utoipa::openapi::{Object, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::endpoint::Endpoint;
use crate::openapi::SERVICE;

struct Document;

impl ToSchema for Document {}

impl PartialSchema for Document {
    fn schema() -> RefOr<Schema> {
        Object::new().into()
    }
}

pub(crate) fn endpoint(document: impl Fn() -> Bytes + Clone + Send + Sync + 'static) -> Endpoint {
    let serve = move || async move { ([(CONTENT_TYPE, "application/json")], document()) };
    Endpoint::get("/openapi.json", serve)
        .operation("openapi", SERVICE, "OpenAPI document")
        .returns::<Document>(200, "This document.", None)
}
