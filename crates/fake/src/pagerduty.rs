//! PagerDuty's REST API v2, as <https://developer.pagerduty.com/api-reference/> describes it: users, teams, services,
//! incidents and their log entries.

use std::borrow::Cow;
use std::cmp::Ordering;

use jiff::tz::Offset;
use jiff::{Timestamp, ToSpan as _};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::Tokens;
use crate::answer::Answer;
use crate::call::Call;
use crate::context::{Context, text};
use crate::data::{Index, moment, parsed, raw};
use crate::limits::Budget;
use crate::paging::{Listing, page};

const INCIDENTS: &str = "pagerduty_incidents";
const LOG_ENTRIES: &str = "pagerduty_log_entries";
const DAY: i64 = 24 * 60 * 60 * 1_000;

/// An answer, or the error that stands in its way.
type Answered<'a> = Result<Answer<'a>, Answer<'static>>;

pub(crate) fn answer<'a>(context: &Context<'a>, call: &Call) -> Answer<'a> {
    route(context, call).unwrap_or_else(|error| error)
}

fn route<'a>(context: &Context<'a>, call: &Call) -> Answered<'a> {
    // <https://developer.pagerduty.com/docs/versioning>: without it an old token gets an old version. Here every token
    // is an old one, so that a client which leaves it out is found out.
    let accepts = call.header("accept").unwrap_or_default().replace(' ', "");
    if !accepts.contains("application/vnd.pagerduty+json;version=2") {
        return Err(fault(
            400,
            "Missing Arguments",
            2003,
            &["Accept must be application/vnd.pagerduty+json;version=2"],
        ));
    }
    let segments = call.segments();
    let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
    match segments.as_slice() {
        ["teams"] => whole(context, call, "pagerduty_teams", "teams"),
        ["users"] => whole(context, call, "pagerduty_users", "users"),
        ["services"] => whole(context, call, "pagerduty_services", "services"),
        ["incidents"] => incidents(context, call),
        ["log_entries"] => log_entries(context, call),
        ["incidents", id, "log_entries"] => log_entries_of(context, call, id),
        ["teams", id] => one(context, "pagerduty_teams", "team", id),
        ["users", id] => one(context, "pagerduty_users", "user", id),
        ["services", id] => one(context, "pagerduty_services", "service", id),
        ["incidents", id] => one(context, INCIDENTS, "incident", id),
        _ => Err(error(404, None)),
    }
}

/// `Authorization: Token token=KEY` (<https://developer.pagerduty.com/docs/authentication>).
pub(crate) fn is_authorised(tokens: &Tokens, call: &Call) -> bool {
    let sent = call.header("authorization").unwrap_or_default();
    sent.strip_prefix("Token token=") == Some(tokens.pagerduty_secret.as_str())
}

/// `{"error": {"message", "code", "errors"}}` with the codes of <https://developer.pagerduty.com/docs/errors>.
pub(crate) fn error(status: u16, message: Option<&str>) -> Answer<'static> {
    let (usual, code) = match status {
        401 => ("Authentication failed", 2006),
        402 => ("Missing Account Ability", 2014),
        403 => ("Access Denied", 2010),
        404 => ("Not Found", 2100),
        408 => ("The request took too long to process", 2016),
        // <https://developer.pagerduty.com/docs/rest-api-rate-limits>
        429 => ("Rate Limit Exceeded", 2020),
        400..500 => ("Arguments Caused Error", 2002),
        _ => (
            "An internal error has occurred. PagerDuty team has been notified.",
            2000,
        ),
    };
    fault(status, message.unwrap_or(usual), code, &[])
}

/// Seconds from now (<https://developer.pagerduty.com/docs/rest-api-rate-limits>).
pub(crate) fn budget(budget: &Budget) -> Vec<(&'static str, String)> {
    vec![
        ("ratelimit-limit", budget.limit.requests.to_string()),
        ("ratelimit-remaining", budget.remaining.to_string()),
        ("ratelimit-reset", budget.reset_in_seconds().to_string()),
    ]
}

fn fault(status: u16, message: &str, code: u32, errors: &[&str]) -> Answer<'static> {
    let mut error = json!({ "message": message, "code": code });
    if !errors.is_empty() {
        error["errors"] = json!(errors);
    }
    Answer::new(status, json!({ "error": error }))
}

fn one<'a>(context: &Context<'a>, stream: &str, member: &str, id: &str) -> Answered<'a> {
    match context.data.find(stream, id) {
        Some(record) => Ok(Answer::new(200, json!({ member: record.value() }))),
        None => Err(error(404, None)),
    }
}

