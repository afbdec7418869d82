//! `openapi`: prints the document; it needs no configuration.

use super::Failure;

#[expect(clippy::print_stdout, reason = "the command line's own output")]
pub(crate) fn run() -> Result<(), Failure> {
    println!("{:#}", api_http::openapi::document(None));
    Ok(())
}
