//! How often crowds are woken. Waking a thousand tasks takes milliseconds of the processors; done for every event of a busy topic it
//! would leave no time for those who make the events. So a crowd that was woken a moment ago sleeps on for about as long as waking it
//! takes, and then finds all that has come meanwhile, to be told in one go. Who was not woken lately is woken at once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

use super::hub::News;

/// What it takes to wake one listener, roughly.
const EACH: Duration = Duration::from_micros(5);
/// A crowd sleeps no longer than this.
const LONGEST: Duration = Duration::from_millis(25);

/// The crowds that were woken a moment ago, by topic.
#[derive(Clone, Default)]
pub(super) struct Pace(Arc<Mutex<HashMap<Arc<str>, Turn>>>);

struct Turn {
    /// When they may be woken again.
    next: Instant,
    /// Who is woken then.
    waiting: Option<News>,
}

impl Pace {
    fn turns(&self) -> MutexGuard<'_, HashMap<Arc<str>, Turn>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes who follows a topic, now or as soon as it is their turn.
    pub(super) async fn wake(&self, topic: Arc<str>, news: News) {
        let now = Instant::now();
        let next = {
            let mut turns = self.turns();
            turns.retain(|_, turn| turn.waiting.is_some() || turn.next > now);
            match turns.get_mut(&topic) {
                None => {
                    turns.insert(topic, Turn { next: now + rest(&news), waiting: None });
                    drop(turns);
                    return news.wake();
                }
                // Somebody waits for the turn already: those who follow the topic by now are woken then.
                Some(turn) if turn.waiting.is_some() => return turn.waiting = Some(news),
                Some(turn) => {
                    turn.waiting = Some(news);
                    turn.next
                }
            }
        };
        sleep_until(next).await;
        let news = self.turns().get_mut(&topic).and_then(|turn| {
            let news = turn.waiting.take()?;
            turn.next = Instant::now() + rest(&news);
            Some(news)
        });
        if let Some(news) = news {
            news.wake();
        }
    }
}

fn rest(news: &News) -> Duration {
    EACH.saturating_mul(u32::try_from(news.listeners.len()).unwrap_or(u32::MAX)).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::sync::Notify;

    use super::*;

    fn news(listeners: &[Arc<Notify>]) -> News {
        News { events: Vec::new(), listeners: listeners.to_vec() }
    }

    fn woken(listener: &Notify) -> bool {
        listener.notified().now_or_never().is_some()
    }

    #[tokio::test]
    async fn a_crowd_sleeps_on_after_it_was_woken_and_nobody_is_forgotten() {
        let (pace, hall): (Pace, Arc<str>) = (Pace::default(), "hall".into());
        let crowd: Vec<Arc<Notify>> = (0..1000).map(|_| Arc::default()).collect();
        let late = Arc::new(Notify::new());
        let began = Instant::now();
        assert!(pace.wake(hall.clone(), news(&crowd)).now_or_never().is_some(), "at once");
        assert!(crowd.iter().all(|listener| woken(listener)));
        let all: Vec<_> = crowd.iter().cloned().chain([late.clone()]).collect();
        tokio::join!(pace.wake(hall.clone(), news(&crowd)), pace.wake(hall, news(&all)));
        assert!(began.elapsed() >= EACH * 1000, "not before it was their turn");
        assert!(all.iter().all(|listener| woken(listener)), "who came meanwhile too");
        let other = pace.wake("another".into(), news(std::slice::from_ref(&late)));
        assert!(other.now_or_never().is_some() && woken(&late), "other topics do not wait");
    }
}
