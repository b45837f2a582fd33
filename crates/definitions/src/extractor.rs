//! Extractors: where and how the records of a source are fetched, as people write it.
//!
//! What is here is the meaning of the text; `parse`, `stream` and `terms` read it, `check` looks at what hangs together,
//! and the room `extract` follows it.

mod check;
mod parse;
mod stream;
mod terms;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use diagnostics::Source;
use url::Url;

use crate::{SourceName, StreamName, Word};

pub(crate) use check::check;
pub(crate) use parse::parse;

/// How the streams of one source are fetched.
#[derive(Debug, Clone)]
pub struct Extractor {
    /// The source; `<SOURCE>_BASE_URL` in the environment goes before `base_url`.
    pub source: Word<SourceName>,
    /// What every path is added to, without a slash at the end.
    pub base_url: Word,
    /// What people set in the environment, by name.
    pub settings: Vec<Setting>,
    /// Sent with every request.
    pub headers: Vec<(Word, Template)>,
    /// Requests under way at once, at most.
    pub concurrency: usize,
    /// The most time that one request may take, its answer with it.
    pub timeout: Duration,
    /// How the source says that it is asked too often.
    pub rate_limit: RateLimit,
    /// When to try again, and when to give up.
    pub retry: Retry,
    /// Its streams, in the order in which they are fetched: a stream after those that it needs.
    pub streams: Vec<StreamExtraction>,
    /// The extractor file.
    pub text: Arc<Source>,
}

/// A setting that an extractor needs.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Its name in the environment.
    pub name: Word,
    /// What it is, for people who do not have it yet.
    pub meaning: String,
    /// Whether its value must never be shown.
    pub secret: bool,
    /// Its value if nobody sets it; without one it is needed.
    pub default: Option<String>,
}

/// How a source limits requests, in its own headers. Whatever it says here, `Retry-After` (RFC 9110, section 10.2.3)
/// is heeded.
#[derive(Debug, Clone, Default)]
pub struct RateLimit {
    /// The header with the number of requests left.
    pub remaining: Option<String>,
    /// The header that says when there will be more.
    pub reset: Option<String>,
    /// What the number in that header means.
    pub reset_is: ResetIs,
    /// Statuses besides 429 that may mean "later".
    pub statuses: Vec<u16>,
    /// Words in the answer that make such a status mean "later"; so does a remaining number of 0.
    pub messages: Vec<String>,
    /// The least wait where the source says that it is asked too often and names no time; it doubles each time.
    pub least_wait: Option<Duration>,
}

/// What the number in a reset header means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ResetIs {
    /// Seconds from now.
    #[default]
    Seconds,
    /// Seconds since 1970, UTC.
    EpochSeconds,
}

/// When a request is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Tries of one request in all.
    pub tries: u32,
    /// The wait before the second try; it doubles from try to try.
    pub first_wait: Duration,
    /// No wait is longer, whatever the source says.
    pub longest_wait: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            tries: 8,
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(3600),
        }
    }
}

/// How one stream is fetched.
#[derive(Debug, Clone)]
pub struct StreamExtraction {
    /// The stream.
    pub stream: Word<StreamName>,
    /// What is asked for.
    pub request: Request,
    /// The stream whose records this one is asked for, one by one.
    pub parent: Option<Parent>,
    /// How the answer comes in pages; nothing where it comes whole.
    pub paging: Option<Paging>,
    /// The stretches of time that are asked for one by one; nothing where the stream is listed whole, in every run.
    pub windows: Option<Windowing>,
    /// How changes to records of windows passed are found.
    pub changed: Option<Changed>,
    /// Whether a listing that ran to its end has every record that there is, so that others are gone.
    pub whole: bool,
    /// Whether the source answers with nothing at all (204, or no body) where there are no records.
    pub may_be_empty: bool,
    /// What is not kept as it came.
    pub redact: Vec<Redaction>,
    /// The permission that a token needs for it, in the source's words.
    pub scope: Option<String>,
}

/// What is asked for, and where the records are in the answer.
#[derive(Debug, Clone)]
pub struct Request {
    /// What follows the base URL.
    pub path: Template,
    /// The query, in order; a name may come several times.
    pub query: Vec<(String, Template)>,
    /// Where the records are.
    pub records: FieldPath,
    /// The media type of an answer that is a text rather than JSON: it becomes one record, `{"text": …}`.
    pub text: Option<String>,
    /// The member that identifies a record.
    pub key: FieldPath,
}

/// The stream whose records a stream is asked for.
#[derive(Debug, Clone)]
pub struct Parent {
    /// The parent's stream, of the same source.
    pub stream: Word<StreamName>,
    /// What the request and `_extract.parent` take from a parent's record, by name.
    pub values: Vec<(String, FieldPath)>,
}

