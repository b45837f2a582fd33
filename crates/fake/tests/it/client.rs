//! A client that knows next to nothing: one request, one connection, read to its end.

use std::io::{Read, Write};
use std::net::TcpStream;

use fake::{Data, Limits, Options, Server, Tokens, Vendor};
use serde_json::Value;

/// What came back.
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// The values of a member of every record of the list in `member`, or of the bare list.
    pub fn values(&self, member: &str, of_each: &str) -> Vec<String> {
        let json = self.json();
        let list = if member.is_empty() {
            &json
        } else {
            &json[member]
        };
        let list = list.as_array().unwrap_or_else(|| panic!("no list: {json}"));
        let text = |value: &Value| value.as_str().map_or(value.to_string(), ToOwned::to_owned);
        list.iter().map(|record| text(&record[of_each])).collect()
    }

    /// The address in the header `Link` with this relation, with what stands behind it.
    pub fn link(&self, relation: &str) -> Option<(String, String)> {
        let links = self.header("link")?;
        let wanted = format!("rel=\"{relation}\"");
        let link = links.split(", <").find(|link| link.contains(&wanted))?;
        let (address, rest) = link.trim_start_matches('<').split_once('>')?;
        Some((address.to_owned(), rest.to_owned()))
    }
}

/// A server that nobody gets too fast for.
pub fn serve(data: Data, options: Options) -> Server {
    let limits = Limits::generous();
    Server::start(data, Options { limits, ..options }).unwrap()
}

/// The headers that a vendor wants.
pub fn headers(vendor: Vendor) -> Vec<(&'static str, String)> {
    let tokens = Tokens::default();
    match vendor {
        Vendor::PagerDuty => vec![
            (
                "Authorization",
                format!("Token token={}", tokens.pagerduty_secret),
            ),
            (
                "Accept",
                "application/vnd.pagerduty+json;version=2".to_owned(),
            ),
        ],
        Vendor::Sentry => vec![("Authorization", format!("Bearer {}", tokens.sentry_api_key))],
        Vendor::GitHub => vec![
            ("Authorization", format!("Bearer {}", tokens.github_api_key)),
            ("User-Agent", "test".to_owned()),
        ],
        Vendor::DataDog => vec![
            ("DD-API-KEY", tokens.datadog_api_key),
            ("DD-APPLICATION-KEY", tokens.datadog_application_key),
        ],
    }
}

/// Asks with the right headers.
pub fn get(server: &Server, vendor: Vendor, path: &str) -> Reply {
    get_with(server, vendor, path, &headers(vendor))
}

/// Asks with just these headers.
pub fn get_with(server: &Server, vendor: Vendor, path: &str, headers: &[(&str, String)]) -> Reply {
    let address = format!("{}{path}", server.base_url(vendor));
    follow(&address, headers)
}

/// Asks for an address as it was given.
pub fn follow(address: &str, headers: &[(&str, String)]) -> Reply {
    try_follow(address, headers).expect("an answer")
}

/// The same; nothing if the connection is closed before an answer.
pub fn try_follow(address: &str, headers: &[(&str, String)]) -> Option<Reply> {
    let rest = address.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let mut request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    request += "\r\n";
    let mut stream = TcpStream::connect(host).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // A connection that is reset ends the answer as well.
    let _ = stream.read_to_end(&mut answer);
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let headers = lines.filter_map(|line| line.split_once(": "));
    Some(Reply {
        status: status.parse().unwrap(),
        headers: headers
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect(),
        body: answer[end + 4..].to_vec(),
    })
}
