//! Reads the log once for this instance, in order, and feeds the hub.
//!
//! It is woken by a hint after each commit, here or elsewhere. A hint that is lost only means that the next poll finds the events.

use std::{sync::Arc, time::Duration};

use super::{hub::Hub, log};
use crate::platform::{Database, bus::Bus, tasks::Tasks};

/// Events read at once.
const PAGE: u64 = 500;
/// After a hint, how soon to look again when the event is still above the horizon.
const SOON: Duration = Duration::from_millis(1);

pub(super) fn start(hub: Arc<Hub>, database: Database, bus: Bus, tasks: &Tasks, poll: Duration) {
    tasks.spawn_until_stop(async move {
        let hints = bus.event_hints();
        let reader = database.read();
        let mut wait = poll;
        loop {
            let hinted = tokio::time::timeout(wait, hints.notified()).await.is_ok();
            if hinted {
                wait = SOON;
            }
            match drain(&hub, &reader).await {
                // Something came: more may be right behind it.
                Ok(found) if found => wait = SOON,
                // A hinted event may wait for another transaction to end: look again soon, then less and less often.
                Ok(_) => wait = (wait * 2).min(poll),
                Err(error) => {
                    tracing::warn!(?error, "the event log could not be read; trying again");
                    wait = poll.max(Duration::from_millis(250));
                }
            }
        }
    });
}

async fn drain(hub: &Hub, reader: &crate::platform::Reader) -> crate::base::error::Result<bool> {
    let mut found = false;
    loop {
        let events = log::after(reader, hub.head().position, PAGE).await?;
        let count = events.len() as u64;
        found |= count > 0;
        hub.append(events);
        if count < PAGE {
            return Ok(found);
        }
    }
}
