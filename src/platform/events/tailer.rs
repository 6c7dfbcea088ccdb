//! Reads the log once for this instance, in order, and feeds the hub.
//!
//! It is woken by a hint after each commit, here or elsewhere. A hint that is lost only means that the next poll finds the events.
//! Now and then, and after a read that failed, it looks whether this is still the same log: a backup may have been restored, or another
//! cluster have taken over. If so, nobody's place is good any more, and every listener is told.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use tokio::time::Instant;

use super::{
    Preparer,
    hub::{Hub, News},
    log::{self, State},
    pace::Pace,
};
use crate::{
    base::error::{Code, Result},
    config,
    platform::{Database, Reader, bus::Bus, metrics, tasks::Tasks},
};

/// Events read at once.
const PAGE: u64 = 500;
/// After a hint, how soon to look again when the event is still above the horizon.
const SOON: Duration = Duration::from_millis(1);
/// How often to look how far the horizon is behind, at the most.
const LOOK: Duration = Duration::from_secs(1);
/// How long the listeners of a topic sleep on while what they will ask for is made ready.
const PREPARATION: Duration = Duration::from_millis(50);
/// How long events may wait below the horizon before it is worth a warning.
const LATE: Duration = Duration::from_secs(2);

/// Begins to read. `state` is what the log said of itself when the hub was made.
pub(super) fn start(
    hub: Arc<Hub>,
    preparer: Preparer,
    database: &Database,
    bus: &Bus,
    tasks: &Tasks,
    config: &config::database::Database,
    state: State,
) {
    let mut tailer = Tailer {
        hub,
        preparer,
        tasks: tasks.clone(),
        pace: Pace::default(),
        reader: database.read(),
        database: database.clone(),
        epoch: state.epoch,
        check_every: config.log_check_interval,
        checked: Instant::now(),
        failed: false,
        horizon: Horizon { looked: Instant::now(), waiting: None, warned: false },
    };
    let (hints, poll) = (bus.event_hints(), config.poll_interval);
    tasks.spawn_until_stop(async move {
        let mut wait = poll;
        loop {
            let hinted = tokio::time::timeout(wait, hints.notified()).await.is_ok();
            if hinted {
                wait = SOON;
            }
            match tailer.step().await {
                // Something came: more may be right behind it.
                Ok(found) if found => wait = SOON,
                // A hinted event may wait for another transaction to end: look again soon, then less and less often.
                Ok(_) => wait = (wait * 2).min(poll),
                Err(error) => {
                    tracing::warn!(?error, "the event log could not be read; trying again");
                    tailer.failed = true;
                    wait = poll.max(Duration::from_millis(250));
                }
            }
        }
    });
}

struct Tailer {
    hub: Arc<Hub>,
    preparer: Preparer,
    tasks: Tasks,
    pace: Pace,
    database: Database,
    reader: Reader,
    epoch: i64,
    check_every: Duration,
    checked: Instant,
    /// The last read failed: who knows what answers now.
    failed: bool,
    horizon: Horizon,
}

/// How far the horizon is behind, as far as it is known.
struct Horizon {
    looked: Instant,
    /// Since when, and with which head.
    waiting: Option<(Instant, log::Cursor)>,
    warned: bool,
}

impl Tailer {
    /// Reads what is new; true when something was.
    async fn step(&mut self) -> Result<bool> {
        if self.failed || self.checked.elapsed() >= self.check_every {
            self.check().await?;
            self.checked = Instant::now();
            self.failed = false;
        }
        let found = self.drain().await?;
        if !found {
            self.look_at_the_horizon().await?;
        }
        Ok(found)
    }

    async fn drain(&self) -> Result<bool> {
        let mut found = false;
        loop {
            let events = log::after(&self.reader, self.hub.head().position, PAGE).await?;
            let count = events.len() as u64;
            found |= count > 0;
            self.hub.append(events).into_iter().for_each(|news| self.wake(news));
            if count < PAGE {
                return Ok(found);
            }
        }
    }

    /// Wakes who follows a topic, when what they will ask for is ready. Who comes by before that takes the events all the same.
    fn wake(&self, news: News) {
        let Some(prepared) = self.preparer.get().and_then(|preparer| preparer.prepare(&news.events)) else {
            return news.wake();
        };
        // Whatever becomes of it, they are woken.
        let mut prepared = AssertUnwindSafe(prepared).catch_unwind();
        let Some(topic) = news.events.first().map(|event| event.topic.clone()) else { return };
        let pace = self.pace.clone();
        self.tasks.spawn_until_stop(async move {
            let in_time = tokio::time::timeout(PREPARATION, &mut prepared).await.is_ok();
            pace.wake(topic, news).await;
            if !in_time {
                // Whoever was woken waits for the same.
                let _ = prepared.await;
            }
        });
    }

    /// Makes sure that this is still the log that was read so far.
    async fn check(&mut self) -> Result<()> {
        log::ensure_epoch(&self.database).await?;
        let state = log::state(&self.reader).await?;
        let known = match log::resolve(&self.reader, self.hub.head()).await {
            Ok(_) => state.epoch == self.epoch,
            Err(error) if error.code() == Code::CursorExpired => false,
            Err(error) => return Err(error),
        };
        if !known {
            let head = log::head(&self.reader).await?;
            tracing::warn!(epoch = state.epoch, %head, "the event log is another one than before; every listener begins anew");
            self.hub.begin_anew(head);
            self.epoch = state.epoch;
        }
        Ok(())
    }

    async fn look_at_the_horizon(&mut self) -> Result<()> {
        // On SQLite what is committed is below the horizon.
        if self.database.is_sqlite() || self.horizon.looked.elapsed() < LOOK {
            return Ok(());
        }
        let head = self.hub.head();
        let count = log::count_after(&self.reader, head.position).await?;
        let horizon = &mut self.horizon;
        horizon.looked = Instant::now();
        horizon.waiting = match horizon.waiting {
            _ if count == 0 => None,
            Some((since, place)) if place == head => Some((since, place)),
            _ => Some((horizon.looked, head)),
        };
        let lag = horizon.waiting.map_or(Duration::ZERO, |(since, _)| since.elapsed());
        metrics::horizon_lag(lag, count);
        if lag >= LATE && !horizon.warned {
            horizon.warned = true;
            tracing::warn!(
                events = count,
                seconds = lag.as_secs(),
                "events wait for an older transaction to end, perhaps of another program on this PostgreSQL; look for it in pg_stat_activity"
            );
        } else if count == 0 && horizon.warned {
            horizon.warned = false;
            tracing::info!("the transaction that events waited for has ended");
        }
        Ok(())
    }
}
