//! Routes requests to the portal's pages.

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts as _, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use axum::routing::{MethodFilter, get, on};

use super::form::Form;
use super::page::Refusal;
use super::page_response::PageResponse;
use super::pages::{PAGES, Page};
use super::sessions;
use super::{assets, form, language};
use crate::locale::Language;
use crate::store::Store;

/// The shared state of the portal.
#[derive(Clone)]
pub(crate) struct Portal {
    store: Arc<Store>,
    base_url: Arc<str>,
}

impl Portal {
    pub(crate) fn new(store: Arc<Store>, base_url: Arc<str>) -> Self {
        Self { store, base_url }
    }
}

/// Returns the portal's routes.
pub(crate) fn router(portal: Portal) -> Router {
    let pages = PAGES.iter().fold(Router::new(), |router, page| {
        let handler = move |State(portal): State<Portal>, request: Request| async move {
            portal.answer(page, request).await
        };
        let methods = if page.act.is_some() {
            MethodFilter::GET.or(MethodFilter::POST)
        } else {
            MethodFilter::GET
        };
        router.route(page.path, on(methods, handler))
    });
    pages.route(assets::PATH, get(asset)).route("/p/{*rest}", get(nothing)).with_state(portal)
}

impl Portal {
    async fn answer(&self, page: &'static Page, request: Request) -> Response {
        let (mut parts, body) = request.into_parts();
        let mut token = String::new();
        let answer = match self.prepare(&mut parts, body, &mut token).await {
            Ok(prepared) => self.perform(page, &parts, &prepared),
            Err(refusal) => Err((refusal, language::of_browser(&parts.headers))),
        };
        let response = match answer {
            Ok(answer) => answer.into_response(),
            Err((refusal, language)) => {
                // Only an open session has a page to link back to.
                let known =
                    !token.is_empty() && matches!(refusal, Refusal::Unknown | Refusal::Forged);
                let back = (known && self.is_open(&token)).then(|| format!("/p/session/{token}"));
                refusal.response(language, back)
            }
        };
        let status = response.status().as_u16();
        tracing::info!(method = parts.method.as_str(), path = page.path, status, "portal page");
        response
    }

    async fn prepare(
        &self,
        parts: &mut Parts,
        body: axum::body::Body,
        token: &mut String,
    ) -> Result<Prepared, Refusal> {
        let arguments =
            RawPathParams::from_request_parts(parts, &()).await.map_err(|_| Refusal::Unknown)?;
        let argument = |wanted| {
            arguments.iter().find(|(name, _)| *name == wanted).map_or("", |(_, value)| value)
        };
        argument("token").clone_into(token);
        let id = argument("id").to_owned();
        let query = Form::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let sent = match parts.method {
            Method::POST => Some(form::receive(parts, body, token, &self.base_url).await?),
            _ => None,
        };
        Ok(Prepared { token: token.clone(), id, query, sent })
    }

    fn perform(
        &self,
        page: &'static Page,
        parts: &Parts,
        prepared: &Prepared,
    ) -> Result<PageResponse, (Refusal, Language)> {
        let Prepared { token, id, query, sent } = prepared;
        let request = sessions::Request { token, id, query, headers: &parts.headers };
        match (sent, page.act) {
            (Some(form), Some(act)) => {
                sessions::act(&self.store, &request, |visit, transaction| {
                    match page.kind.redirect_for(visit, true)? {
                        // The page is not permitted, so its form is ignored.
                        Some(address) => Ok(PageResponse::redirect(&address)),
                        None => act(visit, form, transaction),
                    }
                })
            }
            _ => sessions::look(&self.store, &request, |visit| {
                match page.kind.redirect_for(visit, false)? {
                    Some(address) => Ok(PageResponse::redirect(&address)),
                    None => (page.show)(visit),
                }
            }),
        }
    }

    fn is_open(&self, token: &str) -> bool {
        let now = self.store.now();
        let digest = crate::ids::digest(token);
        self.store.read(|state| {
            state.portal_sessions.get(&digest).is_some_and(|session| session.is_open(now))
        })
    }
}

/// A parsed request.
struct Prepared {
    token: String,
    id: String,
    query: Form,
    sent: Option<Form>,
}

async fn asset(request: Request) -> Response {
    match assets::find(request.uri().path()) {
        Some(response) => response,
        None => nothing(request.headers().clone()).await,
    }
}

async fn nothing(headers: HeaderMap) -> Response {
    Refusal::Unknown.response(language::of_browser(&headers), None)
}
