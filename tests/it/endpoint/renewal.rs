//! A newer token for an open connection: a mutation over the same socket presents it, and nothing is interrupted. And what ends a
//! connection, or a part of it, says why, soon, and touches nobody else.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    ids::{EventId, TypedId, UserId},
    user,
};
use polyphony::{
    access::BaseRole,
    domains::users,
    platform::{
        Tx,
        events::{IntoEvent, NewEvent, URGENT},
    },
};
use reqwest::Method;
use sea_orm::{ActiveModelTrait, ActiveValue::Set};
use serde_json::{Value, json};

use crate::house::{Frame, Person, Socket, Sse, Subscription, World, within};

const RENEW: &str = "mutation($token: String!) { renewConnection(input: { accessToken: $token }) { expiresAt } }";
const REFRESH: &str =
    "mutation($token: String!) { refreshSession(input: { refreshToken: $token }) { accessToken refreshToken } }";
const EVENTS: &str = "subscription($id: ID!, $after: String) { messageEvents(conversationId: $id, after: $after) {
    ... on MessageSent { cursor message { content } }
} }";
const TYPING: &str = "subscription($id: ID!) { typingChanged(conversationId: $id) { typing } }";

async fn content(events: &mut Subscription) -> String {
    events.next().await["messageEvents"]["message"]["content"].as_str().unwrap_or_default().to_owned()
}

/// What a mutation over a socket answers: the data, or the code it was refused with.
async fn over(socket: &Socket, query: &str, token: &str) -> Result<Value, String> {
    match socket.subscribe(query, json!({ "token": token })).frame().await {
        Frame::Next(answer) if answer["errors"].is_null() => Ok(answer["data"].clone()),
        Frame::Next(answer) => Err(answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned()),
        other => panic!("no answer: {other:?}"),
    }
}

/// A socket in a room, with a subscription that has begun.
async fn listening(person: &Person, room: &str) -> (Socket, Subscription) {
    let after = person.event_cursor(room).await;
    let socket = person.socket().await;
    let events = socket.subscribe(EVENTS, json!({ "id": room, "after": after }));
    (socket, events)
}

async fn studio(world: &World) -> (Person, Person, String) {
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    let room = alice.create_room_with("Studio", &[&bob]).await;
    world.settle().await;
    (alice, bob, room)
}

