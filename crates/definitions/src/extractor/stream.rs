//! Reads the streams of an extractor file.

use std::time::Duration;

use yaml::{Node, Value};

use super::terms::duration;
use super::{
    Changed, FieldPath, Keep, Paging, Parent, PathStep, Redaction, Request, Start,
    StreamExtraction, Windowing,
};
use crate::reader::Reader;
use crate::{StreamName, Word};

/// What a request has: in a stream, and where one changed record is asked for.
const REQUEST: [(&str, &str); 2] = [
    ("path", "what follows the base URL"),
    (
        "records",
        "where the records are in an answer, such as `.items[]`",
    ),
];

/// What a reference to another stream has.
const PARENT: [(&str, &str); 2] = [
    ("stream", "the stream whose records are followed"),
    (
        "values",
        "what a request takes from a record, such as `{id: .id}`",
    ),
];

#[derive(Clone, Copy)]
enum By {
    Offset,
    Link,
    Page,
    IdOffset,
    Token,
}

const MEMBERS: [&str; 13] = [
    "path",
    "query",
    "records",
    "text",
    "key",
    "paging",
    "windows",
    "whole",
    "parent",
    "changed",
    "may_be_empty",
    "redact",
    "scope",
];

/// What paging by a token needs.
const TOKEN: [(&str, &str); 2] = [
    ("parameter", "the parameter that takes the token"),
    ("token", "where an answer has the token of the next page"),
];

/// What paging by a number or an id needs.
const PAGING: [(&str, &str); 2] = [
    ("parameter", "the parameter that says where a page begins"),
    (
        "size",
        "the parameter for the number of records a page, such as `{limit: 100}`",
    ),
];

