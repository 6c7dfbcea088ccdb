//! Trying again what a blip broke: a database that restarts, fails over, or is out of connections for a moment.

use std::{future::Future, time::Duration};

use tokio::time::{Instant, sleep};

use crate::base::error::{Code, Error, Result};

/// The waits between tries.
const WAITS: [u64; 5] = [20, 100, 300, 700, 1500];
/// No further try after this long: whoever waits can come back by themselves.
const ENOUGH: Duration = Duration::from_secs(5);

/// Runs a read until it succeeds, a few times and with growing waits, as long as it fails for reasons of the machine. Any other error
/// is an answer and comes back at once.
///
/// # Errors
/// SERVICE_UNAVAILABLE in place of the last failure, which goes to the log.
pub async fn patiently<T, F: Future<Output = Result<T>>>(what: &str, mut read: impl FnMut() -> F) -> Result<T> {
    let started = Instant::now();
    let mut waits = WAITS.into_iter();
    loop {
        let error = match read().await {
            Err(error) if matches!(error.code(), Code::Internal | Code::ServiceUnavailable) => error,
            settled => return settled,
        };
        let wait = waits.next().filter(|_| started.elapsed() < ENOUGH);
        let Some(wait) = wait else {
            tracing::error!(?error, "{what} failed again and again; giving up");
            let sentence = "The server cannot reach its data; try again in a moment.";
            return Err(Error::unavailable(sentence).with_retry_after(Duration::from_secs(1)));
        };
        tracing::warn!(?error, "{what} failed; trying again");
        sleep(Duration::from_millis(wait)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn tried(results: Vec<Result<u8>>) -> (Result<u8>, usize) {
        let (count, mut left) = (results.len(), results.into_iter());
        let last =
            patiently("it", || std::future::ready(left.next().unwrap_or_else(|| Err(Error::internal("down"))))).await;
        (last, count - left.len())
    }

    #[tokio::test]
    async fn only_what_time_may_mend_is_tried_again() {
        let down = || Err(Error::internal("down"));
        let (answer, tries) = tried(vec![down(), Err(Error::unavailable("busy")), Ok(7), Ok(8)]).await;
        assert_eq!((answer.unwrap(), tries), (7, 3));
        let (answer, tries) = tried(vec![Err(Error::not_found("none")), Ok(7)]).await;
        assert_eq!((answer.unwrap_err().code(), tries), (Code::NotFound, 1));
        let (answer, _) = tried(vec![down()]).await;
        assert_eq!(answer.unwrap_err().code(), Code::ServiceUnavailable);
    }
}
