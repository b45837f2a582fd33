//! Requests to one source: with its headers and within its limits, tried again where that may help.
//!
//! A request goes to the host of the base URL or nowhere. What a failure says has been cleared of secrets.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use definitions::SourceName;
use definitions::extractor::{FieldPath, RateLimit, Retry};
use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Response, StatusCode, Url};

use crate::failure::{Failure, causes, host, is_about_the_certificate, leads_elsewhere, said};
use crate::link::{self, Next};
use crate::page::beginning;
use crate::retry::{self, Later, Verdict};
use crate::set_aside::{Sound, set_aside};
use crate::{Event, Progress, Stop, Why};

/// No answer may be longer, in bytes.
const LONGEST_ANSWER: usize = 64 << 20;

/// The most bytes that are reserved for an answer before it arrives, if it states its length.
const BELIEVED: usize = 1 << 20;

/// After so long, people are told which request they are waiting for.
const NAMED_AFTER: Duration = Duration::from_millis(1500);

/// How many times an answer is asked for while some of its records cannot be read.
const FOR_RECORDS: u32 = 4;

/// How long nothing more is said of requests that are not answered, once that was said.
const QUIET: Duration = Duration::from_secs(30);

/// Where requests go and with what.
pub struct Client {
    http: reqwest::Client,
    base: Url,
    headers: HeaderMap,
    secrets: Vec<String>,
    rate_limit: RateLimit,
    retry: Retry,
    timeout: Duration,
    source: SourceName,
    mood: Mutex<Mood>,
}

/// What is known about the source's state.
#[derive(Default)]
struct Mood {
    /// Until when it wants no requests, and why.
    rest: Option<(Instant, String)>,
    /// Whether it has ever answered.
    has_answered: bool,
    /// Whether it left a request unanswered until that was given up, and has answered nothing since.
    is_doubted: bool,
    /// Why nothing more is asked: it cannot be reached.
    down: Option<String>,
    /// When it was last said that an answer is waited for.
    named: Option<Instant>,
}

impl Mood {
    /// An answer came, whatever it says.
    fn answered(&mut self) {
        (self.has_answered, self.is_doubted) = (true, false);
    }
}

/// What came.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its body, which is JSON with sound records, or empty where it may be.
    pub body: Arc<Vec<u8>>,
    /// How many of its records could not be read.
    pub unreadable: u64,
    /// How many halves of surrogate pairs were replaced.
    pub mended: u64,
    /// What its header `Link` says of the next page.
    pub next: Next,
    /// When it came.
    pub at: Timestamp,
    /// What the source's clock said.
    pub source_time: Option<Timestamp>,
    /// The address that was asked.
    pub url: Url,
    /// How many requests the source has left for us.
    pub remaining: Option<u64>,
}

/// What an answer should be.
#[derive(Clone, Copy)]
pub(crate) struct Expected<'a> {
    /// Where its records are.
    pub records: &'a FieldPath,
    /// Its media type, if it is a text rather than JSON.
    pub text: Option<&'a str>,
    /// Whether it may be nothing at all.
    pub may_be_empty: bool,
}

/// What a client is made of.
pub(crate) struct Parts {
    pub base: Url,
    pub headers: HeaderMap,
    pub secrets: Vec<String>,
    pub rate_limit: RateLimit,
    pub retry: Retry,
    pub timeout: Duration,
    pub source: SourceName,
}

