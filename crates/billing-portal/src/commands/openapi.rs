//! `openapi`: prints the OpenAPI document. It reads no settings.

use super::print;
use crate::failure::Failure;

pub(crate) fn run() -> Result<(), Failure> {
    print(&format!("{:#}", api_http::routes::openapi_document(None)))
}
