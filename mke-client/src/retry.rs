//! When a request is sent again: only when doing so cannot do anything twice.

use std::time::Duration;

use reqwest::StatusCode;

use crate::client::Answer;
use crate::error::ClientError;

/// How often a request is sent again, and after how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// How often, after the first time.
    pub times: u32,
    /// The first pause; each further one is twice as long.
    pub pause: Duration,
    /// The longest pause. A server that wants a longer one gets none: the caller decides.
    pub longest: Duration,
}

impl Retry {
    /// Each request is sent once.
    pub const NEVER: Self = Self {
        times: 0,
        pause: Duration::ZERO,
        longest: Duration::ZERO,
    };

    /// Two more times, after 100 and 200 ms or as long as the server says, up to 5 s.
    pub const PATIENT: Self = Self {
        times: 2,
        pause: Duration::from_millis(100),
        longest: Duration::from_secs(5),
    };

    /// How long to wait before the request is sent for the `next`th time (1 is the second one), or nothing when it is not sent
    /// again. `safe` says that the request changes nothing.
    pub(crate) fn after(
        &self,
        next: u32,
        safe: bool,
        outcome: &Result<Answer, ClientError>,
    ) -> Option<Duration> {
        if next > self.times {
            return None;
        }
        let usual = self
            .pause
            .saturating_mul(2_u32.saturating_pow(next.saturating_sub(1)))
            .min(self.longest);
        let asked = match outcome {
            Ok(answer) => match answer.status {
                // The server did not look at it, so it was not done.
                StatusCode::TOO_MANY_REQUESTS => answer.retry_after.unwrap_or(usual),
                StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
                    if safe =>
                {
                    answer.retry_after.unwrap_or(usual)
                }
                _ => return None,
            },
            // Nothing was sent as long as there is no connection.
            Err(ClientError::Unreachable { source, .. }) if safe || source.is_connect() => usual,
            // A request that ran out of time has used up what its caller gave it.
            Err(_) => return None,
        };
        (asked <= self.longest).then_some(asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, retry_after: Option<u64>) -> Result<Answer, ClientError> {
        Ok(Answer {
            status: StatusCode::from_u16(status).unwrap(),
            tag: None,
            next_page: None,
            content_type: None,
            retry_after: retry_after.map(Duration::from_secs),
            body: Vec::new(),
        })
    }

    /// What may have been done is never asked for twice.
    #[test]
    fn only_what_does_nothing_twice() {
        let ms = |ms| Some(Duration::from_millis(ms));
        for (status, retry_after, safe, next, expected) in [
            (200, None, true, 1, None),
            (404, None, true, 1, None),
            (409, None, true, 1, None),
            (500, None, true, 1, None),
            (503, None, true, 1, ms(100)),
            (503, None, true, 2, ms(200)),
            (503, None, true, 3, None),
            (503, Some(2), true, 1, ms(2000)),
            (503, Some(60), true, 1, None),
            (503, None, false, 1, None),
            (502, None, false, 1, None),
            (504, Some(1), false, 1, None),
            (429, Some(1), false, 1, ms(1000)),
            (429, None, false, 2, ms(200)),
            (429, Some(900), false, 1, None),
        ] {
            let outcome = answer(status, retry_after);
            assert_eq!(
                Retry::PATIENT.after(next, safe, &outcome),
                expected,
                "{status} {retry_after:?} {safe} {next}"
            );
            assert_eq!(Retry::NEVER.after(next, safe, &outcome), None);
        }
        let bad = Err(ClientError::NotLoggedIn);
        assert_eq!(Retry::PATIENT.after(1, true, &bad), None);
    }
}
