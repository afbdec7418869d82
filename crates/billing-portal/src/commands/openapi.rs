//! `openapi`: prints the document; it needs no configuration.

use super::print;
use crate::failure::Failure;

pub(crate) fn run() -> Result<(), Failure> {
    print(&format!("{:#}", api_http::routes::openapi_document(None)))
}
