//! A Redis that hangs or dies: nobody waits for it, and it counts again once it is back.

use std::time::{Duration, Instant};

use polyphony::config::limits::Rate;

use crate::house::{Caller, Instance, PASSWORD, Redis, skip, within};

/// Signs in by a wrong password, which several limits count, and says how long that took.
async fn limited_call(caller: &Caller) -> Duration {
    let began = Instant::now();
    caller.try_sign_in("nobody", PASSWORD).await.expect_code("INVALID_CREDENTIALS");
    began.elapsed()
}

/// Waits until the server counts in Redis again: what it counted meanwhile does not count there.
async fn back(instance: &Instance) {
    let cache = &instance.platform.cache;
    within("Redis to be used again", async {
        for number in 0.. {
            let key = format!("test:{number}");
            cache.put(&key, "kept", Duration::from_secs(60)).await;
            // A second process on the same Redis sees what is kept there.
            let other = redis::Client::open(instance.config.cache.redis_url.clone().unwrap()).unwrap();
            let kept = match other.get_multiplexed_async_connection().await {
                Ok(mut there) => {
                    redis::cmd("GET").arg(format!("polyphony:{key}")).query_async::<Option<String>>(&mut there).await
                }
                Err(error) => Err(error),
            };
            if matches!(kept, Ok(Some(_))) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
}

once! {
    /// Limited calls answer in time whatever Redis does.
    async fn a_dead_redis_holds_nobody_up(world) {
        let Some(mut redis) = Redis::start().await else { return skip("Redis") };
        let url = redis.url.clone();
        let instance = world
            .instance(|config| {
                config.cache.redis_url = Some(url);
                config.limits.sign_in_by_login = Rate { count: 1000, per: Duration::from_secs(60) };
            })
            .await;
        let caller = world.anonymous().at(&instance);
        limited_call(&caller).await;
        back(&instance).await;

        redis.freeze().await;
        for call in 0..5 {
            let took = limited_call(&caller).await;
            assert!(took < Duration::from_secs(1), "call {call} on a Redis that hangs took {took:?}");
        }
        redis.thaw().await;
        back(&instance).await;

        redis.stop().await;
        for call in 0..5 {
            let took = limited_call(&caller).await;
            assert!(took < Duration::from_secs(1), "call {call} on a Redis that is gone took {took:?}");
        }
        // Limits hold meanwhile, counted in this process.
        let cache = &instance.platform.cache;
        let rate = Rate { count: 2, per: Duration::from_secs(60) };
        for _ in 0..2 {
            cache.limit("test", "alone", rate).await.unwrap();
        }
        assert!(cache.limit("test", "alone", rate).await.is_err());
        assert!(cache.is_reachable().await.is_err());

        redis.start_again().await;
        back(&instance).await;
        assert!(cache.is_reachable().await.unwrap());
    }

    /// A server starts without its Redis, and uses it once it is there.
    async fn a_server_starts_before_its_redis(world) {
        let Some(mut redis) = Redis::start().await else { return skip("Redis") };
        redis.stop().await;
        let url = redis.url.clone();
        let instance = world.instance(|config| config.cache.redis_url = Some(url)).await;
        assert!(limited_call(&world.anonymous().at(&instance)).await < Duration::from_secs(1));
        redis.start_again().await;
        back(&instance).await;
    }
}
