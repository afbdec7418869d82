//! [`Endpoint`]: a handler, its route and its OpenAPI operation in one value.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::routing::{self, MethodRouter};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::path::{Operation, Parameter};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{
    Content, ContentBuilder, HttpMethod, ObjectBuilder, OpenApi, Ref, RefOr, Required, Response,
    Schema, Type,
};

use crate::caller::CredentialType;
use crate::error_code::ErrorCode;
use crate::responses;
use crate::state::AppState;

/// Path prefix of the API. Other paths are probes and documents.
pub(crate) const API_PREFIX: &str = "/api/";

/// Errors of every operation. The edge detects them before it calls a handler.
const EDGE_ERRORS: &[ErrorCode] = &[
    ErrorCode::InvalidRequest,
    ErrorCode::NotFound,
    ErrorCode::MethodNotAllowed,
    ErrorCode::RequestTimeout,
    ErrorCode::PayloadTooLarge,
    ErrorCode::UriTooLong,
    ErrorCode::HeadersTooLarge,
    ErrorCode::InternalError,
];

/// Errors of every operation with a credential.
const CALLER_ERRORS: &[ErrorCode] = &[
    ErrorCode::MissingCredential,
    ErrorCode::WrongCredentialType,
    ErrorCode::InsufficientPermission,
    ErrorCode::RateLimited,
    ErrorCode::Overloaded,
    ErrorCode::DatabaseUnavailable,
];

/// Errors of every operation with a JSON body.
const BODY_ERRORS: &[ErrorCode] = &[ErrorCode::UnsupportedMediaType];

/// Errors of every operation that calls the payment provider.
pub(crate) const PROVIDER_ERRORS: &[ErrorCode] =
    &[ErrorCode::ProviderError, ErrorCode::ProviderUnavailable, ErrorCode::ProviderTimeout];

/// An example body: name, summary, value.
pub(crate) type Example = (&'static str, &'static str, Value);

/// One operation of the API, the source of its route and its OpenAPI operation.
pub(crate) struct Endpoint {
    path: &'static str,
    method: HttpMethod,
    handler: MethodRouter<Arc<AppState>>,
    operation: Operation,
    success: (u16, Response),
    errors: Vec<ErrorCode>,
    schemas: Vec<(String, RefOr<Schema>)>,
    is_limited: bool,
}

