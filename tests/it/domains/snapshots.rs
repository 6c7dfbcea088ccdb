//! Snapshot, then stream: what a query told and the events since are what a later query tells, whatever people do meanwhile and however
//! often the line is cut (DESIGN §5). For every subscription that can be taken up again.
//!
//! A client is played as clients are: it keeps what it is told by id, puts what comes in the place of what it has, and knows nothing of
//! how many events there should be. What people do comes from a seed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    sync::Mutex,
};

use chrono::TimeDelta;
use futures_util::future::join_all;
use polyphony::base::random::Random;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::{
    house::{Answer, Person, Subscription, World},
    rules::introspect,
};

/// Courses of events, each from a seed of its own.
const SEEDS: u64 = 20;
/// What each of three people does in one course.
const DEEDS: usize = 14;
/// The text, or the name, that ends a course.
const END: &str = "the end";
/// What may be answered to somebody who was too late.
const REFUSALS: [&str; 5] =
    ["BUSINESS_RULE_VIOLATION", "PERMISSION_DENIED", "NOT_FOUND", "ROOM_NOT_FOUND", "RESOURCE_CONFLICT"];

const MESSAGE: &str = "fragment M on Message {
    id seq content version threadCount isDeleted isPinned editCount sender { username } reactions { emoji count }
    receipts(first: 5) { nodes { user { username } readAt } }
}";
const MESSAGES: &str = "query($id: ID!) { conversation(id: $id) { messages(last: 100, includeThreads: true) { eventCursor nodes { ...M } } } }";
const MESSAGE_EVENTS: &str =
    "subscription($id: ID!, $after: String) { messageEvents(conversationId: $id, after: $after) {
    __typename cursor
    ... on MessageSent { message { ...M replyTo { ...M } } }
    ... on MessageEdited { message { ...M } }
    ... on MessageDeleted { message { ...M replyTo { ...M } } }
    ... on MessagePinned { message { ...M } }
    ... on ReactionsChanged { message { ...M } }
    ... on ReceiptMoved { kind seq user { username } }
} }";

const CONVERSATION: &str = "fragment C on Conversation {
    id name version visibility memberCount messageCount unreadCount isArchived lastActivityAt viewerRole owner { username }
    viewerMembership { role mutedUntil lastReadSeq } lastMessage { id seq content isDeleted editCount }
}";
const CONVERSATIONS: &str = "query { conversations(first: 50) { eventCursor nodes { ...C } } }";
const INBOX_EVENTS: &str = "subscription($after: String) { inboxChanged(after: $after) {
    __typename cursor conversation { ...C } ... on ConversationRemoved { conversationId }
} }";

/// Who received a message, and who read it: what a client makes of its receipts.
type Reached = (BTreeSet<String>, BTreeSet<String>);

/// What a client keeps of the messages of a conversation, by number.
#[derive(Debug, Default)]
struct Messages(BTreeMap<i64, (Value, Reached)>);

impl Messages {
    fn of(answer: &Answer) -> Self {
        let mut messages = Self::default();
        for node in answer.data("conversation.messages.nodes").as_array().unwrap() {
            messages.keep(node.clone());
        }
        messages
    }

    fn keep(&mut self, mut message: Value) {
        let receipts = message["receipts"]["nodes"].take();
        let fields = message.as_object_mut().unwrap();
        fields.remove("receipts");
        if let Some(root) = fields.remove("replyTo").filter(|root| !root.is_null()) {
            self.keep(root);
        }
        let (mut received, mut read) = Reached::default();
        for receipt in receipts.as_array().unwrap() {
            let who = receipt["user"]["username"].as_str().unwrap().to_owned();
            if !receipt["readAt"].is_null() {
                read.insert(who.clone());
            }
            received.insert(who);
        }
        self.0.insert(message["seq"].as_i64().unwrap(), (message, (received, read)));
    }
}

/// What a client keeps of its conversations, by id: those that the list shows.
#[derive(Debug, Default)]
struct Inbox(BTreeMap<String, Value>);