impl Client {
    /// A client for one source.
    pub(crate) fn new(parts: Parts) -> Result<Self, String> {
        // Only one provider is compiled in; a second call finds it installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let origin = parts.base.origin();
        let same_host = reqwest::redirect::Policy::custom(move |attempt| {
            if attempt.url().origin() != origin {
                attempt.stop()
            } else if attempt.previous().len() > 5 {
                attempt.error("redirected more than five times")
            } else {
                attempt.follow()
            }
        });
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("reliability/", env!("CARGO_PKG_VERSION")))
            .redirect(same_host)
            .connect_timeout(Duration::from_secs(10).min(parts.timeout))
            .timeout(parts.timeout);
        if definitions::extractor::is_loopback(&parts.base) {
            builder = builder.no_proxy();
        }
        let http = builder
            .build()
            .map_err(|error| format!("cannot make requests: {}", causes(&error)))?;
        Ok(Self {
            http,
            base: parts.base,
            headers: parts.headers,
            secrets: parts.secrets,
            rate_limit: parts.rate_limit,
            retry: parts.retry,
            timeout: parts.timeout,
            source: parts.source,
            mood: Mutex::default(),
        })
    }

    /// The address of a path below the base URL.
    pub fn address(&self, path: &str, query: &[(String, String)]) -> Result<Url, Failure> {
        let text = format!("{}{path}", self.base.as_str().trim_end_matches('/'));
        let mut url = Url::parse(&text)
            .map_err(|error| Failure::Refused(format!("`{path}` is no path: {error}")))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.same_origin(url)
    }

    /// The address that an answer to a request at `from` gave.
    pub fn follow(&self, from: &Url, link: &str) -> Result<Url, Failure> {
        let url = from
            .join(link)
            .map_err(|error| Failure::Refused(format!("the next page has no address: {error}")))?;
        self.same_origin(url)
    }

    /// Asks once.
    pub async fn try_once(
        &self,
        url: &Url,
        expected: Expected<'_>,
        stop: &Stop,
        progress: &dyn Progress,
    ) -> Result<Answer, Failure> {
        match self.once(url, expected, stop, progress).await {
            Ok(answer) => Ok(answer),
            Err(Failed::Finally(failure)) => Err(failure),
            Err(Failed::Perhaps(reason, Trouble::Answer(_))) => Err(Failure::GaveUp(reason)),
            Err(Failed::Perhaps(reason, _)) => Err(Failure::Down(reason)),
        }
    }

    /// Asks, and asks again where that may help. Tells `progress` of every wait.
    pub async fn get(
        &self,
        url: Url,
        expected: Expected<'_>,
        stop: &Stop,
        progress: &dyn Progress,
    ) -> Result<Answer, Failure> {
        let (mut tries, mut limited) = (0, 0);
        loop {
            self.rest(stop, progress).await?;
            tries += 1;
            let (reason, trouble) = match self.once(&url, expected, stop, progress).await {
                // Another try may bring sound ones; after a few it is clear that the source has them like this.
                Ok(answer)
                    if answer.unreadable > 0 && tries < self.retry.tries.min(FOR_RECORDS) =>
                {
                    let reason = format!("{} records cannot be read", answer.unreadable);
                    (reason, Trouble::default())
                }
                Ok(answer) => return Ok(answer),
                Err(Failed::Finally(failure)) => return Err(failure),
                Err(Failed::Perhaps(reason, trouble)) => (reason, trouble),
            };
            if tries >= self.retry.tries || self.is_down(trouble) {
                let times = if tries == 1 {
                    "once".to_owned()
                } else {
                    format!("{tries} times")
                };
                return Err(self.give_up(format!("{reason}, {times}"), trouble));
            }
            let later = match trouble {
                Trouble::Answer(later) => later,
                _ => Later::default(),
            };
            limited += u32::from(later.too_often && later.named.is_none());
            let chance = fastrand::f64();
            let pause = retry::wait(&self.retry, &self.rate_limit, later, tries, limited, chance);
            if later.too_often {
                self.rest_for(pause, &reason);
            }
            self.waiting(progress, pause, &reason, trouble.into());
            sleep(pause, stop).await?;
        }
    }

    /// Whether the source is down: it did not answer another request that was given up, nor this one.
    fn is_down(&self, trouble: Trouble) -> bool {
        !matches!(trouble, Trouble::Answer(_)) && self.mood().is_doubted
    }

    /// What it means that a request was tried as often as may be.
    fn give_up(&self, reason: String, trouble: Trouble) -> Failure {
        let mut mood = self.mood();
        let down = match trouble {
            Trouble::Unreachable => true,
            // One request may be too much for a source that answers others; two in a row mean that it is down.
            Trouble::NoAnswer => mood.is_doubted || !mood.has_answered,
            Trouble::Answer(_) => false,
        };
        mood.is_doubted = !matches!(trouble, Trouble::Answer(_));
        if down {
            mood.down = Some(reason.clone());
            Failure::Down(reason)
        } else {
            Failure::GaveUp(reason)
        }
    }

    /// Asks once, says if that takes long, and ends when somebody says stop.
    async fn once(
        &self,
        url: &Url,
        expected: Expected<'_>,
        stop: &Stop,
        progress: &dyn Progress,
    ) -> Result<Answer, Failed> {
        let asked = Instant::now();
        let asking = std::pin::pin!(self.ask(url, expected));
        let mut asking = asking;
        tokio::select! {
            answer = &mut asking => return answer,
            () = stop.wait() => return Err(Failed::Finally(Failure::Stopped)),
            () = tokio::time::sleep(NAMED_AFTER) => {}
        }
        if self.mood().says_again() {
            let reason = format!("`{}` has not answered yet", host(url));
            let left = self.timeout.saturating_sub(asked.elapsed());
            self.waiting(progress, left, &reason, Why::Answer);
        }
        tokio::select! {
            answer = &mut asking => answer,
            () = stop.wait() => Err(Failed::Finally(Failure::Stopped)),
        }
    }

    async fn ask(&self, url: &Url, expected: Expected<'_>) -> Result<Answer, Failed> {
        let request = self.http.get(url.clone()).headers(self.headers.clone());
        let broken = |error: reqwest::Error| self.broken(url, &error);
        let mut response = request.send().await.map_err(broken)?;
        let (status, headers) = (response.status(), response.headers().clone());
        self.mood().answered();
        let ours = Timestamp::now();
        // Waits are counted by the clock that they are given by.
        let source_time = retry::source_time(&headers);
        let now = source_time.unwrap_or(ours);
        let mut body = self.body(url, &mut response).await?;
        if leads_elsewhere(status, &headers, url) {
            let host = host(url);
            let reason = format!("`{host}` sends us to another host, where the token must not go");
            return Err(Failed::Finally(Failure::Elsewhere(reason)));
        }
        if let Some(pause) = retry::pause(&headers, &self.rate_limit, now) {
            let pause = pause.min(self.retry.longest_wait);
            self.rest_for(pause, "no requests remain for now");
        }
        let text = String::from_utf8_lossy(&body[..body.len().min(4096)]).into_owned();
        let verdict = retry::judge(status, &headers, &text, &self.rate_limit, now);
        if let Some(failed) = failed(verdict, || self.clear(&said(status, &text))) {
            return Err(failed);
        }
        self.clear_bytes(&mut body);
        let sound = self.sound(body, &text, &headers, status, url, expected)?;
        let links = headers.get_all("link").iter().map(HeaderValue::as_bytes);
        Ok(Answer {
            body: Arc::new(sound.body),
            unreadable: sound.unreadable,
            mended: sound.mended,
            next: link::next(links),
            at: retry::moment(ours, source_time),
            source_time,
            url: url.clone(),
            remaining: retry::remaining(&headers, &self.rate_limit),
        })
    }

    /// The records of an answer, or why it is not what was expected; `text` is its beginning.
    fn sound(
        &self,
        mut body: Vec<u8>,
        text: &str,
        headers: &HeaderMap,
        status: StatusCode,
        url: &Url,
        expected: Expected<'_>,
    ) -> Result<Sound, Failed> {
        let wrong = |reason: &str| Failed::Perhaps(self.clear(reason), Trouble::default());
        if let Some(media_type) = expected.text {
            body = text_record(&body, headers, media_type).map_err(|reason| wrong(&reason))?;
        }
        if body.trim_ascii().is_empty() {
            return match expected.may_be_empty {
                true => Ok(Sound {
                    body: Vec::new(),
                    unreadable: 0,
                    mended: 0,
                }),
                false => Err(wrong(&format!("the answer is empty: {}", said(status, "")))),
            };
        }
        // A proxy or a login page answers so, and half an answer looks so.
        set_aside(body, &expected.records.steps, url.path()).ok_or_else(|| {
            wrong(&format!(
                "the answer is not JSON: it begins with `{}`",
                beginning(text)
            ))
        })
    }

    /// What an answer holds, up to the longest that is taken.
    async fn body(&self, url: &Url, response: &mut Response) -> Result<Vec<u8>, Failed> {
        let length = response
            .content_length()
            .and_then(|length| usize::try_from(length).ok());
        let mut body = Vec::with_capacity(length.unwrap_or_default().min(BELIEVED));
        let broken = |error: reqwest::Error| self.broken(url, &error);
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if body.len() + chunk.len() > LONGEST_ANSWER {
                let reason = format!("an answer is longer than {} MiB", LONGEST_ANSWER >> 20);
                return Err(Failed::Finally(Failure::Refused(reason)));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// What it means that no whole answer came.
    fn broken(&self, url: &Url, error: &reqwest::Error) -> Failed {
        let reason = self.clear(&format!(
            "no answer from `{}`: {}",
            host(url),
            causes(error)
        ));
        if is_about_the_certificate(error) {
            // It will be as wrong the next time.
            self.mood().down = Some(reason.clone());
            return Failed::Finally(Failure::Down(reason));
        }
        let trouble = if error.is_connect() {
            Trouble::Unreachable
        } else {
            Trouble::NoAnswer
        };
        Failed::Perhaps(reason, trouble)
    }

    fn same_origin(&self, url: Url) -> Result<Url, Failure> {
        if url.origin() == self.base.origin() {
            Ok(url)
        } else {
            Err(Failure::Elsewhere(self.clear(&format!(
                "the next page is at `{}`, where the token must not go",
                host(&url)
            ))))
        }
    }

    fn mood(&self) -> MutexGuard<'_, Mood> {
        // No code panics while it holds this lock, and a half-made note would do no harm.
        self.mood.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rest_for(&self, pause: Duration, reason: &str) {
        let until = Instant::now() + pause;
        let mut mood = self.mood();
        if mood.rest.as_ref().is_none_or(|(old, _)| *old < until) {
            mood.rest = Some((until, reason.to_owned()));
        }
    }

    /// Waits as long as the source wants no requests.
    async fn rest(&self, stop: &Stop, progress: &dyn Progress) -> Result<(), Failure> {
        if stop.is_set() {
            return Err(Failure::Stopped);
        }
        let (down, rest) = {
            let mood = self.mood();
            (mood.down.clone(), mood.rest.clone())
        };
        if let Some(reason) = down {
            return Err(Failure::Down(reason));
        }
        let pause = rest.and_then(|(until, reason)| {
            let pause = until.checked_duration_since(Instant::now())?;
            Some((pause, reason))
        });
        let Some((pause, reason)) = pause else {
            return Ok(());
        };
        self.waiting(progress, pause, &reason, Why::Limit);
        sleep(pause, stop).await
    }

    fn waiting(&self, progress: &dyn Progress, wait: Duration, reason: &str, why: Why) {
        progress.event(&Event::Waiting {
            source: &self.source,
            wait,
            reason,
            why,
        });
    }

    /// A text without our secrets.
    fn clear(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| {
            text.replace(secret.as_str(), "(secret)")
        })
    }

    fn clear_bytes(&self, body: &mut Vec<u8>) {
        for secret in &self.secrets {
            // A source that sends our token back is rare: the text is copied only then.
            let mut from = 0;
            while let Some(at) = memchr::memmem::find(&body[from..], secret.as_bytes()) {
                let start = from + at;
                body.splice(start..start + secret.len(), *b"(secret)");
                from = start + b"(secret)".len();
            }
        }
    }
}

