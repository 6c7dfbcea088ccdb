//! What identical subscriptions share, and what they must not (DESIGN §5): one execution for all who listen alike, told to each by
//! their own rights.

use serde_json::{Value, json};

use crate::house::{Instance, MESSAGE_EVENTS, Person, Subscription, World};

/// Executions for all, deliveries of them, and executions for one.
fn counts(at: &Instance) -> [u64; 3] {
    let sharing = &at.platform.sharing;
    [sharing.executions(), sharing.deliveries(), sharing.alone()]
}

fn since(at: &Instance, before: [u64; 3]) -> [u64; 3] {
    let now = counts(at);
    [now[0] - before[0], now[1] - before[1], now[2] - before[2]]
}

async fn event(events: &mut Subscription) -> Value {
    events.next().await["messageEvents"].clone()
}

/// The room, and people in it by name; the first owns it.
async fn room<const N: usize>(world: &World, names: [&str; N]) -> ([Person; N], String) {
    let mut people = Vec::new();
    for name in names {
        people.push(world.person(name).await);
    }
    let members: Vec<&Person> = people.iter().skip(1).collect();
    let room = people[0].create_room_with("Hall", &members).await;
    let people = people.try_into().unwrap_or_else(|_| unreachable!());
    (people, room)
}

/// Statements of a message that so many hear.
async fn statements_to_tell(at: &Instance, speaker: &Person, room: &str, listeners: &mut [Subscription]) -> u64 {
    let (statements, ()) = at
        .statements(async {
            speaker.send(room, "Hello").await;
            for listener in listeners {
                assert_eq!(event(listener).await["message"]["content"], "Hello");
            }
        })
        .await;
    statements
}

