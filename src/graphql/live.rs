//! From what a listener hears to what a subscription tells: nothing is passed over, whatever the database does meanwhile.
//!
//! Where what is told is the same for everybody with the same rights, the library only begins a subscription: it validates the
//! document, reads the arguments and asks for the source, which is then handed over ([`Listening`]) rather than followed. Each event
//! that is heard is told by an execution of its own, made once for all who listen alike (see [`super::share`]).

use std::{
    collections::VecDeque,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use async_graphql::Context;
use futures_util::{Stream, StreamExt, stream, stream::BoxStream};

use crate::{
    access::Rights,
    base::error::{Error, Result},
    platform::{events::Event, patience::patiently},
};

/// What somebody hears who listens.
pub type Heard = BoxStream<'static, Result<Arc<Event>>>;

/// What many may listen to with the same rights, and be told the same.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its topic.
    pub topic: Arc<str>,
    /// What everybody may who listens to it, for as long as they do.
    pub rights: Rights,
    /// Which of the topic's events its listeners hear.
    pub hears: fn(&Event) -> bool,
}

/// A subscription that has begun.
pub struct Listening {
    /// What others listen to as well.
    pub source: Source,
    /// The events, as the listener's own rights let them through, in order.
    pub heard: Heard,
}

/// In the data of a request that begins a subscription: where the source is handed over.
#[derive(Clone, Default)]
pub struct Handover(Arc<Mutex<Option<Listening>>>);

impl Handover {
    /// What was handed over, if anything was.
    pub fn take(&self) -> Option<Listening> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// In the data of a request that tells what was heard: the one event, or why there are no more.
pub struct Given(pub Result<Arc<Event>>);

/// What a subscription hears whose events are the same for everybody who listens to its source.
///
/// # Errors
/// Those of `listen`.
pub async fn hear<S>(ctx: &Context<'_>, source: Source, listen: impl AsyncFnOnce() -> Result<S>) -> Result<Heard>
where
    S: Stream<Item = Result<Arc<Event>>> + Send + 'static,
{
    if let Some(Given(heard)) = ctx.data_opt() {
        return Ok(stream::iter([heard.clone()]).boxed());
    }
    let heard = listen().await?.boxed();
    let Some(Handover(place)) = ctx.data_opt() else { return Ok(heard) };
    *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(Listening { source, heard });
    Ok(stream::empty().boxed())
}

/// Notices turned at once while somebody catches up: one statement for all of them.
const AT_ONCE: usize = 64;

/// Turns notices into events, many at a time when many wait. `turn` may leave out what is not for the viewer.
///
/// A turn that fails is tried again. If it goes on failing, the stream ends with SERVICE_UNAVAILABLE before the first event that
/// could not be told, so that a client resumes there. An error among the notices is told behind what came before it, and ends the
/// stream too.
pub fn tell<N, E, F>(
    heard: impl Stream<Item = Result<N>> + Send + 'static,
    turn: impl Fn(Vec<N>) -> F + Send + Sync + 'static,
) -> impl Stream<Item = Result<E>> + Send
where
    N: Clone + Send + Sync + 'static,
    E: Send + 'static,
    F: Future<Output = Result<Vec<E>>> + Send,
{
    struct Telling<S, T, E> {
        heard: S,
        turn: T,
        ready: VecDeque<E>,
        end: Option<Error>,
    }
    let telling = Telling { heard: heard.ready_chunks(AT_ONCE).boxed(), turn, ready: VecDeque::new(), end: None };
    stream::unfold(Some(telling), |telling| async move {
        let mut telling = telling?;
        loop {
            if let Some(event) = telling.ready.pop_front() {
                return Some((Ok(event), Some(telling)));
            }
            if let Some(error) = telling.end.take() {
                return Some((Err(error), None));
            }
            let mut notices = Vec::new();
            for notice in telling.heard.next().await? {
                match notice {
                    Ok(notice) => notices.push(notice),
                    Err(error) => {
                        telling.end = Some(error);
                        break;
                    }
                }
            }
            if notices.is_empty() {
                continue;
            }
            let turn = &telling.turn;
            match patiently("reading what a subscription tells", || turn(notices.clone())).await {
                Ok(events) => telling.ready.extend(events),
                Err(error) => telling.end = Some(error),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::base::error::Code;

    async fn told(fails: u32, heard: Vec<Result<u32>>) -> Vec<std::result::Result<u32, Code>> {
        let left = AtomicU32::new(fails);
        let turn = move |notices: Vec<u32>| {
            let fails = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
            std::future::ready(if fails { Err(Error::internal("down")) } else { Ok(notices) })
        };
        let events = tell(stream::iter(heard), turn);
        events.map(|event| event.map_err(|error| error.code())).collect().await
    }

    #[tokio::test]
    async fn a_failed_turn_is_tried_again_or_ends_the_stream_before_what_it_held() {
        assert_eq!(told(2, (0..3).map(Ok).collect()).await, [Ok(0), Ok(1), Ok(2)]);
        assert_eq!(told(u32::MAX, (0..3).map(Ok).collect()).await, [Err(Code::ServiceUnavailable)]);
        let heard = vec![Ok(0), Err(Error::not_found("gone")), Ok(2)];
        assert_eq!(told(0, heard).await, [Ok(0), Err(Code::NotFound)]);
    }
}
