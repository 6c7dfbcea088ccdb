//! The event log: one order, nothing skipped, cursors that know when they are no longer good.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use entity::ids::EventId;
use polyphony::{
    base::error::Code,
    platform::{
        Platform,
        events::{Cursor, IntoEvent, NewEvent, log},
    },
};
use sea_orm::ConnectionTrait;

use crate::house::{Backend, Settle, amount, figures, spawn, within};

/// Something that happened, for a test.
struct Happened {
    topic: &'static str,
    what: serde_json::Value,
}

impl IntoEvent for Happened {
    fn into_event(self, id: EventId, at: DateTime<Utc>) -> NewEvent {
        NewEvent { id, topic: self.topic.to_owned(), kind: "test.happened", payload: self.what, created_at: at }
    }
}

async fn emit(platform: &Platform, topic: &'static str, what: impl Into<serde_json::Value>) {
    let what = what.into();
    platform
        .write(async |tx| {
            tx.emit(Happened { topic, what: what.clone() });
            Ok(())
        })
        .await
        .unwrap();
}

fn topics(names: &[&str]) -> Vec<Arc<str>> {
    names.iter().map(|name| Arc::from(*name)).collect()
}

/// The next `count` payloads of a topic after a cursor, and the last one's cursor.
async fn take(platform: &Platform, topic: &str, after: Cursor, count: usize) -> (Vec<serde_json::Value>, Cursor) {
    let mut follower = platform.events.follow(topics(&[topic]), Some(after)).await.unwrap();
    let (mut taken, mut cursor) = (Vec::new(), after);
    for _ in 0..count {
        let event = within("an event", follower.next()).await.unwrap();
        taken.push(event.payload.clone());
        cursor = event.cursor();
    }
    (taken, cursor)
}

