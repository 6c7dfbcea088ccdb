//! Demo data with a crowd: more rows in every list than a page can hold. All rows of a list are alike in what they lead to, so that
//! a page of one needs whatever a page of a hundred needs.

use entity::{
    conversation::Visibility,
    conversation_member::Role,
    conversation_receipt::Kind,
    ids::{ConversationId, MessageId, TypedId, UserId},
};
use polyphony::{
    access::{Op, Person, Roles, Viewer},
    demo::DemoIds,
    domains::{
        auth::{self, NewRole, Vouched},
        conversations::{
            Correction, NewMessage, NewRoom, RoomChange, add_member, add_reaction, create_room, edit_message, join,
            mark, open_direct, send_message, set_pinned, update_room,
        },
        users,
    },
};

use crate::house::World;

/// More than the largest page.
const CROWD: usize = 103;
/// A conversation takes so many pinned messages, and the demo data has one in the Studio.
const PINS: usize = 49;

/// Brings the crowd in.
pub async fn gather(world: &World, ids: &DemoIds) {
    let op = world.first().op();
    let (general, studio): (ConversationId, ConversationId) =
        (id(ids, "conversation:General"), id(ids, "conversation:Studio"));
    let (welcome, barn): (MessageId, MessageId) = (id(ids, "message:General:1"), id(ids, "message:General:4"));
    let alice = acting(&op, id(ids, "user:alice"));
    let erin = acting(&op, id(ids, "user:erin"));
    for room in [general, studio] {
        let change = RoomChange {
            name: None,
            description: None,
            visibility: None,
            max_members: Some(1000),
            metadata: None,
            expected_version: None,
        };
        update_room(&alice, room, change).await.unwrap();
    }
    let people = people(&op).await;
    for (number, person) in people.iter().enumerate() {
        let next = &people[(number + 1) % people.len()];
        let (me, friend) = (acting(&op, person.0), acting(&op, next.0));
        // General: a reaction to the first message, a message with a mention, a reply in a thread.
        join(&me, general).await.unwrap();
        add_reaction(&me, welcome, "🎶").await.unwrap();
        join(&friend, general).await.unwrap();
        let said = say(&me, general, &format!("Number {number}, @{}", next.1), None).await;
        add_reaction(&friend, said, "👍").await.unwrap();
        let content = format!("Number {number} of the crowd, @{}", next.1);
        edit_message(&me, Correction { message: said, content, reason: None, expected_version: None }).await.unwrap();
        say(&me, general, "Socks, too.", Some(barn)).await;
        // The Studio: a moderator, and a pinned message.
        add_member(&alice, studio, person.0, Role::Moderator).await.unwrap();
        if number < PINS {
            let said = say(&me, studio, "Mind the cables.", None).await;
            set_pinned(&alice, said, true).await.unwrap();
        }
        // A public room of everybody's own with alice in it.
        let room = NewRoom {
            name: format!("General {number}"),
            description: None,
            visibility: Visibility::Public,
            max_members: None,
            member_ids: vec![alice.viewer.id().unwrap(), next.0],
            metadata: None,
        };
        let room = create_room(&me, room).await.unwrap().row.id;
        say(&friend, room, "Hello", None).await;
        users::block(&erin, person.0).await.unwrap();
        administration(&op, number).await;
        world.anonymous().try_sign_in("alice", polyphony::demo::PASSWORD).await.ok();
    }
    // What alice says to all of them in General, everybody reads.
    let settled = say(&alice, general, &format!("So many, @{}!", people[0].1), None).await;
    add_reaction(&acting(&op, people[0].0), settled, "👍").await.unwrap();
    for person in &people {
        mark(&acting(&op, person.0), general, Kind::Read, settled).await.unwrap();
    }
    // The direct conversations are the newest of alice's.
    for person in &people {
        let me = acting(&op, person.0);
        let direct = open_direct(&me, alice.viewer.id().unwrap()).await.unwrap().row.id;
        say(&me, direct, "Hello, Alice", None).await;
    }
    world.settle().await;
}

async fn people(op: &Op) -> Vec<(UserId, String)> {
    let hash = op.platform.passwords.hash(polyphony::demo::PASSWORD).await.unwrap();
    let mut people = Vec::new();
    for number in 0..CROWD {
        let username = format!("extra-{number}");
        let email = format!("{username}@example.org");
        let account = Vouched {
            username: &username,
            email: &email,
            display_name: "An extra",
            bio: "One of a crowd.",
            password_hash: &hash,
        };
        people.push((auth::create_vouched_account(op, account).await.unwrap().id, username));
    }
    people
}

/// A role and a job.
async fn administration(op: &Op, number: usize) {
    let role = NewRole {
        name: format!("EXTRA_{number}"),
        display_name: "Extra".to_owned(),
        description: None,
        permissions: Vec::new(),
    };
    auth::create_role(op, role).await.unwrap();
    let job = users::FindAccountToMail {
        email_key: format!("nobody-{number}@example.org"),
        is_reset: true,
        locale: polyphony::base::locale::Locale::En,
    };
    op.write(async |tx| tx.enqueue(&job)).await.unwrap();
}

fn id<I: TypedId>(ids: &DemoIds, name: &str) -> I {
    I::parse(&ids[name]).unwrap()
}

/// A person as they act.
fn acting(op: &Op, id: UserId) -> Op {
    let person = Person {
        id,
        session: op.platform.ids.new_id(),
        roles: Roles::default(),
        token_version: 0,
        is_freshly_proved: false,
        token_expires_at: op.platform.clock.now() + chrono::TimeDelta::minutes(15),
        only: None,
    };
    op.with_viewer(Viewer::Person(person))
}

async fn say(op: &Op, conversation: ConversationId, content: &str, reply_to: Option<MessageId>) -> MessageId {
    let new = NewMessage { conversation, content: content.to_owned(), reply_to, client_id: None, metadata: None };
    send_message(op, new).await.unwrap().message.id
}
