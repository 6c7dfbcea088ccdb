//! Which sockets and event streams are open: whose they are, how many each has, and how they are told to leave.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// How many sockets of one address may wait for `connection_init`, as a multiple of the sockets a viewer may have: a household or an
/// office behind one address comes back at once after a blip.
const WAITING: usize = 20;

/// The sockets and streams of this server.
#[derive(Clone, Default)]
pub(super) struct Sockets(Arc<Inner>);

#[derive(Default)]
struct Inner {
    held: Mutex<HashMap<String, usize>>,
    left: Notify,
    draining: CancellationToken,
}

/// A place among the open ones; dropping it leaves.
pub(super) struct Place {
    sockets: Sockets,
    who: String,
}

impl Sockets {
    /// A place for one more of a viewer, if there is one.
    pub(super) fn admit(&self, who: String, limit: usize) -> Option<Place> {
        let mut held = self.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.get(&who).copied().unwrap_or(0);
        if count >= limit {
            return None;
        }
        held.insert(who.clone(), count + 1);
        drop(held);
        Some(Place { sockets: self.clone(), who })
    }

    /// A place for a socket of which only the address is known yet.
    pub(super) fn admit_waiting(&self, address: &str, limit: usize) -> Option<Place> {
        self.admit(format!("waiting:{address}"), limit.saturating_mul(WAITING))
    }

    /// How many are open.
    pub(super) fn open(&self) -> usize {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    /// Tells all to leave.
    pub(super) fn drain(&self) {
        self.0.draining.cancel();
    }

    /// Comes true when all are to leave.
    pub(super) fn draining(&self) -> CancellationToken {
        self.0.draining.clone()
    }

    /// Waits until none is open.
    pub(super) async fn all_left(&self) {
        loop {
            let left = self.0.left.notified();
            if self.open() == 0 {
                return;
            }
            left.await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.sockets.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&self.who) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.who);
            }
        }
        if held.is_empty() {
            self.sockets.0.left.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_given_back() {
        let sockets = Sockets::default();
        let places: Vec<_> = (0..2).map(|_| sockets.admit("user".into(), 2).unwrap()).collect();
        assert!(sockets.admit("user".into(), 2).is_none());
        assert!(sockets.admit("other".into(), 2).is_some());
        drop(places);
        assert_eq!(sockets.open(), 0);
        assert!(sockets.admit("user".into(), 2).is_some());
    }
}