both! {
    /// Two ways to the same end: the socket refreshes its own session, or is given the token that was fetched elsewhere. It and its
    /// subscriptions go on under the new token's time, and end with that; who renews nothing ends with the first.
    async fn a_socket_goes_on_under_a_newer_token(world) {
        let (alice, bob, room) = studio(world).await;
        let (mut kept, mut heard) = listening(&bob, &room).await;
        let (mut given, mut told) = listening(&bob, &room).await;
        let (mut idle, _) = listening(&bob, &room).await;
        world.advance(TimeDelta::minutes(10));
        let fresh = over(&kept, REFRESH, &bob.refresh_token).await.unwrap();
        let token = fresh["refreshSession"]["accessToken"].as_str().unwrap();
        let renewed = over(&given, RENEW, token).await.unwrap();
        let until = world.now() + TimeDelta::minutes(15);
        let found = DateTime::parse_from_rfc3339(renewed["renewConnection"]["expiresAt"].as_str().unwrap()).unwrap();
        assert_eq!(found.timestamp(), until.timestamp());
        world.advance(TimeDelta::minutes(10));
        let closed = idle.closed().await;
        assert_eq!(closed.code, 4403);
        assert!(closed.reason.starts_with("INVALID_TOKEN"), "{closed:?}");
        let alice = alice.sign_in().await;
        alice.send(&room, "still there?").await;
        for (socket, events) in [(&mut kept, &mut heard), (&mut given, &mut told)] {
            assert_eq!(content(events).await, "still there?");
            let me = socket.subscribe("{ me { username } }", Value::Null).next().await;
            assert_eq!(me["me"]["username"], "bob");
        }
        world.advance(TimeDelta::minutes(10));
        for socket in [&mut kept, &mut given] {
            assert_eq!(socket.close_code().await, 4403);
        }
    }

    /// Another person's token renews nothing, is not used up, and costs nobody the connection; neither does one that is not good.
    async fn another_persons_token_is_refused(world) {
        let (alice, bob, room) = studio(world).await;
        let (mut socket, mut events) = listening(&bob, &room).await;
        let before = world.dump().await;
        assert_eq!(over(&socket, RENEW, &alice.token.clone().unwrap()).await.unwrap_err(), "PERMISSION_DENIED");
        assert_eq!(over(&socket, REFRESH, &alice.refresh_token).await.unwrap_err(), "PERMISSION_DENIED");
        assert_eq!(over(&socket, RENEW, "nonsense").await.unwrap_err(), "INVALID_TOKEN");
        assert_eq!(over(&socket, REFRESH, "nonsense").await.unwrap_err(), "INVALID_TOKEN");
        world.dump().await.assert_unchanged(&before, "tokens of others");
        let nobody = world.anonymous().socket().await;
        assert_eq!(over(&nobody, RENEW, &alice.token.clone().unwrap()).await.unwrap_err(), "UNAUTHENTICATED");
        // Nor is there anything to renew elsewhere.
        let variables = json!({ "token": bob.token.clone().unwrap() });
        bob.ask(RENEW, variables.clone()).await.expect_code("BUSINESS_RULE_VIOLATION");
        let mut stream = bob.subscribe_sse(RENEW, variables).await;
        let (_, answer) = stream.event().await.unwrap();
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BUSINESS_RULE_VIOLATION", "{answer}");
        alice.send(&room, "hello").await;
        assert_eq!(content(&mut events).await, "hello");
        let me = socket.subscribe("{ me { username } }", Value::Null).next().await;
        assert_eq!(me["me"]["username"], "bob");
        // Alice's refresh token is as good as before.
        alice.try_refresh(&alice.refresh_token).await.ok();
        world.advance(TimeDelta::minutes(16));
        assert_eq!(socket.close_code().await, 4403);
    }

    /// A socket that goes on under another sign-in of its person ends with that one, and no longer with the first.
    async fn a_renewed_socket_follows_its_new_sign_in(world) {
        let (_, bob, room) = studio(world).await;
        let (mut socket, _events) = listening(&bob, &room).await;
        let elsewhere = bob.sign_in().await;
        over(&socket, RENEW, &elsewhere.token.clone().unwrap()).await.unwrap();
        bob.ask("mutation { signOut(input: { scope: CURRENT }) { sessionsEnded } }", Value::Null).await.ok();
        let sessions = "{ me { sessions { nodes { isCurrent } } } }";
        assert_eq!(socket.subscribe(sessions, Value::Null).next().await["me"]["sessions"]["nodes"], json!([{ "isCurrent": true }]));
        elsewhere.ask("mutation { signOut(input: { scope: CURRENT }) { sessionsEnded } }", Value::Null).await.ok();
        assert_eq!(socket.close_code().await, 4403);
    }

    /// An event stream ends with its token, says so, and is taken up again with the next one where it was.
    async fn a_stream_ends_with_its_token_and_is_taken_up_with_the_next(world) {
        let (alice, bob, room) = studio(world).await;
        let after = bob.event_cursor(&room).await;
        let mut events = bob.subscribe_sse(EVENTS, json!({ "id": room, "after": after })).await;
        alice.send(&room, "one").await;
        let first = events.next().await["messageEvents"].clone();
        assert_eq!(first["message"]["content"], "one");
        world.advance(TimeDelta::minutes(16));
        let (name, answer) = events.event().await.unwrap();
        assert_eq!((name.as_str(), &answer["errors"][0]["extensions"]["code"]), ("next", &json!("INVALID_TOKEN")), "{answer}");
        assert_eq!(events.event().await.map(|(name, _)| name).as_deref(), Some("complete"));
        assert_eq!(events.event().await, None);
        alice.sign_in().await.send(&room, "two").await;
        let fresh = world.anonymous().try_refresh(&bob.refresh_token).await.text("refreshSession.accessToken");
        let request = bob.with_tokens(&fresh).request(Method::POST, "/graphql").header("accept", "text/event-stream");
        let request = request.header("last-event-id", first["cursor"].as_str().unwrap());
        let body = json!({ "query": EVENTS, "variables": { "id": room, "after": after } });
        let mut events = Sse::new(within("an answer", request.json(&body).send()).await.unwrap());
        assert_eq!(events.next().await["messageEvents"]["message"]["content"], "two");
    }
}

