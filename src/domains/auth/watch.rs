//! The sign-ins behind open connections: whether they still hold, and with which rights.
//!
//! Three ways lead here. A change of an account is told beside the event log as soon as it is committed; the log tells it too, if that
//! was lost; and every few seconds one statement asks for all sign-ins at once, which also finds what nobody told: a row changed by
//! hand. What ends by the clock (tokens, grants, a recent proof) is waited for.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use entity::ids::SessionId;
use serde_json::Value;
use tokio::{
    sync::{Notify, broadcast::error::RecvError, watch},
    time::{Instant, sleep, sleep_until},
};

use super::{
    actions::authenticate::{proof_ends, still},
    events::AuthEvent,
    model::Standing,
    store,
};
use crate::{
    access::Person,
    base::error::Result,
    config::Config,
    domains::users,
    platform::{Platform, events::Follower},
};

/// The least wait before looking again at what should have ended by the clock.
const BREATH: Duration = Duration::from_millis(50);

/// Watches over sign-ins, all of them with one statement.
#[derive(Clone)]
pub struct Watch(Arc<Inner>);

struct Inner {
    platform: Platform,
    config: Arc<Config>,
    open: Mutex<Open>,
    asked: Notify,
}

#[derive(Default)]
struct Open {
    /// By the topic of their person.
    people: HashMap<Arc<str>, HashMap<SessionId, Sender>>,
    /// Whose standing is to be read as soon as possible.
    asked: HashSet<SessionId>,
}

/// `None` until it was read the first time, then what was found.
type Known = Option<Option<Arc<Standing>>>;
type Sender = watch::Sender<Known>;

impl Watch {
    /// Begins to watch, until the process stops.
    pub fn start(platform: &Platform, config: Arc<Config>) -> Self {
        let watch =
            Self(Arc::new(Inner { platform: platform.clone(), config, open: Mutex::default(), asked: Notify::new() }));
        platform.tasks.spawn_until_stop(watch.clone().run());
        watch
    }

    /// Watches over one sign-in, for as long as the answer is kept.
    pub fn over(&self, person: Person) -> Watched {
        let topic: Arc<str> = users::topic(person.id).into();
        let follower = self.0.platform.events.follow_from_now([topic.clone()]);
        let news = {
            let mut open = self.0.open();
            let sessions = open.people.entry(topic.clone()).or_default();
            sessions.entry(person.session).or_insert_with(|| Sender::new(None)).subscribe()
        };
        // Something may have happened between the token's check and this.
        self.ask(person.session);
        Watched { watch: self.clone(), topic, person, news, follower }
    }

    fn ask(&self, session: SessionId) {
        self.0.open().asked.insert(session);
        self.0.asked.notify_one();
    }

    async fn run(self) {
        let every = self.0.config.auth.recheck_interval;
        let mut urgent = self.0.platform.events.urgent();
        let mut sweep = Instant::now() + every;
        loop {
            let mut all = false;
            tokio::select! {
                () = self.0.asked.notified() => {}
                told = urgent.recv() => match told {
                    Ok(topic) => self.heard(&topic),
                    Err(RecvError::Lagged(_)) => all = true,
                    Err(RecvError::Closed) => return,
                },
                () = sleep_until(sweep) => all = true,
            }
            while let Ok(topic) = urgent.try_recv() {
                self.heard(&topic);
            }
            if all {
                sweep = Instant::now() + every;
            }
            if let Err(error) = self.look(all).await {
                // A database that cannot be asked cannot end anybody's sign-in.
                tracing::warn!(?error, "the sign-ins behind open connections could not be checked");
            }
        }
    }

    fn heard(&self, topic: &Value) {
        let mut open = self.0.open();
        let Open { people, asked } = &mut *open;
        let sessions = topic.as_str().and_then(|topic| people.get(topic));
        asked.extend(sessions.into_iter().flat_map(HashMap::keys));
    }

    /// Reads the standing of those asked for, or of all.
    async fn look(&self, all: bool) -> Result<()> {
        let sessions: Vec<SessionId> = {
            let mut open = self.0.open();
            let asked = std::mem::take(&mut open.asked);
            match all {
                true => open.people.values().flat_map(HashMap::keys).copied().collect(),
                false => asked.into_iter().collect(),
            }
        };
        if sessions.is_empty() {
            return Ok(());
        }
        let platform = &self.0.platform;
        let mut found = store::standings(&platform.database.read(), &sessions, platform.clock.now()).await?;
        let wanted: HashSet<SessionId> = sessions.into_iter().collect();
        for (session, sender) in self.0.open().people.values().flatten() {
            if wanted.contains(session) {
                sender.send_replace(Some(found.remove(session).map(Arc::new)));
            }
        }
        Ok(())
    }
}

impl Inner {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A sign-in that is watched over.
pub struct Watched {
    watch: Watch,
    topic: Arc<str>,
    person: Person,
    news: watch::Receiver<Known>,
    follower: Follower,
}

impl Watched {
    /// Waits until the person's rights are others than before, and gives the person with them.
    ///
    /// # Errors
    /// Why the sign-in is over: INVALID_TOKEN when the token has expired or the session has ended, PERMISSION_DENIED when the account
    /// is shut out.
    pub async fn change(&mut self) -> Result<Person> {
        loop {
            let known = self.news.borrow_and_update().clone();
            let now = self.watch.0.platform.clock.now();
            let config = &self.watch.0.config;
            let mut ends = vec![self.person.token_expires_at];
            if let Some(standing) = known {
                let person = still(config, &self.person, standing.as_deref(), now)?;
                let is_other =
                    (person.roles, person.is_freshly_proved) != (self.person.roles, self.person.is_freshly_proved);
                self.person = person.clone();
                if is_other {
                    return Ok(person);
                }
                if let Some(standing) = standing {
                    ends.extend([Some(standing.expires_at), standing.roles_until].into_iter().flatten());
                    ends.extend(person.is_freshly_proved.then(|| proof_ends(config, &standing)));
                }
            } else if self.person.token_expires_at <= now {
                still(config, &self.person, None, now)?;
            }
            let left = ends.into_iter().min().and_then(|end| (end - now).to_std().ok()).unwrap_or_default();
            tokio::select! {
                news = self.news.changed() => {
                    if news.is_err() {
                        return std::future::pending().await;
                    }
                }
                event = self.follower.next() => match event {
                    Ok(event) if AuthEvent::KINDS.contains(&&*event.kind) => self.watch.ask(self.person.session),
                    Ok(_) => {}
                    Err(error) => {
                        tracing::debug!(?error, "the log could not be followed; beginning again from now");
                        self.follower = self.watch.0.platform.events.follow_from_now([self.topic.clone()]);
                        self.watch.ask(self.person.session);
                        sleep(BREATH).await;
                    }
                },
                () = sleep(left.max(BREATH)) => self.watch.ask(self.person.session),
            }
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let mut open = self.watch.0.open();
        let Some(sessions) = open.people.get_mut(&self.topic) else { return };
        // This one's own receiver still counts.
        if sessions.get(&self.person.session).is_some_and(|sender| sender.receiver_count() <= 1) {
            sessions.remove(&self.person.session);
        }
        if sessions.is_empty() {
            open.people.remove(&self.topic);
        }
    }
}