both! {
    /// 64 writers at once, each in its own transactions, some of which dawdle before they commit; a reader that is cut off again and
    /// again resumes from its cursor. It sees everything once, and each writer's events in their order.
    async fn a_resuming_reader_misses_nothing_of_many_writers(world) {
        const WRITERS: u64 = 64;
        let (each, began) = (amount("WRITES", 8), Instant::now());
        let platform = world.platform();
        let start = platform.events.head();
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let platform = platform.clone();
                let dawdle = world.backend == Backend::Postgres;
                spawn(async move {
                    for number in 0..each {
                        platform
                            .write(async |tx| {
                                if dawdle {
                                    // Takes a transaction id early, and commits late.
                                    tx.execute_unprepared("SELECT pg_current_xact_id()").await?;
                                    tokio::time::sleep(Duration::from_millis((writer * 7 + number * 13) % 20)).await;
                                }
                                tx.emit(Happened { topic: "busy", what: serde_json::json!([writer, number]) });
                                Ok(())
                            })
                            .await
                            .unwrap();
                    }
                })
            })
            .collect();
        let (mut seen, mut cursor) = (Vec::new(), start);
        let total = (WRITERS * each) as usize;
        let mut stride = 1;
        while seen.len() < total {
            stride = stride % 23 + 3;
            let (taken, last) = take(&platform, "busy", cursor, stride.min(total - seen.len())).await;
            seen.extend(taken);
            cursor = last;
        }
        for writer in writers {
            writer.await.unwrap();
        }
        let mut by_writer: HashMap<u64, Vec<u64>> = HashMap::new();
        for payload in &seen {
            let (writer, number) = (payload[0].as_u64().unwrap(), payload[1].as_u64().unwrap());
            by_writer.entry(writer).or_default().push(number);
        }
        assert_eq!(by_writer.len() as u64, WRITERS);
        for (writer, numbers) in by_writer {
            assert_eq!(numbers, (0..each).collect::<Vec<_>>(), "writer {writer}");
        }
        // A second reader sees the same order.
        let mut second = Vec::new();
        let mut cursor = start;
        while second.len() < total {
            let (taken, last) = take(&platform, "busy", cursor, (total - second.len()).min(1000)).await;
            second.extend(taken);
            cursor = last;
        }
        assert_eq!(second, seen);
        figures(&format!(
            "writers on {:?}: {WRITERS} at once, {total} events, each seen once and in one order by a reader that was cut off again and \
             again and by one that was not, {:?}",
            world.backend,
            began.elapsed()
        ));
    }

    /// A write that fails leaves no event, and one that succeeds leaves all of its events together.
    async fn events_stand_or_fall_with_their_write(world) {
        let platform = world.platform();
        let start = platform.events.head();
        let failed = platform
            .write(async |tx| {
                tx.emit(Happened { topic: "whole", what: "never".into() });
                Err::<(), _>(polyphony::base::error::Error::rule("no"))
            })
            .await;
        assert_eq!(failed.unwrap_err().code(), Code::BusinessRuleViolation);
        platform
            .write(async |tx| {
                for what in ["one", "two", "three"] {
                    tx.emit(Happened { topic: "whole", what: what.into() });
                }
                Ok(())
            })
            .await
            .unwrap();
        let (seen, _) = take(&platform, "whole", start, 3).await;
        assert_eq!(seen, ["one", "two", "three"]);
    }

    /// Who is further behind than the ring goes reads the log, and joins the ring without a gap.
    async fn a_listener_behind_the_ring_reads_the_log(world) {
        let instance = world.instance(|config| config.database.ring = 8).await;
        let platform = instance.platform;
        let start = platform.events.head();
        let mut slow = platform.events.follow(topics(&["long"]), Some(start)).await.unwrap();
        for number in 0..300 {
            emit(&platform, if number % 3 == 0 { "other" } else { "long" }, number).await;
        }
        let expected: Vec<_> = (0..300).filter(|number| number % 3 != 0).collect();
        for number in &expected {
            assert_eq!(within("an event", slow.next()).await.unwrap().payload, *number);
        }
        emit(&platform, "long", "live").await;
        assert_eq!(within("the live one", slow.next()).await.unwrap().payload, "live");
        let everything = take(&platform, "long", start, expected.len() + 1).await.0;
        assert_eq!(everything.len(), expected.len() + 1);
    }

    /// A topic that is added later begins where the follower stands, and one that is dropped is not heard again.
    async fn topics_come_and_go(world) {
        let platform = world.platform();
        let mut follower = platform.events.follow(topics(&["a"]), None).await.unwrap();
        emit(&platform, "a", 1).await;
        emit(&platform, "b", 2).await;
        assert_eq!(within("a", follower.next()).await.unwrap().payload, 1);
        follower.add("b".into());
        assert_eq!(within("b", follower.next()).await.unwrap().payload, 2);
        follower.remove("a");
        emit(&platform, "a", 3).await;
        emit(&platform, "b", 4).await;
        assert_eq!(within("b again", follower.next()).await.unwrap().payload, 4);
    }

    /// Cursors of another log, of a place that was never reached, and of a place that was cleared away are refused as expired.
    async fn cursors_know_when_they_are_no_longer_good(world) {
        let platform = world.platform();
        for number in 0..5 {
            emit(&platform, "kept", number).await;
        }
        platform.events.settle().await.unwrap();
        let good = platform.events.head();
        let expired = async |cursor: Cursor| {
            let followed = platform.events.follow(topics(&["kept"]), Some(cursor)).await;
            followed.err().map(|error| error.code())
        };
        assert_eq!(expired(good).await, None);
        assert_eq!(expired(Cursor { mark: good.mark ^ 1, ..good }).await, Some(Code::CursorExpired));
        let mut beyond = good;
        beyond.position.number += 1000;
        assert_eq!(expired(beyond).await, Some(Code::CursorExpired));

        world.advance(TimeDelta::days(30));
        emit(&platform, "kept", "new").await;
        // What is still above the horizon does not count as the newest: an older one would stay in its place.
        platform.events.settle().await.unwrap();
        let before = world.now() - TimeDelta::days(1);
        let gone = platform.write(async |tx| log::prune(tx, before, 1000).await).await.unwrap();
        assert!(gone >= 5, "{gone} events went");
        let fresh = world.second_instance().await.platform;
        let followed = fresh.events.follow(topics(&["kept"]), Some(good)).await;
        assert_eq!(followed.err().map(|error| error.code()), Some(Code::CursorExpired));
        let followed = fresh.events.follow(topics(&["kept"]), Some(fresh.events.head())).await;
        assert!(followed.is_ok(), "the newest event stays, and so does the cursor of the head");
    }

    /// What is cleared away is a beginning of the log: an old event behind a young one stays, or a reader would skip it unaware.
    async fn only_a_beginning_is_cleared_away(world) {
        let platform = world.platform();
        emit(&platform, "mixed", "old").await;
        world.advance(TimeDelta::days(30));
        emit(&platform, "mixed", "young").await;
        // A writer whose clock is slow.
        world.advance(TimeDelta::days(-30));
        emit(&platform, "mixed", "late").await;
        world.advance(TimeDelta::days(30));
        emit(&platform, "mixed", "new").await;
        platform.events.settle().await.unwrap();
        let before = world.now() - TimeDelta::days(1);
        let prune = async || platform.write(async |tx| log::prune(tx, before, 1000).await).await.unwrap();
        assert_eq!((prune().await, prune().await), (1, 0));
        let left = log_of(world).await;
        assert_eq!(left, ["young", "late", "new"]);
    }

    /// A listener that fell behind the ring, and behind what the log keeps, is told so; it does not go on with a gap.
    async fn a_listener_overtaken_by_the_clearing_is_told(world) {
        let platform = world.instance(|config| config.database.ring = 4).await.platform;
        emit(&platform, "slow", 0).await;
        let mut follower = platform.events.follow(topics(&["slow"]), None).await.unwrap();
        for number in 1..20 {
            emit(&platform, "slow", number).await;
        }
        platform.events.settle().await.unwrap();
        world.advance(TimeDelta::days(30));
        let before = world.now() - TimeDelta::days(1);
        assert!(platform.write(async |tx| log::prune(tx, before, 1000).await).await.unwrap() >= 15);
        let told = within("the end", follower.next()).await;
        assert_eq!(told.unwrap_err().code(), Code::CursorExpired);
    }

    /// A busy topic takes nothing from a quiet one: whoever follows the quiet one stays live, however far the log has been cleared.
    async fn a_busy_topic_expires_nobody_elses_place(world) {
        let platform = world.instance(|config| config.database.ring = 4).await.platform;
        let mut quiet = platform.events.follow(topics(&["quiet"]), None).await.unwrap();
        for number in 0..20 {
            emit(&platform, "busy", number).await;
        }
        platform.events.settle().await.unwrap();
        world.advance(TimeDelta::days(30));
        let before = world.now() - TimeDelta::days(1);
        assert!(platform.write(async |tx| log::prune(tx, before, 1000).await).await.unwrap() >= 15);
        emit(&platform, "quiet", "at last").await;
        assert_eq!(within("the quiet one", quiet.next()).await.unwrap().payload, "at last");
    }

    /// A backup is put in place of the log while the server runs: listeners are told that their place is gone, and who begins anew is live.
    async fn a_restored_backup_ends_every_listener(world) {
        let checked = |config: &mut polyphony::config::Config| config.database.log_check_interval = Duration::from_millis(20);
        let platform = world.instance(checked).await.platform;
        for number in 0..5 {
            emit(&platform, "restored", number).await;
        }
        platform.events.settle().await.unwrap();
        let mut follower = platform.events.follow(topics(&["restored"]), None).await.unwrap();
        world.by_hand("DELETE FROM events WHERE number > (SELECT max(number) - 2 FROM events)").await;
        let told = within("the end", follower.next()).await;
        assert_eq!(told.unwrap_err().code(), Code::CursorExpired);
        let mut anew = platform.events.follow(topics(&["restored"]), None).await.unwrap();
        emit(&platform, "restored", "after").await;
        assert_eq!(within("the first after", anew.next()).await.unwrap().payload, "after");
    }
}