/// The code a stream ends with.
async fn ended_with(events: &mut Sse) -> String {
    let (name, answer) = events.event().await.unwrap();
    assert_eq!(name, "next", "{answer}");
    assert_eq!(events.event().await.map(|(name, _)| name).as_deref(), Some("complete"));
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned()
}

/// How soon a change has to be felt: a second, and two for a machine that is busy with other tests. The server looks for nothing by
/// itself here, so what is felt was told.
const SOON: Duration = Duration::from_secs(3);

/// A suspension as it is told; an action of a later room will do both.
struct Suspended(UserId);

impl IntoEvent for Suspended {
    fn signal(&self) -> Option<String> {
        Some(URGENT.to_owned())
    }

    fn into_event(self, id: EventId, at: DateTime<Utc>) -> NewEvent {
        let payload = json!({ "kind": "account.changed", "user": self.0 });
        NewEvent { id, topic: users::topic(self.0), kind: "account.changed", payload, created_at: at }
    }
}

async fn suspend(world: &World, person: &Person) {
    let id = UserId::parse(&person.id).unwrap();
    let write = async |tx: &Tx| {
        let row = user::ActiveModel { id: Set(id), suspended_at: Set(Some(tx.now())), ..Default::default() };
        tx.emit(Suspended(id));
        Ok(row.update(tx).await?)
    };
    world.platform().write(write).await.unwrap();
}