/// A collection without a window of time.
fn whole<'a>(
    context: &Context<'a>,
    call: &Call,
    stream: &'static str,
    member: &'static str,
) -> Answered<'a> {
    let listing = Listing::Ascending(&context.data.index(stream).sorted);
    list(context, call, stream, member, &listing)
}

/// Incidents by the moment of their creation. `since` is in the window and `until` is not: the documents do not say
/// (<https://github.com/PagerDuty/developer-docs/issues/74>).
fn incidents<'a>(context: &Context<'a>, call: &Call) -> Answered<'a> {
    let index = context.data.index(INCIDENTS);
    let sorted = &index.sorted;
    // "When set to all, the since and until parameters and defaults are ignored."
    let sorted = if call.parameter("date_range") == Some("all") {
        sorted
    } else {
        let (since, until) = incident_window(context, call)?;
        between(sorted, Some(since), Some(until))
    };
    let filters = [
        ("statuses[]", "/status"),
        ("service_ids[]", "/service/id"),
        ("urgencies[]", "/urgency"),
    ];
    let filters: Vec<(&str, Vec<&str>)> = filters
        .into_iter()
        .map(|(name, pointer)| (pointer, call.parameters(name).collect::<Vec<_>>()))
        .filter(|(_, wanted)| !wanted.is_empty())
        .collect();
    let sorting = sorting(call)?;
    let listing = match sorting.as_slice() {
        [] | [("/created_at", false)] if filters.is_empty() => Listing::Ascending(sorted),
        [("/created_at", true)] if filters.is_empty() => Listing::Descending(sorted),
        sorting => {
            let is_wanted = |position: &usize| {
                filters.iter().all(|(pointer, wanted)| {
                    let value = index.at(pointer, *position).as_str();
                    wanted.contains(&value.unwrap_or_default())
                })
            };
            let mut chosen: Vec<usize> = sorted
                .iter()
                .map(|(_, position)| *position)
                .filter(is_wanted)
                .collect();
            chosen.sort_by(|a, b| compare(index, *a, *b, sorting));
            Listing::Chosen(chosen)
        }
    };
    list(context, call, INCIDENTS, "incidents", &listing)
}

/// "Maximum range is 6 months and default is 1 month." What one of the two means without the other is not said: `since` then
/// reaches to now, and `until` a month back.
fn incident_window(context: &Context<'_>, call: &Call) -> Result<(i64, i64), Answer<'static>> {
    let now = context.now.as_millisecond();
    let until = time(call, "until")?;
    let since = time(call, "since")?;
    let until = until.unwrap_or(now);
    let since = match since {
        Some(since) => since,
        None => months_after(until, -1).unwrap_or(until),
    };
    if since > until || months_after(since, 6).is_some_and(|longest| until > longest) {
        return Err(fault(
            400,
            "Invalid Query Date Range",
            2005,
            &["The range of since and until must be between 0 and 6 months"],
        ));
    }
    if context.options.pagerduty_date_only {
        return Ok((since.div_euclid(DAY) * DAY, until.div_euclid(DAY) * DAY));
    }
    Ok((since, until))
}

fn months_after(moment: i64, months: i64) -> Option<i64> {
    let then = Offset::UTC.to_datetime(Timestamp::from_millisecond(moment).ok()?);
    let later = then.checked_add(months.months()).ok()?;
    Some(Offset::UTC.to_timestamp(later).ok()?.as_millisecond())
}

/// Fields with whether they descend: "A maximum of two fields can be included, separated by a comma. Sort direction
/// defaults to ascending."
fn sorting(call: &Call) -> Result<Vec<(&'static str, bool)>, Answer<'static>> {
    const POINTERS: [&str; 4] = [
        "/incident_number",
        "/created_at",
        "/resolved_at",
        "/urgency",
    ];
    let mut sorting = Vec::new();
    for field in call.parameters("sort_by").flat_map(|list| list.split(',')) {
        let (field, direction) = field.split_once(':').unwrap_or((field, "asc"));
        let known = POINTERS.into_iter().find(|known| &known[1..] == field);
        let (Some(pointer), "asc" | "desc", 0..2) = (known, direction, sorting.len()) else {
            let reason = ["Invalid sort_by"];
            return Err(fault(400, "Invalid Input Provided", 2001, &reason));
        };
        sorting.push((pointer, direction == "desc"));
    }
    Ok(sorting)
}

fn compare(index: &Index, a: usize, b: usize, sorting: &[(&str, bool)]) -> Ordering {
    for (field, descends) in sorting {
        let (a, b) = (index.at(field, a), index.at(field, b));
        let order = match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => a.as_str().cmp(&b.as_str()),
        };
        if order != Ordering::Equal {
            return if *descends { order.reverse() } else { order };
        }
    }
    Ordering::Equal
}

/// The newest first, as recorded. No longest range and no default one is documented.
fn log_entries<'a>(context: &Context<'a>, call: &Call) -> Answered<'a> {
    let sorted = &context.data.index(LOG_ENTRIES).sorted;
    let window = between(sorted, time(call, "since")?, time(call, "until")?);
    list(
        context,
        call,
        LOG_ENTRIES,
        "log_entries",
        &Listing::Descending(window),
    )
}

