//! A request as the vendors' files look at it: path, query and headers, taken apart. Nothing is answered here.

use std::borrow::Cow;

use hyper::HeaderMap;
use percent_encoding::percent_decode_str;

use crate::Vendor;

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub vendor: Vendor,
    pub method: String,
    /// Without the vendor's name in front; begins with a slash.
    pub path: String,
    /// As it came, without the question mark.
    pub raw_query: String,
    /// Names and values, decoded, in order.
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    /// What the paths of this vendor are added to, as the client knows it.
    pub base: String,
}

impl Call {
    /// A parameter's value; the first, if it comes several times.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str())
    }

    /// All values of a parameter that may come several times.
    pub fn parameters<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.query
            .iter()
            .filter(move |(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }

    /// A parameter that is a number from 0; an error if it is something else.
    pub fn number(&self, name: &str) -> Result<Option<usize>, NotANumber> {
        match self.parameter(name) {
            None => Ok(None),
            Some(value) => value.parse().map(Some).map_err(|_| NotANumber),
        }
    }

    /// Whether a parameter says yes.
    pub fn flag(&self, name: &str) -> bool {
        self.parameter(name) == Some("true")
    }

    /// A header that is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The parts of the path between slashes, decoded.
    pub fn segments(&self) -> Vec<Cow<'_, str>> {
        self.path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(|part| percent_decode_str(part).decode_utf8_lossy())
            .collect()
    }

    /// The address `base` + `path` with this request's parameters, but for one of them another value.
    pub fn address_with(&self, base: &str, path: &str, name: &str, value: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.query.iter().filter(|(found, _)| found != name));
        query.append_pair(name, value);
        format!("{base}{path}?{}", query.finish())
    }
}

/// A parameter is no number from 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NotANumber;
