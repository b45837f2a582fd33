//! A fake of the vendors' APIs: a server on loopback that pages, limits and fails like the real ones, with data of the
//! demo or of a test. It judges the extractors, and people start it to try them without an account anywhere.
//!
//! This file holds what can be set. `data` is what the vendors know, one file a vendor says how it answers, `faults`
//! what can go wrong on request, `server` how it gets to the wire. What a client can see of a vendor's behaviour is
//! cited beside the line that imitates it; where the vendor's documents are silent, the comment says what was chosen.
//!
//! ```no_run
//! # fn main() -> std::io::Result<()> {
//! let data = fake::Data::from_raw("demo/raw_data".as_ref())?;
//! let server = fake::Server::start(data, fake::Options::default())?;
//! let base_url = server.base_url(fake::Vendor::PagerDuty);
//! # Ok(()) }
//! ```

mod answer;
mod call;
mod context;
mod data;
mod datadog;
mod faults;
mod github;
mod limits;
mod misbehaviours;
mod pagerduty;
mod paging;
mod rules;
mod sentry;
mod server;
mod vendors;

use std::time::Duration;

use jiff::Timestamp;

pub use data::{Data, Record};

pub use limits::{Limit, Limits};
pub use misbehaviours::{Misbehaviour, misbehaviours};
pub use rules::{Endless, Fault, Rule, Which};
pub use server::{SeenRequest, Server};

/// Whose API is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Vendor {
    /// PagerDuty's REST API v2.
    PagerDuty,
    /// Sentry's API 0.
    Sentry,
    /// GitHub's REST API.
    GitHub,
    /// DataDog's API v1.
    DataDog,
}

impl Vendor {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::PagerDuty, Self::Sentry, Self::GitHub, Self::DataDog];

    /// The source's name, `pagerduty`, which is also the first part of every path here.
    pub fn name(self) -> &'static str {
        match self {
            Self::PagerDuty => "pagerduty",
            Self::Sentry => "sentry",
            Self::GitHub => "github",
            Self::DataDog => "datadog",
        }
    }
}

/// How the server behaves when no faults are asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port on 127.0.0.1; 0 for any that is free.
    pub port: u16,
    /// What every request takes at least.
    pub latency: Duration,
    /// The moment that the vendors reckon default windows from (`statsPeriod`, the last month); nothing for the real
    /// clock. Limits and the header `Date` go by the real clock always, because clients hold them against their own.
    pub now: Option<Timestamp>,
    /// What must be sent to be let in.
    pub tokens: Tokens,
    /// How many requests are let through.
    pub limits: Limits,
    /// PagerDuty: `offset` + `limit` may not exceed this.
    pub pagerduty_cap: usize,
    /// PagerDuty: of `since` and `until` of incidents only the day counts, as users report
    /// (<https://github.com/PagerDuty/pagerduty-mcp-server/issues/47>). The day of `until` is not in it.
    pub pagerduty_date_only: bool,
    /// DataDog: a list of monitors that is not asked for in pages gets a 504 if it has more than this, as large
    /// organisations see (<https://github.com/turbot/steampipe-plugin-datadog/issues/47>).
    pub datadog_monitors_at_once: usize,
}

impl Default for Options {
    /// The vendors' own limits, any free port, no latency, the real clock.
    fn default() -> Self {
        Self {
            port: 0,
            latency: Duration::ZERO,
            now: None,
            tokens: Tokens::default(),
            limits: Limits::default(),
            pagerduty_cap: 10_000,
            pagerduty_date_only: false,
            datadog_monitors_at_once: usize::MAX,
        }
    }
}

/// What must be sent to be let in. The defaults are all different, so that a test shows which one leaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// `PAGERDUTY_SECRET`.
    pub pagerduty_secret: String,
    /// `SENTRY_API_KEY`.
    pub sentry_api_key: String,
    /// `GITHUB_API_KEY`.
    pub github_api_key: String,
    /// `DATADOG_API_KEY`.
    pub datadog_api_key: String,
    /// `DATADOG_APPLICATION_KEY`.
    pub datadog_application_key: String,
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            pagerduty_secret: "fake-pagerduty-secret-2f1c".to_owned(),
            sentry_api_key: "fake-sentry-api-key-71be".to_owned(),
            github_api_key: "fake-github-api-key-9d04".to_owned(),
            datadog_api_key: "fake-datadog-api-key-c5a8".to_owned(),
            datadog_application_key: "fake-datadog-application-key-e63b".to_owned(),
        }
    }
}
