//! Taking connections, and giving up on those that only hold a place: a request whose headers do not come to an end, and an answer
//! that nobody reads.
//!
//! axum's own loop sets no timer, so that a client may send one byte of a header an hour.

use std::{
    future::Future,
    io,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{Router, body::Body, extract::ConnectInfo, http::Request};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpListener,
    time::{Instant, Sleep, sleep},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use crate::config::limits::Limits;

/// Bytes a connection has to send before it is known which HTTP it speaks: the preface of HTTP/2. Until then nobody else looks at
/// the time.
const PREFACE: usize = 24;
/// Bytes of the headers of one request, its address (64 KiB at the most) included. The library's 400 KiB, filled by everybody who
/// may connect, are more memory than there is.
const HEAD: usize = 80 * 1024;

/// The pause after a connection could not be taken: most likely there are too many open files.
const BREATH: Duration = Duration::from_millis(500);

/// Serves an application until `stopping`; then takes no more connections, and comes back when the last request has been answered.
///
/// # Errors
/// Never; a connection that cannot be taken is a line in the log.
pub(super) async fn serve(
    listener: TcpListener,
    app: Router,
    limits: &Limits,
    stopping: impl Future<Output = ()>,
) -> io::Result<()> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.header_timeout).max_buf_size(HEAD);
    // CONNECT is how a WebSocket starts over HTTP/2.
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(limits.ping_interval).enable_connect_protocol();
    let (open, stop) = (TaskTracker::new(), CancellationToken::new());
    let mut stopping = pin!(stopping);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stopping => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                sleep(BREATH).await;
                continue;
            }
        };
        // Without it, small frames wait for the acknowledgement of the previous ones.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let (builder, stop) = (builder.clone(), stop.clone());
        let service = app.clone().map_request(move |request: Request<_>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            request
        });
        let io = TokioIo::new(Impatient::new(stream, limits));
        open.spawn(async move {
            let mut connection = pin!(builder.serve_connection_with_upgrades(io, TowerToHyperService::new(service)));
            let served = tokio::select! {
                served = connection.as_mut() => served,
                () = stop.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = served {
                tracing::debug!(%peer, %error, "a connection ended badly");
            }
        });
    }
    drop(listener);
    stop.cancel();
    open.close();
    open.wait().await;
    Ok(())
}

/// A line that breaks when what is written to it is not taken for too long, or when nothing is said at its beginning.
struct Impatient<S> {
    stream: S,
    /// Runs until the other end has said enough to be known.
    silence: Option<Pin<Box<Sleep>>>,
    said: usize,
    patience: Duration,
    /// Runs while a write waits.
    deadline: Pin<Box<Sleep>>,
    waits: bool,
}

impl<S> Impatient<S> {
    fn new(stream: S, limits: &Limits) -> Self {
        let (patience, silence) = (limits.write_timeout, Some(Box::pin(sleep(limits.header_timeout))));
        Self { stream, silence, said: 0, patience, deadline: Box::pin(sleep(patience)), waits: false }
    }

    fn watch<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.waits = false;
            return written;
        }
        if !self.waits {
            self.waits = true;
            self.deadline.as_mut().reset(Instant::now() + self.patience);
        }
        ready!(self.deadline.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the other end does not read")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Impatient<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let Some(silence) = &mut self.silence else { return read };
        if read.is_pending() {
            ready!(silence.as_mut().poll(cx));
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the other end says nothing")));
        }
        self.said += buffer.filled().len() - before;
        if self.said >= PREFACE {
            self.silence = None;
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Impatient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.watch(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
