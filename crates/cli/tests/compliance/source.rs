//! A source that answers as an extractor's text says: its paths, its pages, its windows, its limits.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use definitions::extractor::{
    Extractor, FieldPath, Paging, Part, PathStep, Request, ResetIs, StreamExtraction, Template,
};
use reqwest::Url;
use serde_json::{Value, json};

use crate::subjects::{SECRET, SINCE};

/// Records of a stream without a parent.
pub const RECORDS: usize = 230;

/// How a source behaves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Good,
    /// The first request for each of the first pages goes wrong, each in another way.
    FailsOnce,
    /// Pages begin with the last record of the page before.
    Repeats,
    Empty,
    /// There is more in the windows than a cap lets through.
    Plenty,
    /// There is always more of the same.
    Endless,
    /// Links lead to another host.
    LinksElsewhere,
    /// 401 after so many requests.
    RevokedAfter(usize),
    /// After the first page of what is listed whole a record of it is gone.
    LosesOne,
}

/// A running source.
pub struct Source {
    address: String,
    stranger: TcpListener,
    state: Arc<Mutex<State>>,
}

struct State {
    extractor: Extractor,
    mood: Mood,
    records: BTreeMap<String, Vec<Row>>,
    seen: HashMap<String, usize>,
    requests: usize,
    under_way: usize,
    most: usize,
    headers: Vec<BTreeSet<String>>,
    unknown: Vec<String>,
    stranger: String,
    address: String,
}

/// A record, and the values by which a parent's request finds it.
#[derive(Clone)]
struct Row {
    value: Value,
    parent: Option<String>,
    at: Option<jiff::Timestamp>,
}

