//! The YAML that people write, as values that know where they stand.
//!
//! The parser is `saphyr-parser`; here its events become [`Node`]s with lines and columns. Both the definitions and
//! the hand-written records are read through this room, so that a fault in either can point at its place. It guards
//! against what a hostile or careless file may hold: aliases that blow up, nesting without end, keys given twice.
//! It knows nothing of mappers or incidents.

use std::collections::HashMap;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};

/// Values nested deeper than this are refused.
pub const MAX_DEPTH: usize = 128;

/// The most nodes that one item may come to once its aliases are followed.
pub const MAX_NODES: usize = 200_000;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// The line it starts on, from 1.
    pub line: usize,
    /// The stretch of the text that it covers, in bytes.
    pub span: Range<usize>,
}

/// What a node can be. A scalar keeps its words: what is not plainly null, true, false or a number that reads back
/// the same is text, so that `1.10`, `007` or `2024-05-01` lose nothing.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`, `~`, or nothing at all.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as written.
    Number(String),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order in which it is written; no key comes twice.
    Mapping(Vec<(Node, Node)>),
}

/// Why a text could not be read, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxFault {
    /// What is wrong.
    pub message: String,
    /// The line, from 1.
    pub line: usize,
    /// Where in the text, in bytes.
    pub offset: usize,
    /// The line on which the item with the fault starts, from 1.
    pub item_line: usize,
}

impl Node {
    /// The value of a key, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Mapping(pairs) => pairs
                .iter()
                .find(|(name, _)| name.value == Value::Text(key.to_owned()))
                .map(|(_, node)| node),
            _ => None,
        }
    }

    /// The words, if this is text.
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What it is, in a word that a message can use.
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Mapping(_) => "a mapping",
        }
    }

    /// Appends the value as JSON.
    pub fn write_json(&self, out: &mut String) {
        match &self.value {
            Value::Null => out.push_str("null"),
            Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Value::Number(number) => out.push_str(number),
            Value::Text(text) => write_json_text(text, out),
            Value::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    item.write_json(out);
                }
                out.push(']');
            }
            Value::Mapping(pairs) => {
                out.push('{');
                for (index, (key, value)) in pairs.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    write_json_text(&key_text(key), out);
                    out.push(':');
                    value.write_json(out);
                }
                out.push('}');
            }
        }
    }
}

/// Reads one document whole.
pub fn parse(text: &str) -> Result<Node, SyntaxFault> {
    let mut whole = None;
    let mut failed = None;
    read_items(text, false, &mut |item| match item {
        Ok(node) => whole = Some(node),
        Err(fault) => failed = Some(fault),
    });
    match (failed, whole) {
        (Some(fault), _) => Err(fault),
        (None, Some(node)) => Ok(node),
        (None, None) => Ok(Node {
            value: Value::Null,
            line: 1,
            span: 0..0,
        }),
    }
}

/// Hands out the items of a file one by one: the elements where a document is a list, else the document itself.
/// After a fault reading goes on at the next line that starts a list item at the margin, so that one broken item
/// does not take its neighbours with it.
pub fn for_each_item(text: &str, each: &mut dyn FnMut(Result<Node, SyntaxFault>)) {
    read_items(text, true, each);
}

/// Appends text as a JSON string.
pub fn write_json_text(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

fn read_items(text: &str, split: bool, each: &mut dyn FnMut(Result<Node, SyntaxFault>)) {
    let mut start = 0;
    let mut lines_before = 0;
    loop {
        let mut composer = Composer::new(&text[start..], start, lines_before);
        let Err(fault) = composer.documents(split, each) else {
            return;
        };
        let item_line = fault.item_line;
        each(Err(fault));
        if !split {
            return;
        }
        match next_item_at_margin(text, item_line) {
            Some((offset, line)) => {
                start = offset;
                lines_before = line - 1;
            }
            None => return,
        }
    }
}

/// The first line after `line` that starts a list item in the first column, or a document: its offset and its number.
fn next_item_at_margin(text: &str, line: usize) -> Option<(usize, usize)> {
    let mut offset = 0;
    for (index, content) in text.split_inclusive('\n').enumerate() {
        let number = index + 1;
        let begins = content.starts_with("- ") || matches!(content.trim_end(), "-" | "---");
        if number > line && begins {
            return Some((offset, number));
        }
        offset += content.len();
    }
    None
}

/// Turns the events of one text into nodes.
struct Composer<'a> {
    text: &'a str,
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    /// Bytes before `text` in the whole file.
    offset_before: usize,
    /// Lines before `text` in the whole file.
    lines_before: usize,
    /// Nodes made for the item in hand, those behind aliases counted each time.
    nodes: usize,
    /// The line on which the item in hand starts.
    item_line: usize,
    /// How far character positions have been turned into byte positions: (characters, bytes).
    seen: (usize, usize),
}

