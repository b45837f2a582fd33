//! Why there is no answer, and how that is said.

use reqwest::header::HeaderMap;
use reqwest::{StatusCode, Url};

use crate::page::beginning;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Somebody said stop.
    Stopped,
    /// The token is not right.
    Unauthorized(String),
    /// The token may not see this.
    Forbidden(String),
    /// It is not there.
    NotThere(String),
    /// It is not in the plan that was bought.
    NotInPlan(String),
    /// The request is refused, and will be.
    Refused(String),
    /// It was tried as often as may be.
    GaveUp(String),
    /// The source cannot be reached: no other request will fare better.
    Down(String),
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
            | Self::NotInPlan(reason)
            | Self::Refused(reason)
            | Self::GaveUp(reason)
            | Self::Down(reason)
            | Self::Elsewhere(reason) => reason,
        }
    }
}

/// Whether an answer is a redirect that was not followed because it leads to another host. 300 and 304 lead nowhere
/// (RFC 9110, section 15.4).
pub(crate) fn leads_elsewhere(status: StatusCode, headers: &HeaderMap, url: &Url) -> bool {
    let location = headers
        .get("location")
        .and_then(|value| value.to_str().ok());
    let target = location.and_then(|location| url.join(location).ok());
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
        && target.is_some_and(|target| target.origin() != url.origin())
}

/// Whether a connection failed because of what the other side's certificate says.
pub(crate) fn is_about_the_certificate(error: &(dyn std::error::Error + 'static)) -> bool {
    if let Some(rustls::Error::InvalidCertificate(_)) = error.downcast_ref() {
        return true;
    }
    // The error inside an error of input or output is not among its sources.
    let inside = error
        .downcast_ref::<std::io::Error>()
        .and_then(std::io::Error::get_ref);
    inside.is_some_and(|inner| is_about_the_certificate(inner))
        || error.source().is_some_and(is_about_the_certificate)
}

/// What a source said, shortened to one line.
pub(crate) fn said(status: StatusCode, text: &str) -> String {
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

/// An error with what caused it, without its address, which is shown elsewhere.
pub(crate) fn causes(error: &reqwest::Error) -> String {
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

/// The host and port of an address, for people.
pub(crate) fn host(url: &Url) -> String {
    let name = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"))
}
