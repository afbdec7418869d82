//! [`CheckedStream`] wraps the socket for hyper: it checks heads and enforces deadlines.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use hyper::rt::{Read, ReadBufCursor, Write};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};

use super::exchange::{Exchange, HeadInfo};
use super::head::{self, Framing, Refusal, Verdict};
use crate::fault::Fault;
use crate::settings::EdgeSettings;

/// Bytes per read from the socket.
const READ_SIZE: usize = 8 * 1024;
/// In a drain: time before an idle connection closes. A request may be in transit.
const IDLE_GRACE: Duration = Duration::from_millis(100);
/// In a drain: time to complete a half-sent request.
const HALF_SENT_GRACE: Duration = Duration::from_millis(500);
/// Time for the client to close its side after the server closed its own, if no input is expected
/// or in a drain.
pub(super) const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);

/// The stream between a socket and hyper. Hyper gets only whole heads that [`head::check`] accepts.
/// For a refused head it gets a placeholder, and the [`HeadInfo`] has the fault.
pub(super) struct CheckedStream {
    stream: TcpStream,
    exchange: Arc<Exchange>,
    deadlines: Deadlines,
    /// Received bytes that hyper has not read yet.
    buffer: BytesMut,
    /// Number of buffered bytes that hyper may read.
    approved: usize,
    expecting: Expecting,
    reading: Timer,
    writing: Timer,
    /// The client has closed its write side.
    client_done: bool,
}

#[derive(Clone, Copy, Debug)]
struct Deadlines {
    header: Duration,
    body: Duration,
    idle: Duration,
    write: Duration,
}

/// The next input from the client.
#[derive(Clone, Copy, Debug)]
enum Expecting {
    /// A head of which no byte has arrived. `since`: when the last response completed.
    Head { since: Option<Instant> },
    /// The rest of a head. `seen`: bytes already checked.
    RestOfHead { since: Instant, seen: usize },
    /// A body with `left` missing bytes. `since`: when a handler first waited for it.
    Body { left: u64, since: Option<Instant> },
    /// A chunked body. Hyper finds its end, and the connection closes after the response.
    Chunks { since: Option<Instant> },
    /// No further input is read. `idle`: the idle timeout ended the connection.
    Nothing { idle: bool },
}

impl CheckedStream {
    pub(super) fn new(stream: TcpStream, exchange: Arc<Exchange>, settings: &EdgeSettings) -> Self {
        let deadlines = Deadlines {
            header: settings.header_timeout,
            body: settings.body_timeout,
            idle: settings.idle_timeout,
            write: settings.write_timeout,
        };
        Self {
            stream,
            exchange,
            deadlines,
            buffer: BytesMut::new(),
            approved: 0,
            expecting: Expecting::Head { since: None },
            reading: Timer::default(),
            writing: Timer::default(),
            client_done: false,
        }
    }

    /// Approves the buffered bytes that belong to one request.
    fn approve(&mut self) {
        match self.expecting {
            Expecting::Head { .. } => {
                self.skip_empty_lines();
                if !self.buffer.is_empty() {
                    self.expecting = Expecting::RestOfHead { since: Instant::now(), seen: 0 };
                    self.check_head();
                }
            }
            Expecting::RestOfHead { .. } => self.check_head(),
            Expecting::Body { .. } => self.approve_body(),
            Expecting::Chunks { .. } => self.approved = self.buffer.len(),
            Expecting::Nothing { .. } => {}
        }
        self.update_body_pending();
    }

    fn update_body_pending(&self) {
        self.exchange.body_pending(self.approved > 0 || self.awaits_body());
    }

    fn awaits_body(&self) -> bool {
        matches!(self.expecting, Expecting::Body { .. } | Expecting::Chunks { .. })
    }

    /// Skips empty lines before a request (RFC 9112, 2.2). They do not reset the idle timeout.
    fn skip_empty_lines(&mut self) {
        loop {
            match *self.buffer {
                [b'\n', ..] => self.buffer.advance(1),
                [b'\r', b'\n', ..] => self.buffer.advance(2),
                _ => return,
            }
        }
    }

    fn check_head(&mut self) {
        let Expecting::RestOfHead { since, seen } = self.expecting else { return };
        // Parse again only after a line feed, so that a client sending single bytes costs little.
        let verdict = if seen == 0 || self.buffer[seen..].contains(&b'\n') {
            head::check(&self.buffer)
        } else {
            head::check_partial(None, &self.buffer)
        };
        match verdict {
            Verdict::Incomplete => {
                self.expecting = Expecting::RestOfHead { since, seen: self.buffer.len() }
            }
            Verdict::Refused(refusal) => self.refuse(refusal),
            Verdict::Accepted { length, framing, upgrades } => {
                for at in upgrades {
                    // Rename the header: hyper would end an upgraded connection without a flush.
                    self.buffer[at] = b'x';
                }
                self.approved = length;
                self.exchange
                    .head_forwarded(HeadInfo { refused: None, last: framing == Framing::Chunked });
                match framing {
                    Framing::Chunked => {
                        self.expecting = Expecting::Chunks { since: None };
                        self.approved = self.buffer.len();
                    }
                    Framing::Length(left) => {
                        self.expecting = Expecting::Body { left, since: None };
                        self.approve_body();
                    }
                }
            }
        }
    }

