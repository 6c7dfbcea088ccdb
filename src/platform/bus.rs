//! Hints and signals between the parts of this process and between instances. Lossy by design: a lost hint means a slower poll,
//! a lost signal means that somebody was not seen typing.
//!
//! Between instances they travel over Redis when there is one, else over PostgreSQL's NOTIFY, sent after the commit on a
//! connection of its own (inside, it would serialise commits).

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::StreamExt;
use sea_orm::sqlx::{self, postgres::PgListener};
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, broadcast, mpsc};

use super::{Database, events::URGENT, tasks::Tasks};
use crate::{
    base::{
        error::{Error, Result},
        random::Random,
    },
    config,
};

/// The channel on either carrier.
const CHANNEL: &str = "polyphony";
/// Signals a slow listener may be behind before it misses some.
const SIGNALS: usize = 32;
/// Topics of signals that are not worth clearing away.
const TOPICS: usize = 64;
/// A connection that held this long was one.
const STEADY: Duration = Duration::from_secs(10);
/// Packets waiting for the carrier before further ones are dropped.
const OUTBOX: usize = 1024;

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Packet {
    /// Something was appended to the log.
    Events,
    /// Something was enqueued.
    Jobs,
    /// Somebody does something that needs no history.
    Signal { topic: String, payload: serde_json::Value },
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    /// Which process sent it, so that it can skip its own.
    from: String,
    packet: Packet,
}

/// The bus of this process.
#[derive(Clone, Debug)]
pub struct Bus(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    events: Arc<Notify>,
    jobs: Arc<Notify>,
    signals: Mutex<Signals>,
    /// Urgent signals this process has heard, its own among them.
    urgent: AtomicU64,
    outbox: Option<mpsc::Sender<Packet>>,
}

/// Who listens to which signals.
#[derive(Debug, Default)]
struct Signals {
    topics: HashMap<String, broadcast::Sender<Arc<serde_json::Value>>>,
    /// With how many topics those nobody listens to any more are cleared away next.
    full: usize,
}

impl Bus {
    pub(super) async fn open(config: &config::cache::Cache, database: &Database, tasks: &Tasks) -> Result<Self> {
        let carrier = match (&config.redis_url, database.postgres_pool()) {
            (Some(url), _) => {
                Some(Carrier::Redis(Box::new(redis::Client::open(url.as_str()).map_err(Error::internal)?)))
            }
            (None, Some(pool)) => Some(Carrier::Postgres(pool.clone())),
            (None, None) => None,
        };
        let (outbox, packets) = mpsc::channel(OUTBOX);
        let bus = Self(Arc::new(Inner {
            events: Arc::default(),
            jobs: Arc::default(),
            signals: Mutex::default(),
            urgent: AtomicU64::new(0),
            outbox: carrier.is_some().then_some(outbox),
        }));
        if let Some(carrier) = carrier {
            // Not from the seeded ids of demo data, which are the same on every machine and with every carrier.
            let me = Random::system().token();
            tasks.spawn_until_stop(send(carrier.clone(), packets, me.clone()));
            tasks.spawn_until_stop(receive(carrier, bus.clone(), me));
        }
        Ok(bus)
    }

    /// Something was committed to the log.
    pub(super) fn hint_events(&self) {
        self.0.events.notify_one();
        self.post(Packet::Events);
    }

    /// Something was enqueued.
    pub(super) fn hint_jobs(&self) {
        self.0.jobs.notify_one();
        self.post(Packet::Jobs);
    }

    pub(super) fn event_hints(&self) -> Arc<Notify> {
        self.0.events.clone()
    }

    pub(super) fn job_hints(&self) -> Arc<Notify> {
        self.0.jobs.clone()
    }

    /// Tells everybody who listens to the topic now. Nobody learns of it later.
    pub fn signal(&self, topic: &str, payload: serde_json::Value) {
        self.0.deliver(topic, payload.clone());
        self.post(Packet::Signal { topic: topic.to_owned(), payload });
    }

    /// How many urgent signals this process has heard so far. One of its own counts before whoever caused it is answered.
    pub(super) fn urgent_heard(&self) -> u64 {
        self.0.urgent.load(Ordering::Acquire)
    }

    /// Listens to the signals of a topic from now on.
    pub fn signals(&self, topic: &str) -> broadcast::Receiver<Arc<serde_json::Value>> {
        let mut signals = self.0.signals.lock().unwrap_or_else(PoisonError::into_inner);
        // Topics nobody listens to any more go when there are twice as many as were listened to: looking through all of them for
        // each new listener would make many of them dear.
        if signals.topics.len() >= signals.full {
            signals.topics.retain(|_, sender| sender.receiver_count() > 0);
            signals.full = (signals.topics.len() * 2).max(TOPICS);
        }
        signals.topics.entry(topic.to_owned()).or_insert_with(|| broadcast::channel(SIGNALS).0).subscribe()
    }

