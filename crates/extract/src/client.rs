//! Requests to one source: with its headers and within its limits, tried again where that may help.
//!
//! A request goes to the host of the base URL or nowhere. What a failure says has been cleared of secrets.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use definitions::extractor::{RateLimit, Retry};
use jiff::Timestamp;
use reqwest::header::HeaderMap;
use reqwest::{StatusCode, Url};

use crate::page::beginning;
use crate::retry::{self, Verdict};
use crate::{Event, Progress, Stop};

/// No answer may be longer, in bytes.
const LONGEST_ANSWER: usize = 64 << 20;

/// Where requests go and with what.
pub struct Client {
    http: reqwest::Client,
    base: Url,
    headers: HeaderMap,
    secrets: Vec<String>,
    rate_limit: RateLimit,
    retry: Retry,
    source: String,
    /// Until when the source wants to be left alone.
    rest_until: Mutex<Option<Instant>>,
}

/// What came.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its body, which is JSON.
    pub body: Arc<Vec<u8>>,
    /// Its header `Link`.
    pub link: Option<String>,
    /// When it came.
    pub at: Timestamp,
    /// The address that was asked.
    pub url: Url,
    /// How many requests the source has left for us.
    pub remaining: Option<u64>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Somebody said stop.
    Stopped,
    /// The token is not right.
    Unauthorized(String),
    /// The token may not see this.
    Forbidden(String),
    /// It is not there, or not in the plan that was bought.
    NotThere(String),
    /// The request is refused, and will be.
    Refused(String),
    /// It was tried as often as may be.
    GaveUp(String),
    /// The address leads to another host.
    Elsewhere(String),
}

impl Failure {
    /// What happened, in words.
    pub fn reason(&self) -> &str {
        match self {
            Self::Stopped => "stopped",
            Self::Unauthorized(reason)
            | Self::Forbidden(reason)
            | Self::NotThere(reason)
            | Self::Refused(reason)
            | Self::GaveUp(reason)
            | Self::Elsewhere(reason) => reason,
        }
    }
}

/// What a client is made of.
pub(crate) struct Parts {
    pub base: Url,
    pub headers: HeaderMap,
    pub secrets: Vec<String>,
    pub rate_limit: RateLimit,
    pub retry: Retry,
    pub timeout: Duration,
    pub source: String,
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
            source: parts.source,
            rest_until: Mutex::new(None),
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
    pub async fn try_once(&self, url: &Url) -> Result<Answer, Failure> {
        match self.once(url).await {
            Ok(answer) => Ok(answer),
            Err(Failed::Finally(failure)) => Err(failure),
            Err(Failed::Perhaps(reason, _)) => Err(Failure::GaveUp(reason)),
        }
    }

    /// Asks, and asks again where that may help. Tells `progress` of every wait.
    pub async fn get(
        &self,
        url: Url,
        stop: &Stop,
        progress: &dyn Progress,
    ) -> Result<Answer, Failure> {
        let mut tries = 0;
        loop {
            self.rest(stop, progress).await?;
            tries += 1;
            let failed = match self.once(&url).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            let (reason, wait) = match failed {
                Failed::Finally(failure) => return Err(failure),
                Failed::Perhaps(reason, wait) => (reason, wait),
            };
            if tries >= self.retry.tries {
                return Err(Failure::GaveUp(format!("{reason}, {tries} times")));
            }
            // What the source says counts; a wait that it names in whole seconds may end a little early.
            let pause = match wait {
                Some(named) => {
                    named.min(self.retry.longest_wait)
                        + Duration::from_millis(fastrand::u64(20..200))
                }
                None => retry::backoff(&self.retry, tries, fastrand::f64()),
            };
            if wait.is_some() {
                self.rest_for(pause);
            }
            progress.event(&Event::Waiting {
                source: &self.source,
                wait: pause,
                reason: &reason,
            });
            sleep(pause, stop).await?;
        }
    }