    fn approve_body(&mut self) {
        let Expecting::Body { left, since } = self.expecting else { return };
        let arrived = self.buffer.len() - self.approved;
        let taken = usize::try_from(left).map_or(arrived, |left| left.min(arrived));
        self.approved += taken;
        let left = left - taken as u64;
        self.expecting = if left == 0 {
            Expecting::Head { since: None }
        } else {
            Expecting::Body { left, since }
        };
    }

    /// Replaces a refused head with a placeholder. Later bytes are never read as a request.
    fn refuse(&mut self, refusal: Refusal) {
        self.buffer.clear();
        self.buffer.extend_from_slice(refusal.placeholder().as_bytes());
        self.approved = self.buffer.len();
        self.expecting = Expecting::Nothing { idle: false };
        self.exchange.head_forwarded(HeadInfo { refused: Some(refusal.fault), last: true });
    }

    fn copy_approved(&mut self, out: &mut ReadBufCursor<'_>) {
        let length = self.approved.min(out.remaining());
        out.put_slice(&self.buffer[..length]);
        self.buffer.advance(length);
        self.approved -= length;
        if self.buffer.is_empty() {
            // Free the buffer, so that idle connections use no memory for it.
            self.buffer = BytesMut::new();
        }
        self.update_body_pending();
    }

    fn fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut space = [MaybeUninit::uninit(); READ_SIZE];
        let mut space = ReadBuf::uninit(&mut space);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut space))?;
        self.buffer.extend_from_slice(space.filled());
        Poll::Ready(Ok(space.filled().len()))
    }

    /// Returns the deadline of the expected input. `None` while the client waits for a response.
    fn deadline(&mut self, cx: &Context<'_>) -> Option<Instant> {
        let (at, allowance) = match &mut self.expecting {
            Expecting::Head { .. } if self.exchange.is_busy(cx.waker()) => return None,
            Expecting::Head { since } => {
                (*since.get_or_insert_with(Instant::now) + self.deadlines.idle, IDLE_GRACE)
            }
            Expecting::RestOfHead { since, .. } => {
                (*since + self.deadlines.header, HALF_SENT_GRACE)
            }
            Expecting::Body { since, .. } | Expecting::Chunks { since } => {
                (*since.get_or_insert_with(Instant::now) + self.deadlines.body, HALF_SENT_GRACE)
            }
            Expecting::Nothing { .. } => return None,
        };
        Some(self.exchange.closing_since().map_or(at, |closing| at.min(closing + allowance)))
    }

    /// Waits for input until the deadline. A missed deadline ends the body, the head or the
    /// connection.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let awaits_body = self.awaits_body();
        self.exchange.awaiting_body(awaits_body);
        match self.deadline(cx) {
            None => {
                self.reading.stop();
                return Poll::Pending;
            }
            Some(deadline) => ready!(self.reading.poll(cx, deadline)),
        }
        self.reading.stop();
        if awaits_body {
            self.exchange.awaiting_body(false);
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        if matches!(self.expecting, Expecting::RestOfHead { .. }) {
            self.refuse(Refusal::new(Fault::RequestTimeout));
        } else {
            self.expecting = Expecting::Nothing { idle: true };
        }
        Poll::Ready(Ok(()))
    }

    /// Closes the connection and discards further input. Unread bytes would make the kernel send a
    /// reset before the client reads the response (RFC 9112, 9.6).
    pub(super) async fn linger(mut self, settings: &EdgeSettings) {
        if self.client_done || self.stream.shutdown().await.is_err() {
            return;
        }
        let expects_nothing = match self.expecting {
            Expecting::Nothing { idle } => idle,
            Expecting::Head { .. } => self.buffer.is_empty(),
            _ => false,
        };
        let patience =
            if expects_nothing { settings.linger.min(CLOSE_TIMEOUT) } else { settings.linger };
        let end = Instant::now() + patience;
        let mut space = vec![0; READ_SIZE];
        let mut discarded = 0;
        while discarded < settings.linger_bytes {
            match timeout_at(end, self.stream.read(&mut space)).await {
                Ok(Ok(length)) if length > 0 => discarded += length,
                _ => return,
            }
        }
    }

    fn with_write_deadline<T>(
        &mut self,
        cx: &mut Context<'_>,
        polled: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.writing.stop();
            return polled;
        }
        let deadline =
            self.writing.deadline().unwrap_or_else(|| Instant::now() + self.deadlines.write);
        ready!(self.writing.poll(cx, deadline));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl Read for CheckedStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut out: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if this.approved == 0 {
                this.approve();
            }
            if this.approved > 0 {
                this.reading.stop();
                this.exchange.awaiting_body(false);
                this.copy_approved(&mut out);
                return Poll::Ready(Ok(()));
            }
            if matches!(this.expecting, Expecting::Nothing { .. }) || this.client_done {
                return Poll::Ready(Ok(()));
            }
            match this.fill(cx) {
                Poll::Ready(Ok(0)) => {
                    this.client_done = true;
                    this.exchange.awaiting_body(false);
                }
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => ready!(this.wait(cx))?,
            }
        }
    }
}

impl Write for CheckedStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.with_write_deadline(cx, polled)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        this.with_write_deadline(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    /// Does nothing: [`CheckedStream::linger`] closes the connection.
    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A timer that is allocated only while it runs.
#[derive(Default)]
struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    fn deadline(&self) -> Option<Instant> {
        self.sleep.as_ref().map(|sleep| sleep.deadline())
    }

    fn stop(&mut self) {
        self.sleep = None;
    }

    fn poll(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() != deadline {
            sleep.as_mut().reset(deadline);
        }
        sleep.as_mut().poll(cx)
    }
}
