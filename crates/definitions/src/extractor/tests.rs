//! Extractor files: what a sound one means, and every fault with its place.

use std::sync::Arc;

use diagnostics::{Diagnostic, Severity, Source};
use proptest::prelude::*;

use super::*;
use crate::{File, Origin};

/// An extractor in which everything that can be said is said.
const SOUND: &str = r#"source: shop
base_url: https://api.shop.example/v2/
settings:
  SHOP_TOKEN: {meaning: a token that reads, secret: true}
  SHOP_SITE: {meaning: which site, default: main}
headers:
  Authorization: Bearer ${SHOP_TOKEN}
concurrency: 3
timeout: 20 seconds
rate_limit:
  remaining: x-left
  reset: x-reset
  reset_is: epoch_seconds
  statuses: [403]
  messages: [too often]
retry: {tries: 4, first_wait: 2 seconds, longest_wait: 5 minutes}
streams:
  shop_lines:
    parent: {stream: shop_orders, values: {order: .id, site: .site.name}}
    path: /sites/{+site}/orders/{order}/lines
    records: .lines[]
    key: .line_id
    paging: {by: page, parameter: page, first: 0, size: {per_page: 50}, total: .meta.total}
  shop_orders:
    path: /sites/${SHOP_SITE}/orders
    query: {sort: created, "include[]": [buyer, payer]}
    records: .orders[]
    paging: {by: offset, parameter: offset, size: {limit: 100}, more: .more, total: .total, cap: 10000}
    windows:
      since: since
      until: until
      at: .created_at
      longest: 30 days
      start: 2015-01-01
      lookback: 1 hour
      refresh: {every: 7 days, reach: 90 days}
    changed:
      stream: shop_events
      values: {order: .order.id}
      path: /orders/{order}
      records: .order
    redact:
      - {path: .buyer.phone, matching: "^[0-9 +]+$", keep: hash}
      - {path: .callback, keep: origin}
    scope: orders:read
  shop_events:
    path: /events
    records: .[]
    paging: {by: link, size: {per_page: 100}}
  shop_sites:
    path: /sites
    records: .sites[]
    paging: {by: id_offset, parameter: after, size: {limit: 20}}
    whole: true
"#;

fn read_all(texts: &[&str]) -> (Vec<Extractor>, Vec<Diagnostic>) {
    let (mut extractors, mut faults) = (Vec::new(), Vec::new());
    for (number, text) in texts.iter().enumerate() {
        let path = format!("extractors/{number}.yaml");
        let source = Arc::new(Source {
            path: path.clone(),
            text: (*text).to_owned(),
        });
        let file = File {
            path,
            origin: Origin::Added,
            source,
        };
        extractors.extend(parse(&file, &mut faults));
    }
    check(&mut extractors, &[], &mut faults);
    faults.retain(|fault| fault.severity == Severity::Error);
    (extractors, faults)
}

/// What is underlined, what is said, what was expected there, and the hint.
fn said(fault: &Diagnostic) -> String {
    let label = &fault.labels[0];
    let place = &label.source.text[label.span.clone()];
    let hint = fault.hint.as_deref().unwrap_or_default();
    format!("{place} | {} | {} | {hint}", fault.message, label.text)
}

