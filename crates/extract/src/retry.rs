//! What an answer means for what is done next: go on, try again and when, or give up. Pure: the clock is given.

use std::time::Duration;

use definitions::extractor::{RateLimit, ResetIs, Retry};
use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It holds what was asked for.
    Good,
    /// Later it may be better; a wait if the source named one.
    Again(Option<Duration>),
    /// The token is not right: no other request will fare better.
    Unauthorized,
    /// The token may not see this.
    Forbidden,
    /// It is not there, or not in the plan that was bought.
    NotThere,
    /// The request is refused, and will be.
    Refused,
}

/// Judges an answer by its status, its headers and, where these leave it open, its text.
///
/// What is tried again: 408, 429 and 5xx; and the statuses that `limit` names, where the source says that it is asked
/// too often (`Retry-After`, no requests remaining, or words in the answer).
pub fn judge(
    status: StatusCode,
    headers: &HeaderMap,
    text: &str,
    limit: &RateLimit,
    now: Timestamp,
) -> Verdict {
    if status.is_success() {
        return Verdict::Good;
    }
    let too_often = || {
        let text = text.to_lowercase();
        headers.contains_key("retry-after")
            || remaining(headers, limit) == Some(0)
            || limit
                .messages
                .iter()
                .any(|words| text.contains(&words.to_lowercase()))
    };
    let code = status.as_u16();
    if code == 429 || (limit.statuses.contains(&code) && too_often()) {
        return Verdict::Again(wait_named(headers, limit, now));
    }
    match code {
        408 => Verdict::Again(wait_named(headers, limit, now)),
        500.. => Verdict::Again(retry_after(headers, now)),
        401 => Verdict::Unauthorized,
        403 => Verdict::Forbidden,
        402 | 404 | 410 => Verdict::NotThere,
        _ => Verdict::Refused,
    }
}

/// How long to leave a source alone after an answer that says that no requests remain.
pub fn pause(headers: &HeaderMap, limit: &RateLimit, now: Timestamp) -> Option<Duration> {
    (remaining(headers, limit)? == 0).then(|| reset(headers, limit, now))?
}

/// How many requests remain, as the source says.
pub fn remaining(headers: &HeaderMap, limit: &RateLimit) -> Option<u64> {
    number(headers, limit.remaining.as_deref()?).map(|number| number.max(0.0) as u64)
}

/// The wait before a try, the first being 1: it doubles each time, and half of it is left to chance, so that many who
/// were turned away together do not come back together. `chance` is between 0 and 1.
pub fn backoff(retry: &Retry, tries_made: u32, chance: f64) -> Duration {
    let doubled = retry.first_wait.saturating_mul(
        1_u32
            .checked_shl(tries_made.saturating_sub(1))
            .unwrap_or(u32::MAX),
    );
    // Beyond a minute, waiting longer helps nobody unless the source says so.
    let longest = retry.longest_wait.min(Duration::from_secs(60));
    doubled
        .min(longest)
        .mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
}

fn wait_named(headers: &HeaderMap, limit: &RateLimit, now: Timestamp) -> Option<Duration> {
    retry_after(headers, now).or_else(|| {
        // A reset time beside requests that remain belongs to another limit than the one that was hit.
        let spent = remaining(headers, limit).is_none_or(|remaining| remaining == 0);
        spent.then(|| reset(headers, limit, now))?
    })
}

fn reset(headers: &HeaderMap, limit: &RateLimit, now: Timestamp) -> Option<Duration> {
    let number = number(headers, limit.reset.as_deref()?)?;
    let seconds = match limit.reset_is {
        ResetIs::Seconds => number,
        // The end of a second that is given as a whole is meant.
        ResetIs::EpochSeconds => number - now.as_second() as f64,
    };
    // Clocks differ a little.
    Duration::try_from_secs_f64(seconds.max(0.0)).ok()
}

/// `Retry-After` as seconds or as a date (RFC 9110, section 10.2.3).
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds.max(0.0)).ok();
    }
    let moment = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(Duration::try_from(moment.duration_since(now)).unwrap_or_default())
}