    fn post(&self, packet: Packet) {
        if let Some(outbox) = &self.0.outbox {
            // A full outbox drops: the carrier is down or slow, and everybody polls anyway.
            let _ = outbox.try_send(packet);
        }
    }
}

impl Inner {
    fn deliver(&self, topic: &str, payload: serde_json::Value) {
        if topic == URGENT {
            self.urgent.fetch_add(1, Ordering::AcqRel);
        }
        let signals = self.signals.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = signals.topics.get(topic) {
            let _ = sender.send(Arc::new(payload));
        }
    }

    fn take_in(&self, envelope: &str, me: &str) {
        match serde_json::from_str::<Envelope>(envelope) {
            Ok(Envelope { from, .. }) if from == me => {}
            Ok(Envelope { packet: Packet::Events, .. }) => self.events.notify_one(),
            Ok(Envelope { packet: Packet::Jobs, .. }) => self.jobs.notify_one(),
            Ok(Envelope { packet: Packet::Signal { topic, payload }, .. }) => self.deliver(&topic, payload),
            Err(error) => tracing::debug!(%error, "a packet on the bus is not ours"),
        }
    }
}

#[derive(Clone)]
enum Carrier {
    Redis(Box<redis::Client>),
    Postgres(sqlx::PgPool),
}

async fn send(carrier: Carrier, mut packets: mpsc::Receiver<Packet>, me: String) {
    let mut redis = None;
    let mut waiting = Vec::new();
    while packets.recv_many(&mut waiting, OUTBOX).await > 0 {
        // Any number of hints is one hint.
        let (mut events, mut jobs) = (false, false);
        waiting.retain(|packet| match packet {
            Packet::Events => !std::mem::replace(&mut events, true),
            Packet::Jobs => !std::mem::replace(&mut jobs, true),
            Packet::Signal { .. } => true,
        });
        for packet in waiting.drain(..) {
            let Ok(text) = serde_json::to_string(&Envelope { from: me.clone(), packet }) else { continue };
            let sent = match &carrier {
                Carrier::Redis(client) => publish(client, &mut redis, &text).await,
                Carrier::Postgres(pool) => sqlx::query("SELECT pg_notify($1, $2)")
                    .bind(CHANNEL)
                    .bind(&text)
                    .execute(pool)
                    .await
                    .map(drop)
                    .map_err(|error| error.to_string()),
            };
            if let Err(error) = sent {
                tracing::debug!(error, "the bus is down; other instances will notice by polling");
                redis = None;
            }
        }
    }
}

async fn publish(
    client: &redis::Client,
    connection: &mut Option<redis::aio::MultiplexedConnection>,
    text: &str,
) -> Result<(), String> {
    if connection.is_none() {
        *connection = Some(client.get_multiplexed_async_connection().await.map_err(|error| error.to_string())?);
    }
    let Some(open) = connection else { return Ok(()) };
    redis::cmd("PUBLISH").arg(CHANNEL).arg(text).query_async::<()>(open).await.map_err(|error| error.to_string())
}

async fn receive(carrier: Carrier, bus: Bus, me: String) {
    let mut told = false;
    loop {
        let started = Instant::now();
        let ended = match &carrier {
            Carrier::Redis(client) => listen_redis(client, &bus, &me).await,
            Carrier::Postgres(pool) => listen_postgres(pool, &bus, &me).await,
        };
        // Once for each time it is cut, not for every attempt to mend it.
        told &= started.elapsed() < STEADY;
        if !std::mem::replace(&mut told, true) {
            tracing::warn!(reason = ended, "the bus between instances was cut; polling until it is back");
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        // What was missed meanwhile is in the log.
        bus.0.events.notify_one();
        bus.0.jobs.notify_one();
    }
}

async fn listen_redis(client: &redis::Client, bus: &Bus, me: &str) -> String {
    let mut subscription = match client.get_async_pubsub().await {
        Ok(subscription) => subscription,
        Err(error) => return error.to_string(),
    };
    if let Err(error) = subscription.subscribe(CHANNEL).await {
        return error.to_string();
    }
    let mut messages = subscription.on_message();
    while let Some(message) = messages.next().await {
        if let Ok(text) = message.get_payload::<String>() {
            bus.0.take_in(&text, me);
        }
    }
    "Redis closed the subscription".to_owned()
}

async fn listen_postgres(pool: &sqlx::PgPool, bus: &Bus, me: &str) -> String {
    let listen = async {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(CHANNEL).await?;
        loop {
            let notification = listener.recv().await?;
            bus.0.take_in(notification.payload(), me);
        }
    };
    let ended: Result<(), sqlx::Error> = listen.await;
    ended.err().map(|error| error.to_string()).unwrap_or_default()
}