    async fn once(&self, url: &Url) -> Result<Answer, Failed> {
        let request = self.http.get(url.clone()).headers(self.headers.clone());
        let broken = |error: reqwest::Error| {
            Failed::Perhaps(
                self.clear(&format!(
                    "no answer from `{}`: {}",
                    host(url),
                    causes(&error)
                )),
                None,
            )
        };
        let mut response = request.send().await.map_err(broken)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let now = Timestamp::now();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if body.len() + chunk.len() > LONGEST_ANSWER {
                let reason = format!("an answer is longer than {} MiB", LONGEST_ANSWER >> 20);
                return Err(Failed::Finally(Failure::Refused(reason)));
            }
            body.extend_from_slice(&chunk);
        }
        if status.is_redirection() {
            let reason = format!(
                "`{}` sends us to another host, where the token must not go",
                host(url)
            );
            return Err(Failed::Finally(Failure::Elsewhere(reason)));
        }
        if let Some(pause) = retry::pause(&headers, &self.rate_limit, now) {
            self.rest_for(pause.min(self.retry.longest_wait));
        }
        let text = String::from_utf8_lossy(&body[..body.len().min(4096)]).into_owned();
        let reason = || self.clear(&said(status, &text));
        match retry::judge(status, &headers, &text, &self.rate_limit, now) {
            Verdict::Good => {}
            Verdict::Again(wait) => return Err(Failed::Perhaps(reason(), wait)),
            Verdict::Unauthorized => return Err(Failed::Finally(Failure::Unauthorized(reason()))),
            Verdict::Forbidden => return Err(Failed::Finally(Failure::Forbidden(reason()))),
            Verdict::NotThere => return Err(Failed::Finally(Failure::NotThere(reason()))),
            Verdict::Refused => return Err(Failed::Finally(Failure::Refused(reason()))),
        }
        self.clear_bytes(&mut body);
        if sonic_rs::from_slice::<serde::de::IgnoredAny>(&body).is_err() {
            // A proxy or a login page answers so, and half an answer looks so.
            let reason = format!(
                "the answer is not JSON: it begins with `{}`",
                beginning(&text)
            );
            return Err(Failed::Perhaps(self.clear(&reason), None));
        }
        let link = headers.get("link").and_then(|value| value.to_str().ok());
        Ok(Answer {
            body: Arc::new(body),
            link: link.map(str::to_owned),
            at: now,
            url: url.clone(),
            remaining: retry::remaining(&headers, &self.rate_limit),
        })
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

    fn rest_for(&self, pause: Duration) {
        let until = Instant::now() + pause;
        if let Ok(mut rest) = self.rest_until.lock() {
            *rest = Some(rest.map_or(until, |old| old.max(until)));
        }
    }

    async fn rest(&self, stop: &Stop, progress: &dyn Progress) -> Result<(), Failure> {
        if stop.is_set() {
            return Err(Failure::Stopped);
        }
        let until = self.rest_until.lock().ok().and_then(|rest| *rest);
        let Some(pause) = until.and_then(|until| until.checked_duration_since(Instant::now()))
        else {
            return Ok(());
        };
        progress.event(&Event::Waiting {
            source: &self.source,
            wait: pause,
            reason: "no requests remain for now",
        });
        sleep(pause, stop).await
    }

    /// A text without our secrets.
    fn clear(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| {
            text.replace(secret.as_str(), "(secret)")
        })
    }

    fn clear_bytes(&self, body: &mut Vec<u8>) {
        // A source that sends our token back is rare: the text is copied only then.
        let found = |secret: &String| memchr::memmem::find(body, secret.as_bytes()).is_some();
        if self.secrets.iter().any(found)
            && let Ok(text) = std::str::from_utf8(body)
        {
            *body = self.clear(text).into_bytes();
        }
    }
}

enum Failed {
    Finally(Failure),
    Perhaps(String, Option<Duration>),
}

/// The host and port of an address, for people.
pub(crate) fn host(url: &Url) -> String {
    let name = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"))
}

async fn sleep(pause: Duration, stop: &Stop) -> Result<(), Failure> {
    tokio::select! {
        () = tokio::time::sleep(pause) => Ok(()),
        () = stop.wait() => Err(Failure::Stopped),
    }
}

/// What a source said, as far as it can be told in a line.
fn said(status: StatusCode, text: &str) -> String {
    let mut words = format!("the source answers {}", status.as_u16());
    if let Some(reason) = status.canonical_reason() {
        words += " ";
        words += reason;
    }
    let text = beginning(text);
    if !text.is_empty() && !text.starts_with('<') {
        words += &format!(": `{text}`");
    }
    words
}

/// An error with what caused it, without its address, which is told elsewhere.
fn causes(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() {
        "it took too long".to_owned()
    } else if error.is_connect() {
        "cannot connect".to_owned()
    } else if error.is_body() || error.is_decode() {
        "the answer broke off".to_owned()
    } else {
        "the connection broke".to_owned()
    };
    let mut cause = std::error::Error::source(error);
    let mut last = None;
    while let Some(inner) = cause {
        last = Some(inner.to_string());
        cause = inner.source();
    }
    if let Some(last) = last.filter(|last| !last.is_empty()) {
        text += ": ";
        text += &last;
    }
    text
}
