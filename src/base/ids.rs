//! New ids, in the order of time: UUID version 7 (RFC 9562, section 5.7) with a counter in `rand_a`, so that the ids one process
//! makes within a millisecond keep their order too.

use std::sync::{Arc, Mutex, PoisonError};

use entity::ids::TypedId;
use uuid::Uuid;

use super::{clock::Clock, random::Random};

/// Makes ids.
#[derive(Clone, Debug)]
pub struct Ids {
    clock: Clock,
    random: Random,
    last: Arc<Mutex<(u64, u16)>>,
}

impl Ids {
    /// Ids that follow this clock.
    pub fn new(clock: Clock, random: Random) -> Self {
        Self { clock, random, last: Arc::default() }
    }

    /// A new typed id.
    pub fn new_id<T: TypedId>(&self) -> T {
        T::from_uuid(self.uuid())
    }

    /// A new UUIDv7, above every earlier one of this process.
    pub fn uuid(&self) -> Uuid {
        let now = u64::try_from(self.clock.now().timestamp_millis()).unwrap_or(0);
        let mut bytes = self.random.bytes::<10>();
        let (millis, count) = {
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            *last = match *last {
                // The clock moved on: start low, so that there is room to count.
                (millis, _) if now > millis => (now, u16::from(bytes[0])),
                (millis, 0x0fff) => (millis + 1, 0),
                (millis, count) => (millis, count + 1),
            };
            *last
        };
        bytes[..2].copy_from_slice(&count.to_be_bytes());
        uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_rise_even_when_the_clock_stands() {
        let ids = Ids::new(Clock::standing(chrono::DateTime::UNIX_EPOCH), Random::seeded(1));
        let made: Vec<_> = (0..10_000).map(|_| ids.uuid()).collect();
        assert!(made.is_sorted_by(|a, b| a < b));
        assert!(made.iter().all(|id| id.get_version_num() == 7));
    }
}
