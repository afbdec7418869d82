//! The documents: OpenAPI, the API reference, a page per error code, `llms.txt`, the front page.
//!
//! Every file comes from this service. No page sends a request to another host.

mod error_codes;
mod error_page;
mod index;
mod llms_txt;
mod openapi_json;
mod page;
mod reference;

use std::sync::{Arc, OnceLock};

use axum::body::Bytes;

use crate::endpoint::Endpoint;
use crate::openapi::Document;

pub(crate) use reference::register_files;

/// The OpenAPI document as JSON, rendered once all endpoints are known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Documents(Arc<OnceLock<Bytes>>);

impl Documents {
    /// Renders the document for the handlers that share it.
    pub(crate) fn render(&self, document: &Document) {
        // Strings, numbers and maps with string keys always serialise.
        self.0.get_or_init(|| serde_json::to_vec(document).unwrap_or_default().into());
    }

    fn openapi(&self) -> Bytes {
        self.0.get().cloned().unwrap_or_default()
    }
}

pub(crate) fn endpoints(documents: &Documents) -> Vec<Endpoint> {
    let documents = documents.clone();
    vec![
        openapi_json::endpoint(move || documents.openapi()),
        reference::endpoint(),
        error_codes::endpoint(),
        error_page::endpoint(),
        llms_txt::endpoint(),
        index::endpoint(),
    ]
}