impl<'a> Composer<'a> {
    fn new(text: &'a str, offset_before: usize, lines_before: usize) -> Self {
        Self {
            text,
            parser: Parser::new_from_str(text),
            anchors: HashMap::new(),
            offset_before,
            lines_before,
            nodes: 0,
            item_line: lines_before + 1,
            seen: (0, 0),
        }
    }

    fn documents(
        &mut self,
        split: bool,
        each: &mut dyn FnMut(Result<Node, SyntaxFault>),
    ) -> Result<(), SyntaxFault> {
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(()),
                Event::StreamStart
                | Event::DocumentStart(_)
                | Event::DocumentEnd
                | Event::Nothing => {}
                Event::SequenceStart(0, _) if split => self.items(each)?,
                // A document in which nothing stands, such as behind a `---` at the end.
                Event::Scalar(text, ScalarStyle::Plain, ..) if split && text.is_empty() => {}
                other => {
                    self.begin_item(span);
                    let node = self.node(other, span, 0)?;
                    each(Ok(node));
                }
            }
        }
    }

    /// The elements of a list whose beginning is behind us. An element is handed out when what follows it is sound
    /// too: a line that is set in too little ends its element early, and makes the parser stumble only then.
    fn items(
        &mut self,
        each: &mut dyn FnMut(Result<Node, SyntaxFault>),
    ) -> Result<(), SyntaxFault> {
        let mut held: Option<Node> = None;
        loop {
            let (event, span) = match self.next() {
                Ok(next) => next,
                Err(fault) => return Err(self.blame(fault, held, each)),
            };
            if let Some(node) = held.take() {
                each(Ok(node));
            }
            if event == Event::SequenceEnd {
                return Ok(());
            }
            self.begin_item(span);
            held = Some(self.node(event, span, 1)?);
        }
    }

    /// Whether a fault behind an element is its own, or that of the next one, which has begun by then.
    fn blame(
        &self,
        mut fault: SyntaxFault,
        held: Option<Node>,
        each: &mut dyn FnMut(Result<Node, SyntaxFault>),
    ) -> SyntaxFault {
        let next = next_item_at_margin(self.text, self.item_line - self.lines_before);
        let next = next
            .map(|(_, line)| line + self.lines_before)
            .filter(|line| *line <= fault.line);
        if let Some(line) = next {
            fault.item_line = line;
            if let Some(node) = held {
                each(Ok(node));
            }
        }
        fault
    }

    fn begin_item(&mut self, span: Span) {
        self.nodes = 0;
        self.item_line = self.lines_before + span.start.line();
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, SyntaxFault> {
        self.count(1, span)?;
        if depth > MAX_DEPTH {
            return Err(self.fault(span, format!("nested deeper than {MAX_DEPTH} levels")));
        }
        let line = self.lines_before + span.start.line();
        let start = self.byte_offset(span.start.index());
        let (value, anchor, end) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_text =
                    style != ScalarStyle::Plain || tag.is_some_and(|tag| tag.suffix == "str");
                let value = if is_text {
                    Value::Text(text.into_owned())
                } else {
                    plain_scalar(&text)
                };
                (value, anchor, self.byte_offset(span.end.index()))
            }
            Event::SequenceStart(anchor, _) => {
                let (items, end) = self.list(depth)?;
                (Value::List(items), anchor, end)
            }
            Event::MappingStart(anchor, _) => {
                let (pairs, end) = self.mapping(depth)?;
                (Value::Mapping(pairs), anchor, end)
            }
            Event::Alias(anchor) => {
                let Some(known) = self.anchors.get(&anchor).cloned() else {
                    return Err(self.fault(
                        span,
                        "an alias must name an anchor that stands before it".into(),
                    ));
                };
                self.count(size(&known), span)?;
                return Ok(Node {
                    line,
                    span: start..self.byte_offset(span.end.index()),
                    ..known
                });
            }
            _ => return Err(self.fault(span, "the text ends in the middle of a value".into())),
        };
        let node = Node {
            value,
            line,
            span: start..end,
        };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    /// The items of a list that has begun, and where it ends, in bytes.
    fn list(&mut self, depth: usize) -> Result<(Vec<Node>, usize), SyntaxFault> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok((items, self.byte_offset(span.end.index())));
            }
            items.push(self.node(event, span, depth + 1)?);
        }
    }

    /// The members of a mapping that has begun, and where it ends, in bytes.
    fn mapping(&mut self, depth: usize) -> Result<(Vec<(Node, Node)>, usize), SyntaxFault> {
        let mut pairs: Vec<(Node, Node)> = Vec::new();
        let mut keys = std::collections::HashSet::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok((pairs, self.byte_offset(span.end.index())));
            }
            let mut key = self.node(event, span, depth + 1)?;
            if matches!(key.value, Value::List(_) | Value::Mapping(_)) {
                return Err(self.fault(span, "a key must be a plain word".into()));
            }
            let name = key_text(&key);
            if name == "<<" {
                let message = "a merge key `<<` is not followed; expected the members themselves";
                return Err(self.fault(span, message.into()));
            }
            if !keys.insert(name.clone()) {
                return Err(self.fault(span, format!("the key `{name}` is given twice")));
            }
            key.value = Value::Text(name);
            let (event, span) = self.next()?;
            pairs.push((key, self.node(event, span, depth + 1)?));
        }
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), SyntaxFault> {
        match self.parser.next_event() {
            Some(Ok(pair)) => Ok(pair),
            Some(Err(error)) => Err(self.scan_fault(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn count(&mut self, nodes: usize, span: Span) -> Result<(), SyntaxFault> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES {
            return Err(self.fault(
                span,
                format!("one item with its aliases comes to more than {MAX_NODES} values"),
            ));
        }
        Ok(())
    }

    fn fault(&mut self, span: Span, message: String) -> SyntaxFault {
        SyntaxFault {
            message,
            line: self.lines_before + span.start.line(),
            offset: self.byte_offset(span.start.index()),
            item_line: self.item_line,
        }
    }

    fn scan_fault(&mut self, error: &ScanError) -> SyntaxFault {
        let marker = error.marker();
        // At the end of a last line without a line break the scanner is a line further.
        let last = self.text.lines().count().max(1);
        SyntaxFault {
            message: error.info().to_owned(),
            line: self.lines_before + marker.line().min(last),
            offset: self.byte_offset(marker.index()),
            item_line: self.item_line,
        }
    }

    /// The byte offset in the file of a character of `text`. Characters are mostly asked for in order, so the search
    /// goes on from where it was.
    fn byte_offset(&mut self, character: usize) -> usize {
        let (from_character, from_byte) = if character >= self.seen.0 {
            self.seen
        } else {
            (0, 0)
        };
        let byte = self.text[from_byte..]
            .char_indices()
            .nth(character - from_character)
            .map_or(self.text.len(), |(at, _)| from_byte + at);
        self.seen = (
            character.min(from_character + self.text[from_byte..byte].chars().count()),
            byte,
        );
        self.offset_before + byte
    }
}

/// The number of values below and including a node.
fn size(node: &Node) -> usize {
    1 + match &node.value {
        Value::List(items) => items.iter().map(size).sum(),
        Value::Mapping(pairs) => pairs.iter().map(|(_, value)| 1 + size(value)).sum(),
        _ => 0,
    }
}

fn key_text(key: &Node) -> String {
    match &key.value {
        Value::Text(text) | Value::Number(text) => text.clone(),
        Value::Bool(value) => value.to_string(),
        _ => "null".to_owned(),
    }
}

/// The core schema of YAML 1.2.2, section 10.3, for unquoted words; only numbers that JSON writes the same way
/// count as numbers.
fn plain_scalar(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        // YAML's own spelling of what is not a number; JSON has none, so it stays a word.
        ".nan" | ".NaN" | ".NAN" => Value::Text("NaN".to_owned()),
        _ if reads_back_the_same(text) => Value::Number(text.to_owned()),
        _ => Value::Text(text.to_owned()),
    }
}

fn reads_back_the_same(text: &str) -> bool {
    if let Ok(whole) = text.parse::<i64>() {
        return whole.to_string() == text;
    }
    text.bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-'))
        && text
            .parse::<f64>()
            .is_ok_and(|number| number.to_string() == text)
}

#[cfg(test)]
mod tests;
