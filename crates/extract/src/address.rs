//! Addresses: a request's path and query with what is filled in.

use std::time::Duration;

use definitions::extractor::{Paging, Part, Request, Template, Windowing};

use crate::SettingValues;
use crate::client::Client;
use crate::failure::Failure;
use crate::paging::{self, Position};
use crate::window;

/// The address of a page.
pub(crate) fn url(
    client: &Client,
    request: &Request,
    paging: Option<&Paging>,
    settings: &SettingValues,
    values: &[(String, String)],
    window: Option<(window::Window, &Windowing)>,
    at: &Position,
) -> Result<reqwest::Url, Failure> {
    let path = fill(&request.path, settings, values, true);
    let mut query: Vec<(String, String)> = request
        .query
        .iter()
        .map(|(name, value)| (name.clone(), fill(value, settings, values, false)))
        .collect();
    if let Some((window, windows)) = window {
        // No source says whether the ends of a window belong to it, so neighbouring windows share a second.
        let since = window::before(window.since, Duration::from_secs(1));
        query.push((windows.since.clone(), since.to_string()));
        query.push((windows.until.clone(), window.until.to_string()));
    }
    query.extend(paging::parameters(paging, at));
    client.address(&path, &query)
}

/// Fills a template; in a path, what is filled in cannot add to its shape.
pub(crate) fn fill(
    template: &Template,
    settings: &SettingValues,
    values: &[(String, String)],
    escape: bool,
) -> String {
    let value = |name: &str| {
        values
            .iter()
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value.as_str())
    };
    let mut text = String::new();
    for part in &template.parts {
        match part {
            Part::Text(words) => text += words,
            Part::Setting(name) => {
                let setting = settings.get(name).map_or("", String::as_str);
                text += &escaped(setting, escape, false);
            }
            Part::Value(name) => text += &escaped(value(name), escape, false),
            Part::ValueWithSlashes(name) => text += &escaped(value(name), escape, true),
        }
    }
    text
}

/// Percent-encodes all but the unreserved characters (RFC 3986, section 2.3). A part that is only dots would lead to the folder above.
fn escaped(text: &str, escape: bool, slashes: bool) -> String {
    if !escape {
        return text.to_owned();
    }
    if slashes {
        let parts: Vec<String> = text
            .split('/')
            .map(|part| escaped(part, true, false))
            .collect();
        return parts.join("/");
    }
    let only_dots = !text.is_empty() && text.bytes().all(|byte| byte == b'.');
    let mut out = String::new();
    for byte in text.bytes() {
        let plain = byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'_' | b'~')
            || (byte == b'.' && !only_dots);
        if plain {
            out.push(char::from(byte));
        } else {
            out += &format!("%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_cannot_change_the_shape_of_a_path() {
        assert_eq!(
            escaped("a b/../c?x#y", true, false),
            "a%20b%2F..%2Fc%3Fx%23y"
        );
        assert_eq!(escaped("acme/web.app", true, true), "acme/web.app");
        assert_eq!(escaped("acme/../x?y", true, true), "acme/%2E%2E/x%3Fy");
        assert_eq!(escaped("is:open a", false, false), "is:open a");
    }
}
