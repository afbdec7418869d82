//! [`enforce`]: the deadline of a request.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use billing_domain::Deadline;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, timeout_at};

use crate::problem;

/// Share of the request's time reserved for the database, which commits the audit record after the
/// calls to the provider. At most [`MAX_RESERVE`].
const RESERVE_SHARE: u32 = 10;
/// Maximum reserve for the database.
const MAX_RESERVE: Duration = Duration::from_millis(250);

/// Middleware that responds when the deadline passes. It also passes handlers the [`Deadline`] for
/// calls to the provider.
///
/// The deadline of the provider is earlier than that of the request, so the adapter reports a slow
/// provider (504). At the end of the request, only a slow body (408) or a slow database (503) can
/// remain.
pub(crate) async fn enforce(
    State(limit): State<Duration>,
    mut request: Request,
    next: Next,
) -> Response {
    let end = Instant::now() + limit;
    let reserve = (limit / RESERVE_SHARE).min(MAX_RESERVE);
    request.extensions_mut().insert(Deadline::at((end - reserve).into_std()));
    let receiving = Arc::new(AtomicBool::new(false));
    let request =
        request.map(|inner| Body::new(ObservedBody { inner, receiving: Arc::clone(&receiving) }));
    timeout_at(end, next.run(request)).await.unwrap_or_else(|_| {
        let late = if receiving.load(Ordering::Relaxed) {
            problem::body_too_slow()
        } else {
            problem::database_too_slow(limit)
        };
        late.into_response()
    })
}

/// A request body that records whether the handler is waiting for the client.
struct ObservedBody {
    inner: Body,
    receiving: Arc<AtomicBool>,
}

impl HttpBody for ObservedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.inner).poll_frame(context);
        self.receiving.store(frame.is_pending(), Ordering::Relaxed);
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
