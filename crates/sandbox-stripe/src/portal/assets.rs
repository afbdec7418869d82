//! The pages' style sheets and icon. Their names contain a digest of their content.

use std::sync::LazyLock;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;

use crate::ids;

/// The route of the assets.
pub(super) const PATH: &str = "/p/assets/{name}";

/// A static file.
#[derive(Debug)]
pub(crate) struct Asset {
    /// The path. Browsers may cache it permanently.
    pub(crate) path: String,
    media_type: &'static str,
    content: &'static str,
}

const STYLES: &str =
    concat!(include_str!("../../assets/portal.css"), include_str!("../../assets/tasks.css"));

pub(super) static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("portal", "css", "text/css; charset=utf-8", STYLES));

pub(crate) static INVOICE_STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "invoice",
        "css",
        "text/css; charset=utf-8",
        include_str!("../../assets/invoice.css"),
    )
});

pub(super) static ICON: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("icon", "svg", "image/svg+xml", include_str!("../../assets/icon.svg"))
});

impl Asset {
    fn new(name: &str, suffix: &str, media_type: &'static str, content: &'static str) -> Self {
        let digest = ids::digest(content);
        Self { path: format!("/p/assets/{name}-{}.{suffix}", &digest[..12]), media_type, content }
    }

    fn response(&self) -> Response {
        let mut response = Response::new(Body::from(self.content));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        headers.insert(
            header::CACHE_CONTROL,
            HeaderValue::from_static("public, max-age=31536000, immutable"),
        );
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response
    }
}

/// Returns the response with the asset at this path.
pub(super) fn find(path: &str) -> Option<Response> {
    [&STYLE, &INVOICE_STYLE, &ICON]
        .into_iter()
        .find(|asset| asset.path == path)
        .map(|asset| asset.response())
}
