//! The documents: OpenAPI, a rendered reference, a page per error code, `llms.txt`, the front page.
//!
//! Rendered here, without script and without a request to any other host.

mod error_page;
mod index;
mod llms_txt;
mod openapi_json;
mod page;
mod reference;

use std::sync::{Arc, OnceLock};

use axum::body::Bytes;
use serde_json::Value;

use crate::endpoint::Endpoint;

/// The OpenAPI document and its page, rendered once all endpoints are known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Documents(Arc<OnceLock<Rendered>>);

#[derive(Clone, Debug, Default)]
struct Rendered {
    openapi: Bytes,
    reference: Bytes,
}

impl Documents {
    /// Renders the document for the handlers that share it.
    pub(crate) fn render(&self, document: &Value) {
        self.0.get_or_init(|| Rendered {
            openapi: document.to_string().into(),
            reference: reference::render(document).into(),
        });
    }

    fn get(&self) -> Rendered {
        self.0.get().cloned().unwrap_or_default()
    }
}

pub(crate) fn endpoints(documents: &Documents) -> Vec<Endpoint> {
    let (openapi, page) = (documents.clone(), documents.clone());
    vec![
        openapi_json::endpoint(move || openapi.get().openapi),
        reference::endpoint(move || page.get().reference),
        error_page::endpoint(),
        llms_txt::endpoint(),
        index::endpoint(),
    ]
}
