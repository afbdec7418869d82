//! [`Exchange`]: state that the read side and the response side of a connection share.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use tokio::time::Instant;

use crate::drain::Drain;
use crate::fault::Fault;

/// Result of checking a head that was forwarded to hyper. Hyper requests one response per head, in
/// sequence.
#[derive(Debug, Default)]
pub(crate) struct HeadInfo {
    /// Fault of a refused head. Hyper got a placeholder head instead.
    pub(crate) refused: Option<Fault>,
    /// The connection closes after this response.
    pub(crate) last: bool,
}

/// Shared by the stream and the service of a connection.
#[derive(Debug)]
pub(crate) struct Exchange {
    drain: Drain,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    heads: VecDeque<HeadInfo>,
    unanswered: usize,
    /// A handler waits for the rest of a body, so the request is half-sent.
    awaiting_body: bool,
    /// Part of the current request's body has not reached hyper.
    body_pending: bool,
    /// The drain counts a running request of this connection.
    counted: bool,
    closing: Option<Instant>,
    reader: Option<Waker>,
    ended: bool,
}

impl Exchange {
    pub(crate) fn new(drain: Drain) -> Self {
        Self { drain, state: Mutex::default() }
    }

    /// Records that hyper gets a whole head.
    pub(crate) fn head_forwarded(&self, info: HeadInfo) {
        self.change(|state| {
            state.heads.push_back(info);
            state.unanswered += 1;
        });
    }

    /// Returns the info of the next head to answer.
    pub(crate) fn next_head(&self) -> HeadInfo {
        // Hyper parses only recorded heads. If that ever fails, closing the connection is safe.
        self.lock().heads.pop_front().unwrap_or(HeadInfo { refused: None, last: true })
    }

    /// Records that a response was passed to hyper completely or was aborted.
    pub(crate) fn answered(&self) {
        let reader = self.change(|state| {
            state.unanswered = state.unanswered.saturating_sub(1);
            state.reader.take()
        });
        // The reader starts its idle deadline when no response is pending.
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// Sets whether a handler waits for the rest of a body.
    pub(crate) fn awaiting_body(&self, awaiting_body: bool) {
        self.change(|state| state.awaiting_body = awaiting_body);
    }

    pub(crate) fn body_pending(&self, left: bool) {
        self.lock().body_pending = left;
    }

    /// Returns whether a response is pending. If so, `waker` is woken when that changes.
    pub(crate) fn is_busy(&self, waker: &Waker) -> bool {
        let mut state = self.lock();
        let busy = state.unanswered > 0;
        state.reader = busy.then(|| waker.clone());
        busy
    }

    /// Returns whether the connection must close after the current response: the service drains, or
    /// part of the request's body is unread.
    pub(crate) fn must_close(&self) -> bool {
        self.drain.is_draining() || self.lock().body_pending
    }

    /// Makes the connection close as soon as it is idle.
    pub(crate) fn close(&self, since: Instant) {
        self.lock().closing = Some(since);
    }

    pub(crate) fn closing_since(&self) -> Option<Instant> {
        self.lock().closing
    }

    /// Ends the connection. Its unanswered requests no longer count as running.
    pub(crate) fn end(&self) {
        self.change(|state| state.ended = true);
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let changed = change(&mut state);
        let counts = state.unanswered > 0 && !state.awaiting_body && !state.ended;
        if counts != state.counted {
            state.counted = counts;
            if counts { self.drain.request_started() } else { self.drain.request_ended() }
        }
        changed
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock, and the state is valid after each statement.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.end();
    }
}