enum Failed {
    Finally(Failure),
    Perhaps(String, Trouble),
}

/// What went wrong with a request that may fare better the next time.
#[derive(Clone, Copy)]
enum Trouble {
    /// No connection could be made.
    Unreachable,
    /// There was a connection, and no whole answer.
    NoAnswer,
    /// What was answered.
    Answer(Later),
}

impl Default for Trouble {
    fn default() -> Self {
        Self::Answer(Later::default())
    }
}

impl From<Trouble> for Why {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Unreachable | Trouble::NoAnswer => Self::Unreachable,
            Trouble::Answer(later) if later.too_often => Self::Limit,
            Trouble::Answer(_) => Self::Trouble,
        }
    }
}

impl Mood {
    /// Whether it is time to say once more that an answer is waited for.
    fn says_again(&mut self) -> bool {
        let due = self.named.is_none_or(|last| last.elapsed() > QUIET);
        if due {
            self.named = Some(Instant::now());
        }
        due
    }
}

/// The record that an answer of text becomes. A proxy or a login page answers in another type.
fn text_record(body: &[u8], headers: &HeaderMap, media_type: &str) -> Result<Vec<u8>, String> {
    let said = headers.get("content-type").map(HeaderValue::as_bytes);
    let said = String::from_utf8_lossy(said.unwrap_or_default());
    let essence = said.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case(media_type) {
        return Err(match essence {
            "" => format!("the answer has no media type, expected `{media_type}`"),
            _ => format!("the answer is `{essence}`, expected `{media_type}`"),
        });
    }
    let text = std::str::from_utf8(body).map_err(|_| "the answer is not valid UTF-8")?;
    Ok(serde_json::json!({ "text": text }).to_string().into_bytes())
}

async fn sleep(pause: Duration, stop: &Stop) -> Result<(), Failure> {
    tokio::select! {
        () = tokio::time::sleep(pause) => Ok(()),
        () = stop.wait() => Err(Failure::Stopped),
    }
}

/// What an answer that does not hold what was asked for means; `reason` gives its words.
fn failed(verdict: Verdict, reason: impl Fn() -> String) -> Option<Failed> {
    let failure = match verdict {
        Verdict::Good => return None,
        Verdict::Again(later) => return Some(Failed::Perhaps(reason(), Trouble::Answer(later))),
        Verdict::Unauthorized => Failure::Unauthorized(reason()),
        Verdict::Forbidden => Failure::Forbidden(reason()),
        Verdict::NotThere => Failure::NotThere(reason()),
        Verdict::NotInPlan => Failure::NotInPlan(reason()),
        Verdict::Refused => Failure::Refused(reason()),
    };
    Some(Failed::Finally(failure))
}