impl Inbox {
    fn of(answer: &Answer) -> Self {
        let nodes = answer.data("conversations.nodes").as_array().unwrap();
        Self(nodes.iter().map(|node| (node["id"].as_str().unwrap().to_owned(), node.clone())).collect())
    }
}

/// A client of a subscription that can be taken up again.
trait Client {
    /// What the subscription is called.
    const FIELD: &str;

    /// Takes an event in; whether it is the one that ends a course.
    fn take(&mut self, event: Value) -> bool;
}

impl Client for Messages {
    const FIELD: &str = "messageEvents";

    fn take(&mut self, event: Value) -> bool {
        if event["__typename"] != "ReceiptMoved" {
            let is_end = event["message"]["content"] == END;
            self.keep(event["message"].clone());
            return is_end;
        }
        let (who, seq) = (event["user"]["username"].as_str().unwrap(), event["seq"].as_i64().unwrap());
        for (message, (received, read)) in self.0.range_mut(..=seq).map(|(_, kept)| kept) {
            if message["sender"]["username"] != who {
                received.insert(who.to_owned());
                if event["kind"] == "READ" {
                    read.insert(who.to_owned());
                }
            }
        }
        false
    }
}

impl Client for Inbox {
    const FIELD: &str = "inboxChanged";

    fn take(&mut self, event: Value) -> bool {
        let conversation = &event["conversation"];
        if let Some(gone) = event["conversationId"].as_str() {
            self.0.remove(gone);
        } else if conversation["isArchived"] == true {
            self.0.remove(conversation["id"].as_str().unwrap());
        } else {
            self.0.insert(conversation["id"].as_str().unwrap().to_owned(), conversation.clone());
        }
        conversation["name"] == END
    }
}

/// Takes events in to the end of the course, with a cut line now and then.
async fn follow<C: Client>(
    client: &mut C,
    chance: &Random,
    mut cursor: String,
    subscribe: impl AsyncFn(&str) -> Subscription,
) {
    let mut events = subscribe(&cursor).await;
    loop {
        let event = events.next().await[C::FIELD].clone();
        cursor = event["cursor"].as_str().unwrap().to_owned();
        if client.take(event) {
            return;
        }
        if chance.below(8) == 0 {
            events = subscribe(&cursor).await;
        }
    }
}

/// The people and rooms of one course.
struct Course<'a> {
    world: &'a World,
    people: [Person; 3],
    /// All three belong to it from beginning to end.
    talk: String,
    /// People come into it and go, and it may come to its end.
    hall: String,
    said: Mutex<Vec<(String, String)>>,
    deeds: watch::Sender<u64>,
}