impl Reader<'_> {
    pub(super) fn stream(&mut self, stream: Word, node: &Node) -> Option<StreamExtraction> {
        let members = self.members(node, "a stream", &MEMBERS)?;
        let request = self.request(node, &members);
        self.windows_fit(&members);
        let key = request.as_ref().map(|request| request.key.clone());
        let (mut parent, mut paging, mut windows, mut changed) = (None, None, None, None);
        let (mut whole, mut may_be_empty) = (false, false);
        let mut redact = Vec::new();
        let mut scope = None;
        for (key_word, node) in members {
            match key_word.text.as_str() {
                "paging" => paging = self.paging(node),
                "windows" => windows = self.windows(node),
                "whole" => whole = self.truth(node),
                "may_be_empty" => may_be_empty = self.truth(node),
                "parent" => {
                    if let Some(members) = self.members(node, "a parent", &["stream", "values"]) {
                        parent = self.parent(node, &members);
                    }
                }
                "changed" => changed = self.changed(node, key.as_ref()),
                "redact" => {
                    for node in self.list(node, "a list of what to redact") {
                        redact.extend(self.redaction(node));
                    }
                }
                "scope" => scope = self.text(node, "the name of a permission"),
                _ => {}
            }
        }
        Some(StreamExtraction {
            stream: self.named(&stream, "the name of a stream", StreamName::parse)?,
            request: request?,
            parent,
            paging,
            windows,
            changed,
            whole,
            may_be_empty,
            redact,
            scope,
        })
    }

    /// Checks what is only allowed with `windows`, or only without.
    fn windows_fit(&mut self, members: &[(Word, &Node)]) {
        let given = |name: &str| members.iter().find(|(key, _)| key.text == name);
        if let (Some((_, whole)), Some(_)) = (given("whole"), given("windows"))
            && let Value::Bool(true) = whole.value
        {
            let expected = "what is cut by time is never known to be all that there is";
            self.fault(whole, "with `windows` nothing can be `whole`", expected);
        }
        if let (Some((_, changed)), None) = (given("changed"), given("windows")) {
            let expected = "all of it is fetched in every run";
            self.fault(changed, "without `windows` there is no `changed`", expected);
        }
    }

    fn request(&mut self, node: &Node, members: &[(Word, &Node)]) -> Option<Request> {
        let is_text = members.iter().any(|(key, _)| key.text == "text");
        self.needed(
            node,
            members,
            if is_text { &REQUEST[..1] } else { &REQUEST },
        );
        let mut path = None;
        let mut query = Vec::new();
        let mut records = is_text.then(|| FieldPath { steps: Vec::new() });
        let mut text = None;
        let usual_key = if is_text { "text" } else { "id" };
        let mut key_path = Some(FieldPath {
            steps: vec![PathStep::Member(usual_key.to_owned())],
        });
        for (key, node) in members {
            match key.text.as_str() {
                "path" => {
                    path = self.template(node);
                    let begins = |text: &str| text.starts_with('/');
                    if path.as_ref().is_some_and(|path| !begins(&path.word.text)) {
                        let expected = "expected a path such as `/items`";
                        self.fault(node, "a path begins with `/`", expected);
                    }
                }
                "records" if is_text => self.fault(
                    node,
                    "an answer that is a text is one record",
                    "there is no `records` beside `text`",
                ),
                "records" => records = self.field_path(node),
                "text" => text = self.media_type(node),
                "key" => key_path = self.field_path(node),
                "query" => {
                    for (name, node) in self.pairs(node, "parameters by name") {
                        let values = match &node.value {
                            Value::List(items) => items.iter().collect(),
                            _ => vec![node],
                        };
                        for value in values {
                            query.extend(
                                self.template(value).map(|value| (name.text.clone(), value)),
                            );
                        }
                    }
                }
                _ => {}
            }
        }
        Some(Request {
            path: path?,
            query,
            records: records?,
            text,
            key: key_path?,
        })
    }

    fn media_type(&mut self, node: &Node) -> Option<String> {
        let expected = "the media type of the answer, such as `text/markdown`";
        let text = self.text(node, expected)?;
        let is_part = |part: &str| {
            let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
            !part.is_empty() && part.bytes().all(is_sign)
        };
        match text.split_once('/') {
            Some((kind, subtype)) if is_part(kind) && is_part(subtype) => Some(text),
            _ => {
                self.unexpected(node, expected);
                None
            }
        }
    }

    fn paging(&mut self, node: &Node) -> Option<Paging> {
        let (way, by) = self.way_of_paging(node)?;
        let known: &[&str] = match by {
            By::Offset => &["by", "parameter", "size", "more", "total", "cap"],
            By::Link => &["by", "size"],
            By::Page => &["by", "parameter", "size", "first", "total"],
            By::IdOffset => &["by", "parameter", "size", "first"],
            By::Token => &["by", "parameter", "size", "token"],
        };
        let what = format!("paging by `{}`", way.as_text().unwrap_or_default());
        let members = self.members(node, &what, known)?;
        match by {
            By::Link => {}
            By::Token => self.needed(node, &members, &TOKEN),
            By::Offset | By::Page | By::IdOffset => self.needed(node, &members, &PAGING),
        }
        let (mut parameter, mut size, mut token) = (None, None, None);
        let (mut first, mut cap, mut more, mut total) = (None, None, None, None);
        let mut sound = true;
        for (key, node) in members {
            match key.text.as_str() {
                "by" => {}
                "parameter" => parameter = self.text(node, "the name of a parameter"),
                "size" => {
                    size = self.size(node);
                    sound &= size.is_some();
                }
                "first" => first = self.number(node, 0),
                "cap" => cap = self.number(node, 1),
                "more" => more = self.field_path(node),
                "token" => token = self.field_path(node),
                _ => total = self.field_path(node),
            }
        }
        Some(match by {
            By::Link if sound => Paging::Link { size },
            By::Token if sound => Paging::Token {
                parameter: parameter?,
                token: token?,
                size,
            },
            By::Link | By::Token => return None,
            By::Offset => Paging::Offset {
                parameter: parameter?,
                size: size?,
                more,
                total,
                cap,
            },
            By::Page => Paging::Page {
                parameter: parameter?,
                first: first.unwrap_or(1),
                size: size?,
                total,
            },
            By::IdOffset => Paging::IdOffset {
                parameter: parameter?,
                first: first.unwrap_or(0),
                size: size?,
            },
        })
    }

    fn way_of_paging<'n>(&mut self, node: &'n Node) -> Option<(&'n Node, By)> {
        let ways = [
            ("offset", By::Offset),
            ("link", By::Link),
            ("page", By::Page),
            ("id_offset", By::IdOffset),
            ("token", By::Token),
        ];
        if let Some(way) = node.get("by") {
            return Some((way, self.choice(way, &ways)?));
        }
        if let Value::Mapping(_) = node.value {
            let meaning = "one of `offset`, `link`, `page`, `id_offset` and `token`";
            self.missing(node, "by", meaning);
        } else {
            self.unexpected(node, "how pages follow each other: by, size, …");
        }
        None
    }

    fn size(&mut self, node: &Node) -> Option<(String, u64)> {
        let expected = "one parameter and the number of records a page, such as `{limit: 100}`";
        let mut pairs = self.pairs(node, expected);
        let (Some((name, number)), true) = (pairs.pop(), pairs.is_empty()) else {
            if let Value::Mapping(_) = node.value {
                self.unexpected(node, expected);
            }
            return None;
        };
        Some((name.text, self.number(number, 1)?))
    }

    fn windows(&mut self, node: &Node) -> Option<Windowing> {
        let known = [
            "since", "until", "at", "longest", "start", "lookback", "refresh",
        ];
        let members = self.members(node, "windows", &known)?;
        self.needed(
            node,
            &members,
            &[
                ("since", "the parameter for the beginning of a window"),
                ("until", "the parameter for the end of a window"),
                (
                    "at",
                    "the time in a record by which the source cuts, such as `.created_at`",
                ),
                (
                    "longest",
                    "the longest stretch of time to ask for, such as `30 days`",
                ),
                ("start", "a date, or how long before now, such as `90 days`"),
            ],
        );
        let (mut since, mut until, mut at) = (None, None, None);
        let (mut longest, mut start, mut lookback, mut refresh) = (None, None, None, None);
        for (key, node) in members {
            match key.text.as_str() {
                "since" => since = self.text(node, "the name of a parameter"),
                "until" => until = self.text(node, "the name of a parameter"),
                "at" => at = self.field_path(node),
                "longest" => longest = self.some_time(node),
                "start" => start = self.start(node),
                "lookback" => lookback = self.duration(node),
                _ => refresh = self.refresh(node),
            }
        }
        Some(Windowing {
            since: since?,
            until: until?,
            at: at?,
            longest: longest?,
            start: start?,
            lookback: lookback.unwrap_or_default(),
            refresh,
        })
    }

    fn refresh(&mut self, node: &Node) -> Option<(Duration, Duration)> {
        let members = self.members(node, "a refresh", &["every", "reach"])?;
        self.needed(
            node,
            &members,
            &[
                ("every", "how often, such as `7 days`"),
                ("reach", "how far back, such as `90 days`"),
            ],
        );
        let (mut every, mut reach) = (None, None);
        for (key, node) in members {
            let span = self.some_time(node);
            if key.text == "every" {
                every = span;
            } else {
                reach = span;
            }
        }
        every.zip(reach)
    }

    fn start(&mut self, node: &Node) -> Option<Start> {
        let expected = "a date such as `2009-01-01`, or how long before now, such as `90 days`";
        let text = self.text(node, expected)?;
        let midnight = |date: jiff::civil::Date| {
            let time = date.to_datetime(jiff::civil::Time::midnight());
            jiff::tz::TimeZone::UTC.to_timestamp(time).ok()
        };
        let date = text.parse().ok().and_then(midnight);
        let start = date
            .map(Start::At)
            .or_else(|| duration(&text).map(Start::Before));
        if start.is_none() {
            self.unexpected(node, expected);
        }
        start
    }

    fn parent(&mut self, node: &Node, members: &[(Word, &Node)]) -> Option<Parent> {
        self.needed(node, members, &PARENT);
        let mut stream = None;
        let mut values = Vec::new();
        for (key, node) in members {
            match key.text.as_str() {
                "stream" => stream = self.stream_name(node),
                "values" => {
                    let expected = "names and where their values are in a record";
                    for (name, node) in self.pairs(node, expected) {
                        values.extend(self.field_path(node).map(|path| (name.text, path)));
                    }
                }
                _ => {}
            }
        }
        Some(Parent {
            stream: stream?,
            values,
        })
    }

    fn changed(&mut self, node: &Node, key: Option<&FieldPath>) -> Option<Changed> {
        let known = ["stream", "values", "path", "query", "records"];
        let members = self.members(node, "what says which records changed", &known)?;
        let by = self.parent(node, &members);
        let request = self.request(node, &members);
        Some(Changed {
            by: by?,
            request: Request {
                key: key?.clone(),
                ..request?
            },
        })
    }

    fn redaction(&mut self, node: &Node) -> Option<Redaction> {
        let members = self.members(node, "a redaction", &["path", "matching", "keep"])?;
        self.needed(
            node,
            &members,
            &[
                ("path", "where the value is in a record"),
                ("keep", "`hash`, `presence`, or `origin` (of a URL)"),
            ],
        );
        let (mut path, mut matching, mut keep) = (None, None, None);
        for (key, node) in members {
            match key.text.as_str() {
                "path" => path = self.field_path(node),
                "matching" => {
                    let expected = "a regular expression";
                    let text = self.text(node, expected).unwrap_or_default();
                    match regex_lite::Regex::new(&text) {
                        Ok(pattern) => matching = Some(pattern),
                        Err(error) => self.unexpected(node, &format!("{expected}: {error}")),
                    }
                }
                _ => {
                    let choices = [
                        ("hash", Keep::Hash),
                        ("presence", Keep::Presence),
                        ("origin", Keep::Origin),
                    ];
                    keep = self.choice(node, &choices);
                }
            }
        }
        let path = path?;
        if path.steps.is_empty() {
            self.fault(
                node,
                "a whole record cannot be redacted",
                "expected the `path` of a value in it, such as `.secret`",
            );
            return None;
        }
        Some(Redaction {
            path,
            matching,
            keep: keep?,
        })
    }
}