/// Records of another stream that say which records of this one changed.
#[derive(Debug, Clone)]
pub struct Changed {
    /// That stream, and what the request takes from its records.
    pub by: Parent,
    /// The request for one changed record.
    pub request: Request,
}

/// How an answer comes in pages. `size` is the parameter that says how many records a page has, and the number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Paging {
    /// A number of records to skip.
    Offset {
        /// Its parameter.
        parameter: String,
        /// Records a page.
        size: (String, u64),
        /// Where the answer says whether there is more; without this, a page that is not full is the last.
        more: Option<FieldPath>,
        /// Where the answer says how many there are in all.
        total: Option<FieldPath>,
        /// No record beyond so many can be reached.
        cap: Option<u64>,
    },
    /// The header `Link` (RFC 8288) names the next page; `results="false"` there means that there is none.
    Link {
        /// Records a page.
        size: Option<(String, u64)>,
    },
    /// A number of pages.
    Page {
        /// Its parameter.
        parameter: String,
        /// The number of the first page.
        first: u64,
        /// Records a page.
        size: (String, u64),
        /// Where the answer says how many records there are in all.
        total: Option<FieldPath>,
    },
    /// The answer holds a token for the next page; the last one holds none.
    Token {
        /// The parameter that takes it.
        parameter: String,
        /// Where the answer has it.
        token: FieldPath,
        /// Records a page.
        size: Option<(String, u64)>,
    },
    /// The id behind which to go on, until a page is empty.
    IdOffset {
        /// Its parameter.
        parameter: String,
        /// Its value for the first page.
        first: u64,
        /// Records a page.
        size: (String, u64),
    },
}

/// How a stream is cut into stretches of time.
#[derive(Debug, Clone)]
pub struct Windowing {
    /// The parameter for the beginning of a window, which is in it.
    pub since: String,
    /// The parameter for the end of a window, which is not in it.
    pub until: String,
    /// The time in a record by which the source cuts. Fetching does not look at it; a test of an extractor does.
    pub at: FieldPath,
    /// No window may be longer.
    pub longest: Duration,
    /// Where to begin if nobody says.
    pub start: Start,
    /// How much of what was fetched already is fetched again, for what turned up late.
    pub lookback: Duration,
    /// Records that change without a sign: how often they are fetched again, and how far back.
    pub refresh: Option<(Duration, Duration)>,
}

/// Where the first window begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At a moment.
    At(jiff::Timestamp),
    /// So long before the run.
    Before(Duration),
}

/// A value that is not kept as it came; an object or a list goes as a whole. Empty and missing values stay as they are.
#[derive(Debug, Clone)]
pub struct Redaction {
    /// Where the value is in a record.
    pub path: FieldPath,
    /// Only values that look like this.
    pub matching: Option<regex_lite::Regex>,
    /// What is kept of it.
    pub keep: Keep,
}

/// What is kept of a redacted value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// A keyed hash: the same value has the same hash within this project, and the value cannot be computed from it.
    Hash,
    /// Only that there was a value.
    Presence,
    /// Of a URL the scheme and the host.
    Origin,
}

/// `.a.b[].c`: the members to follow, and `[]` for every element of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldPath {
    /// Its parts; none for the value itself.
    pub steps: Vec<PathStep>,
}

/// A part of a [`FieldPath`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathStep {
    /// The member of an object.
    Member(String),
    /// Every element of a list.
    Each,
}

/// A text with places to fill: `/items/{+item}/parts`, `Bearer ${API_KEY}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its parts.
    pub parts: Vec<Part>,
    /// The text as it is written, and where.
    pub word: Word,
}

/// A part of a [`Template`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Words as they are.
    Text(String),
    /// `${NAME}`: a setting.
    Setting(String),
    /// `{name}`: a value of the parent, with every reserved character escaped.
    Value(String),
    /// `{+name}`: a value of the parent in which `/` stays as it is (RFC 6570, section 3.2.3).
    ValueWithSlashes(String),
}

/// Reads a base URL to which tokens may be sent: over TLS, or to a program on this very machine. The error says what is
/// wrong with it, and never repeats the text, which may have a password in it.
pub fn base_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text.trim()).map_err(|error| format!("it is no URL: {error}"))?;
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => {
            return Err(
                "over `http://` anybody on the way could read the token; expected `https://`"
                    .into(),
            );
        }
        other => return Err(format!("`{other}://` is not fetched; expected `https://`")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it has a user or a password in it; tokens have settings of their own".into());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it has a query; expected a host and perhaps a path".into());
    }
    Ok(url)
}

/// Whether an address is on this machine: tokens may go there without TLS.
pub fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    match address.parse::<std::net::IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

/// Whether a text is the name of a header (RFC 9110, section 5.6.2).
fn is_header_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    !text.is_empty() && text.chars().all(plain)
}
