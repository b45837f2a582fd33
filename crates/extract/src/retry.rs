//! What an answer means for what is done next: go on, try again and when, or give up. Pure: the clock is given.

use std::time::Duration;

use definitions::extractor::{RateLimit, ResetIs, Retry};
use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It holds what was asked for.
    Good,
    /// Later it may be better.
    Again(Later),
    /// The token is not right: no other request will fare better.
    Unauthorized,
    /// The token may not see this.
    Forbidden,
    /// It is not there.
    NotThere,
    /// It is not in the plan that was bought.
    NotInPlan,
    /// The request is refused, and will be.
    Refused,
}

/// Why an answer may be better later.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Later {
    /// The wait that the source named.
    pub named: Option<Duration>,
    /// Whether it says that it is asked too often.
    pub too_often: bool,
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
        return Verdict::Again(Later {
            named: wait_named(headers, limit, now),
            too_often: true,
        });
    }
    let later = |named| {
        Verdict::Again(Later {
            named,
            too_often: false,
        })
    };
    match code {
        408 => later(wait_named(headers, limit, now)),
        500.. => later(retry_after(headers, now)),
        401 => Verdict::Unauthorized,
        403 => Verdict::Forbidden,
        402 => Verdict::NotInPlan,
        404 | 410 => Verdict::NotThere,
        _ => Verdict::Refused,
    }
}

/// How long to send a source no requests after an answer that says that none remain.
pub fn pause(headers: &HeaderMap, limit: &RateLimit, now: Timestamp) -> Option<Duration> {
    (remaining(headers, limit)? == 0).then(|| reset(headers, limit, now))?
}

/// How many requests remain, as the source says.
pub fn remaining(headers: &HeaderMap, limit: &RateLimit) -> Option<u64> {
    number(headers, limit.remaining.as_deref()?).map(|number| number.max(0.0) as u64)
}

/// The wait after so many tries: never shorter than the back-off, whatever the source says, since what it says may be
/// wrong; never longer than `longest_wait`. `limited` says how often in a row the source said that it is asked too often
/// and named no time.
pub fn wait(
    retry: &Retry,
    limit: &RateLimit,
    later: Later,
    tries_made: u32,
    limited: u32,
    chance: f64,
) -> Duration {
    let floor = backoff(retry, tries_made, chance);
    let floor = match (later.named, limit.least_wait) {
        (None, Some(least)) if later.too_often => floor.max(doubled(least, limited)),
        _ => floor,
    };
    // What is named in whole seconds may end a little early.
    let named = later
        .named
        .filter(|named| !named.is_zero())
        .map(|named| named.saturating_add(Duration::from_millis(20).mul_f64(1.0 + 9.0 * chance)));
    floor
        .max(named.unwrap_or_default())
        .min(retry.longest_wait.max(retry.first_wait))
}

/// The wait before a try, the first being 1: it doubles each time, and half of it is left to chance, so that many who
/// were turned away together do not come back together. `chance` is between 0 and 1.
pub fn backoff(retry: &Retry, tries_made: u32, chance: f64) -> Duration {
    // Beyond a minute, waiting longer helps nobody unless the source says so.
    let longest = retry.longest_wait.min(Duration::from_secs(60));
    doubled(retry.first_wait, tries_made)
        .min(longest)
        .mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
}

fn doubled(first: Duration, tries_made: u32) -> Duration {
    let factor = 1_u32
        .checked_shl(tries_made.saturating_sub(1))
        .unwrap_or(u32::MAX);
    first.saturating_mul(factor)
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
    Some(Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX))
}

/// What the source's clock said when it answered (RFC 9110, section 6.6.1).
pub fn source_time(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get("date")?.to_str().ok()?;
    Some(jiff::fmt::rfc2822::parse(text.trim()).ok()?.timestamp())
}

/// Clocks differ so much by themselves.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// When something happened: by our clock, unless the source's says something quite different. Of several copies of a
/// record the newest counts, so a clock that is a year ahead must not date them.
pub fn moment(ours: Timestamp, source: Option<Timestamp>) -> Timestamp {
    match source {
        Some(source) if ours.duration_since(source).abs() > TOLERANCE => source,
        _ => ours,
    }
}

/// The earlier of two times, of which either may not be known.
pub(crate) fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    a.into_iter().chain(b).min()
}

/// When a run began whose earliest answer came at this time of the source: never later than its records.
pub fn start(ours: Timestamp, source: Option<Timestamp>) -> Timestamp {
    moment(ours, source).min(ours)
}

