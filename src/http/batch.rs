//! Several requests in one body (GraphQL over HTTP, appendix "Request Batching"), where the operator lets them.
//!
//! They run one after the other, in their order, so that a mutation finds done what stands before it, and one client has one
//! operation running however much it sends at once. Their prices count together.

use std::{sync::Arc, time::Instant};

use async_graphql::Response as Answer;
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, header, request::Parts},
    response::Response,
};

use super::{
    State,
    answer::{self, Facts, Stage},
    auth::Caller,
    csrf, graphql,
    layers::RequestId,
    negotiate::{Accepted, Media},
    rates::Turn,
};
use crate::{
    base::error::{Code, Error, Result},
    graphql::cost,
    schema::{Asked, Kind, Prepared},
};

/// Answers a batch: a list of answers, each in the place of its request. What is wrong with one request is its own answer; what is
/// wrong with the whole is the only one.
pub(super) async fn answer(
    state: &State,
    id: &RequestId,
    parts: &Parts,
    mut caller: Caller,
    accepted: Accepted,
    batch: Vec<Result<Asked>>,
) -> Response {
    let Some(media) = accepted.media else {
        let sentence = "A batch is answered at once: accept application/graphql-response+json or application/json.";
        return answer::refuse(
            state,
            id,
            Error::new(Code::NotAcceptable, sentence),
            Media::GraphqlResponse,
            Stage::Refused,
        );
    };
    let mut all = Vec::with_capacity(batch.len());
    for asked in batch {
        all.push(match asked {
            Ok(asked) => prepare(state, parts, &caller, asked).await,
            Err(error) => Err(error),
        });
    }
    let (sum, limit) = (cost_of(&all), state.config.limits.complexity);
    if sum > limit {
        return answer::refuse(state, id, cost::too_dear(sum, limit), media, Stage::Reached);
    }
    let changes = all.iter().flatten().any(|prepared| prepared.kind == Kind::Mutation);
    let kind = if changes { Kind::Mutation } else { Kind::Query };
    if let Err(error) = csrf::check(state, parts, &mut caller, kind).await {
        return answer::refuse(state, id, error, media, Stage::Refused);
    }
    write(run(state, id, caller, all).await, media)
}

/// Each counts against the viewer's limits as if it had come alone.
async fn prepare(state: &State, parts: &Parts, caller: &Caller, asked: Asked) -> Result<Prepared> {
    let turn = Turn::begin(state, &caller.viewer, &caller.origin, parts.extensions.get())?;
    let prepared = state.api.prepare(&state.platform.cache, asked).await?;
    if prepared.kind == Kind::Subscription {
        return Err(Error::new(Code::NotAcceptable, "A batch holds no subscriptions."));
    }
    turn.settle(prepared.kind, prepared.weight(&state.config.limits))?;
    Ok(prepared)
}

fn cost_of(all: &[Result<Prepared>]) -> usize {
    all.iter().flatten().fold(0, |sum: usize, prepared| sum.saturating_add(prepared.price.cost))
}

async fn run(state: &State, id: &RequestId, caller: Caller, all: Vec<Result<Prepared>>) -> Vec<Answer> {
    let (began, limit) = (Instant::now(), state.config.limits.request_timeout);
    let mut answers = Vec::with_capacity(all.len());
    for (number, prepared) in all.into_iter().enumerate() {
        // Each has an id of its own, as on a socket.
        let id = RequestId(Arc::from(format!("{}-{}", id.0, number + 1)));
        let prepared = prepared.and_then(|prepared| match began.elapsed() < limit {
            true => Ok(prepared),
            false => Err(Error::new(Code::Timeout, "What stood before it in the batch took all the time there is.")),
        });
        answers.push(match prepared {
            Ok(prepared) => state.api.execute(graphql::operation(state, &id, caller.clone()), prepared).await,
            Err(error) => state.api.refusal(error, &id.0, state.platform.clock.now()),
        });
    }
    answers
}

/// 200, whatever the statuses of the answers would be alone.
fn write(answers: Vec<Answer>, media: Media) -> Response {
    let (mut headers, mut codes) = (HeaderMap::new(), Vec::new());
    let mut texts = Vec::with_capacity(answers.len());
    for mut answer in answers {
        texts.push(answer::json(&answer));
        codes.extend(answer::codes(&answer));
        for (name, value) in std::mem::take(&mut answer.http_headers).iter() {
            headers.append(name, value.clone());
        }
    }
    codes.sort_unstable();
    codes.dedup();
    let mut response = Response::new(Body::from(format!("[{}]", texts.join(","))));
    *response.headers_mut() = headers;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media.content_type()));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.append(header::VARY, HeaderValue::from_static("accept"));
    response.extensions_mut().insert(Facts { kind: Some("batch"), operation: None, codes });
    response
}