impl Source {
    pub fn start(extractor: &Extractor, mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
        stranger.set_nonblocking(true).unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            records: records(extractor, mood),
            extractor: extractor.clone(),
            mood,
            seen: HashMap::new(),
            requests: 0,
            under_way: 0,
            most: 0,
            headers: Vec::new(),
            unknown: Vec::new(),
            stranger: format!("http://{}", stranger.local_addr().unwrap()),
            address: address.clone(),
        }));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || serve(stream, &shared));
            }
        });
        Self {
            address,
            stranger,
            state,
        }
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn requests(&self) -> usize {
        self.lock().requests
    }

    pub fn most_at_once(&self) -> usize {
        self.lock().most
    }

    pub fn unknown(&self) -> Vec<String> {
        self.lock().unknown.clone()
    }

    pub fn every_request_has(&self, header: &str) -> bool {
        let header = header.to_lowercase();
        let state = self.lock();
        state.headers.iter().all(|names| names.contains(&header))
    }

    pub fn stranger_was_asked(&self) -> bool {
        self.stranger.accept().is_ok()
    }

    /// From now on all is well.
    pub fn cheer_up(&self) {
        self.lock().mood = Mood::Good;
    }

    /// The keys of a stream's records, behind those of their parents.
    pub fn keys(&self, stream: &str) -> BTreeSet<String> {
        let state = self.lock();
        let of = state.stream(stream);
        let key = |row: &Row| {
            let key = scalar(&row.value, &of.request.key).unwrap();
            row.parent
                .as_ref()
                .map_or_else(|| key.clone(), |parent| format!("{parent} {key}"))
        };
        state.records[stream].iter().map(key).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl State {
    fn stream(&self, name: &str) -> &StreamExtraction {
        self.extractor
            .streams
            .iter()
            .find(|stream| *stream.stream.text == *name)
            .unwrap()
    }
}

/// The records that a source has.
fn records(extractor: &Extractor, mood: Mood) -> BTreeMap<String, Vec<Row>> {
    let mut all: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for stream in &extractor.streams {
        let name = &stream.stream.text;
        let mut rows = Vec::new();
        if let Some(parent) = &stream.parent {
            let value = &parent.values[0].1;
            for (number, above) in all[parent.stream.text.as_str()].clone().iter().enumerate() {
                // A text is there once for each.
                let children = if stream.request.text.is_some() {
                    1
                } else {
                    number % 3
                };
                for child in 0..children {
                    let parent = scalar(&above.value, value);
                    rows.push(row(
                        stream,
                        record(extractor, stream, number * 3 + child, mood),
                        parent,
                    ));
                }
            }
        } else {
            let cap = match &stream.paging {
                Some(Paging::Offset { cap: Some(cap), .. }) if stream.windows.is_some() => {
                    *cap as usize
                }
                _ => 0,
            };
            let count = match mood {
                Mood::Empty => 0,
                Mood::Plenty => cap + cap / 4 + 5,
                _ => RECORDS,
            };
            rows.extend(
                (0..count).map(|number| row(stream, record(extractor, stream, number, mood), None)),
            );
        }
        all.insert(name.to_string(), rows);
    }
    all
}

fn row(stream: &StreamExtraction, value: Value, parent: Option<String>) -> Row {
    let at = stream
        .windows
        .as_ref()
        .and_then(|windows| scalar(&value, &windows.at)?.parse().ok());
    Row { value, parent, at }
}

fn record(extractor: &Extractor, stream: &StreamExtraction, number: usize, mood: Mood) -> Value {
    let mut record = json!({"name": format!("record {number}")});
    if let Some(windows) = &stream.windows {
        let start: jiff::civil::Date = SINCE.parse().unwrap();
        let start = jiff::tz::TimeZone::UTC
            .to_timestamp(start.at(0, 0, 0, 0))
            .unwrap();
        // Within one hundred days, several in the same second.
        let second = (number as i64 / 2) * 1_009 % 8_640_000;
        let at = start
            .checked_add(jiff::SignedDuration::from_secs(second))
            .unwrap();
        set(&mut record, &windows.at.steps, json!(at.to_string()));
    }
    for redaction in &stream.redact {
        let value = json!("+49 170 5550100");
        set(&mut record, &redaction.path.steps, value);
    }
    // What other streams take from it.
    for other in &extractor.streams {
        let told = other.changed.iter().map(|changed| &changed.by);
        for parent in other.parent.iter().chain(told) {
            if parent.stream.text == stream.stream.text {
                for (name, path) in &parent.values {
                    // Where there are plenty, the telling records tell of those that the windows bring.
                    let value = match (mood, stream.parent.is_none() && other.changed.is_some()) {
                        (Mood::Plenty, true) => format!("k{number:06}"),
                        _ => format!("{name}{number}"),
                    };
                    set(&mut record, &path.steps, json!(value));
                }
            }
        }
    }
    if scalar(&record, &stream.request.key).is_none() {
        // Numbers for those that are paged by them.
        let key = match &stream.paging {
            Some(Paging::IdOffset { .. }) => json!(number + 1),
            _ => json!(format!("k{number:06}")),
        };
        set(&mut record, &stream.request.key.steps, key);
    }
    record
}

/// Puts a value at a path; lists get one element.
fn set(target: &mut Value, steps: &[PathStep], value: Value) {
    let Some((step, rest)) = steps.split_first() else {
        *target = value;
        return;
    };
    match step {
        PathStep::Member(name) => {
            if !target.is_object() {
                *target = json!({});
            }
            set(&mut target[name.as_str()], rest, value);
        }
        PathStep::Each => {
            let mut element = Value::Null;
            set(&mut element, rest, value);
            *target = json!([element]);
        }
    }
}

/// The first scalar at a path, as text.
pub fn scalar(value: &Value, path: &FieldPath) -> Option<String> {
    let mut at = value;
    for step in &path.steps {
        at = match step {
            PathStep::Member(name) => at.get(name)?,
            PathStep::Each => at.get(0)?,
        };
    }
    match at {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Answers the requests of one connection.
fn serve(mut stream: TcpStream, shared: &Mutex<State>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first).unwrap_or(0) == 0 {
            return;
        }
        let mut headers = BTreeSet::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
                break;
            }
            headers.extend(line.split_once(':').map(|(name, _)| name.to_lowercase()));
        }
        let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
        let bytes = {
            let mut state = shared.lock().unwrap();
            state.headers.push(headers);
            state.under_way += 1;
            state.most = state.most.max(state.under_way);
            let bytes = answer(&mut state, &path);
            state.under_way -= 1;
            bytes
        };
        match bytes {
            Some((bytes, goes_on)) => {
                if stream.write_all(&bytes).is_err() || !goes_on {
                    return;
                }
            }
            None => return,
        }
    }
}

