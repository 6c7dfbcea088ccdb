//! Links that break: whoever resumes from their last cursor has heard everything, once, in one order.
//!
//! The full form (`tests/soak links`) is the same for a minute.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use polyphony::base::random::Random;
use serde_json::json;

use crate::house::{Frame, Instance, Person, Redis, amount, figures, skip, spawn, within};

const PEOPLE: u64 = 20;
/// Of a hundred links, and of a hundred requests, so many are cut each time.
const CUT: u64 = 30;

/// What everybody sees of the test's course.
#[derive(Default)]
struct Course {
    /// Nobody says anything more.
    silent: AtomicBool,
    /// Everything has been said.
    over: AtomicBool,
    /// Messages the server has acknowledged.
    taken: AtomicU64,
    cuts: AtomicU64,
    abandoned: AtomicU64,
}

/// Says something every now and then. Some requests are given up on their way, and sent again with the same key.
async fn speak(person: Person, servers: [Instance; 2], room: String, course: Arc<Course>, random: Random) {
    for number in 0.. {
        tokio::time::sleep(Duration::from_millis(700 + random.below(1000))).await;
        if course.silent.load(Ordering::SeqCst) {
            return;
        }
        let text = format!("{}-{number}", person.username);
        let input = json!({ "conversationId": room, "content": text, "clientId": text });
        within("a message to be taken", async {
            loop {
                let speaker = person.at(&servers[random.below(2) as usize]);
                let sending = speaker.try_send_with(input.clone());
                let patience = match random.below(100) < CUT {
                    true => Duration::from_millis(random.below(40)),
                    false => Duration::from_secs(60),
                };
                let Ok(answer) = tokio::time::timeout(patience, sending).await else {
                    course.abandoned.fetch_add(1, Ordering::SeqCst);
                    continue;
                };
                if answer.code() == Some("SERVICE_UNAVAILABLE") {
                    continue;
                }
                answer.ok();
                break;
            }
        })
        .await;
        course.taken.fetch_add(1, Ordering::SeqCst);
    }
}

/// Hears everything, over links that break, at either server; gives the numbers and texts in the order in which they came.
async fn hear(
    person: Person,
    servers: [Instance; 2],
    room: String,
    course: Arc<Course>,
    random: Random,
    mut cursor: String,
) -> Vec<(i64, String)> {
    let mut heard = Vec::new();
    loop {
        let mut events = person.at(&servers[random.below(2) as usize]).listen(&room, Some(&cursor)).await;
        // Each second some of the links break.
        let seconds = (1..).find(|_| random.below(100) < CUT).unwrap_or(1);
        let breaks = tokio::time::sleep(Duration::from_millis(1000 * seconds - random.below(1000)));
        tokio::pin!(breaks);
        loop {
            let over = course.over.load(Ordering::SeqCst);
            if over && heard.len() as u64 >= course.taken.load(Ordering::SeqCst) {
                return heard;
            }
            let frame = tokio::select! {
                frame = events.frame() => frame,
                () = &mut breaks, if !over => {
                    course.cuts.fetch_add(1, Ordering::SeqCst);
                    events.socket().cut();
                    break;
                }
                // To look again whether it is over.
                () = tokio::time::sleep(Duration::from_millis(300)) => continue,
            };
            match frame {
                Frame::Next(answer) => {
                    assert!(answer["errors"].is_null(), "{answer}");
                    let event = &answer["data"]["messageEvents"];
                    cursor = event["cursor"].as_str().unwrap().to_owned();
                    if event["__typename"] == "MessageSent" {
                        let message = &event["message"];
                        heard.push((message["seq"].as_i64().unwrap(), message["content"].as_str().unwrap().to_owned()));
                    }
                }
                Frame::Error(errors) => {
                    assert_eq!(errors[0]["extensions"]["code"], "SERVICE_UNAVAILABLE", "{errors}");
                    break;
                }
                Frame::Complete | Frame::Cut => break,
            }
        }
    }
}

on_postgres! {
    /// Twenty people on two servers that tell each other by Redis; links are cut at random, requests are given up on their way, and Redis
    /// is killed and started again: nothing is lost, nothing comes twice, and there is one order for all.
    async fn broken_links_lose_nothing(world) {
        let Some(mut redis) = Redis::start().await else { return skip("Redis") };
        let url = redis.url.clone();
        let one = world.instance(|config| config.cache.redis_url = Some(url.clone())).await;
        let other = world.instance(|config| config.cache.redis_url = Some(url)).await;
        let mut people = Vec::new();
        for number in 0..PEOPLE {
            people.push(world.person(&format!("person-{number}")).await);
        }
        let room = people[0].create_room_with("Studio", &people.iter().skip(1).collect::<Vec<_>>()).await;
        let cursor = people[0].event_cursor(&room).await;
        let (course, time) = (Arc::<Course>::default(), Duration::from_secs(amount("LINKS_SECONDS", 10)));
        let (mut speakers, mut listeners) = (Vec::new(), Vec::new());
        for (seed, person) in people.iter().enumerate() {
            let servers = [one.clone(), other.clone()];
            let chance = |role| Random::seeded(seed as u64 * 2 + role);
            speakers.push(spawn(speak(person.clone(), servers.clone(), room.clone(), course.clone(), chance(0))));
            listeners.push(spawn(hear(person.clone(), servers, room.clone(), course.clone(), chance(1), cursor.clone())));
        }
        tokio::time::sleep(time / 3).await;
        redis.stop().await;
        tokio::time::sleep(time / 6).await;
        redis.start_again().await;
        tokio::time::sleep(time / 2).await;
        course.silent.store(true, Ordering::SeqCst);
        for speaker in speakers {
            within("everybody to fall silent", speaker).await.unwrap();
        }
        course.over.store(true, Ordering::SeqCst);
        let ended = Instant::now();
        let mut all = Vec::new();
        for listener in listeners {
            all.push(within("everything to be heard", listener).await.unwrap());
        }
        let total = course.taken.load(Ordering::SeqCst);
        let (cuts, abandoned) = (course.cuts.load(Ordering::SeqCst), course.abandoned.load(Ordering::SeqCst));
        assert!(total > PEOPLE && cuts > PEOPLE && abandoned > 0, "{total} messages, {cuts} cuts, {abandoned} given up");
        let seqs: Vec<i64> = all[0].iter().map(|(seq, _)| *seq).collect();
        assert_eq!(seqs, (1..=total as i64).collect::<Vec<_>>(), "none lost, none doubled, in order");
        let mut texts: Vec<_> = all[0].iter().map(|(_, text)| text).collect();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len() as u64, total, "a message that was sent again is the same message");
        for (person, heard) in all.iter().enumerate() {
            assert_eq!(heard, &all[0], "person {person}");
        }
        figures(&format!(
            "links: {PEOPLE} people on 2 servers for {time:?}, {cuts} links cut, {abandoned} requests given up and sent again, Redis killed \
             once: {total} messages, each heard once by all in one order, the last {:?} after the end",
            ended.elapsed()
        ));
    }
}
