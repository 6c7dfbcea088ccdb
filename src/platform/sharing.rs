//! How often subscriptions were executed, and for how many deliveries that did.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counted {
    ($($(#[$doc:meta])* $name:ident by $count:ident;)*) => {
        /// Counts since the start.
        #[derive(Debug, Default)]
        pub struct Sharing {
            $($name: AtomicU64,)*
        }

        impl Sharing {
            $(
                /// Counts one more.
                pub fn $count(&self) {
                    self.$name.fetch_add(1, Ordering::Relaxed);
                }

                $(#[$doc])*
                pub fn $name(&self) -> u64 {
                    self.$name.load(Ordering::Relaxed)
                }
            )*
        }
    };
}

counted! {
    /// Events executed for all who listen alike.
    executions by executed;
    /// Deliveries of what had been executed for all.
    deliveries by delivered;
    /// Executions for all that turned out to depend on who listens, and were thrown away.
    personal by was_personal;
    /// Events executed for one listener alone.
    alone by executed_alone;
}
