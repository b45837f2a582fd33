//! Reads an extractor file: what holds for the source as a whole. Its streams are read in `stream`.

use std::sync::Arc;
use std::time::Duration;

use diagnostics::Diagnostic;
use yaml::{Node, Value};

use super::{Extractor, RateLimit, ResetIs, Retry, Setting};
use crate::reader::{self, Reader};
use crate::{File, SourceName};

const TIMEOUT: Duration = Duration::from_secs(60);

const MEMBERS: [&str; 9] = [
    "source",
    "base_url",
    "settings",
    "headers",
    "concurrency",
    "timeout",
    "rate_limit",
    "retry",
    "streams",
];

/// The members without which nothing can be fetched, and what they are.
const NEEDED: [(&str, &str); 3] = [
    ("source", "the source that it fetches from"),
    ("base_url", "what every path is added to"),
    ("streams", "what is fetched, by name"),
];

/// Reads an extractor file. Nothing comes back if it has no source, no base URL or no streams; the faults say why.
pub(crate) fn parse(file: &File, faults: &mut Vec<Diagnostic>) -> Option<Extractor> {
    let source = &file.source;
    let root = reader::tree(source, "the extractor", faults)?;
    let mut reader = Reader { source, faults };
    let members = reader.members(&root, "an extractor", &MEMBERS)?;
    reader.needed(&root, &members, &NEEDED);
    let (mut name, mut base_url) = (None, None);
    let (mut settings, mut headers, mut streams) = (Vec::new(), Vec::new(), None);
    let (mut concurrency, mut timeout) = (1, TIMEOUT);
    let (mut rate_limit, mut retry) = (RateLimit::default(), Retry::default());
    for (key, node) in members {
        match key.text.as_str() {
            "source" => name = reader.name(node, "the name of a source", SourceName::parse),
            "base_url" => base_url = reader.word(node, "a URL"),
            "settings" => settings = reader.settings(node),
            "headers" => {
                for (header, node) in reader.pairs(node, "headers by name") {
                    headers.extend(reader.template(node).map(|value| (header, value)));
                }
            }
            "concurrency" => {
                if let Some(number) = reader.number(node, 1) {
                    concurrency = number.try_into().unwrap_or(usize::MAX);
                }
            }
            "timeout" => timeout = reader.some_time(node).unwrap_or(TIMEOUT),
            "rate_limit" => rate_limit = reader.rate_limit(node),
            "retry" => retry = reader.retry(node),
            "streams" => {
                let pairs = reader.pairs(node, "streams by name").into_iter();
                let read = pairs.filter_map(|(stream, node)| reader.stream(stream, node));
                streams = Some(read.collect());
            }
            _ => {}
        }
    }
    let mut base_url = base_url?;
    let length = base_url.text.trim_end_matches('/').len();
    base_url.text.truncate(length);
    Some(Extractor {
        source: name?,
        base_url,
        settings,
        headers,
        concurrency,
        timeout,
        rate_limit,
        retry,
        streams: streams?,
        text: Arc::clone(source),
    })
}

impl Reader<'_> {
    fn settings(&mut self, node: &Node) -> Vec<Setting> {
        let mut settings = Vec::new();
        for (name, node) in self.pairs(node, "settings by name") {
            let known = ["meaning", "secret", "default"];
            let Some(members) = self.members(node, "a setting", &known) else {
                continue;
            };
            self.needed(
                node,
                &members,
                &[("meaning", "what it is, for people who do not have it yet")],
            );
            let mut setting = Setting {
                name,
                meaning: String::new(),
                secret: false,
                default: None,
            };
            for (key, node) in members {
                match key.text.as_str() {
                    "meaning" => {
                        setting.meaning = self.text(node, "a few words").unwrap_or_default();
                    }
                    "secret" => setting.secret = self.truth(node),
                    _ => setting.default = self.text(node, "a value"),
                }
            }
            settings.push(setting);
        }
        settings
    }

    fn rate_limit(&mut self, node: &Node) -> RateLimit {
        let mut limit = RateLimit::default();
        let known = [
            "remaining",
            "reset",
            "reset_is",
            "statuses",
            "messages",
            "least_wait",
        ];
        for (key, node) in self
            .members(node, "a rate limit", &known)
            .unwrap_or_default()
        {
            match key.text.as_str() {
                "remaining" => limit.remaining = self.header_name(node),
                "reset" => limit.reset = self.header_name(node),
                "least_wait" => limit.least_wait = self.some_time(node),
                "reset_is" => {
                    let choices = [
                        ("seconds", ResetIs::Seconds),
                        ("epoch_seconds", ResetIs::EpochSeconds),
                    ];
                    limit.reset_is = self.choice(node, &choices).unwrap_or_default();
                }
                "statuses" => {
                    for node in self.list(node, "a list of HTTP statuses") {
                        let status = match &node.value {
                            Value::Number(text) => text.parse().ok(),
                            _ => None,
                        };
                        match status.filter(|status| (400..600).contains(status)) {
                            Some(status) => limit.statuses.push(status),
                            None => self.unexpected(node, "an HTTP status from 400 to 599"),
                        }
                    }
                }
                _ => {
                    for node in self.list(node, "a list of words") {
                        limit.messages.extend(self.text(node, "words of an answer"));
                    }
                }
            }
        }
        limit
    }

    fn retry(&mut self, node: &Node) -> Retry {
        let mut retry = Retry::default();
        let known = ["tries", "first_wait", "longest_wait"];
        for (key, node) in self
            .members(node, "how to try again", &known)
            .unwrap_or_default()
        {
            match key.text.as_str() {
                "tries" => {
                    if let Some(tries) = self.number(node, 1) {
                        retry.tries = tries.try_into().unwrap_or(u32::MAX);
                    }
                }
                "first_wait" => retry.first_wait = self.duration(node).unwrap_or(retry.first_wait),
                _ => retry.longest_wait = self.duration(node).unwrap_or(retry.longest_wait),
            }
        }
        retry
    }

    fn header_name(&mut self, node: &Node) -> Option<String> {
        let expected = "the name of a header, such as `ratelimit-reset`";
        let name = self.text(node, expected)?;
        if !super::is_header_name(&name) {
            self.unexpected(node, expected);
            return None;
        }
        Some(name)
    }
}
