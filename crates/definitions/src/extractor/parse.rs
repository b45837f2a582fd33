//! Reads an extractor file: the shape of the YAML, and what of it can be judged alone.

use std::sync::Arc;
use std::time::Duration;

use diagnostics::Diagnostic;
use yaml::{Node, Value};

use super::{
    Changed, Extractor, FieldPath, Keep, Paging, Parent, Part, RateLimit, Redaction, Request,
    ResetIs, Retry, Setting, Start, Step, StreamExtraction, Template, Windows,
};
use crate::reader::{self, Reader, first_line};
use crate::{File, Word};

const TIMEOUT: Duration = Duration::from_secs(60);

/// Reads an extractor file. Nothing comes back if it has no source or no base URL; the faults say why.
pub(crate) fn parse(file: &File, faults: &mut Vec<Diagnostic>) -> Option<Extractor> {
    let source = &file.source;
    let root = reader::tree(source, "the extractor", faults)?;
    let mut reader = Reader { source, faults };
    let known = [
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
    let members = reader.members(&root, "an extractor", &known)?;
    let mut name = None;
    let mut base_url = None;
    let mut extractor = Extractor {
        source: Word::default(),
        base_url: Word::default(),
        settings: Vec::new(),
        headers: Vec::new(),
        concurrency: 1,
        timeout: TIMEOUT,
        rate_limit: RateLimit::default(),
        retry: Retry::default(),
        streams: Vec::new(),
        text: Arc::clone(source),
    };
    for (key, node) in members {
        match key.text.as_str() {
            "source" => name = reader.word(node, "the name of a source"),
            "base_url" => base_url = reader.word(node, "a URL"),
            "settings" => extractor.settings = reader.settings(node),
            "headers" => {
                for (header, node) in reader.pairs(node, "headers by name") {
                    if let Some(value) = reader.template(node) {
                        extractor.headers.push((header, value));
                    }
                }
            }
            "concurrency" => {
                extractor.concurrency = reader.number(node)?.try_into().unwrap_or(usize::MAX);
            }
            "timeout" => extractor.timeout = reader.duration(node).unwrap_or(TIMEOUT),
            "rate_limit" => extractor.rate_limit = reader.rate_limit(node),
            "retry" => extractor.retry = reader.retry(node),
            "streams" => {
                for (stream, node) in reader.pairs(node, "streams by name") {
                    extractor.streams.extend(reader.stream(stream, node));
                }
            }
            _ => {}
        }
    }
    if name.is_none() {
        reader.missing(&root, "source", "the source that it fetches from");
    }
    if base_url.is_none() {
        reader.missing(&root, "base_url", "what every path is added to");
    }
    extractor.source = name?;
    extractor.base_url = base_url?;
    let length = extractor.base_url.text.trim_end_matches('/').len();
    extractor.base_url.text.truncate(length);
    Some(extractor)
}

impl Reader<'_> {
    fn settings(&mut self, node: &Node) -> Vec<Setting> {
        let mut settings = Vec::new();
        for (name, node) in self.pairs(node, "settings by name") {
            let known = ["meaning", "secret", "default"];
            let Some(members) = self.members(node, "a setting", &known) else {
                continue;
            };
            let mut setting = Setting {
                name,
                meaning: String::new(),
                secret: false,
                default: None,
            };
            for (key, node) in members {
                match key.text.as_str() {
                    "meaning" => setting.meaning = self.text(node, "a few words"),
                    "secret" => setting.secret = self.truth(node),
                    _ => setting.default = self.word(node, "a value").map(|word| word.text),
                }
            }
            if setting.meaning.is_empty() {
                self.missing(
                    node,
                    "meaning",
                    "what it is, for people who do not have it yet",
                );
            }
            settings.push(setting);
        }
        settings
    }

    fn rate_limit(&mut self, node: &Node) -> RateLimit {
        let mut limit = RateLimit::default();
        let known = ["remaining", "reset", "reset_is", "statuses", "messages"];
        for (key, node) in self
            .members(node, "a rate limit", &known)
            .unwrap_or_default()
        {
            match key.text.as_str() {
                "remaining" => limit.remaining = Some(self.text(node, "the name of a header")),
                "reset" => limit.reset = Some(self.text(node, "the name of a header")),
                "reset_is" => match node.as_text() {
                    Some("seconds") => limit.reset_is = ResetIs::Seconds,
                    Some("epoch_seconds") => limit.reset_is = ResetIs::EpochSeconds,
                    _ => self.unexpected(node, "`seconds` from now or `epoch_seconds` since 1970"),
                },
                "statuses" => {
                    for node in self.list(node, "a list of HTTP statuses") {
                        let status = self
                            .number(node)
                            .and_then(|status| u16::try_from(status).ok());
                        limit.statuses.extend(status);
                    }
                }
                _ => {
                    for node in self.list(node, "a list of words") {
                        let words = self.text(node, "words of an answer");
                        limit.messages.push(words);
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
                    if let Some(tries) = self.number(node) {
                        retry.tries = tries.try_into().unwrap_or(u32::MAX);
                    }
                }
                "first_wait" => retry.first_wait = self.duration(node).unwrap_or(retry.first_wait),
                _ => retry.longest_wait = self.duration(node).unwrap_or(retry.longest_wait),
            }
        }
        retry
    }

    fn stream(&mut self, stream: Word, node: &Node) -> Option<StreamExtraction> {
        let known = [
            "path", "query", "records", "key", "paging", "windows", "whole", "parent", "changed",
            "redact", "scope",
        ];
        let members = self.members(node, "a stream", &known)?;
        let request = self.request(node, &members);
        let mut found = StreamExtraction {
            stream,
            request: request?,
            parent: None,
            paging: None,
            windows: None,
            changed: None,
            whole: false,
            redact: Vec::new(),
            scope: None,
        };
        for (key, node) in members {
            match key.text.as_str() {
                "paging" => found.paging = self.paging(node),
                "windows" => found.windows = self.windows(node),
                "whole" => found.whole = self.truth(node),
                "parent" => {
                    let members = self.members(node, "a parent", &["stream", "values"])?;
                    found.parent = self.parent(node, &members);
                }
                "changed" => found.changed = self.changed(node, &found.request.key),
                "redact" => {
                    for node in self.list(node, "a list of what to redact") {
                        found.redact.extend(self.redaction(node));
                    }
                }
                "scope" => found.scope = Some(self.text(node, "the name of a permission")),
                _ => {}
            }
        }
        Some(found)
    }

    fn request(&mut self, node: &Node, members: &[(Word, &Node)]) -> Option<Request> {
        let mut path = None;
        let mut query = Vec::new();
        let mut records = None;
        let mut key_path = FieldPath::parse(".id").ok();
        for (key, node) in members {
            match key.text.as_str() {
                "path" => path = self.template(node),
                "records" => records = self.field_path(node),
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
        if path.is_none() {
            self.missing(node, "path", "what follows the base URL");
        }
        if records.is_none() {
            self.missing(
                node,
                "records",
                "where the records are in an answer, such as `.items[]`",
            );
        }
        if let Some(path) = path
            .as_ref()
            .filter(|path| !path.word.text.starts_with('/'))
        {
            self.fault(
                &path.word,
                "a path begins with `/`",
                "expected a path such as `/items`",
            );
        }
        Some(Request {
            path: path?,
            query,
            records: records?,
            key: key_path?,
        })
    }

    fn paging(&mut self, node: &Node) -> Option<Paging> {
        let known = ["by", "parameter", "size", "first", "more", "total", "cap"];
        let members = self.members(node, "paging", &known)?;
        let mut by = String::new();
        let mut parameter = None;
        let mut size = None;
        let (mut first, mut cap, mut more, mut total) = (None, None, None, None);
        for (key, node) in members {
            match key.text.as_str() {
                "by" => by = self.text(node, "`offset`, `link`, `page` or `id_offset`"),
                "parameter" => parameter = Some(self.text(node, "the name of a parameter")),
                "size" => {
                    for (name, node) in
                        self.pairs(node, "the parameter and the number, such as `{limit: 100}`")
                    {
                        match self.number(node) {
                            Some(0) => self.unexpected(node, "a number of records greater than 0"),
                            number => size = number.map(|number| (name.text, number)),
                        }
                    }
                }
                "first" => first = self.number(node),
                "cap" => cap = self.number(node),
                "more" => more = self.field_path(node),
                _ => total = self.field_path(node),
            }
        }
        let needs_both = by != "link" && (parameter.is_none() || size.is_none());
        match by.as_str() {
            "offset" | "page" | "id_offset" if needs_both => {
                let (key, meaning) = if parameter.is_none() {
                    ("parameter", "the parameter that says where a page begins")
                } else {
                    (
                        "size",
                        "the parameter for the number of records a page, such as `{limit: 100}`",
                    )
                };
                self.missing(node, key, meaning);
                None
            }
            "link" => Some(Paging::Link { size }),
            "offset" => Some(Paging::Offset {
                parameter: parameter?,
                size: size?,
                more,
                total,
                cap,
            }),
            "page" => Some(Paging::Page {
                parameter: parameter?,
                first: first.unwrap_or(1),
                size: size?,
                total,
            }),
            "id_offset" => Some(Paging::IdOffset {
                parameter: parameter?,
                first: first.unwrap_or(0),
                size: size?,
            }),
            _ => {
                self.missing(
                    node,
                    "by",
                    "one of `offset`, `link`, `page` and `id_offset`",
                );
                None
            }
        }
    }

    fn windows(&mut self, node: &Node) -> Option<Windows> {
        let known = [
            "since", "until", "at", "longest", "start", "lookback", "refresh",
        ];
        let members = self.members(node, "windows", &known)?;
        let (mut since, mut until, mut at) = (None, None, None);
        let (mut longest, mut start, mut lookback, mut refresh) = (None, None, None, None);
        for (key, node) in members {
            match key.text.as_str() {
                "since" => since = Some(self.text(node, "the name of a parameter")),
                "until" => until = Some(self.text(node, "the name of a parameter")),
                "at" => at = self.field_path(node),
                "longest" => longest = self.duration(node),
                "start" => start = self.start(node),
                "lookback" => lookback = self.duration(node),
                _ => refresh = self.refresh(node),
            }
        }
        let needed = [
            (
                "since",
                since.is_none(),
                "the parameter for the beginning of a window",
            ),
            (
                "until",
                until.is_none(),
                "the parameter for the end of a window",
            ),
            (
                "at",
                at.is_none(),
                "the time in a record by which the source cuts, such as `.created_at`",
            ),
            (
                "longest",
                longest.is_none(),
                "the longest stretch of time to ask for, such as `30 days`",
            ),
            (
                "start",
                start.is_none(),
                "a date, or how long before now, such as `90 days`",
            ),
        ];
        for (key, _, meaning) in needed.iter().filter(|(_, missing, _)| *missing) {
            self.missing(node, key, meaning);
        }
        Some(Windows {
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
        let (mut every, mut reach) = (None, None);
        for (key, node) in self.members(node, "a refresh", &["every", "reach"])? {
            let span = self.duration(node);
            if key.text == "every" {
                every = span;
            } else {
                reach = span;
            }
        }
        if every.is_none() || reach.is_none() {
            self.missing(node, "every", "how often, and `reach:` with how far back");
        }
        every.zip(reach)
    }

    fn start(&mut self, node: &Node) -> Option<Start> {
        let text = self.text(node, "a date or how long before now");
        let date = text.parse::<jiff::civil::Date>().ok();
        if let Some(date) = date.and_then(|date| {
            jiff::tz::TimeZone::UTC
                .to_timestamp(date.to_datetime(jiff::civil::Time::midnight()))
                .ok()
        }) {
            return Some(Start::At(date));
        }
        if let Some(span) = duration(&text) {
            return Some(Start::Before(span));
        }
        self.unexpected(
            node,
            "a date such as `2009-01-01`, or how long before now, such as `90 days`",
        );
        None
    }

    fn parent(&mut self, node: &Node, members: &[(Word, &Node)]) -> Option<Parent> {
        let mut stream = None;
        let mut values = Vec::new();
        for (key, node) in members {
            match key.text.as_str() {
                "stream" => stream = self.word(node, "the name of a stream"),
                "values" => {
                    for (name, node) in
                        self.pairs(node, "names and where their values are in a record")
                    {
                        values.extend(self.field_path(node).map(|path| (name.text, path)));
                    }
                }
                _ => {}
            }
        }
        if stream.is_none() {
            self.missing(node, "stream", "the stream whose records are followed");
        }
        if values.is_empty() {
            self.missing(
                node,
                "values",
                "what a request takes from a record, such as `{id: .id}`",
            );
        }
        Some(Parent {
            stream: stream?,
            values,
        })
    }

    fn changed(&mut self, node: &Node, key: &FieldPath) -> Option<Changed> {
        let known = ["stream", "values", "path", "query", "records"];
        let members = self.members(node, "what tells of changes", &known)?;
        let by = self.parent(node, &members);
        let request = self.request(node, &members);
        Some(Changed {
            by: by?,
            request: Request {
                key: key.clone(),
                ..request?
            },
        })
    }

    fn redaction(&mut self, node: &Node) -> Option<Redaction> {
        let members = self.members(node, "a redaction", &["path", "matching", "keep"])?;
        let (mut path, mut matching, mut keep) = (None, None, None);
        for (key, node) in members {
            match key.text.as_str() {
                "path" => path = self.field_path(node),
                "matching" => {
                    let text = self.text(node, "a regular expression");
                    match regex_lite::Regex::new(&text) {
                        Ok(pattern) => matching = Some(pattern),
                        // Without the pattern more is redacted, never less.
                        Err(error) => {
                            self.unexpected(node, &format!("a regular expression: {error}"))
                        }
                    }
                }
                _ => match node.as_text() {
                    Some("hash") => keep = Some(Keep::Hash),
                    Some("presence") => keep = Some(Keep::Presence),
                    Some("origin") => keep = Some(Keep::Origin),
                    _ => self.unexpected(node, "`hash`, `presence`, or `origin` (of a URL)"),
                },
            }
        }
        if path.is_none() {
            self.missing(node, "path", "where the value is in a record");
        }
        if keep.is_none() {
            self.missing(node, "keep", "`hash`, `presence`, or `origin` (of a URL)");
        }
        Some(Redaction {
            path: path?,
            matching,
            keep: keep?,
        })
    }

    fn template(&mut self, node: &Node) -> Option<Template> {
        let word = self.word(node, "a text")?;
        match Template::parse(&word) {
            Ok(template) => Some(template),
            Err(expected) => {
                self.fault(&word, "a place to fill is not written well", &expected);
                None
            }
        }
    }

    fn field_path(&mut self, node: &Node) -> Option<FieldPath> {
        let word = self.word(node, "a path such as `.items[]`")?;
        match FieldPath::parse(&word.text) {
            Ok(path) => Some(path),
            Err(expected) => {
                self.fault(&word, &format!("`{}` is not a path", word.text), &expected);
                None
            }
        }
    }

    fn duration(&mut self, node: &Node) -> Option<Duration> {
        let text = self.text(node, "a duration such as `30 seconds` or `1 day`");
        let span = duration(&text);
        if span.is_none() && !text.is_empty() {
            self.unexpected(node, "a duration such as `30 seconds` or `1 day`");
        }
        span
    }

    fn number(&mut self, node: &Node) -> Option<u64> {
        let number = match &node.value {
            Value::Number(text) => text.parse().ok(),
            _ => None,
        };
        if number.is_none() {
            self.unexpected(node, "a whole number");
        }
        number
    }

    fn truth(&mut self, node: &Node) -> bool {
        match node.value {
            Value::Bool(value) => value,
            _ => {
                self.unexpected(node, "`true` or `false`");
                false
            }
        }
    }

    fn text(&mut self, node: &Node, expected: &str) -> String {
        self.word(node, expected)
            .map_or_else(String::new, |word| word.text)
    }

    fn fault(&mut self, word: &Word, message: &str, expected: &str) {
        let span = first_line_of(self.source, word);
        self.faults
            .push(Diagnostic::error("extractor-text", message.to_owned()).at(
                self.source,
                span,
                expected.to_owned(),
            ));
    }
}

fn first_line_of(source: &diagnostics::Source, word: &Word) -> crate::Span {
    let node = Node {
        value: Value::Null,
        line: 1,
        span: word.span.clone(),
    };
    first_line(source, &node)
}

/// A duration in jiff's friendly form, or ISO 8601; a day is 24 hours.
fn duration(text: &str) -> Option<Duration> {
    let span: jiff::Span = text.parse().ok()?;
    let exact = span
        .to_duration(jiff::SpanRelativeTo::days_are_24_hours())
        .ok()?;
    Duration::try_from(exact).ok()
}

impl FieldPath {
    /// Reads `.a.b[].c`; `.` is the value itself. The error says what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let expected =
            || "expected members and lists, such as `.items[]` or `.page.total`".to_owned();
        let mut steps = Vec::new();
        let rest = text.trim().strip_prefix('.').ok_or_else(expected)?;
        if rest.is_empty() {
            return Ok(Self { steps });
        }
        for part in rest.split('.') {
            let name = part.trim_end_matches("[]");
            let lists = (part.len() - name.len()) / 2;
            let plain = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
            if !name.chars().all(plain) || (name.is_empty() && (lists == 0 || !steps.is_empty())) {
                return Err(expected());
            }
            if !name.is_empty() {
                steps.push(Step::Member(name.to_owned()));
            }
            steps.extend((0..lists).map(|_| Step::Each));
        }
        Ok(Self { steps })
    }
}

impl Template {
    /// Reads a text with `${SETTING}`, `{value}` and `{+value}` in it. The error says what was expected.
    pub fn parse(word: &Word) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = word.text.as_str();
        while let Some(start) = rest.find('{') {
            let (before, from) = rest.split_at(start);
            let end = from.find('}').ok_or("expected `}` behind it")?;
            let inner = &from[1..end];
            let (before, part) = match (before.strip_suffix('$'), inner.strip_prefix('+')) {
                (Some(before), _) => (before, Part::Setting(inner.to_owned())),
                (None, Some(name)) => (before, Part::ValueWithSlashes(name.to_owned())),
                (None, None) => (before, Part::Value(inner.to_owned())),
            };
            let name = inner.trim_start_matches('+');
            if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                return Err("expected `${SETTING}`, `{value}` or `{+value}`".to_owned());
            }
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(part);
            rest = &from[end + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self {
            parts,
            word: word.clone(),
        })
    }
}