/// The bytes of an answer, and whether the connection stays; nothing if it breaks at once.
fn answer(state: &mut State, path: &str) -> Option<(Vec<u8>, bool)> {
    state.requests += 1;
    let url = Url::parse(&format!("{}{path}", state.address)).unwrap();
    let times = state.seen.entry(path.to_owned()).or_default();
    *times += 1;
    let first_time = *times == 1 && state.seen.len() <= 60;
    if let Mood::RevokedAfter(requests) = state.mood
        && state.requests > requests
    {
        return Some((http(401, &[], "{}"), true));
    }
    let (body, mut headers) = content(state, &url);
    let limit = &state.extractor.rate_limit;
    if let Some(remaining) = &limit.remaining {
        headers.push((remaining.clone(), "100".to_owned()));
    }
    if state.mood != Mood::FailsOnce || !first_time {
        return Some((http(200, &headers, &body), true));
    }
    match state.requests % 6 {
        0 => Some((http(500, &[], "{}"), true)),
        1 => Some((
            http(503, &[("Retry-After".into(), "0".into())], "busy"),
            true,
        )),
        2 => {
            let now = jiff::Timestamp::now().as_second();
            let reset = match limit.reset_is {
                ResetIs::Seconds => 0,
                ResetIs::EpochSeconds => now,
            };
            let mut headers = Vec::new();
            headers.extend(limit.remaining.clone().map(|name| (name, "0".to_owned())));
            headers.extend(limit.reset.clone().map(|name| (name, reset.to_string())));
            Some((http(429, &headers, "{}"), true))
        }
        3 => None,
        4 => {
            let whole = http(200, &headers, &body);
            Some((whole[..whole.len() - body.len() / 2 - 1].to_vec(), false))
        }
        _ => Some((http(200, &[], "<html>please log in</html>"), true)),
    }
}

/// What the extractor's text says that the source answers.
fn content(state: &mut State, url: &Url) -> (String, Vec<(String, String)>) {
    let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let value = |name: &str| {
        query
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.clone())
    };
    let Some((stream, changed, values)) = asked_stream(state, url.path()) else {
        state.unknown.push(url.path().to_owned());
        return ("{}".to_owned(), Vec::new());
    };
    let name = stream.stream.text.to_string();
    if let Some(request) = changed {
        let record = changed_record(state, &stream, values.first());
        return (envelope(&request, vec![record]).to_string(), Vec::new());
    }
    let mut rows: Vec<&Row> = state.records[&name].iter().collect();
    if stream.parent.is_some() {
        rows.retain(|row| row.parent.as_ref() == values.first());
    }
    if let Some(windows) = &stream.windows {
        let end = |name: &str| value(name).and_then(|text| text.parse::<jiff::Timestamp>().ok());
        let (since, until) = (end(&windows.since).unwrap(), end(&windows.until).unwrap());
        rows.retain(|row| row.at.is_none_or(|at| since <= at && at < until));
    }
    let total = rows.len();
    let number = |name: &str| value(name).and_then(|text| text.parse::<usize>().ok());
    let (start, size) = asked_page(&stream, &rows, &number);
    let endless = state.mood == Mood::Endless && stream.paging.is_some() && total > 0;
    let start = if endless { 0 } else { start };
    let shown = rows.iter().skip(start).take(size);
    let mut page: Vec<Value> = shown.map(|row| row.value.clone()).collect();
    if state.mood == Mood::Repeats && start > 0 && !page.is_empty() {
        page.insert(0, rows[start - 1].value.clone());
    }
    let more = endless || start + size < total;
    let is_empty = page.is_empty();
    if let Some(media_type) = &stream.request.text {
        let text = page[0]["text"].as_str().unwrap().to_owned();
        return (text, vec![("Content-Type".into(), media_type.clone())]);
    }
    let mut body = envelope(&stream.request, page);
    say_counts(&mut body, &stream, more, total, start + size);
    let mut headers = Vec::new();
    let is_linked = matches!(stream.paging, Some(Paging::Link { .. }));
    // Both ways to say that there is no more.
    if is_linked && (more || !is_empty && total.is_multiple_of(2)) {
        let next = next_address(state, url, start + size);
        let link = format!("<{next}>; rel=\"next\"; results=\"{more}\"");
        headers.push(("Link".to_owned(), link));
    }
    if state.mood == Mood::LosesOne && stream.whole && start == 0 && total > size {
        let rows = state.records.get_mut(&name).unwrap();
        if rows.len() == RECORDS {
            rows.remove(3);
        }
    }
    (body.to_string(), headers)
}

/// The stream that a path is of, the request for a changed record if it is that, and what the path names.
fn asked_stream(
    state: &State,
    path: &str,
) -> Option<(StreamExtraction, Option<Request>, Vec<String>)> {
    state.extractor.streams.iter().find_map(|stream| {
        if let Some(values) = matches(&stream.request.path, path) {
            return Some((stream.clone(), None, values));
        }
        let changed = stream.changed.as_ref()?;
        let values = matches(&changed.request.path, path)?;
        Some((stream.clone(), Some(changed.request.clone()), values))
    })
}