both! {
    /// A thousand who listen alike cost one execution, and the statements of one.
    async fn a_thousand_listeners_cost_one_execution(world) {
        let ([alice, bob, carol], room) = room(world, ["alice", "bob", "carol"]).await;
        let quiet = world.quiet_instance().await;
        let [alice, bob, carol] = [&alice, &bob, &carol].map(|person| person.at(&quiet));
        let cursor = alice.event_cursor(&room).await;
        let mut one = vec![bob.listen(&room, Some(&cursor)).await];
        // Whatever a first message is the first to need.
        statements_to_tell(&quiet, &alice, &room, &mut one).await;
        let alone = statements_to_tell(&quiet, &alice, &room, &mut one).await;
        let cursor = alice.event_cursor(&room).await;
        let (mut sockets, mut all) = (Vec::new(), Vec::new());
        for number in 0..20 {
            let socket = [&alice, &bob, &carol][number % 3].socket().await;
            let variables = json!({ "id": room, "after": cursor });
            all.extend((0..50).map(|_| socket.subscribe(MESSAGE_EVENTS, variables.clone())));
            sockets.push(socket);
        }
        // Everybody listens once they have heard this.
        alice.send(&room, "Silence, please").await;
        for listener in &mut all {
            assert_eq!(event(listener).await["message"]["content"], "Silence, please");
        }
        assert_eq!(event(&mut one[0]).await["message"]["content"], "Silence, please");
        all.append(&mut one);
        let before = counts(&quiet);
        let together = statements_to_tell(&quiet, &alice, &room, &mut all).await;
        assert_eq!(since(&quiet, before), [1, 1001, 0]);
        // The log is looked at again and again for as long as it takes.
        assert!(together <= alone + 40, "{together} statements for a thousand, {alone} for one");
    }

    /// Who sent a message sees the key they gave it, and nobody else: the others share what they are told.
    async fn what_one_alone_sees_leaves_the_others_their_share(world) {
        let ([alice, bob, carol], room) = room(world, ["alice", "bob", "carol"]).await;
        let here = world.first();
        let document = "subscription($id: ID!, $after: String) { messageEvents(conversationId: $id, after: $after) {
            __typename ... on MessageSent { message { content clientId } }
        } }";
        let cursor = alice.event_cursor(&room).await;
        let variables = json!({ "id": room, "after": cursor });
        let mut listeners = Vec::new();
        for person in [&alice, &bob, &carol] {
            listeners.push(person.subscribe(document, variables.clone()).await);
        }
        let before = counts(&here);
        alice.send_once(&room, "mine", "key").await;
        for (listener, key) in listeners.iter_mut().zip([json!("key"), Value::Null, Value::Null]) {
            assert_eq!(event(listener).await["message"], json!({ "content": "mine", "clientId": key }));
        }
        let [executions, deliveries, alone] = since(&here, before);
        assert_eq!((deliveries, alone), (2, 1));
        assert!(executions <= 3, "{executions} executions");
        assert_eq!(here.platform.sharing.personal(), 0);
    }

    /// What depends on who listens is told to each as they may see it: reactions of one's own, and people who keep one away.
    async fn what_depends_on_who_listens_is_not_shared(world) {
        let ([alice, bob, carol], room) = room(world, ["alice", "bob", "carol"]).await;
        alice.try_update_profile(json!({ "bio": "At the piano." })).await.ok();
        alice.block(&carol).await;
        let here = world.first();
        let document = "subscription($id: ID!, $after: String) { messageEvents(conversationId: $id, after: $after) {
            ... on MessageSent { message { sender { displayName bio } } }
            ... on ReactionsChanged { message { reactions { emoji count viewerReacted } } }
            ... on MessagePinned { message { isPinned reactions { emoji count } } }
        } }";
        let variables = json!({ "id": room, "after": alice.event_cursor(&room).await });
        let mut listeners = Vec::new();
        for person in [&bob, &carol] {
            listeners.push(person.subscribe(document, variables.clone()).await);
        }
        let sent = alice.send(&room, "Hello").await;
        for (listener, bio) in listeners.iter_mut().zip([json!("At the piano."), Value::Null]) {
            assert_eq!(event(listener).await["message"]["sender"], json!({ "displayName": "alice", "bio": bio }));
        }
        bob.react(&sent, "👍").await;
        for (listener, mine) in listeners.iter_mut().zip([true, false]) {
            let reactions = json!([{ "emoji": "👍", "count": 1, "viewerReacted": mine }]);
            assert_eq!(event(listener).await["message"]["reactions"], reactions);
        }
        assert!(here.platform.sharing.personal() >= 2);
        // The same document goes on sharing what does not depend on anybody.
        let before = counts(&here);
        alice.try_pin(&sent.id, true).await.ok();
        for listener in &mut listeners {
            let told = json!({ "isPinned": true, "reactions": [{ "emoji": "👍", "count": 1 }] });
            assert_eq!(event(listener).await["message"], told);
        }
        assert_eq!(since(&here, before)[2], 0, "nobody needs an execution of their own");
    }

    /// Each hears by their own rights, in the order of the log: who was shown out hears nothing of what others still share.
    async fn rights_are_not_shared(world) {
        let ([alice, bob, carol], room) = room(world, ["alice", "bob", "carol"]).await;
        let cursor = alice.event_cursor(&room).await;
        let mut listeners = Vec::new();
        for person in [&alice, &bob, &carol] {
            listeners.push(person.listen(&room, Some(&cursor)).await);
        }
        alice.send(&room, "before").await;
        for listener in &mut listeners {
            assert_eq!(event(listener).await["message"]["content"], "before");
        }
        alice.remove_member(&room, &bob).await;
        alice.send(&room, "after").await;
        assert_eq!(listeners[1].end().await.as_deref(), Some("PERMISSION_DENIED"));
        for listener in [0, 2] {
            assert_eq!(event(&mut listeners[listener]).await["message"]["content"], "after");
        }
        let mut again = bob.listen(&room, Some(&cursor)).await;
        assert_eq!(again.end().await.as_deref(), Some("ROOM_NOT_FOUND"));
    }

    /// A thousand who come back at once are told what they missed by one execution an event, wherever each of them was; so are those
    /// who listen by server-sent events.
    async fn a_replay_is_shared(world) {
        let ([alice, bob, carol], room) = room(world, ["alice", "bob", "carol"]).await;
        let here = world.first();
        let cursor = bob.event_cursor(&room).await;
        let mut first = bob.listen(&room, Some(&cursor)).await;
        let mut cursors = vec![cursor];
        for number in 0..3 {
            alice.send(&room, &number.to_string()).await;
            cursors.push(event(&mut first).await["cursor"].as_str().unwrap().to_owned());
        }
        drop(first);
        let before = counts(&here);
        let socket = carol.socket().await;
        let mut listeners: Vec<(usize, Subscription)> = Vec::new();
        for number in 0..30 {
            let missed = number % 3;
            let variables = json!({ "id": room, "after": cursors[missed] });
            listeners.push((missed, socket.subscribe(MESSAGE_EVENTS, variables)));
        }
        let mut stream = bob.subscribe_sse(MESSAGE_EVENTS, json!({ "id": room, "after": cursors[0] })).await;
        for (missed, listener) in &mut listeners {
            for number in *missed..3 {
                assert_eq!(event(listener).await["message"]["content"], number.to_string());
            }
        }
        for number in 0..3 {
            assert_eq!(stream.next().await["messageEvents"]["message"]["content"], number.to_string());
        }
        let [executions, deliveries, alone] = since(&here, before);
        assert_eq!((deliveries, alone), (63, 0));
        // Three events; again for those who come much later than the first.
        assert!(executions < 30, "{executions} executions");
    }

    /// Documents that differ in their layout only share what they are told, and each is told of a fault at its own place.
    async fn the_layout_of_a_document_makes_no_difference(world) {
        let ([alice, bob, carol], room) = room(world, ["alice", "bob", "carol"]).await;
        let here = world.first();
        let plain = "subscription S($id: ID!, $from: String) { messageEvents(conversationId: $id, after: $from) { cursor
            ... on MessageSent { message { content } }
            ... on MessagePinned { message { conversation { members(first: -1) { totalCount } } } } } }";
        let wide = format!("# Ours.\n\n{}", plain.replace(' ', "  "));
        let variables = json!({ "id": room, "from": alice.event_cursor(&room).await });
        let (mut one, mut two) = (bob.subscribe(plain, variables.clone()).await, carol.subscribe(&wide, variables).await);
        let sent = alice.send(&room, "Hello").await;
        for listener in [&mut one, &mut two] {
            assert_eq!(event(listener).await["message"]["content"], "Hello");
        }
        assert_eq!(counts(&here)[1..], [2, 0]);
        alice.try_pin(&sent.id, true).await.ok();
        for (listener, line) in [(&mut one, 3), (&mut two, 5)] {
            let crate::house::Frame::Next(answer) = listener.frame().await else { panic!("it ended") };
            let error = &answer["errors"][0];
            assert_eq!((&error["extensions"]["code"], &error["locations"][0]["line"]), (&json!("VALIDATION_FAILED"), &json!(line)), "{answer}");
        }
    }

    /// What is told is the state as it is: who comes back after a while hears of a deleted message without its text.
    async fn a_deleted_text_does_not_come_back_from_the_share(world) {
        let ([alice, bob], room) = room(world, ["alice", "bob"]).await;
        let cursor = bob.event_cursor(&room).await;
        let mut events = bob.listen(&room, Some(&cursor)).await;
        let sent = alice.send(&room, "a slip").await;
        assert_eq!(event(&mut events).await["message"]["content"], "a slip");
        alice.try_delete(&sent.id).await.ok();
        assert_eq!(event(&mut events).await["__typename"], "MessageDeleted");
        tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
        let mut again = bob.listen(&room, Some(&cursor)).await;
        assert_eq!(event(&mut again).await["message"]["content"], "");
    }
}

once! {
    /// The counts are figures of the server.
    async fn sharing_is_counted(world) {
        let ([alice, bob], room) = room(world, ["alice", "bob"]).await;
        let mut events = bob.listen_from_now(&room).await;
        alice.send(&room, "Hello").await;
        event(&mut events).await;
        let request = world.anonymous().request(reqwest::Method::GET, "/metrics");
        let text = request.send().await.unwrap().text().await.unwrap();
        for name in ["shared_executions", "shared_deliveries", "shared_personal", "single_executions"] {
            assert!(text.lines().any(|line| line.starts_with(&format!("polyphony_{name}_total "))), "{name} in\n{text}");
        }
    }
}