/// The faults of [`SOUND`] after one change.
fn faults_after(from: &str, to: &str) -> Vec<String> {
    assert_eq!(SOUND.matches(from).count(), 1, "`{from}` is there once");
    let text = SOUND.replace(from, to);
    read_all(&[&text]).1.iter().map(said).collect()
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn everything_that_is_said_is_meant() {
    let (extractors, faults) = read_all(&[SOUND]);
    assert_eq!(faults, []);
    let extractor = &extractors[0];
    let seconds = Duration::from_secs;
    assert_eq!(extractor.base_url.text, "https://api.shop.example/v2");
    assert_eq!((extractor.concurrency, extractor.timeout), (3, seconds(20)));
    let settings: Vec<_> = extractor
        .settings
        .iter()
        .map(|s| (s.name.text.as_str(), s.secret, s.default.as_deref()))
        .collect();
    assert_eq!(
        settings,
        [
            ("SHOP_TOKEN", true, None),
            ("SHOP_SITE", false, Some("main"))
        ]
    );
    assert_eq!(extractor.rate_limit.reset_is, ResetIs::EpochSeconds);
    assert_eq!(extractor.rate_limit.statuses, [403]);
    let retry = Retry {
        tries: 4,
        first_wait: seconds(2),
        longest_wait: seconds(300),
    };
    assert_eq!(extractor.retry, retry);

    // A stream comes behind those that it needs; otherwise the order is that of the file.
    let names: Vec<_> = extractor.streams.iter().map(|s| &s.stream.text).collect();
    assert_eq!(
        names,
        ["shop_events", "shop_orders", "shop_lines", "shop_sites"]
    );

    let path = |text| FieldPath::parse(text).unwrap();
    let orders = &extractor.streams[1];
    let query: Vec<_> = orders
        .request
        .query
        .iter()
        .map(|(name, value)| (name.as_str(), value.word.text.as_str()))
        .collect();
    assert_eq!(
        query,
        [
            ("sort", "created"),
            ("include[]", "buyer"),
            ("include[]", "payer")
        ]
    );
    let offset = Paging::Offset {
        parameter: "offset".into(),
        size: ("limit".into(), 100),
        more: Some(path(".more")),
        total: Some(path(".total")),
        cap: Some(10_000),
    };
    assert_eq!(orders.paging, Some(offset));
    let windows = orders.windows.as_ref().unwrap();
    let start = "2015-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(windows.start, Start::At(start));
    assert_eq!(windows.lookback, seconds(3600));
    let days = |count: u64| seconds(count * 86_400);
    assert_eq!(windows.refresh, Some((days(7), days(90))));
    let changed = orders.changed.as_ref().unwrap();
    assert_eq!(&*changed.by.stream.text, "shop_events");
    // A changed record is the same kind of record: its key is the stream's.
    assert_eq!(changed.request.key, orders.request.key);
    assert!(orders.redact[0].matching.is_some());
    assert_eq!(orders.redact[1].keep, Keep::Origin);

    let lines = &extractor.streams[2];
    assert_eq!(lines.request.key, path(".line_id"));
    let by_page = Paging::Page {
        parameter: "page".into(),
        first: 0,
        size: ("per_page".into(), 50),
        total: Some(path(".meta.total")),
    };
    assert_eq!(lines.paging, Some(by_page));
    assert!(extractor.streams[3].whole && !lines.whole);
}

#[test]
fn what_is_not_said_has_a_default() {
    let (extractors, faults) = read_all(&[
        "source: a\nbase_url: http://127.0.0.1:8080\nstreams:\n  a_b: {path: /b, records: .b}\n",
    ]);
    assert_eq!(faults, []);
    let extractor = &extractors[0];
    assert_eq!(
        (extractor.concurrency, extractor.timeout, extractor.retry),
        (1, Duration::from_secs(60), Retry::default())
    );
    let stream = &extractor.streams[0];
    assert_eq!(stream.request.key, FieldPath::parse(".id").unwrap());
    assert!(stream.paging.is_none() && stream.windows.is_none() && !stream.whole);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn each_fault_has_a_place_and_says_what_was_expected() {
    let mut wrong = Vec::new();
    for (from, to, expected) in [
        // names
        (
            "source: shop\n",
            "source: ../../escape\n",
            "../../escape | `../../escape` is not the name of a source | expected small letters, digits and `_`, beginning with a letter | ",
        ),
        (
            "shop_sites:",
            "Shop-Sites:",
            "Shop-Sites | `Shop-Sites` is not the name of a stream that is fetched | expected small letters, digits and `_`, beginning with a letter | ",
        ),
        (
            "SHOP_SITE: {",
            "Shop: {meaning: x}\n  SHOP_SITE: {",
            "Shop | `Shop` is not the name of a setting | expected capitals, digits and `_` | ",
        ),
        (
            "  Authorization:",
            "  Sho p:",
            "Sho p | `Sho p` is not the name of a header | expected a name such as `Accept` | ",
        ),
        (
            "x-reset",
            "x reset",
            "x reset | text does not belong here | expected the name of a header, such as `ratelimit-reset` | ",
        ),
        // keys
        (
            "concurrency:",
            "concurency:",
            "concurency | `concurency` is not a key of an extractor | expected one of source, base_url, settings, headers, concurrency, timeout, rate_limit, retry, streams | did you mean `concurrency`?",
        ),
        (
            "tries: 4",
            "trie: 4",
            "trie | `trie` is not a key of how to try again | expected one of tries, first_wait, longest_wait | did you mean `tries`?",
        ),
        (
            "cap: 10000",
            "pace: 1",
            "pace | `pace` is not a key of paging by `offset` | expected one of by, parameter, size, more, total, cap | ",
        ),
        (
            "by: link, size",
            "by: link, parameter: page, size",
            "parameter | `parameter` is not a key of paging by `link` | expected one of by, size | ",
        ),
        (
            "meaning: which site, ",
            "",
            "{default: main} | `meaning` is missing | expected `meaning:` with what it is, for people who do not have it yet | ",
        ),
        (
            "by: id_offset, ",
            "",
            "{parameter: after, size: {limit: 20}} | `by` is missing | expected `by:` with one of `offset`, `link`, `page`, `id_offset` and `token` | ",
        ),
        (
            "      at: .created_at\n",
            "",
            "since: since | `at` is missing | expected `at:` with the time in a record by which the source cuts, such as `.created_at` | ",
        ),
        // values
        (
            "concurrency: 3",
            "concurrency: 0",
            "0 | a number does not belong here | expected a whole number, 1 or more | ",
        ),
        (
            "20 seconds",
            "0 seconds",
            "0 seconds | text does not belong here | expected a duration longer than 0 | ",
        ),
        (
            "30 days",
            "a month",
            "a month | text does not belong here | expected a duration such as `30 seconds` or `1 day` | ",
        ),
        (
            "2015-01-01",
            "2015-02-30",
            "2015-02-30 | text does not belong here | expected a date such as `2009-01-01`, or how long before now, such as `90 days` | ",
        ),
        (
            "[403]",
            "[200]",
            "200 | a number does not belong here | expected an HTTP status from 400 to 599 | ",
        ),
        (
            "[too often]",
            "too often",
            "too often | text does not belong here | expected a list of words | ",
        ),
        (
            "epoch_seconds",
            "epoch_second",
            "epoch_second | `epoch_second` does not belong here | expected one of `seconds`, `epoch_seconds` | did you mean `epoch_seconds`?",
        ),
        (
            "whole: true",
            "whole: yes please",
            "yes please | text does not belong here | expected `true` or `false` | ",
        ),
        (
            "{limit: 20}",
            "{limit: 20, start: 1}",
            "{limit: 20, start: 1} | a mapping does not belong here | expected one parameter and the number of records a page, such as `{limit: 100}` | ",
        ),
        (
            "records: .lines[]",
            "records: lines",
            "lines | `lines` is not a path | expected members and lists, such as `.items[]` or `.page.total` | ",
        ),
        (
            "path: /events",
            "path: events",
            "events | a path begins with `/` | expected a path such as `/items` | ",
        ),
        (
            "/orders/{order}\n",
            "/orders/{order\n",
            "/orders/{order | a place to fill is not written well | expected `}` behind it | ",
        ),
        (
            "keep: hash",
            "keep: hashs",
            "hashs | `hashs` does not belong here | expected one of `hash`, `presence`, `origin` | did you mean `hash`?",
        ),
        (
            "path: .callback",
            "path: .",
            "{path: ., keep: origin} | a whole record cannot be redacted | expected the `path` of a value in it, such as `.secret` | ",
        ),
        // what hangs together
        (
            "${SHOP_TOKEN}",
            "${SHOP_TOKENS}",
            "Bearer ${SHOP_TOKENS} | `SHOP_TOKENS` is not among the `settings` | expected one of SHOP_TOKEN, SHOP_SITE | did you mean `SHOP_TOKEN`?",
        ),
        (
            "by: id_offset, ",
            "by: token, ",
            "{by: token, parameter: after, size: {limit: 20}} | `token` is missing | expected `token:` with where an answer has the token of the next page | ",
        ),
        (
            "scope: orders:read",
            "text: text/markdown",
            ".orders[] | an answer that is a text is one record | there is no `records` beside `text` | ",
        ),
        (
            "{+site}",
            "{+sites}",
            "/sites/{+sites}/orders/{order}/lines | `sites` is not a value of the parent | expected one of order, site | did you mean `site`?",
        ),
        (
            "path: /events",
            "path: /events/{id}",
            "/events/{id} | `id` is not a value of the parent | there are none | ",
        ),
        (
            "stream: shop_events",
            "stream: shop_event",
            "shop_event | `shop_event` is not a stream of this extractor | expected one of shop_lines, shop_orders, shop_events, shop_sites | did you mean `shop_events`?",
        ),
        (
            "scope: orders:read",
            "whole: true",
            "true | with `windows` nothing can be `whole` | what is cut by time is never known to be all that there is | ",
        ),
        (
            "stream: shop_events",
            "stream: shop_lines",
            "shop_lines | `shop_lines` needs a stream that needs it |  | ",
        ),
        (
            "https://api.shop.example/v2/",
            "http://api.shop.example",
            "http://api.shop.example | no token can be sent to this base URL | over `http://` anybody on the way could read the token; expected `https://` | ",
        ),
        (
            "https://api.shop.example/v2/",
            "http://localhost:x@api.shop.example",
            "http://localhost:x@api.shop.example | no token can be sent to this base URL | over `http://` anybody on the way could read the token; expected `https://` | ",
        ),
        (
            "https://api.shop.example/v2/",
            "https://u@api.shop.example",
            "https://u@api.shop.example | no token can be sent to this base URL | it has a user or a password in it; tokens have settings of their own | ",
        ),
        (
            "https://api.shop.example/v2/",
            "\"https://\"",
            "\"https://\" | no token can be sent to this base URL | it is no URL: empty host | ",
        ),
    ] {
        let faults = faults_after(from, to);
        if faults != [expected] {
            wrong.push(format!("`{from}` as `{to}`: {faults:#?}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let faults = faults_after("\"^[0-9 +]+$\"", "\"[0-9\"");
    assert!(
        faults.len() == 1
            && faults[0].starts_with(
                "\"[0-9\" | text does not belong here | expected a regular expression: "
            ),
        "{faults:?}"
    );
}

#[test]
fn what_is_needed_is_missed_once_and_all_of_it_at_once() {
    let missing = |text: &str| -> Vec<String> {
        read_all(&[text])
            .1
            .iter()
            .map(|fault| fault.message.clone())
            .collect()
    };
    assert_eq!(
        missing("concurrency: 1\n"),
        [
            "`source` is missing",
            "`base_url` is missing",
            "`streams` is missing"
        ]
    );
    assert_eq!(
        missing(
            "source: a\nbase_url: https://a.example\nstreams:\n  a_b: {windows: {}, changed: {}, paging: {by: offset}, redact: [{}]}\n"
        ),
        [
            "path",
            "records",
            "since",
            "until",
            "at",
            "longest",
            "start",
            "stream",
            "values",
            "path",
            "records",
            "parameter",
            "size",
            "path",
            "keep"
        ]
        .map(|key| format!("`{key}` is missing"))
    );
}

#[test]
fn two_files_do_not_fetch_the_same() {
    let (_, faults) = read_all(&[SOUND, SOUND]);
    let messages: Vec<_> = faults.iter().map(said).collect();
    assert_eq!(
        messages[0],
        "shop | the source `shop` has two extractors | the other is `extractors/0.yaml` | "
    );
    assert_eq!(messages.len(), 5, "the source and its four streams");
    assert!(messages[1].contains("is fetched twice"));
}

#[test]
fn a_stream_that_nothing_reads_is_a_warning() {
    let mut faults = Vec::new();
    let (mut extractors, _) = read_all(&[SOUND]);
    check(&mut extractors, &[], &mut faults);
    assert_eq!(faults.len(), 4);
    assert_eq!(faults[0].severity, Severity::Warning);
    assert_eq!(
        faults[0].hint.as_deref(),
        Some("add `definitions/mappers/shop_events.yaml`")
    );
}

proptest! {
    /// Lines taken away, doubled and torn: faults come out, never a panic, and every fault has a place in the text.
    #[test]
    fn no_text_makes_it_panic(
        cuts in prop::collection::vec((0..SOUND.len(), 0..40_usize, "[-a-z:{}\\[\\]$+. \n\"ö]{0,6}"), 1..4)
    ) {
        let mut text = SOUND.to_owned();
        for (start, length, with) in cuts {
            let start = text.floor_char_boundary(start.min(text.len()));
            let end = text.floor_char_boundary((start + length).min(text.len()));
            text.replace_range(start..end, &with);
        }
        for fault in read_all(&[&text]).1 {
            prop_assert!(fault.labels.iter().all(|label| label.span.end <= label.source.text.len() + 1));
        }
    }
}