/// What an answer says of more pages, and of how many records there are.
fn say_counts(
    body: &mut Value,
    stream: &StreamExtraction,
    more: bool,
    total: usize,
    behind: usize,
) {
    let (says_more, says_total) = match &stream.paging {
        Some(Paging::Offset { more, total, .. }) => (more.as_ref(), total.as_ref()),
        Some(Paging::Page { total, .. }) => (None, total.as_ref()),
        _ => (None, None),
    };
    if let (Some(Paging::Token { token, .. }), true) = (&stream.paging, more) {
        set(body, &token.steps, json!(behind.to_string()));
    }
    for (path, word) in [(says_more, json!(more)), (says_total, json!(total))] {
        if let Some(path) = path {
            set(body, &path.steps, word);
        }
    }
}

/// A record that is asked for by its key since it changed; it is one of the stream's from now on.
fn changed_record(state: &mut State, stream: &StreamExtraction, key: Option<&String>) -> Value {
    let mut record = json!({"name": "changed"});
    set(&mut record, &stream.request.key.steps, json!(key));
    let rows = state.records.get_mut(stream.stream.text.as_str()).unwrap();
    let known = |row: &Row| scalar(&row.value, &stream.request.key).as_ref() == key;
    if !rows.iter().any(known) {
        rows.push(row(stream, record.clone(), None));
    }
    record
}

/// At which record the page begins that is asked for, and how many records a page has.
fn asked_page(
    stream: &StreamExtraction,
    rows: &[&Row],
    number: &dyn Fn(&str) -> Option<usize>,
) -> (usize, usize) {
    let behind = |parameter: &str, size: &Option<(String, u64)>| {
        let size = size.as_ref().and_then(|size| number(&size.0));
        (number(parameter).unwrap_or(0), size.unwrap_or(30))
    };
    match &stream.paging {
        None => (0, rows.len()),
        Some(Paging::Offset {
            parameter, size, ..
        }) => (number(parameter).unwrap(), number(&size.0).unwrap()),
        Some(Paging::Link { size }) => behind("position", size),
        Some(Paging::Page {
            parameter,
            first,
            size,
            ..
        }) => {
            let size = number(&size.0).unwrap();
            ((number(parameter).unwrap() - *first as usize) * size, size)
        }
        Some(Paging::Token {
            parameter, size, ..
        }) => behind(parameter, size),
        Some(Paging::IdOffset {
            parameter, size, ..
        }) => {
            let after = number(parameter).unwrap();
            let id = |row: &Row| scalar(&row.value, &stream.request.key).unwrap();
            let is_behind = |row: &&Row| id(row).parse::<usize>().unwrap() > after;
            let start = rows.iter().position(is_behind).unwrap_or(rows.len());
            (start, number(&size.0).unwrap())
        }
    }
}

/// Where a link to the next page leads.
fn next_address(state: &State, url: &Url, position: usize) -> Url {
    let host = match state.mood {
        Mood::LinksElsewhere => &state.stranger,
        _ => &state.address,
    };
    let mut next = Url::parse(&format!("{host}{}", url.path())).unwrap();
    let others = url.query_pairs().filter(|(name, _)| name != "position");
    next.query_pairs_mut()
        .extend_pairs(others)
        .append_pair("position", &position.to_string());
    next
}

/// Records where an answer has them.
fn envelope(request: &Request, records: Vec<Value>) -> Value {
    let mut body = Value::Null;
    match request.records.steps.split_last() {
        Some((PathStep::Each, path)) => set(&mut body, path, json!(records)),
        _ => set(
            &mut body,
            &request.records.steps,
            records.into_iter().next().unwrap_or_default(),
        ),
    }
    body
}

/// The values with which a template becomes a path, if it does.
fn matches(template: &Template, path: &str) -> Option<Vec<String>> {
    let mut values = Vec::new();
    let mut rest = path;
    for (index, part) in template.parts.iter().enumerate() {
        match part {
            Part::Text(text) => rest = rest.strip_prefix(text.as_str())?,
            Part::Setting(_) => rest = rest.strip_prefix(SECRET)?,
            Part::Value(_) | Part::ValueWithSlashes(_) => {
                let end = match template.parts.get(index + 1) {
                    Some(Part::Text(text)) => rest.find(text.as_str())?,
                    _ => rest.len(),
                };
                let value = &rest[..end];
                if value.is_empty() || (value.contains('/') && matches!(part, Part::Value(_))) {
                    return None;
                }
                values.push(value.to_owned());
                rest = &rest[end..];
            }
        }
    }
    rest.is_empty().then_some(values)
}

fn http(status: u16, headers: &[(String, String)], body: &str) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n", body.len());
    if !headers.iter().any(|(name, _)| name == "Content-Type") {
        text += "Content-Type: application/json\r\n";
    }
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    text += "\r\n";
    text += body;
    text.into_bytes()
}