fn number(headers: &HeaderMap, name: &str) -> Option<f64> {
    let number: f64 = headers.get(name)?.to_str().ok()?.trim().parse().ok()?;
    number.is_finite().then_some(number)
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_bytes(name.as_bytes()).unwrap(),
                    HeaderValue::from_str(value).unwrap(),
                )
            })
            .collect()
    }

    fn limit(reset_is: ResetIs) -> RateLimit {
        RateLimit {
            remaining: Some("x-remaining".into()),
            reset: Some("x-reset".into()),
            reset_is,
            statuses: vec![403],
            messages: vec!["Secondary rate limit".into()],
        }
    }

    fn judged(status: u16, pairs: &[(&str, &str)], text: &str, reset_is: ResetIs) -> Verdict {
        let now = Timestamp::from_second(1_000).unwrap();
        judge(
            StatusCode::from_u16(status).unwrap(),
            &headers(pairs),
            text,
            &limit(reset_is),
            now,
        )
    }

    #[test]
    fn resets_are_read_in_the_unit_of_the_source() {
        let spent = [("x-remaining", "0"), ("x-reset", "1060")];
        let wait = |seconds| Verdict::Again(Some(Duration::from_secs(seconds)));
        assert_eq!(judged(429, &spent, "", ResetIs::EpochSeconds), wait(60));
        assert_eq!(judged(429, &spent, "", ResetIs::Seconds), wait(1060));
        assert_eq!(
            judged(
                429,
                &[("retry-after", "7"), ("x-reset", "9")],
                "",
                ResetIs::Seconds
            ),
            wait(7)
        );
        assert_eq!(
            judged(
                503,
                &[("retry-after", "Thu, 01 Jan 1970 00:17:00 GMT")],
                "",
                ResetIs::Seconds
            ),
            wait(20)
        );
        assert_eq!(judged(429, &[], "", ResetIs::Seconds), Verdict::Again(None));
        assert_eq!(
            judged(
                429,
                &[("x-reset", "long ago"), ("retry-after", "-3")],
                "",
                ResetIs::Seconds
            ),
            wait(0)
        );
        let past = [("x-remaining", "0"), ("x-reset", "900")];
        assert_eq!(judged(429, &past, "", ResetIs::EpochSeconds), wait(0));
    }

    #[test]
    fn a_403_that_is_a_limit_differs_from_one_that_is_final() {
        let judged = |pairs: &[(&str, &str)], text| judged(403, pairs, text, ResetIs::EpochSeconds);
        assert_eq!(judged(&[], "must have admin rights"), Verdict::Forbidden);
        assert_eq!(
            judged(&[("x-remaining", "12")], "must have admin rights"),
            Verdict::Forbidden
        );
        assert_eq!(
            judged(&[], "You have exceeded a secondary rate limit"),
            Verdict::Again(None)
        );
        assert_eq!(
            judged(&[("retry-after", "30")], ""),
            Verdict::Again(Some(Duration::from_secs(30)))
        );
        assert_eq!(
            judged(&[("x-remaining", "0"), ("x-reset", "1010")], ""),
            Verdict::Again(Some(Duration::from_secs(10)))
        );
        // The reset of the primary limit says nothing of the secondary one.
        assert_eq!(
            judged(
                &[("x-remaining", "9"), ("x-reset", "4600")],
                "secondary rate limit"
            ),
            Verdict::Again(None)
        );
    }

    #[test]
    fn every_status_has_a_meaning() {
        for (status, expected) in [
            (200, Verdict::Good),
            (408, Verdict::Again(None)),
            (500, Verdict::Again(None)),
            (504, Verdict::Again(None)),
            (401, Verdict::Unauthorized),
            (402, Verdict::NotThere),
            (404, Verdict::NotThere),
            (400, Verdict::Refused),
            (422, Verdict::Refused),
            (302, Verdict::Refused),
        ] {
            assert_eq!(
                judged(status, &[], "", ResetIs::Seconds),
                expected,
                "{status}"
            );
        }
    }

    #[test]
    fn waits_double_and_stay_within_bounds() {
        let retry = Retry::default();
        let wait = |tries, chance| backoff(&retry, tries, chance).as_secs_f64();
        assert_eq!([wait(1, 1.0), wait(2, 1.0), wait(4, 1.0)], [1.0, 2.0, 8.0]);
        assert_eq!(wait(4, 0.0), 4.0);
        assert_eq!(wait(40, 1.0), 60.0);
    }

    #[test]
    fn a_source_without_requests_left_is_left_alone() {
        let now = Timestamp::from_second(1_000).unwrap();
        let pause = |pairs: &[(&str, &str)]| pause(&headers(pairs), &limit(ResetIs::Seconds), now);
        assert_eq!(
            pause(&[("x-remaining", "0"), ("x-reset", "5")]),
            Some(Duration::from_secs(5))
        );
        assert_eq!(pause(&[("x-remaining", "1"), ("x-reset", "5")]), None);
        assert_eq!(pause(&[]), None);
    }
}
