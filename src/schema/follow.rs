//! Following a subscription: the library begins it; then either its own stream goes on, or what the listener hears is told, once for
//! all who listen alike.

use std::sync::{Arc, Weak};

use async_graphql::{Response, parser::types::Field};
use futures_util::{
    FutureExt, StreamExt,
    future::{BoxFuture, join_all},
    stream,
    stream::BoxStream,
};

use super::{Api, Inner, Prepared, resume, root_fields};
use crate::{
    access::{Op, Viewer},
    base::error::Result,
    graphql::{
        error, inputs,
        live::{Given, Handover, Heard, Listening, Source},
        precheck::normal,
        share::{Key, Outcome, Payload, Share, Shared},
    },
    platform::{
        events::{Event, Prepare},
        presence::Stay,
    },
};

/// What a listener is told.
pub enum Told {
    /// An answer of their own.
    Answer(Box<Response>),
    /// What all are told who listen alike; without errors.
    Shared(Arc<Payload>),
}

/// One listener.
struct Following {
    api: Arc<Inner>,
    op: Arc<Op>,
    stage: Stage,
    /// Whoever follows something is here for as long as they follow it.
    _stay: Option<Stay>,
}

enum Stage {
    /// The library runs it.
    Run(Box<Run>),
    /// What is heard is told here.
    Heard {
        heard: Heard,
        share: Arc<Share<Basis>>,
        /// Where the text is laid out otherwise than that of the share: errors name its places.
        own: Option<Box<Prepared>>,
    },
}

struct Run {
    answers: BoxStream<'static, Response>,
    handover: Handover,
    prepared: Prepared,
}

impl Run {
    /// Keeps the document, once, if it proved valid.
    fn learn(&mut self, api: &Inner, op: &Op, answer: &Response) {
        if let Some(unknown) = self.prepared.unknown.take() {
            api.learn(op, answer, &self.prepared.document, &unknown);
        }
    }
}

/// What is executed for an audience, and with what.
pub(super) struct Basis {
    prepared: Prepared,
    /// Of nobody.
    op: Op,
}

/// Follows a subscription; the stream ends when it does.
pub(super) fn follow(api: Arc<Inner>, op: Arc<Op>, prepared: Prepared) -> BoxStream<'static, Told> {
    let handover = Handover::default();
    let request = prepared.request(&op);
    let request = if api.config.limits.sharing { request.data(handover.clone()) } else { request };
    let answers = api.exact.execute_stream(request);
    let stay = op.viewer.id().map(|user| op.platform.presence.stay(user));
    let stage = Stage::Run(Box::new(Run { answers, handover, prepared }));
    let following = Following { api, op, stage, _stay: stay };
    stream::unfold(following, |mut following| async move {
        let told = following.next().await?;
        Some((told, following))
    })
    .boxed()
}

impl Following {
    async fn next(&mut self) -> Option<Told> {
        loop {
            match &mut self.stage {
                Stage::Run(run) => match run.answers.next().await {
                    Some(answer) => {
                        run.learn(&self.api, &self.op, &answer);
                        return Some(self.api.finished(&self.op, &run.prepared, answer));
                    }
                    None => {
                        // It has been validated, and was good enough to begin with.
                        run.learn(&self.api, &self.op, &Response::default());
                        let Listening { source, heard } = run.handover.take()?;
                        let share = self.api.share(&self.op, &source, &run.prepared);
                        let is_other = share.of.prepared.document.text != run.prepared.document.text;
                        let own = is_other.then(|| Box::new(run.prepared.clone()));
                        self.stage = Stage::Heard { heard, share, own };
                    }
                },
                Stage::Heard { heard, share, own } => {
                    let heard = heard.next().await?;
                    if let Some(told) = self.api.tell(&self.op, share, own.as_deref(), heard).await {
                        return Some(told);
                    }
                }
            }
        }
    }
}

impl Inner {
    /// The share of those who listen like this.
    fn share(&self, op: &Op, source: &Source, prepared: &Prepared) -> Arc<Share<Basis>> {
        let (text, mut variables) = (&*prepared.document.text, prepared.variables.clone());
        if let Some(place) = root_fields(prepared).iter().find_map(|field| resume::place_of(field, text)) {
            variables.remove(&place);
        }
        let key = Key {
            document: normal(text),
            operation: prepared.name.clone(),
            variables: serde_json::to_value(&variables).unwrap_or_default().to_string(),
            locale: op.origin.locale,
            rights: source.rights,
        };
        let basis = || Basis {
            prepared: prepared.clone(),
            op: op.for_audience(source.rights).0.with_viewer(Viewer::Anonymous),
        };
        self.shares.join(key, source, basis)
    }

