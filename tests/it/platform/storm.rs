//! A blip that drops every socket of a room at once: what was missed comes from memory, however many come back.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use crate::house::{Instance, Person, World};

/// Listeners. `cargo bench --bench speed storm` has 5,000.
const LISTENERS: usize = 100;
/// Messages they miss.
const MISSED: usize = 4;

const EVENTS: &str = "subscription($id: ID!, $after: String) { messageEvents(conversationId: $id, after: $after) {
    ... on MessageSent { message { content } }
} }";

async fn all_come_back(bob: &Person, room: &str, after: &str) {
    let each = (0..LISTENERS).map(|_| async {
        let mut events = bob.subscribe(EVENTS, json!({ "id": room, "after": after })).await;
        for number in 0..MISSED {
            let told = events.next().await;
            assert_eq!(told["messageEvents"]["message"]["content"], number.to_string());
        }
    });
    join_all(each).await;
}

both! {
    /// Nobody who comes back costs a read of the log, as long as the ring has what was missed; where it has not, everybody does.
    async fn a_reconnect_storm_is_served_from_memory(world) {
        let (large, small) = (server(world, 10_000).await, server(world, 2).await);
        let (alice, bob) = (world.person("alice").await, world.person("bob").await);
        let room = alice.create_room_with("Hall", &[&bob]).await;
        world.settle().await;
        let after = bob.event_cursor(&room).await;
        let listening = join_all((0..LISTENERS).map(|_| async {
            let mut events = bob.at(&large).subscribe(EVENTS, json!({ "id": room, "after": after })).await;
            events.socket().ping().await;
            events
        }));
        drop(listening.await);
        for number in 0..MISSED {
            alice.send(&room, &number.to_string()).await;
        }
        world.settle().await;
        for (server, remembers) in [(large, true), (small, false)] {
            let before = server.platform.events.reads();
            all_come_back(&bob.at(&server), &room, &after).await;
            let reads = server.platform.events.reads() - before;
            match remembers {
                true => assert_eq!(reads, 0, "the log was read although the ring had all of it"),
                false => assert!(reads >= LISTENERS as u64, "{reads} reads: this test would notice nothing"),
            }
        }
    }
}

async fn server(world: &World, ring: usize) -> Instance {
    world
        .instance(|config| {
            config.database.ring = ring;
            config.limits.sockets_per_viewer = 10 * LISTENERS;
            config.auth.recheck_interval = Duration::from_secs(3600);
        })
        .await
}
