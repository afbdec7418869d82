//! `openapi`: prints the OpenAPI document. It reads no settings.

use super::print;
use crate::failure::Failure;

pub(crate) fn run() -> Result<(), Failure> {
    let document = serde_json::to_string_pretty(&api_http::routes::openapi_document(None))
        .map_err(|error| Failure::failed("the document cannot be rendered", &error))?;
    print(&document)
}