    /// Tells a listener what they heard; `None` when it is not for them.
    async fn tell(
        &self,
        op: &Arc<Op>,
        share: &Share<Basis>,
        own: Option<&Prepared>,
        heard: Result<Arc<Event>>,
    ) -> Option<Told> {
        let prepared = own.unwrap_or(&share.of.prepared);
        let counts = &op.platform.sharing;
        if let Ok(event) = &heard
            && let Some(shared) = share.told(event, || self.for_all(share, event)).await
            && shared.is_good_for(&op.viewer)
            && (own.is_none() || !matches!(shared.outcome, Outcome::Failed(_)))
        {
            return match &shared.outcome {
                Outcome::Nothing => None,
                Outcome::Told(payload) => {
                    counts.delivered();
                    Some(Told::Shared(payload.clone()))
                }
                Outcome::Failed(answer) => {
                    let mut own = Response::new(answer.data.clone());
                    own.errors.clone_from(&answer.errors);
                    Some(self.finished(op, prepared, own))
                }
            };
        }
        counts.executed_alone();
        let answer = self.for_one(op, prepared, heard).await?;
        Some(self.finished(op, prepared, answer))
    }

    /// Executes what an event tells all who listen alike.
    fn for_all<'a>(&'a self, share: &'a Share<Basis>, event: &'a Arc<Event>) -> BoxFuture<'a, Shared> {
        async move {
            let Basis { prepared, op } = &share.of;
            op.platform.sharing.executed();
            let (op, audience) = op.for_audience(share.source.rights);
            let op = Arc::new(op);
            let request = prepared.request(&op).data(Given(Ok(event.clone())));
            let answer = self.exact.execute_stream(request).next().await;
            let asked = audience.asked();
            if asked.is_personal() {
                op.platform.sharing.was_personal();
            }
            Shared::new(answer, asked)
        }
        .boxed()
    }

    /// Executes what was heard for one listener.
    fn for_one<'a>(
        &'a self,
        op: &'a Arc<Op>,
        prepared: &'a Prepared,
        heard: Result<Arc<Event>>,
    ) -> BoxFuture<'a, Option<Response>> {
        async move {
            let request = || prepared.request(op).data(Given(heard.clone()));
            if heard.is_ok() {
                // The document is known to be valid.
                let answer = self.swift.execute_stream(request()).next().await;
                if answer.as_ref().is_none_or(|answer| answer.errors.is_empty()) {
                    return answer;
                }
            }
            self.exact.execute_stream(request()).next().await
        }
        .boxed()
    }

    /// An answer as its listener gets it.
    fn finished(&self, op: &Op, prepared: &Prepared, mut answer: Response) -> Told {
        if !answer.errors.is_empty() {
            // The source of a subscription is made outside of what `Execution` sees.
            let asked: Vec<Field> = root_fields(prepared);
            for error in &mut answer.errors {
                let blame = |field: &Field| inputs::blame(error, &field.arguments, &prepared.variables);
                if let Some(known) = asked.iter().find_map(blame) {
                    error.source = Some(Arc::new(known));
                }
            }
            error::finish(&mut answer, &op.request_id, op.platform.clock.now());
        }
        Told::Answer(Box::new(answer))
    }
}

/// Executes what crowds will be told before they are woken: each of them is woken once then, and finds it ready.
struct Ahead(Weak<Inner>);

impl Prepare for Ahead {
    fn prepare(&self, events: &[Arc<Event>]) -> Option<BoxFuture<'static, ()>> {
        let api = self.0.upgrade()?;
        let shares = api.shares.crowded(&events.first()?.topic);
        if shares.is_empty() {
            return None;
        }
        let events = events.to_vec();
        let ready = async move {
            let tell = async |share: &Share<Basis>| {
                for event in events.iter().filter(|event| (share.source.hears)(event)) {
                    share.told(event, || api.for_all(share, event)).await;
                }
            };
            join_all(shares.iter().map(|share| tell(share))).await;
        };
        Some(ready.boxed())
    }
}

impl Api {
    /// What makes subscriptions ready to be told: for [`Events::prepare_by`](crate::platform::events::Events::prepare_by).
    pub fn ahead(&self) -> Arc<dyn Prepare> {
        Arc::new(Ahead(Arc::downgrade(&self.0)))
    }
}