impl Course<'_> {
    /// What one person does, all of it.
    async fn live(&self, who: usize, chance: &Random) {
        for _ in 0..DEEDS {
            let answer =
                if chance.below(2) == 0 { self.talk(who, chance).await } else { self.stroll(who, chance).await };
            if let Some(code) = answer.code() {
                assert!(REFUSALS.contains(&code), "{answer}");
            }
            self.world.advance(TimeDelta::milliseconds(1));
            self.deeds.send_modify(|deeds| *deeds += 1);
        }
    }

    /// Something in the talk.
    async fn talk(&self, who: usize, chance: &Random) -> Answer {
        let me = &self.people[who];
        let said = {
            let said = self.said.lock().unwrap();
            let place = usize::try_from(chance.below(said.len() as u64)).unwrap();
            said.get(place).cloned()
        };
        let Some((message, author)) = said else { return self.say(me, None).await };
        let emoji = ["👍", "🎶"][usize::try_from(chance.below(2)).unwrap()];
        match chance.below(12) {
            0..=2 => self.say(me, None).await,
            3 | 4 => self.say(me, Some(message)).await,
            5 if author == me.username => me.try_edit(&message, &format!("changed {}", chance.below(1000))).await,
            6 => me.try_delete(&message).await,
            7 => me.try_pin(&message, chance.below(2) == 0).await,
            8 => me.try_unreact(&message, emoji).await,
            9 => me.try_mark_read(&self.talk, &message).await,
            10 => {
                let deliver = "mutation($input: MarkMessagesDeliveredInput!) { markMessagesDelivered(input: $input) { conversation { id } } }";
                me.ask(deliver, json!({ "input": { "conversationId": self.talk, "upToMessageId": message } })).await
            }
            _ => me.try_react(&message, emoji).await,
        }
    }

    async fn say(&self, me: &Person, reply_to: Option<String>) -> Answer {
        let input = json!({ "conversationId": self.talk, "content": "said", "replyToId": reply_to });
        let answer = me.try_send_with(input).await;
        // Whoever answers what is deleted by now is told so by the input.
        if answer.code() == Some("VALIDATION_FAILED") {
            return me.try_mark_read(&self.talk, &reply_to.unwrap()).await;
        }
        self.said.lock().unwrap().push((answer.text("sendMessage.message.id"), me.username.clone()));
        answer
    }

    /// Something with the hall.
    async fn stroll(&self, who: usize, chance: &Random) -> Answer {
        let (me, hall) = (&self.people[who], &self.hall);
        let other = &self.people[usize::try_from(chance.below(3)).unwrap()];
        let role = ["MEMBER", "MODERATOR"][usize::try_from(chance.below(2)).unwrap()];
        match chance.below(24) {
            0..=5 => me.try_send(hall, &format!("said {}", chance.below(1000))).await,
            6 | 7 => me.try_join(hall).await,
            8 => me.try_leave(hall).await,
            9 => me.try_add_member(hall, other, role).await,
            10 => me.try_remove_member(hall, other).await,
            11 | 12 => me.try_update_member(hall, other, role).await,
            13 | 14 => {
                me.try_update_conversation(
                    json!({ "conversationId": hall, "name": format!("Hall {}", chance.below(1000)) }),
                )
                .await
            }
            15 | 16 => {
                let archive = "mutation($input: SetConversationArchivedInput!) { setConversationArchived(input: $input) { conversation { id } } }";
                me.ask(archive, json!({ "input": { "conversationId": hall, "archived": chance.below(3) == 0 } })).await
            }
            17 => {
                let mute = "mutation($input: MuteConversationInput!) { muteConversation(input: $input) { conversation { id } } }";
                let until = (chance.below(2) == 0).then_some("2030-01-01T00:00:00Z");
                me.ask(mute, json!({ "input": { "conversationId": hall, "until": until } })).await
            }
            18 => me.try_open_direct(&other.id).await,
            19 => me.try_create_conversation(json!({ "name": "Side", "memberIds": [other.id] })).await,
            20 if chance.below(3) == 0 => me.try_delete_conversation(hall).await,
            _ => self.newest(me, chance).await,
        }
    }

    /// Something with the newest message of the hall.
    async fn newest(&self, me: &Person, chance: &Random) -> Answer {
        let newest = "query($id: ID!) { conversation(id: $id) { lastMessage { id } } }";
        let seen = me.ask(newest, json!({ "id": self.hall })).await;
        let Some(message) = seen.body["data"]["conversation"]["lastMessage"]["id"].as_str() else { return seen };
        match chance.below(3) {
            0 => me.try_edit(message, &format!("changed {}", chance.below(1000))).await,
            1 => me.try_delete(message).await,
            _ => me.try_mark_read(&self.hall, message).await,
        }
    }

    /// Everybody lives their course, then it is over.
    async fn run(&self, seed: u64) {
        join_all((0..3).map(|who| async move { self.live(who, &Random::seeded(seed * 10 + who as u64)).await })).await;
        // Whoever says something has read what others said, which is told behind it: only the second time nothing comes behind.
        self.people[0].send(&self.talk, "nearly").await;
        self.people[0].send(&self.talk, END).await;
        self.people[0].create_room_with(END, &[&self.people[1]]).await;
    }

    /// Waits until so much has happened.
    async fn after(&self, deeds: u64) {
        self.deeds.subscribe().wait_for(|done| *done >= deeds).await.unwrap();
    }
}

