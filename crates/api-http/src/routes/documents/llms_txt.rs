//! `GET /llms.txt`: a description of the service for language models.

use http::HeaderName;
use http::header::CONTENT_TYPE;

use crate::endpoint::Endpoint;
use crate::openapi::SERVICE;

type Text = ([(HeaderName, &'static str); 1], &'static str);

pub(crate) fn endpoint() -> Endpoint {
    let summary = "Description of the service for language models";
    Endpoint::get("/llms.txt", llms_txt)
        .operation("llms", SERVICE, summary)
        .returns_text("text/plain", summary)
}

async fn llms_txt() -> Text {
    let text = include_str!("../../../templates/llms.txt");
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], text)
}
