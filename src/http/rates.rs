//! How often one may ask, from the outside in: an address and everybody together, before anything is read ([`door`], and for the messages
//! of a socket [`pass`]); then the viewer, by what an operation costs and what kind it is, before it runs ([`Turn`]).
//!
//! Every answer tells of the viewer's limit, or of the one that refused: `X-RateLimit-Limit`, `-Remaining` and `-Reset` (seconds since
//! 1970, when all of it is there again), and the same as `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10).
//! Answers over a socket have no headers and tell it in `extensions.rateLimit`.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    extract::{self, Request},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};

use super::{
    State,
    answer::{self, Stage},
    auth, graphql,
    layers::RequestId,
    negotiate::{self, Media},
};
use crate::{
    access::{Origin, Viewer},
    base::error::Result,
    config::limits::{Allowance, Rate},
    platform::buckets::{Bucket, Buckets, Level, Whose, network, seconds},
    schema::{Kind, Prepared},
};

/// The headers that tell of a limit.
pub(super) const HEADERS: [HeaderName; 5] = [
    HeaderName::from_static("x-ratelimit-limit"),
    HeaderName::from_static("x-ratelimit-remaining"),
    HeaderName::from_static("x-ratelimit-reset"),
    HeaderName::from_static("ratelimit-policy"),
    HeaderName::from_static("ratelimit"),
];

/// Bytes of a refused request that are read and thrown away: a client that is still sending does not read the refusal.
const REFUSED: usize = 4096;

/// What an answer tells of a limit.
#[derive(Clone, Debug)]
pub(super) struct Told {
    /// The limit's name.
    pub(super) name: String,
    /// How many it lets through, and in how many seconds.
    pub(super) count: u64,
    pub(super) seconds: u64,
    /// How many of them are left.
    pub(super) remaining: u64,
    /// Seconds until all are there again.
    pub(super) reset: u64,
}

impl From<Level> for Told {
    fn from(level: Level) -> Self {
        let Level { name, rate, remaining, full_in, .. } = level;
        let (count, seconds, reset) = (rate.count.into(), rate.per.as_secs(), seconds(full_in));
        Self { name: name.to_owned(), count, seconds, remaining: remaining.into(), reset }
    }
}

impl Told {
    fn write(&self, headers: &mut HeaderMap, now: i64) {
        let Self { name, count, seconds, remaining, reset } = self;
        let at = now.saturating_add_unsigned(*reset);
        for (name, value) in HEADERS.into_iter().zip([
            HeaderValue::from(*count),
            HeaderValue::from(*remaining),
            HeaderValue::from(at),
            text(format!("\"{name}\";q={count};w={seconds}")),
            text(format!("\"{name}\";r={remaining};t={reset}")),
        ]) {
            headers.insert(name, value);
        }
    }
}

/// A header of ours, in which nothing of a client stands.
fn text(value: String) -> HeaderValue {
    HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static(""))
}

/// What the answer to a request will tell: of the limit that was asked last.
#[derive(Clone, Debug)]
pub(super) struct Tab(Arc<Mutex<Level>>);