both! {
    /// Whatever takes a right away ends what rests on it, within a second and with a code that says why, on the server where it is open;
    /// everything else goes on: other people's, the same person's other sign-ins, other subscriptions of the same socket.
    async fn what_is_taken_away_ends_what_rests_on_it(world) {
        let deaf = world
            .instance(|config| {
                config.auth.recheck_interval = Duration::from_secs(3600);
                config.auth.standing_age = Duration::ZERO;
            })
            .await;
        let (alice, bob, room) = studio(world).await;
        let hall = alice.create_room_with("Hall", &[&bob]).await;
        let (moderator, admin) = (world.moderator().await, world.admin().await);
        alice.add_member(&room, &moderator, "MEMBER").await;
        alice.add_member(&hall, &moderator, "MEMBER").await;
        world.settle().await;
        let there = |person: &Person| person.at(&deaf);
        let (other_bob, third_bob) = (bob.sign_in().await, bob.sign_in().await);
        let mut open = Vec::new();
        for person in [&alice, &bob, &other_bob, &third_bob, &moderator] {
            let (socket, in_room) = listening(&there(person), &room).await;
            let in_hall = socket.subscribe(EVENTS, json!({ "id": hall, "after": person.event_cursor(&hall).await }));
            open.push((socket, in_room, in_hall));
        }
        for (socket, in_room, _) in &mut open {
            socket.ping().await;
            in_room.expect_none_for(50).await;
        }
        let mut streams = Vec::new();
        for person in [&alice, &third_bob, &moderator] {
            streams.push(there(person).subscribe_sse(EVENTS, json!({ "id": hall, "after": person.event_cursor(&hall).await })).await);
        }
        let [of_alice, of_bob, of_other, of_third, of_moderator] = &mut open[..] else { unreachable!() };

        // One sign-in ended from another.
        let begun = Instant::now();
        bob.ask("mutation($id: ID!) { revokeSession(input: { sessionId: $id }) { sessionId } }", json!({ "id": third_bob.session })).await.ok();
        let closed = of_third.0.closed().await;
        assert!(begun.elapsed() < SOON, "took {:?}", begun.elapsed());
        assert!(closed.code == 4403 && closed.reason.starts_with("INVALID_TOKEN"), "{closed:?}");
        assert_eq!(ended_with(&mut streams[1]).await, "INVALID_TOKEN");

        // A role: what was begun with it ends, the socket stays.
        let role = "{ roles(first: 50) { nodes { id name } } }";
        let roles = admin.ask(role, Value::Null).await;
        let roles = roles.data("roles.nodes").as_array().unwrap().clone();
        let role = roles.iter().find(|role| role["name"] == BaseRole::Moderator.name()).unwrap()["id"].clone();
        let revoke = "mutation($user: ID!, $role: ID!) { revokeRole(input: { userId: $user, roleId: $role }) { user { id } } }";
        let begun = Instant::now();
        admin.ask(revoke, json!({ "user": moderator.id, "role": role })).await.ok();
        for events in [&mut of_moderator.1, &mut of_moderator.2] {
            assert_eq!(events.end().await.as_deref(), Some("PERMISSION_DENIED"));
        }
        assert_eq!(ended_with(&mut streams[2]).await, "PERMISSION_DENIED");
        assert!(begun.elapsed() < SOON, "took {:?}", begun.elapsed());
        of_moderator.0.ping().await;
        let mut again = of_moderator.0.subscribe(TYPING, json!({ "id": room }));
        again.expect_none_for(50).await;

        // A membership: that room's subscription, and only that.
        let begun = Instant::now();
        alice.remove_member(&room, &bob).await;
        for events in [&mut of_bob.1, &mut of_other.1] {
            assert_eq!(events.end().await.as_deref(), Some("PERMISSION_DENIED"));
        }
        assert!(begun.elapsed() < SOON, "took {:?}", begun.elapsed());
        alice.send(&hall, "in the hall").await;
        for (_, _, in_hall) in [&mut *of_alice, of_bob, of_other] {
            assert_eq!(content(in_hall).await, "in the hall");
        }
        assert_eq!(streams[0].next().await["messageEvents"]["message"]["content"], "in the hall");
        alice.send(&room, "in the room").await;
        assert_eq!(content(&mut of_alice.1).await, "in the room");

        // A new password, by a mailed link: every sign-in of the account.
        world.anonymous().ask("mutation($email: EmailAddress!) { requestPasswordReset(input: { email: $email }) { accepted } }",
            json!({ "email": bob.email })).await.ok();
        let token = world.mail_to(&bob.email).await.token();
        let reset = "mutation($token: String!) { resetPassword(input: { token: $token, newPassword: \"Nine-horns-and-a-drum\" }) { user { id } } }";
        let begun = Instant::now();
        world.anonymous().ask(reset, json!({ "token": token })).await.ok();
        for (socket, _, _) in [&mut *of_bob, of_other] {
            let closed = socket.closed().await;
            assert!(closed.code == 4403 && closed.reason.starts_with("INVALID_TOKEN"), "{closed:?}");
        }
        assert!(begun.elapsed() < SOON, "took {:?}", begun.elapsed());
        assert!(of_alice.0.is_open() && of_moderator.0.is_open());

        // The account.
        let begun = Instant::now();
        suspend(world, &moderator).await;
        let closed = of_moderator.0.closed().await;
        assert!(closed.code == 4403 && closed.reason.starts_with("PERMISSION_DENIED"), "{closed:?}");
        assert!(begun.elapsed() < SOON, "took {:?}", begun.elapsed());
        of_alice.0.ping().await;
    }
}
