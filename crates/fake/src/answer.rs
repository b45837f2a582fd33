//! What is answered, before it becomes bytes: status, headers and records, which are borrowed until then.

use std::borrow::Cow;

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer<'a> {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub content: Content<'a>,
}

/// What is in an answer.
#[derive(Clone, Debug)]
pub(crate) enum Content<'a> {
    /// A list of records.
    Records(Records<'a>),
    /// Anything else that is JSON.
    Value(Value),
    /// A page for people.
    Html(&'static str),
}

/// A list of records.
#[derive(Clone, Debug)]
pub(crate) struct Records<'a> {
    /// The member of the answer that holds the list; nothing where the answer is the list.
    pub member: Option<&'static str>,
    pub records: Vec<Cow<'a, RawValue>>,
    /// The other members of the answer.
    pub beside: Map<String, Value>,
}

impl<'a> Answer<'a> {
    /// An answer with something else than records.
    pub fn new(status: u16, value: Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content: Content::Value(value),
        }
    }

    /// An answer that is a bare list.
    pub fn list(records: Vec<Cow<'a, RawValue>>) -> Self {
        Self::records(None, records, Map::new())
    }

    /// An answer with a list in a member, and others beside it.
    pub fn records(
        member: Option<&'static str>,
        records: Vec<Cow<'a, RawValue>>,
        beside: Map<String, Value>,
    ) -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            content: Content::Records(Records {
                member,
                records,
                beside,
            }),
        }
    }

    /// What a gateway answers in a vendor's place: it does not know the vendor's format.
    pub fn gateway(status: u16) -> Self {
        Self::html(status, GATEWAY)
    }

    /// A page for people, as gateways answer.
    pub fn html(status: u16, text: &'static str) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content: Content::Html(text),
        }
    }

    /// The same with a header more.
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    /// What goes on the wire.
    pub fn bytes(&self) -> Vec<u8> {
        match &self.content {
            // Neither can fail: every key is a text.
            Content::Records(records) => serde_json::to_vec(records).unwrap_or_default(),
            Content::Value(value) => serde_json::to_vec(value).unwrap_or_default(),
            Content::Html(text) => text.as_bytes().to_vec(),
        }
    }

    /// The value of the header `Content-Type`.
    pub fn content_type(&self) -> &'static str {
        match &self.content {
            Content::Html(_) => "text/html; charset=utf-8",
            _ => "application/json; charset=utf-8",
        }
    }
}

impl Serialize for Records<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(member) = self.member else {
            return serializer.collect_seq(&self.records);
        };
        let mut map = serializer.serialize_map(Some(self.beside.len() + 1))?;
        map.serialize_entry(member, &self.records)?;
        for (name, value) in &self.beside {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

const GATEWAY: &str = "<html>\r\n<head><title>Bad gateway</title></head>\r\n<body>\r\n<center><h1>The upstream server did not answer</h1></center>\r\n</body>\r\n</html>\r\n";
