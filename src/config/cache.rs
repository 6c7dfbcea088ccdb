//! Redis, when there is one.

use super::{Env, without_password};

/// Where short-lived things live: limits, who is here, wake-ups and signals between instances.
#[derive(Clone, Debug)]
pub struct Cache {
    /// `REDIS_URL`: without it they live in this process, and PostgreSQL carries the tight limits, wake-ups and signals.
    pub redis_url: Option<String>,
}

impl Cache {
    pub(super) fn read(env: &mut Env) -> Self {
        let redis_url = env.text("REDIS_URL");
        if redis_url.as_ref().is_some_and(|url| !url.starts_with("redis://") && !url.starts_with("rediss://")) {
            env.fault("REDIS_URL: takes redis://:password@host:port or rediss://…");
        }
        Self { redis_url }
    }

    pub(super) fn describe(&self) -> Vec<(&'static str, String)> {
        vec![("REDIS_URL", self.redis_url.as_deref().map(without_password).unwrap_or_default())]
    }
}
