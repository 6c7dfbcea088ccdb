//! The clients front ends use, as they come, each wired by its recipe in `playground/recipes`: they sign in, ask, write and follow, lose
//! the line in the middle of it, come back to another server, outlive their tokens, and hear everything once and in order. And what Relay makes of the schema.

use std::path::PathBuf;

use crate::house::{Node, World, project};

/// Alice and Bob in a room where one message was said before, and two servers.
async fn session(world: &World, client: &str) {
    let Some(node) = Node::ready().await else { return };
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    let room = alice.create_room_with("Studio", &[&bob]).await;
    alice.send(&room, "before").await;
    let servers = [world.first(), world.second_instance().await].map(|server| format!("{}/graphql", server.url));
    world.settle().await;
    node.run(world, "session.mjs", &[client, &room, &servers[0], &servers[1]]).await;
}

both! {
    async fn graphql_ws_misses_nothing(world) {
        Box::pin(session(world, "graphql-ws")).await;
    }

    async fn graphql_sse_misses_nothing(world) {
        Box::pin(session(world, "graphql-sse")).await;
    }

    async fn apollo_misses_nothing(world) {
        Box::pin(session(world, "apollo")).await;
    }

    async fn urql_misses_nothing(world) {
        Box::pin(session(world, "urql")).await;
    }

    async fn an_event_source_misses_nothing(world) {
        Box::pin(session(world, "event-source")).await;
    }
}

once! {
    /// The recipes are needed: a client that begins again with its first variables hears again what it has heard.
    async fn a_client_without_the_recipe_hears_twice(world) {
        Box::pin(session(world, "graphql-ws alone")).await;
    }

    /// Relay's compiler takes the schema: nodes by id, pages with `@connection`, a fragment that is fetched again by its id.
    async fn relay_compiles_against_the_schema(world) {
        let Some(node) = Node::ready().await else { return };
        assert!(!world.first().url.is_empty());
        let made = project().join("tests/clients/relay/made");
        let _ = std::fs::remove_dir_all(&made);
        std::fs::create_dir_all(&made).unwrap();
        let said = node.program("relay", "relay-compiler", &["relay.config.json"]).await;
        let artifact = |name: &str| -> PathBuf { made.join(format!("{name}.graphql.js")) };
        for name in ["RoomQuery", "RoomMessagesPaginationQuery", "RoomMembersRefetchQuery", "NodeQuery", "LiveSubscription", "SendMutation"] {
            assert!(artifact(name).is_file(), "no {name}:\n{said}");
        }
        let refetched = std::fs::read_to_string(artifact("RoomMessagesPaginationQuery")).unwrap();
        assert!(refetched.contains("node(id: $id)"), "{refetched}");
    }
}
