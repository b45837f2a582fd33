//! How many requests are let through: the vendors' budgets, counted in stretches of time that follow the clock, as
//! Sentry's (<https://github.com/getsentry/sentry/blob/master/src/sentry/ratelimits/redis.py>) and DataDog's
//! (<https://docs.datadoghq.com/api/latest/rate-limits/>) do. Each vendor has its own headers that say what is left.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::Vendor;

/// A budget: so many requests in each stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Requests let through in one stretch.
    pub requests: u32,
    /// How long a stretch is; stretches are counted from 1970.
    pub window: Duration,
}

/// The budgets of all vendors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For all of a key's requests.
    pub pagerduty: Limit,
    /// For each endpoint.
    pub sentry: Limit,
    /// For all of a token's requests.
    pub github: Limit,
    /// For each endpoint.
    pub datadog: Limit,
}

impl Default for Limits {
    /// The vendors' own.
    ///
    /// - PagerDuty: 960 a minute (<https://developer.pagerduty.com/docs/rest-api-rate-limits>).
    /// - Sentry names no numbers (<https://docs.sentry.io/api/ratelimits/>): 40 a second, chosen.
    /// - GitHub: 5,000 an hour
    ///   (<https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#primary-rate-limit-for-authenticated-users>).
    /// - DataDog names its numbers only in headers (<https://docs.datadoghq.com/api/latest/rate-limits/>): 1,000 a
    ///   minute, chosen.
    fn default() -> Self {
        let limit = |requests, seconds| Limit {
            requests,
            window: Duration::from_secs(seconds),
        };
        Self {
            pagerduty: limit(960, 60),
            sentry: limit(40, 1),
            github: limit(5_000, 3_600),
            datadog: limit(1_000, 60),
        }
    }
}

impl Limits {
    /// So large that no test uses it up.
    pub fn generous() -> Self {
        let limit = Limit {
            requests: 1_000_000_000,
            window: Duration::from_secs(60),
        };
        Self {
            pagerduty: limit,
            sentry: limit,
            github: limit,
            datadog: limit,
        }
    }

    fn of(&self, vendor: Vendor) -> Limit {
        match vendor {
            Vendor::PagerDuty => self.pagerduty,
            Vendor::Sentry => self.sentry,
            Vendor::GitHub => self.github,
            Vendor::DataDog => self.datadog,
        }
    }
}

/// What is left of a budget after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    pub limit: Limit,
    pub remaining: u32,
    /// Until there is a whole budget again.
    pub reset: Duration,
    /// Whether this request was one too many.
    pub exceeded: bool,
}

impl Budget {
    /// Whole seconds until there is more; never too early.
    pub fn reset_in_seconds(&self) -> u64 {
        self.reset.as_millis().div_ceil(1_000) as u64
    }

    /// The second, since 1970, in which there is more; never too early.
    pub fn reset_at(&self) -> i64 {
        let milliseconds = self.reset.as_millis() as i64;
        (Timestamp::now().as_millisecond() + milliseconds + 999).div_euclid(1_000)
    }

    /// A budget that is used up, as a rule demands.
    pub fn used_up(limits: &Limits, vendor: Vendor, reset: Duration) -> Self {
        Self {
            limit: limits.of(vendor),
            remaining: 0,
            reset,
            exceeded: true,
        }
    }
}

/// What was asked for so far.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// For each budget the number of its stretch, and the requests in it.
    used: HashMap<(Vendor, String), (u128, u32)>,
}

impl Counters {
    /// Counts a request that came at `now`.
    pub fn count(
        &mut self,
        limits: &Limits,
        vendor: Vendor,
        endpoint: &str,
        now: Timestamp,
    ) -> Budget {
        let limit = limits.of(vendor);
        let key = match vendor {
            Vendor::PagerDuty | Vendor::GitHub => String::new(),
            Vendor::Sentry | Vendor::DataDog => endpoint.to_owned(),
        };
        let window = limit.window.as_millis().max(1);
        let now = u128::from(now.as_millisecond().unsigned_abs());
        let number = now / window;
        let (known, used) = self.used.entry((vendor, key)).or_insert((number, 0));
        if *known != number {
            (*known, *used) = (number, 0);
        }
        *used = used.saturating_add(1);
        Budget {
            limit,
            remaining: limit.requests.saturating_sub(*used),
            reset: Duration::from_millis((window - now % window) as u64),
            exceeded: *used > limit.requests,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    #[test]
    fn one_request_too_many_is_told_and_says_when_there_is_more() {
        let limit = Limit {
            requests: 2,
            window: Duration::from_secs(60),
        };
        let limits = Limits {
            pagerduty: limit,
            ..Limits::default()
        };
        let mut counters = Counters::default();
        let mut told = |time| {
            let budget = counters.count(&limits, Vendor::PagerDuty, "teams", at(time));
            let seconds = budget.reset_in_seconds();
            (budget.remaining, seconds, budget.exceeded)
        };
        assert_eq!(told("2026-11-24T00:00:10Z"), (1, 50, false));
        assert_eq!(told("2026-11-24T00:00:10.5Z"), (0, 50, false));
        assert_eq!(told("2026-11-24T00:00:59.9Z"), (0, 1, true));
        assert_eq!(told("2026-11-24T00:01:00Z"), (1, 60, false));
    }

    #[test]
    fn endpoints_have_a_budget_each_where_the_vendor_says_so() {
        let mut counters = Counters::default();
        let limits = Limits::default();
        let now = at("2026-11-24T00:00:00Z");
        let mut remaining =
            |vendor, endpoint| counters.count(&limits, vendor, endpoint, now).remaining;
        assert_eq!(remaining(Vendor::Sentry, "issues"), 39);
        assert_eq!(remaining(Vendor::Sentry, "projects"), 39);
        assert_eq!(remaining(Vendor::GitHub, "repos"), 4_999);
        assert_eq!(remaining(Vendor::GitHub, "teams"), 4_998);
    }
}