fn log_entries_of<'a>(context: &Context<'a>, call: &Call, incident: &str) -> Answered<'a> {
    if context.data.find(INCIDENTS, incident).is_none() {
        return Err(error(404, None));
    }
    let entries = context.data.index(LOG_ENTRIES).group(incident);
    let window = between(entries, time(call, "since")?, time(call, "until")?);
    let listing = Listing::Descending(window);
    list(context, call, LOG_ENTRIES, "log_entries", &listing)
}

/// What lies between two moments, the second one not in it.
fn between(sorted: &[(i64, usize)], since: Option<i64>, until: Option<i64>) -> &[(i64, usize)] {
    let from = since.map_or(0, |since| sorted.partition_point(|(at, _)| *at < since));
    let to = until.map_or(sorted.len(), |until| {
        sorted.partition_point(|(at, _)| *at < until)
    });
    sorted.get(from..to).unwrap_or_default()
}

fn time(call: &Call, name: &str) -> Result<Option<i64>, Answer<'static>> {
    match call.parameter(name) {
        None => Ok(None),
        Some(value) => moment(value).map(Some).ok_or_else(|| {
            fault(
                400,
                "Invalid time values in 'since' and/or 'until' parameters",
                2004,
                &[],
            )
        }),
    }
}

/// A page: 25 records unless `limit` says otherwise, at most 100; `total` is null unless asked for; nothing beyond the
/// 10,000th (<https://developer.pagerduty.com/docs/pagination>; the words of the error as in
/// <https://github.com/apache/devlake/issues/5107>).
fn list<'a>(
    context: &Context<'a>,
    call: &Call,
    stream: &'static str,
    member: &'static str,
    listing: &Listing<'_>,
) -> Answered<'a> {
    let number = |name| {
        call.number(name)
            .map_err(|_| fault(400, "Invalid Input Provided", 2001, &["Not a number"]))
    };
    let limit = number("limit")?.unwrap_or(25).clamp(1, 100);
    let offset = number("offset")?.unwrap_or(0);
    let cap = context.options.pagerduty_cap;
    if offset.saturating_add(limit) > cap {
        let reason = format!(
            "Offset+limit exceeds maximum allowed value of {cap}. Please try to refine your search to reduce the \
             returned set of records below this number, like adding a date range."
        );
        return Err(fault(400, "Arguments Caused Error", 2002, &[&reason]));
    }
    let page = page(listing.len(), offset, limit, context.quirks);
    let mut records = listing.records(context.data, stream, &page);
    for record in &mut records {
        if let Some(reduced) = reduced(call, member, record) {
            *record = Cow::Owned(raw(&reduced));
        }
    }
    let total = call.flag("total").then(|| listing.len());
    let beside = Map::from_iter([
        ("limit".to_owned(), limit.into()),
        ("offset".to_owned(), offset.into()),
        ("more".to_owned(), page.more.into()),
        ("total".to_owned(), total.into()),
    ]);
    Ok(Answer::records(Some(member), records, beside))
}

/// A record without what must be asked for by `include[]`: of a log entry's channel only the type remains, of a user's
/// contact methods references (the examples in PagerDuty's OpenAPI document).
fn reduced(call: &Call, member: &str, record: &RawValue) -> Option<Value> {
    let includes = |name: &str| call.parameters("include[]").any(|value| value == name);
    match member {
        "log_entries" if !includes("channels") => {
            let mut reduced = parsed(record);
            let channel = reduced.get_mut("channel")?;
            *channel = json!({ "type": channel.get("type") });
            Some(reduced)
        }
        "users" if !includes("contact_methods") => {
            let mut reduced = parsed(record);
            for method in reduced.get_mut("contact_methods")?.as_array_mut()? {
                *method = json!({
                    "id": method.get("id"),
                    "type": format!("{}_reference", text(method, "/type")),
                    "summary": method.get("summary"),
                    "self": method.get("self"),
                });
            }
            Some(reduced)
        }
        _ => None,
    }
}