/// Where what a client has differs from what a query tells.
fn differences<K: Ord + Debug, V: PartialEq + Debug>(kept: &BTreeMap<K, V>, told: &BTreeMap<K, V>) -> Vec<String> {
    let keys: BTreeSet<&K> = kept.keys().chain(told.keys()).collect();
    let differ = keys.into_iter().filter(|key| kept.get(key) != told.get(key));
    differ
        .map(|key| format!("{key:?}: a client has\n{:?}\na query tells\n{:?}", kept.get(key), told.get(key)))
        .collect()
}

/// One course; gives where the clients ended with something else than a query tells then.
async fn course(world: &World, seed: u64) -> Vec<String> {
    let name = |name: &str| format!("{name}-{seed}");
    let people =
        [world.person(&name("alice")).await, world.person(&name("bob")).await, world.person(&name("carol")).await];
    let [alice, bob, carol] = &people;
    let talk = alice.create_room_with("Talk", &[bob, carol]).await;
    alice.try_update_member(&talk, bob, "MODERATOR").await.ok();
    let hall = alice.create_room("Hall", "PUBLIC").await;
    bob.join(&hall).await;
    let course =
        Course { world, people: people.clone(), talk, hall, said: Mutex::default(), deeds: watch::channel(0).0 };
    let chance = Random::seeded(seed * 10 + 9);
    let begin = chance.below(2 * DEEDS as u64);

    let messages =
        async |course: &Course<'_>| bob.ask(&format!("{MESSAGES} {MESSAGE}"), json!({ "id": course.talk })).await;
    let conversations = async || bob.ask(&format!("{CONVERSATIONS} {CONVERSATION}"), json!({})).await;
    let room = async {
        course.after(begin).await;
        let snapshot = messages(&course).await;
        let mut client = Messages::of(&snapshot);
        let document = format!("{MESSAGE_EVENTS} {MESSAGE}");
        let subscribe =
            async |after: &str| bob.subscribe(&document, json!({ "id": course.talk, "after": after })).await;
        follow(&mut client, &chance, snapshot.text("conversation.messages.eventCursor"), subscribe).await;
        client
    };
    let inbox = async {
        course.after(begin).await;
        let snapshot = conversations().await;
        let mut client = Inbox::of(&snapshot);
        let document = format!("{INBOX_EVENTS} {CONVERSATION}");
        let subscribe = async |after: &str| bob.subscribe(&document, json!({ "after": after })).await;
        follow(&mut client, &chance, snapshot.text("conversations.eventCursor"), subscribe).await;
        client
    };
    let ((), room, inbox) = tokio::join!(course.run(seed), room, inbox);
    let (told, list) = (Messages::of(&messages(&course).await), Inbox::of(&conversations().await));
    assert!(told.0.len() > 3 && list.0.len() > 1, "nothing happened with seed {seed}: {told:?} {list:?}");
    [differences(&room.0, &told.0), differences(&inbox.0, &list.0)].concat()
}

both! {
    async fn a_snapshot_and_the_events_since_are_a_later_snapshot(world) {
        for seed in 1..=SEEDS {
            let wrong = Box::pin(course(world, seed)).await;
            assert!(wrong.is_empty(), "seed {seed}\n{}", wrong.join("\n"));
        }
    }
}

once! {
    /// A subscription that can be taken up again has its client here.
    async fn every_durable_subscription_is_followed(world) {
        let types = introspect(world).await;
        let roots = types.iter().find(|kind| kind["name"] == "Subscription").unwrap()["fields"].as_array().unwrap().clone();
        let takes_cursor = |field: &&Value| field["args"].as_array().unwrap().iter().any(|argument| argument["name"] == "after");
        let durable: BTreeSet<_> = roots.iter().filter(takes_cursor).map(|field| field["name"].as_str().unwrap()).collect();
        assert_eq!(durable, BTreeSet::from([Messages::FIELD, Inbox::FIELD]));
    }
}
