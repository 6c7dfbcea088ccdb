//! The tight limits are counted by all instances together: in Redis, else in the database they share.

use std::time::Duration;

use chrono::TimeDelta;
use polyphony::config::limits::Rate;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

use crate::house::{Instance, PASSWORD, Redis, World, skip};

const RATE: Rate = Rate::new(3, 60);

/// Two servers on which three tries at a login pass in a minute.
async fn two(world: &World, redis: Option<&Redis>) -> [Instance; 2] {
    let mut all = Vec::new();
    for _ in 0..2 {
        all.push(
            world
                .instance(|config| {
                    config.cache.redis_url = redis.map(|redis| redis.url.clone());
                    config.limits.sign_in_by_login = RATE;
                })
                .await,
        );
    }
    all.try_into().unwrap()
}

/// Three tries pass wherever they are made, and then none anywhere until the minute is over.
async fn counted_together(world: &World, instances: &[Instance; 2]) {
    let [here, there] = instances.each_ref().map(|instance| world.anonymous().at(instance));
    for caller in [&here, &there, &here] {
        caller.try_sign_in("alice", "another-password").await.expect_code("INVALID_CREDENTIALS");
    }
    world.advance(TimeDelta::seconds(20));
    for caller in [&there, &here] {
        let answer = caller.try_sign_in("Alice", PASSWORD).await;
        answer.expect_code("RATE_LIMIT_EXCEEDED");
        assert_eq!(answer.body["errors"][0]["extensions"]["retryAfter"], 40, "{answer}");
    }
    // Another login is another counter.
    there.try_sign_in("bob", "another-password").await.expect_code("INVALID_CREDENTIALS");
    world.advance(TimeDelta::seconds(40));
    there.try_sign_in("alice", PASSWORD).await.ok();
}

async fn kept(world: &World) -> i64 {
    let platform = world.platform();
    let (reader, sql) = (platform.database.read(), "SELECT count(*) AS count FROM rate_counters");
    let row = reader.query_one_raw(Statement::from_string(reader.get_database_backend(), sql)).await;
    row.unwrap().unwrap().try_get("", "count").unwrap()
}

on_postgres! {
    /// PLT-013: instances without Redis count in their database.
    async fn instances_on_one_database_count_together(world) {
        world.person("alice").await;
        counted_together(world, &two(world, None).await).await;
        assert!(kept(world).await > 0);
        // All the limits of one's account go this way: a mail to one address is counted wherever it is asked for.
        let instances = [(); 2].map(|()| world.instance(|config| config.limits.mail_by_recipient = Rate::new(1, 3600)));
        let [here, there] = instances;
        for instance in [here.await, there.await] {
            let ask = "mutation { requestPasswordReset(input: { email: \"alice@example.org\" }) { accepted } }";
            let answer = world.anonymous().at(&instance).ask(ask, Value::Null).await;
            assert_eq!(answer.body["errors"], json!(null), "{answer}");
        }
        let mails = world.mails_to("alice@example.org").await;
        assert_eq!(mails.iter().filter(|mail| mail.body.contains("reset-password")).count(), 1, "{mails:#?}");
    }

    /// A Redis that is gone leaves the count to the database, not to each process.
    async fn without_their_redis_they_still_count_together(world) {
        let Some(mut redis) = Redis::start().await else { return skip("Redis") };
        world.person("alice").await;
        let instances = two(world, Some(&redis)).await;
        redis.stop().await;
        counted_together(world, &instances).await;
    }

    /// Counters go when their time is over, in passing.
    async fn counters_go_when_their_time_is_over(world) {
        let cache = &world.platform().cache;
        let rate = Rate::new(1000, 60);
        let before = kept(world).await;
        for number in 0..20 {
            cache.limit("test", &format!("early-{number}"), rate).await.unwrap();
        }
        assert_eq!(kept(world).await, before + 20);
        world.advance(TimeDelta::seconds(61));
        for _ in 0..256 {
            cache.limit("test", "late", rate).await.unwrap();
        }
        assert!(kept(world).await <= before + 1, "the early ones are still there");
    }

    /// Many at once on one counter: each is counted, and just as many pass as may.
    async fn many_at_once_are_counted_each(world) {
        let cache = world.platform().cache.clone();
        let mut tries = Vec::new();
        for _ in 0..50 {
            let cache = cache.clone();
            tries.push(crate::house::spawn(async move { cache.limit("test", "crowd", Rate::new(20, 60)).await.is_ok() }));
        }
        let mut passed = 0;
        for tried in tries {
            passed += u32::from(tried.await.unwrap());
        }
        assert_eq!(passed, 20);
    }
}

once! {
    /// With Redis the database is left alone.
    async fn instances_on_one_redis_count_together(world) {
        let Some(redis) = Redis::start().await else { return skip("Redis") };
        world.person("alice").await;
        counted_by_redis(world, &two(world, Some(&redis)).await).await;
    }

    /// One process counts in its memory, and a write of its own is never needed.
    async fn a_single_process_counts_by_itself(world) {
        world.person("alice").await;
        let [here, _] = two(world, None).await;
        counted_together(world, &[here.clone(), here]).await;
        assert_eq!(kept(world).await, 0);
    }
}

/// As [`counted_together`], but Redis has a clock of its own: it is not waited for.
async fn counted_by_redis(world: &World, instances: &[Instance; 2]) {
    let [here, there] = instances.each_ref().map(|instance| world.anonymous().at(instance));
    for caller in [&here, &there, &here] {
        caller.try_sign_in("alice", "another-password").await.expect_code("INVALID_CREDENTIALS");
    }
    for caller in [&there, &here] {
        let answer = caller.try_sign_in("Alice", PASSWORD).await;
        answer.expect_code("RATE_LIMIT_EXCEEDED");
        let wait = answer.body["errors"][0]["extensions"]["retryAfter"].as_u64().unwrap();
        assert!(Duration::from_secs(wait) <= RATE.per, "{answer}");
    }
    assert_eq!(kept(world).await, 0);
}
