//! A blip that drops every socket of a room at once: what was missed comes from memory, however many come back.

use std::time::Duration;

use futures_util::future::join_all;

use crate::house::{Person, World, within};

/// Listeners. `cargo bench --bench speed storm` has 5,000.
const LISTENERS: usize = 150;
/// Messages they miss.
const MISSED: usize = 20;

async fn all_come_back(bob: &Person, room: &str, after: &str) {
    let each = (0..LISTENERS).map(|_| async {
        let mut events = bob.listen(room, Some(after)).await;
        for number in 0..MISSED {
            let told = events.next().await;
            assert_eq!(told["messageEvents"]["message"]["content"], number.to_string());
        }
    });
    within("everybody to be back", join_all(each)).await;
}

both! {
    /// Nobody who comes back costs a read of the log, as long as the ring has what was missed; where it has not, everybody does.
    async fn a_reconnect_storm_is_served_from_memory(world) {
        let (large, small) = (server(world, 10_000).await, server(world, 5).await);
        let (alice, bob) = (world.person("alice").await, world.person("bob").await);
        let room = alice.create_room_with("Hall", &[&bob]).await;
        world.settle().await;
        let after = bob.event_cursor(&room).await;
        let listening = join_all((0..LISTENERS).map(|_| async {
            let mut events = bob.at(&large).listen(&room, Some(&after)).await;
            events.socket().ping().await;
            events
        }));
        drop(listening.await);
        for number in 0..MISSED {
            alice.send(&room, &number.to_string()).await;
        }
        world.settle().await;
        for (server, reads_each) in [(large, 0), (small, 1)] {
            let before = server.platform.events.reads();
            all_come_back(&bob.at(&server), &room, &after).await;
            let reads = server.platform.events.reads() - before;
            match reads_each {
                0 => assert_eq!(reads, 0, "the log was read although the ring had all of it"),
                _ => assert!(reads >= LISTENERS as u64, "{reads} reads: this test would notice nothing"),
            }
        }
    }
}

async fn server(world: &World, ring: usize) -> crate::house::Instance {
    world
        .instance(|config| {
            config.database.ring = ring;
            config.limits.sockets_per_viewer = 10 * LISTENERS;
            config.auth.recheck_interval = Duration::from_secs(3600);
        })
        .await
}
