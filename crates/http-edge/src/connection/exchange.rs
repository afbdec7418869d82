//! What the reading side of a connection and its answering side know of each other.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use tokio::time::Instant;

use crate::drain::Drain;
use crate::fault::Fault;

/// What the guard found out about a head that it gave to hyper. Hyper asks for one answer per head, in order.
#[derive(Debug, Default)]
pub(crate) struct HeadNote {
    /// The head was replaced by a harmless one; this is what was wrong with it.
    pub(crate) refused: Option<Fault>,
    /// The connection ends with this answer.
    pub(crate) last: bool,
}

/// Shared by a connection's guard and its service.
#[derive(Debug)]
pub(crate) struct Exchange {
    drain: Drain,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    heads: VecDeque<HeadNote>,
    unanswered: usize,
    /// A body is waited for: its request is half-sent.
    starved: bool,
    /// Bytes of the current request's body have not reached hyper.
    body_left: bool,
    /// This connection's requests count as running for the drain.
    counted: bool,
    closing: Option<Instant>,
    reader: Option<Waker>,
    over: bool,
}

impl Exchange {
    pub(crate) fn new(drain: Drain) -> Self {
        Self { drain, state: Mutex::default() }
    }

    /// The guard gives hyper a whole head.
    pub(crate) fn head_given(&self, note: HeadNote) {
        self.change(|state| {
            state.heads.push_back(note);
            state.unanswered += 1;
        });
    }

    /// The service is asked to answer the next head.
    pub(crate) fn next_head(&self) -> HeadNote {
        // Hyper parses nothing that the guard did not announce; closing is the safe answer if ever it does.
        self.lock().heads.pop_front().unwrap_or(HeadNote { refused: None, last: true })
    }

    /// An answer has been given to hyper in full, or was given up.
    pub(crate) fn answered(&self) {
        let reader = self.change(|state| {
            state.unanswered = state.unanswered.saturating_sub(1);
            state.reader.take()
        });
        // The reader sets its idle deadline only when nothing is left to answer.
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// The client owes a body (`starved`), or has just sent some of it.
    pub(crate) fn starved(&self, starved: bool) {
        self.change(|state| state.starved = starved);
    }

    pub(crate) fn body_left(&self, left: bool) {
        self.lock().body_left = left;
    }

    /// Whether an answer is outstanding; if so, `waker` is woken when that changes.
    pub(crate) fn is_busy(&self, waker: &Waker) -> bool {
        let mut state = self.lock();
        let busy = state.unanswered > 0;
        state.reader = busy.then(|| waker.clone());
        busy
    }

    /// Whether the answer that is about to be sent must be the connection's last one: the service ends, or the rest of
    /// the request's body stands between this request and the next.
    pub(crate) fn must_close(&self) -> bool {
        self.drain.is_draining() || self.lock().body_left
    }

    /// From now on the connection ends as soon as it is idle.
    pub(crate) fn close(&self, since: Instant) {
        self.lock().closing = Some(since);
    }

    pub(crate) fn closing_since(&self) -> Option<Instant> {
        self.lock().closing
    }

    /// The connection serves no more requests, answered or not.
    pub(crate) fn over(&self) {
        self.change(|state| state.over = true);
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let changed = change(&mut state);
        let counts = state.unanswered > 0 && !state.starved && !state.over;
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
        self.over();
    }
}