impl Tab {
    fn note(&self, level: Level) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = level;
    }

    fn last(&self) -> Level {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets a request in if its address, and everybody together, have not asked too often; then has its answer tell of a limit.
pub(super) async fn door(extract::State(state): extract::State<State>, request: Request, next: Next) -> Response {
    // Who decides whether the server lives is not to be kept out by those who flood it.
    if matches!(request.uri().path(), "/health" | "/healthz" | "/readyz" | "/metrics") {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let address = auth::address(&parts, state.config.app.trust_proxy);
    let (mut response, last) = match pass(&state, address) {
        Ok(level) => {
            let tab = Tab(Arc::new(Mutex::new(level)));
            parts.extensions.insert(tab.clone());
            let response = next.run(Request::from_parts(parts, body)).await;
            (response, tab.last())
        }
        Err(level) => {
            graphql::discard(body, REFUSED).await;
            let media = negotiate::accepted(&parts.headers).media.unwrap_or(Media::GraphqlResponse);
            let id = RequestId::of(&parts.extensions);
            (answer::refuse(&state, &id, level.refusal(), media, Stage::Refused), level)
        }
    };
    // What others may keep would tell them of somebody else's limit.
    let is_kept = |value: &HeaderValue| value.to_str().is_ok_and(|value| value.contains("public"));
    if !response.headers().get(header::CACHE_CONTROL).is_some_and(is_kept) {
        let told = response.extensions_mut().remove::<Told>().unwrap_or_else(|| last.into());
        told.write(response.headers_mut(), state.platform.clock.now().timestamp());
    }
    response
}

/// Counts a request, or a message of a socket that asks for something: first against its address, so that what is refused there takes
/// nothing from the others.
///
/// # Errors
/// The limit that is passed.
pub(super) fn pass(state: &State, address: Option<std::net::IpAddr>) -> Result<Level, Level> {
    let (limits, buckets) = (&state.config.limits.requests, &state.platform.buckets);
    let (address, everybody) = (Whose::Address(address.map(network)), Whose::Everybody);
    let level = buckets.take(&Bucket { name: "address", whose: address, rate: limits.by_address }, 1)?;
    buckets.take(&Bucket { name: "overall", whose: everybody, rate: limits.overall }, 1)?;
    Ok(level)
}

/// Whose limits an operation counts against, by what they are. Plans will be further ones.
struct Class {
    whose: Whose,
    names: [&'static str; 3],
    allowance: Allowance,
}

impl Class {
    fn of(state: &State, viewer: &Viewer, origin: &Origin) -> Self {
        let limits = &state.config.limits.requests;
        match viewer.id() {
            Some(id) => Self {
                whose: Whose::Person(id),
                names: ["person", "person-mutations", "person-subscriptions"],
                allowance: limits.person,
            },
            None => Self {
                whose: Whose::Address(origin.ip.map(network)),
                names: ["anonymous", "anonymous-mutations", "anonymous-subscriptions"],
                allowance: limits.anonymous,
            },
        }
    }

    fn bucket(&self, name: &'static str, rate: Rate) -> Bucket {
        Bucket { name, whose: self.whose, rate }
    }
}

/// Who refreshes is somebody, whatever others at their address do: it counts against the sign-in, by the tight limit of the action, and
/// not among those of whom nothing is known. Or anybody in an office could keep all of it from going on, and a large one itself.
const REFRESH: &str = "refreshSession";
/// Bytes of a document that is read to see whether it is one, although the limit is passed. The operation takes a tenth of it.
const REFRESH_BYTES: usize = 2000;

/// Whether a request may turn out to [`refresh`](is_refresh).
pub(super) fn may_refresh(viewer: &Viewer, document: Option<&str>) -> bool {
    let may = |document: &str| document.len() <= REFRESH_BYTES && document.contains(REFRESH);
    // One that is named by its hash has been read before.
    viewer.id().is_none() && document.is_none_or(may)
}

/// Whether an operation goes on with a sign-in and does nothing else, and asks for no more than weighs one.
pub(super) fn is_refresh(state: &State, viewer: &Viewer, prepared: &Prepared) -> bool {
    viewer.id().is_none()
        && prepared.kind == Kind::Mutation
        && prepared.sole.as_deref() == Some(REFRESH)
        && state.config.limits.weight(prepared.price.cost) == 1
}

/// An operation on its way: counted as one when it is begun, so that documents that cannot be read count too, and as what it weighs when
/// its price is known. A refusal costs nothing.
pub(super) struct Turn {
    class: Class,
    all: Bucket,
    level: Level,
    buckets: Buckets,
    tab: Option<Tab>,
}

impl Turn {
    /// Counts one operation of a viewer; `tab` is that of the request, if it came by one.
    ///
    /// # Errors
    /// RATE_LIMIT_EXCEEDED.
    pub(super) fn begin(state: &State, viewer: &Viewer, origin: &Origin, tab: Option<&Tab>) -> Result<Self> {
        let class = Class::of(state, viewer, origin);
        let all = class.bucket(class.names[0], class.allowance.operations);
        let buckets = state.platform.buckets.clone();
        let level = buckets.take(&all, 1).map_err(|level| level.refusal())?;
        let turn = Self { class, all, level, buckets, tab: tab.cloned() };
        turn.note();
        Ok(turn)
    }

    /// Gives back what was taken when it was begun.
    pub(super) fn cancel(self) {
        self.buckets.give_back(&self.all, 1);
    }

    /// Counts what it weighs beyond one, and its kind; gives what is left then.
    ///
    /// # Errors
    /// RATE_LIMIT_EXCEEDED.
    pub(super) fn settle(mut self, kind: Kind, weight: u32) -> Result<Level> {
        let Self { class, all, .. } = &self;
        let of_kind = match kind {
            Kind::Query => None,
            Kind::Mutation => Some(class.bucket(class.names[1], class.allowance.mutations)),
            Kind::Subscription => Some(class.bucket(class.names[2], class.allowance.subscriptions)),
        };
        if let Some(of_kind) = &of_kind {
            self.buckets.take(of_kind, weight).map_err(|level| {
                self.buckets.give_back(all, 1);
                level.refusal()
            })?;
        }
        if weight > 1 {
            self.buckets.give_back(all, 1);
            self.level = self.buckets.take(all, weight).map_err(|level| {
                of_kind.iter().for_each(|of_kind| self.buckets.give_back(of_kind, weight));
                level.refusal()
            })?;
            self.note();
        }
        Ok(self.level)
    }

    fn note(&self) {
        if let Some(tab) = &self.tab {
            tab.note(self.level);
        }
    }
}
