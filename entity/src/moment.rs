//! The moment of the write under way: what rows with an `updated_at` take it from when they are saved, on every database alike.

use std::future::Future;

use chrono::{DateTime, Utc};

tokio::task_local! {
    static NOW: DateTime<Utc>;
}

/// Runs a write whose rows are saved at this moment.
pub fn during<F: Future>(now: DateTime<Utc>, write: F) -> impl Future<Output = F::Output> {
    NOW.scope(now, write)
}

/// The moment of the write under way; `None` outside of one, where nothing is filled in.
pub(crate) fn now() -> Option<DateTime<Utc>> {
    NOW.try_with(|now| *now).ok()
}

/// The behaviour of a row with `updated_at`: every insert and update through the row fills it in, unless the caller has. Statements over
/// many rows (`update_many`) do not come by here and name it themselves; a test reads them.
macro_rules! dated {
    () => {
        #[async_trait::async_trait]
        impl ActiveModelBehavior for ActiveModel {
            async fn before_save<C: ConnectionTrait>(mut self, _: &C, _: bool) -> Result<Self, DbErr> {
                if let (false, Some(now)) = (self.updated_at.is_set(), crate::moment::now()) {
                    self.updated_at = sea_orm::ActiveValue::Set(now);
                }
                Ok(self)
            }
        }
    };
}

pub(crate) use dated;
