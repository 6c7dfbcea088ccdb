//! What an inbox tells, event by event (CNV-041).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    house::{Person, Subscription, World},
    rules::introspect,
};

const INBOX: &str = "subscription($after: String) { inboxChanged(after: $after) {
    __typename
    conversation { id name version unreadCount memberCount viewerRole lastMessage { content } }
    ... on ConversationRemoved { conversationId }
    ... on MemberJoined { user { username } role }
    ... on MemberLeft { user { username } removed }
    ... on MemberRoleChanged { user { username } role }
} }";

/// Follows somebody's inbox from what is there now, with nothing told again.
async fn follow(world: &World, person: &Person) -> Subscription {
    world.settle().await;
    let cursor = person.ask("{ conversations(first: 1) { eventCursor } }", json!({})).await;
    person.subscribe(INBOX, json!({ "after": cursor.text("conversations.eventCursor") })).await
}

/// The next event, which must be of this kind.
async fn next(inbox: &mut Subscription, kind: &str) -> Value {
    let told = inbox.next().await["inboxChanged"].clone();
    assert_eq!(told["__typename"], kind, "{told}");
    told
}

async fn mark_delivered(person: &Person, room: &str, message: &str) {
    let deliver = "mutation($input: MarkMessagesDeliveredInput!) { markMessagesDelivered(input: $input) { conversation { id } } }";
    person.ask(deliver, json!({ "input": { "conversationId": room, "upToMessageId": message } })).await.ok();
}

both! {
    /// CNV-041: every kind of event, with what it is about and the conversation as it is; and no kind is left out.
    async fn every_kind_of_event_is_told(world) {
        let (alice, bob, carol) = (world.person("alice").await, world.person("bob").await, world.person("carol").await);
        let mut inbox = follow(world, &bob).await;
        let mut seen = BTreeSet::new();
        let mut hear = async |kind: &str| {
            seen.insert(kind.to_owned());
            next(&mut inbox, kind).await
        };

        let room = alice.create_room_with("Studio", &[&bob]).await;
        let told = hear("ConversationAdded").await;
        assert_eq!((&told["conversation"]["id"], &told["conversation"]["viewerRole"]), (&json!(room), &json!("MEMBER")), "{told}");

        alice.add_member(&room, &carol, "MEMBER").await;
        let told = hear("MemberJoined").await;
        assert_eq!((&told["user"]["username"], &told["role"], &told["conversation"]["memberCount"]), (&json!("carol"), &json!("MEMBER"), &json!(3)), "{told}");
        alice.try_update_member(&room, &carol, "MODERATOR").await.ok();
        let told = hear("MemberRoleChanged").await;
        assert_eq!((&told["user"]["username"], &told["role"]), (&json!("carol"), &json!("MODERATOR")), "{told}");
        alice.try_update_member(&room, &bob, "MODERATOR").await.ok();
        let told = hear("MemberRoleChanged").await;
        assert_eq!((&told["user"]["username"], &told["conversation"]["viewerRole"]), (&json!("bob"), &json!("MODERATOR")), "{told}");

        alice.try_update_conversation(json!({ "conversationId": room, "name": "Workshop" })).await.ok();
        let told = hear("ConversationUpdated").await;
        assert_eq!((&told["conversation"]["name"], &told["conversation"]["version"]), (&json!("Workshop"), &json!(2)), "{told}");

        let sent = alice.send(&room, "one").await;
        let told = hear("ConversationActivity").await;
        assert_eq!((&told["conversation"]["lastMessage"]["content"], &told["conversation"]["unreadCount"]), (&json!("one"), &json!(1)), "{told}");
        alice.try_edit(&sent.id, "two").await.ok();
        assert_eq!(hear("ConversationActivity").await["conversation"]["lastMessage"]["content"], "two");
        alice.try_delete(&sent.id).await.ok();
        assert_eq!(hear("ConversationActivity").await["conversation"]["lastMessage"]["content"], "");

        // What was received changes nothing that a list shows; what was read does.
        mark_delivered(&bob, &room, &sent.id).await;
        bob.mark_read(&room, &sent).await;
        let told = hear("ConversationRead").await;
        assert_eq!(told["conversation"]["unreadCount"], 0, "{told}");
        let mute = "mutation($input: MuteConversationInput!) { muteConversation(input: $input) { conversation { id } } }";
        let until = world.now() + chrono::TimeDelta::hours(1);
        bob.ask(mute, json!({ "input": { "conversationId": room, "until": until } })).await.ok();
        assert_eq!(hear("ConversationMuted").await["conversation"]["id"], json!(room));

        carol.leave(&room).await;
        let told = hear("MemberLeft").await;
        assert_eq!((&told["user"]["username"], &told["removed"]), (&json!("carol"), &json!(false)), "{told}");
        alice.add_member(&room, &carol, "MEMBER").await;
        hear("MemberJoined").await;
        alice.remove_member(&room, &carol).await;
        let told = hear("MemberLeft").await;
        assert_eq!((&told["user"]["username"], &told["removed"]), (&json!("carol"), &json!(true)), "{told}");

        // Out by somebody else's hand, by one's own, and with the whole conversation.
        alice.remove_member(&room, &bob).await;
        let told = hear("ConversationRemoved").await;
        assert_eq!((&told["conversationId"], &told["conversation"]), (&json!(room), &Value::Null), "{told}");
        alice.add_member(&room, &bob, "MEMBER").await;
        hear("ConversationAdded").await;
        bob.leave(&room).await;
        assert_eq!(hear("ConversationRemoved").await["conversationId"], json!(room));
        alice.add_member(&room, &bob, "MEMBER").await;
        hear("ConversationAdded").await;
        alice.try_delete_conversation(&room).await.ok();
        assert_eq!(hear("ConversationRemoved").await["conversationId"], json!(room));
        // A direct conversation is of both, whoever opens it.
        let direct = alice.open_direct(&bob).await;
        assert_eq!(hear("ConversationAdded").await["conversation"]["id"], json!(direct));
        inbox.expect_none_for(50).await;

        let types = introspect(world).await;
        let of = types.iter().find(|kind| kind["name"] == "ConversationEvent").unwrap();
        let kinds: BTreeSet<_> =
            of["possibleTypes"].as_array().unwrap().iter().map(|kind| kind["name"].as_str().unwrap().to_owned()).collect();
        assert_eq!(seen, kinds);
    }

    /// CNV-029, CNV-041: a list of conversations shows what is unread, so it hears of one's own reading: on another device, by an answer,
    /// and once for a mark that moves; never of what others read.
    async fn reading_is_told_to_whoever_read(world) {
        let (alice, bob) = (world.person("alice").await, world.person("bob").await);
        let room = alice.create_room_with("Studio", &[&bob]).await;
        let (one, two) = (alice.send(&room, "one").await, alice.send(&room, "two").await);
        let (mut own, mut other) = (follow(world, &bob).await, follow(world, &alice).await);
        mark_delivered(&bob, &room, &one.id).await;
        bob.mark_read(&room, &one).await;
        assert_eq!(next(&mut own, "ConversationRead").await["conversation"]["unreadCount"], 1);
        bob.mark_read(&room, &one).await;
        mark_delivered(&bob, &room, &two.id).await;
        // Who answers has read.
        bob.send(&room, "three").await;
        assert_eq!(next(&mut own, "ConversationActivity").await["conversation"]["unreadCount"], 0);
        assert_eq!(next(&mut own, "ConversationRead").await["conversation"]["unreadCount"], 0);
        own.expect_none_for(50).await;
        next(&mut other, "ConversationActivity").await;
        other.expect_none_for(50).await;
    }
}
