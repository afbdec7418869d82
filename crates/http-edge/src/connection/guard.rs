//! The socket as hyper sees it: whole and unambiguous heads, bodies that arrive in time or fail, idle ends.

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

use super::exchange::{Exchange, HeadNote};
use super::head::{self, Framing, Refusal, Verdict};
use crate::fault::Fault;
use crate::settings::EdgeSettings;

/// Bytes taken from the socket at once.
const READ_SIZE: usize = 8 * 1024;
/// In a drain: what an idle connection is still granted, since a request may be on its way.
const IDLE_ALLOWANCE: Duration = Duration::from_millis(100);
/// In a drain: what a half-sent request is still granted.
const HALF_SENT_ALLOWANCE: Duration = Duration::from_millis(500);
/// How long a client may take to close its side after we closed ours, if it owes us nothing or we are in a drain.
pub(super) const PARTING: Duration = Duration::from_millis(500);

/// Between a socket and hyper. It never hands over a part of a head: hyper gets whole heads that [`head::judge`] accepts,
/// or a stand-in for one that was refused, whose [`HeadNote`] carries the fault.
pub(super) struct GuardedStream {
    stream: TcpStream,
    exchange: Arc<Exchange>,
    deadlines: Deadlines,
    /// Bytes that arrived and have not been handed over.
    buffer: BytesMut,
    /// So many of them may be handed over.
    approved: usize,
    expecting: Expecting,
    reading: Alarm,
    writing: Alarm,
    /// The client has shut its side down.
    client_done: bool,
}

#[derive(Clone, Copy, Debug)]
struct Deadlines {
    header: Duration,
    body: Duration,
    idle: Duration,
    write: Duration,
}

/// What comes next on the wire.
#[derive(Clone, Copy, Debug)]
enum Expecting {
    /// A head of which no byte has come. `since`: from when nothing was left to answer.
    Head { since: Option<Instant> },
    /// The rest of a head. So many bytes of it have been looked at.
    RestOfHead { since: Instant, seen: usize },
    /// A body, of which `left` bytes are missing. `since`: from when somebody waited for it.
    Body { left: u64, since: Option<Instant> },
    /// A chunked body. Hyper finds its end; the connection ends with the answer, so that nothing depends on where.
    Chunks { since: Option<Instant> },
    /// Nothing that would be read. `parted`: the client owes nothing, it was idle for too long.
    Nothing { parted: bool },
}