/// `Retry-After` as seconds or as a date (RFC 9110, section 10.2.3).
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        // Infinite or not a number: treated as if it had not been sent.
        let seconds = seconds.is_finite().then_some(seconds.max(0.0))?;
        return Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX));
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
            least_wait: Some(Duration::from_secs(60)),
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

    fn limited(seconds: Option<u64>) -> Verdict {
        Verdict::Again(Later {
            named: seconds.map(Duration::from_secs),
            too_often: true,
        })
    }

    #[test]
    fn resets_are_read_in_the_unit_of_the_source() {
        let spent = [("x-remaining", "0"), ("x-reset", "1060")];
        let wait = |seconds| limited(Some(seconds));
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
            Verdict::Again(Later {
                named: Some(Duration::from_secs(20)),
                too_often: false
            })
        );
        assert_eq!(judged(429, &[], "", ResetIs::Seconds), limited(None));
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
            limited(None)
        );
        assert_eq!(judged(&[("retry-after", "30")], ""), limited(Some(30)));
        assert_eq!(
            judged(&[("x-remaining", "0"), ("x-reset", "1010")], ""),
            limited(Some(10))
        );
        // The reset of the primary limit says nothing of the secondary one.
        assert_eq!(
            judged(
                &[("x-remaining", "9"), ("x-reset", "4600")],
                "secondary rate limit"
            ),
            limited(None)
        );
    }

    #[test]
    fn every_status_has_a_meaning() {
        for (status, expected) in [
            (200, Verdict::Good),
            (408, Verdict::Again(Later::default())),
            (500, Verdict::Again(Later::default())),
            (504, Verdict::Again(Later::default())),
            (401, Verdict::Unauthorized),
            (402, Verdict::NotInPlan),
            (404, Verdict::NotThere),
            (400, Verdict::Refused),
            (422, Verdict::Refused),
            (300, Verdict::Refused),
            (302, Verdict::Refused),
            (304, Verdict::Refused),
        ] {
            assert_eq!(
                judged(status, &[], "", ResetIs::Seconds),
                expected,
                "{status}"
            );
        }
    }

    #[test]
    fn a_clock_that_is_wrong_dates_nothing() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let day = 86_400;
        assert_eq!(moment(at(1_000), None), at(1_000));
        assert_eq!(moment(at(1_000), Some(at(1_200))), at(1_000));
        assert_eq!(moment(at(day), Some(at(1_000))), at(1_000));
        assert_eq!(moment(at(1_000), Some(at(day))), at(day));
        assert_eq!(start(at(day), Some(at(1_000))), at(1_000));
        // An answer that took long does not mean that a clock is wrong.
        assert_eq!(start(at(1_000), Some(at(day))), at(1_000));
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
    fn a_hint_never_lowers_the_floor() {
        let retry = Retry::default();
        let limit = limit(ResetIs::EpochSeconds);
        let none = RateLimit::default();
        let judged = |pairs: &[(&str, &str)]| {
            let now = Timestamp::from_second(100_000).unwrap();
            match judge(
                StatusCode::TOO_MANY_REQUESTS,
                &headers(pairs),
                "",
                &limit,
                now,
            ) {
                Verdict::Again(later) => later,
                other => panic!("{other:?}"),
            }
        };
        for hint in [
            [("retry-after", "0")].as_slice(),
            &[("retry-after", "-5")],
            &[("retry-after", "inf")],
            &[("retry-after", "nan")],
            &[("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT")],
            &[("x-remaining", "0"), ("x-reset", "13600")],
            &[("x-remaining", "0"), ("x-reset", "nan")],
            &[("x-remaining", "0"), ("x-reset", "-inf")],
        ] {
            let tries = 1..retry.tries;
            let all: Duration = tries
                .map(|tries| wait(&retry, &none, judged(hint), tries, 0, 0.0))
                .sum();
            assert!(all > Duration::from_secs(60), "{hint:?}: {all:?}");
        }
        let named = judged(&[("retry-after", "7")]);
        assert!(wait(&retry, &none, named, 1, 0, 0.5) > Duration::from_secs(7));
        let for_ever = judged(&[("retry-after", "1e300")]);
        assert_eq!(wait(&retry, &none, for_ever, 1, 0, 0.5), retry.longest_wait);
        // What names no time waits at least as long as the extractor says, and longer each time.
        let unnamed = judged(&[]);
        let waits = [1, 2, 3, 20].map(|limited| wait(&retry, &limit, unnamed, 1, limited, 0.0));
        assert_eq!(waits.map(|wait| wait.as_secs()), [60, 120, 240, 3600]);
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
