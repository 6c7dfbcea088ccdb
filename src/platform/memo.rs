//! What a room keeps in this process for a while: one value a type, loaded again when it is older than allowed.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use chrono::{DateTime, TimeDelta, Utc};

use crate::base::{clock::Clock, error::Result};

type Kept = (Arc<dyn Any + Send + Sync>, DateTime<Utc>);

/// Values kept by their type.
#[derive(Debug)]
pub struct Memo {
    clock: Clock,
    kept: Mutex<HashMap<TypeId, Kept>>,
    /// Grows whenever something is forgotten: what was being loaded meanwhile may be of the time before and is not kept.
    forgotten: AtomicU64,
}

impl Memo {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, kept: Mutex::default(), forgotten: AtomicU64::new(0) }
    }

    /// The kept value when it is younger than `age`, else a freshly loaded one.
    pub async fn get<T: Any + Send + Sync>(
        &self,
        age: TimeDelta,
        load: impl AsyncFnOnce() -> Result<T>,
    ) -> Result<Arc<T>> {
        let now = self.clock.now();
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&TypeId::of::<T>()).cloned();
        if let Some((value, at)) = kept
            && now - at < age
            && let Ok(value) = value.downcast::<T>()
        {
            return Ok(value);
        }
        let before = self.forgotten.load(Ordering::Acquire);
        let value = Arc::new(load().await?);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if self.forgotten.load(Ordering::Acquire) == before {
            kept.insert(TypeId::of::<T>(), (value.clone(), now));
        }
        Ok(value)
    }

    /// Forgets a value, so that the next to ask loads it.
    pub fn forget<T: Any>(&self) {
        self.forgotten.fetch_add(1, Ordering::AcqRel);
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(&TypeId::of::<T>());
    }
}