impl GuardedStream {
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
            reading: Alarm::default(),
            writing: Alarm::default(),
            client_done: false,
        }
    }

    /// Approves as much of the buffer as belongs to one request.
    fn approve(&mut self) {
        match self.expecting {
            Expecting::Head { .. } => {
                self.skip_empty_lines();
                if !self.buffer.is_empty() {
                    self.expecting = Expecting::RestOfHead { since: Instant::now(), seen: 0 };
                    self.judge_head();
                }
            }
            Expecting::RestOfHead { .. } => self.judge_head(),
            Expecting::Body { .. } => self.approve_body(),
            Expecting::Chunks { .. } => self.approved = self.buffer.len(),
            Expecting::Nothing { .. } => {}
        }
        self.tell_what_is_left();
    }

    fn tell_what_is_left(&self) {
        self.exchange.body_left(self.approved > 0 || self.awaits_body());
    }

    fn awaits_body(&self) -> bool {
        matches!(self.expecting, Expecting::Body { .. } | Expecting::Chunks { .. })
    }

    /// Empty lines before a request are to be ignored (RFC 9112, 2.2), and are no sign of life.
    fn skip_empty_lines(&mut self) {
        loop {
            match *self.buffer {
                [b'\n', ..] => self.buffer.advance(1),
                [b'\r', b'\n', ..] => self.buffer.advance(2),
                _ => return,
            }
        }
    }

    fn judge_head(&mut self) {
        let Expecting::RestOfHead { since, seen } = self.expecting else { return };
        // A head ends with a line end: whoever sends byte by byte does not have every byte parsed again.
        let verdict = if seen == 0 || self.buffer[seen..].contains(&b'\n') {
            head::judge(&self.buffer)
        } else {
            head::unfinished(None, &self.buffer)
        };
        match verdict {
            Verdict::Incomplete => {
                self.expecting = Expecting::RestOfHead { since, seen: self.buffer.len() }
            }
            Verdict::Refused(refusal) => self.refuse(refusal),
            Verdict::Accepted { length, framing, upgrades } => {
                for at in upgrades {
                    // Hyper would end a connection that asked for an upgrade without flushing it: rename the header.
                    self.buffer[at] = b'x';
                }
                self.approved = length;
                self.exchange
                    .head_given(HeadNote { refused: None, last: framing == Framing::Chunked });
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

    /// Puts a stand-in where the refused head was. Nothing that follows is read as a request.
    fn refuse(&mut self, refusal: Refusal) {
        self.buffer.clear();
        self.buffer.extend_from_slice(refusal.stand_in().as_bytes());
        self.approved = self.buffer.len();
        self.expecting = Expecting::Nothing { parted: false };
        self.exchange.head_given(HeadNote { refused: Some(refusal.fault), last: true });
    }

    fn hand_over(&mut self, out: &mut ReadBufCursor<'_>) {
        let length = self.approved.min(out.remaining());
        out.put_slice(&self.buffer[..length]);
        self.buffer.advance(length);
        self.approved -= length;
        if self.buffer.is_empty() {
            // An idle connection holds no memory here.
            self.buffer = BytesMut::new();
        }
        self.tell_what_is_left();
    }

    fn fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut space = [MaybeUninit::uninit(); READ_SIZE];
        let mut space = ReadBuf::uninit(&mut space);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut space))?;
        self.buffer.extend_from_slice(space.filled());
        Poll::Ready(Ok(space.filled().len()))
    }

    /// Until when the client has to send something; `None` while it is its turn to wait.
    fn deadline(&mut self, cx: &Context<'_>) -> Option<Instant> {
        let (at, allowance) = match &mut self.expecting {
            Expecting::Head { .. } if self.exchange.is_busy(cx.waker()) => return None,
            Expecting::Head { since } => {
                (*since.get_or_insert_with(Instant::now) + self.deadlines.idle, IDLE_ALLOWANCE)
            }
            Expecting::RestOfHead { since, .. } => {
                (*since + self.deadlines.header, HALF_SENT_ALLOWANCE)
            }
            Expecting::Body { since, .. } | Expecting::Chunks { since } => {
                (*since.get_or_insert_with(Instant::now) + self.deadlines.body, HALF_SENT_ALLOWANCE)
            }
            Expecting::Nothing { .. } => return None,
        };
        Some(self.exchange.closing_since().map_or(at, |closing| at.min(closing + allowance)))
    }

    /// Nothing came: whether to go on waiting.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let awaits_body = self.awaits_body();
        self.exchange.starved(awaits_body);
        match self.deadline(cx) {
            None => {
                self.reading.disarm();
                return Poll::Pending;
            }
            Some(deadline) => ready!(self.reading.poll(cx, deadline)),
        }
        self.reading.disarm();
        if awaits_body {
            self.exchange.starved(false);
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        if matches!(self.expecting, Expecting::RestOfHead { .. }) {
            self.refuse(Refusal::new(Fault::RequestTimeout));
        } else {
            self.expecting = Expecting::Nothing { parted: true };
        }
        Poll::Ready(Ok(()))
    }

    /// Ends the connection in a way that lets the client read the answer although it may still be sending: bytes that
    /// nobody took would make the kernel reset it (RFC 9112, 9.6).
    pub(super) async fn linger(mut self, settings: &EdgeSettings) {
        if self.client_done || self.stream.shutdown().await.is_err() {
            return;
        }
        let owes_nothing = match self.expecting {
            Expecting::Nothing { parted } => parted,
            Expecting::Head { .. } => self.buffer.is_empty(),
            _ => false,
        };
        let patience = if owes_nothing { settings.linger.min(PARTING) } else { settings.linger };
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

    fn written<T>(
        &mut self,
        cx: &mut Context<'_>,
        polled: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.writing.disarm();
            return polled;
        }
        let deadline =
            self.writing.deadline().unwrap_or_else(|| Instant::now() + self.deadlines.write);
        ready!(self.writing.poll(cx, deadline));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl Read for GuardedStream {
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
                this.reading.disarm();
                this.exchange.starved(false);
                this.hand_over(&mut out);
                return Poll::Ready(Ok(()));
            }
            if matches!(this.expecting, Expecting::Nothing { .. }) || this.client_done {
                return Poll::Ready(Ok(()));
            }
            match this.fill(cx) {
                Poll::Ready(Ok(0)) => {
                    this.client_done = true;
                    this.exchange.starved(false);
                }
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => ready!(this.wait(cx))?,
            }
        }
    }
}

impl Write for GuardedStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.written(cx, polled)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        this.written(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    /// Does nothing: [`GuardedStream::linger`] ends the connection.
    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A timer that exists only while something is waited for.
#[derive(Default)]
struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    fn deadline(&self) -> Option<Instant> {
        self.sleep.as_ref().map(|sleep| sleep.deadline())
    }

    fn disarm(&mut self) {
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