impl Endpoint {
    pub(crate) fn get<H, T>(path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<AppState>>,
        T: 'static,
    {
        Self::new(path, HttpMethod::Get, routing::get(handler))
    }

    pub(crate) fn post<H, T>(path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<AppState>>,
        T: 'static,
    {
        Self::new(path, HttpMethod::Post, routing::post(handler))
    }

    pub(crate) fn delete<H, T>(path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<AppState>>,
        T: 'static,
    {
        Self::new(path, HttpMethod::Delete, routing::delete(handler))
    }

    fn new(path: &'static str, method: HttpMethod, handler: MethodRouter<Arc<AppState>>) -> Self {
        let mut operation = Operation::default();
        operation.security = Some(Vec::new());
        if path.starts_with(API_PREFIX) {
            operation.parameters =
                Some(vec![RefOr::Ref(Ref::new("#/components/parameters/X-Request-Id"))]);
        }
        Self {
            path,
            method,
            handler,
            operation,
            success: (200, Response::default()),
            errors: EDGE_ERRORS.to_vec(),
            schemas: Vec::new(),
            is_limited: false,
        }
    }

    /// Sets the operation id, the tag and the summary.
    pub(crate) fn operation(mut self, id: &str, tag: &str, summary: impl Into<String>) -> Self {
        self.operation.operation_id = Some(id.to_owned());
        self.operation.tags = Some(vec![tag.to_owned()]);
        self.operation.summary = Some(summary.into());
        self
    }

    pub(crate) fn description(mut self, text: impl Into<String>) -> Self {
        self.operation.description = Some(text.into());
        self
    }

    /// Declares the credential type with its errors and headers.
    pub(crate) fn credential<C: CredentialType>(mut self) -> Self {
        let none: [&str; 0] = [];
        self.operation.security = Some(vec![SecurityRequirement::new(C::SCHEME, none)]);
        self.is_limited = true;
        self.errors(CALLER_ERRORS).errors(C::ERRORS)
    }

    pub(crate) fn parameter(mut self, parameter: impl Into<Parameter>) -> Self {
        let parameters = self.operation.parameters.get_or_insert_default();
        parameters.push(RefOr::T(parameter.into()));
        self
    }

    /// Declares a strict JSON body of type `T`.
    pub(crate) fn json_body<T: ToSchema>(
        self,
        required: Required,
        examples: impl IntoIterator<Item = Example>,
    ) -> Self {
        self.body::<T>(required, examples).errors(BODY_ERRORS)
    }

    /// Declares a body of type `T` without the errors of a strict JSON body.
    pub(crate) fn body<T: ToSchema>(
        mut self,
        required: Required,
        examples: impl IntoIterator<Item = Example>,
    ) -> Self {
        let examples = examples.into_iter().map(|(name, summary, value)| {
            (name, ExampleBuilder::new().summary(summary).value(Some(value)))
        });
        let content = ContentBuilder::new()
            .schema(Some(self.schema::<T>()))
            .examples_from_iter(examples)
            .build();
        let body = RequestBodyBuilder::new()
            .content("application/json", content)
            .required(Some(required))
            .build();
        self.operation.request_body = Some(RefOr::T(body));
        self
    }

    /// Declares a JSON response of type `T`.
    pub(crate) fn returns<T: ToSchema>(
        mut self,
        status: u16,
        description: &str,
        example: Option<Value>,
    ) -> Self {
        let schema = self.schema::<T>();
        let content = ContentBuilder::new().schema(Some(schema)).example(example).build();
        self.success_is(status, description, "application/json", content)
    }

    /// Declares a text response in this media type.
    pub(crate) fn returns_text(self, media_type: &str, description: &str) -> Self {
        let text = ObjectBuilder::new().schema_type(Type::String);
        let content = ContentBuilder::new().schema(Some(text)).build();
        self.success_is(200, description, media_type, content)
    }

    fn success_is(
        mut self,
        status: u16,
        description: &str,
        media_type: &str,
        content: Content,
    ) -> Self {
        let mut response = Response::new(description);
        response.content.insert(media_type.to_owned(), RefOr::T(content));
        self.success = (status, response);
        self
    }

    pub(crate) fn errors(mut self, codes: &[ErrorCode]) -> Self {
        self.errors.extend(codes);
        self
    }

    /// Adds the schema of `T` to the components and returns a reference to it.
    pub(crate) fn schema<T: ToSchema>(&mut self) -> Ref {
        T::schemas(&mut self.schemas);
        self.schemas.push((T::name().into_owned(), T::schema()));
        Ref::from_schema_name(T::name())
    }

    pub(crate) fn path(&self) -> &'static str {
        self.path
    }

    /// Adds the route to the router.
    pub(crate) fn register(self, router: Router<Arc<AppState>>) -> Router<Arc<AppState>> {
        router.route(self.path, self.handler)
    }

    /// Adds the operation to the document.
    pub(crate) fn describe(&self, document: &mut OpenApi) {
        let mut operation = self.operation.clone();
        let (status, mut success) = self.success.clone();
        let is_api = self.path.starts_with(API_PREFIX);
        success.headers.extend(responses::success_headers(is_api, self.is_limited));
        let responses_by_status = &mut operation.responses.responses;
        responses_by_status.insert(status.to_string(), RefOr::T(success));
        responses_by_status.extend(responses::of_errors(&self.errors));
        document.paths.add_path_operation(self.path, vec![self.method.clone()], operation);
        document.components.get_or_insert_default().schemas.extend(self.schemas.iter().cloned());
    }
}