/// What the log holds, in its order.
async fn log_of(world: &crate::house::World) -> Vec<serde_json::Value> {
    let platform = world.platform();
    let events = platform.events.committed_after("mixed", &["test.happened"], Cursor::default()).await.unwrap();
    events.into_iter().map(|event| event.payload).collect()
}

on_postgres! {
    /// A dump restored into another cluster meets transaction ids that begin anew: a new epoch begins, old events keep their place before
    /// the new ones, and nobody waits for ids that lie far ahead.
    async fn another_cluster_begins_another_epoch(world) {
        let platform = world.platform();
        let start = platform.events.head();
        emit(&platform, "moved", "before").await;
        platform.events.settle().await.unwrap();
        // As if the rows had come from elsewhere, where counting had gone further.
        platform
            .write(async |tx| {
                tx.execute_unprepared("UPDATE events SET transaction_id = transaction_id + 1000000000").await?;
                tx.execute_unprepared("UPDATE event_log SET cluster = 'elsewhere'").await?;
                Ok(())
            })
            .await
            .unwrap();
        let moved = world.second_instance().await.platform;
        emit(&moved, "moved", "after").await;
        let (seen, last) = take(&moved, "moved", Cursor::default(), 2).await;
        assert_eq!(seen, ["before", "after"]);
        assert!(last.position.epoch > start.position.epoch.max(1));
    }

    /// The database fails over to another cluster while the server runs: the same as at a start, and listeners are told.
    async fn another_cluster_ends_every_listener(world) {
        let checked = |config: &mut polyphony::config::Config| config.database.log_check_interval = Duration::from_millis(20);
        let platform = world.instance(checked).await.platform;
        emit(&platform, "moved", "before").await;
        platform.events.settle().await.unwrap();
        let start = platform.events.head();
        let mut follower = platform.events.follow(topics(&["moved"]), None).await.unwrap();
        world.by_hand("UPDATE event_log SET cluster = 'elsewhere'").await;
        assert_eq!(within("the end", follower.next()).await.unwrap_err().code(), Code::CursorExpired);
        let mut anew = platform.events.follow(topics(&["moved"]), None).await.unwrap();
        emit(&platform, "moved", "after").await;
        let after = within("the first after", anew.next()).await.unwrap();
        assert_eq!(after.payload, "after");
        assert!(after.position.epoch > start.position.epoch);
    }

    /// While a foreign transaction holds the horizon, the newest event is not yet below it; clearing away then leaves an older one, so
    /// that a server that starts now has a head whose cursor is good.
    async fn the_head_of_a_new_server_is_good_while_the_horizon_is_held(world) {
        let platform = world.platform();
        for number in 0..5 {
            emit(&platform, "held", number).await;
        }
        platform.events.settle().await.unwrap();
        world.advance(TimeDelta::days(30));
        let foreign = world.foreign_connection().await;
        let held = sea_orm::TransactionTrait::begin(&foreign).await.unwrap();
        held.execute_unprepared("SELECT txid_current()").await.unwrap();
        emit(&platform, "held", "new").await;
        let before = world.now() - TimeDelta::days(1);
        assert_eq!(platform.write(async |tx| log::prune(tx, before, 1000).await).await.unwrap(), 4);
        let fresh = world.second_instance().await.platform;
        let head = fresh.events.head();
        assert_ne!(head, Cursor::default());
        let mut follower = fresh.events.follow(topics(&["held"]), Some(head)).await.unwrap();
        held.rollback().await.unwrap();
        foreign.close().await.unwrap();
        assert_eq!(within("the new one", follower.next()).await.unwrap().payload, "new");
    }

    /// Events that wait for a foreign transaction show in the metrics.
    async fn a_held_horizon_shows_in_the_metrics(world) {
        let platform = world.platform();
        let foreign = world.foreign_connection().await;
        let held = sea_orm::TransactionTrait::begin(&foreign).await.unwrap();
        held.execute_unprepared("SELECT txid_current()").await.unwrap();
        emit(&platform, "held", "new").await;
        within("the gauge to rise", async {
            loop {
                let metrics = world.anonymous().send_request(world.anonymous().request(reqwest::Method::GET, "/metrics")).await;
                let lines = metrics.body.as_str().unwrap().lines();
                let mut waiting = lines.filter_map(|line| line.strip_prefix("polyphony_log_horizon_lag_seconds "));
                if waiting.any(|seconds| seconds.parse::<f64>().unwrap() > 1.0) {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        held.rollback().await.unwrap();
        foreign.close().await.unwrap();
        platform.events.settle().await.unwrap();
    }

    /// An event of a transaction that began first and commits last is not skipped, however far the others have come.
    async fn a_late_committer_is_waited_for(world) {
        let platform = world.platform();
        let start = platform.events.head();
        let (began, wait) = (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
        let late = {
            let (platform, began, wait) = (platform.clone(), began.clone(), wait.clone());
            spawn(async move {
                platform
                    .write(async |tx| {
                        tx.execute_unprepared("SELECT pg_current_xact_id()").await?;
                        began.notify_one();
                        wait.notified().await;
                        tx.emit(Happened { topic: "late", what: "late".into() });
                        Ok(())
                    })
                    .await
                    .unwrap();
            })
        };
        within("the late one to begin", began.notified()).await;
        emit(&platform, "late", "early").await;
        let mut follower = platform.events.follow(topics(&["late"]), Some(start)).await.unwrap();
        let early = tokio::time::timeout(Duration::from_millis(200), follower.next()).await;
        assert!(early.is_err(), "the early one must wait below the horizon: the late one stands before it");
        wait.notify_one();
        late.await.unwrap();
        assert_eq!(within("the late one", follower.next()).await.unwrap().payload, "late");
        assert_eq!(within("the early one", follower.next()).await.unwrap().payload, "early");
    }
}
