//! Sentry's API 0, as <https://docs.sentry.io/api/> and its source describe it: organisations, projects, teams, issues
//! and their events.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::Tokens;
use crate::answer::Answer;
use crate::call::Call;
use crate::context::Context;
use crate::data::{Index, moment};
use crate::limits::Budget;
use crate::paging::{Listing, page};

const ISSUES: &str = "sentry_issues";
const EVENTS: &str = "sentry_issue_events";

/// An answer, or the error that stands in its way.
type Answered<'a> = Result<Answer<'a>, Answer<'static>>;

pub(crate) fn answer<'a>(context: &Context<'a>, call: &Call) -> Answer<'a> {
    // Every address ends in a slash; the web framework redirects what does not.
    if !call.path.ends_with('/') {
        let query = match call.raw_query.as_str() {
            "" => String::new(),
            query => format!("?{query}"),
        };
        let address = format!("{}{}/{query}", call.base, call.path);
        return Answer::html(301, "").with("location", address);
    }
    route(context, call).unwrap_or_else(|error| error)
}

fn route<'a>(context: &Context<'a>, call: &Call) -> Answered<'a> {
    let segments = call.segments();
    let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
    let ["api", "0", "organizations", rest @ ..] = segments.as_slice() else {
        return Err(error(404, None));
    };
    let slug = context.data.organisation();
    match rest {
        [] => Ok(organisations(call, &slug)),
        [organisation, rest @ ..] if *organisation == slug => match rest {
            [] => Ok(Answer::new(200, organisation_value(call, &slug))),
            ["projects"] => whole(context, call, "sentry_projects"),
            ["teams"] => whole(context, call, "sentry_teams"),
            ["issues"] => issues(context, call),
            ["issues", issue] => match context.data.find(ISSUES, issue) {
                Some(record) => Ok(Answer::new(200, record.value())),
                None => Err(error(404, None)),
            },
            ["issues", issue, "events"] => events(context, call, issue),
            _ => Err(error(404, None)),
        },
        _ => Err(error(404, None)),
    }
}

/// `Authorization: Bearer TOKEN` (<https://docs.sentry.io/api/auth/>).
pub(crate) fn is_authorised(tokens: &Tokens, call: &Call) -> bool {
    let sent = call.header("authorization").unwrap_or_default();
    sent.strip_prefix("Bearer ") == Some(tokens.sentry_api_key.as_str())
}

/// `{"detail": …}`.
pub(crate) fn error(status: u16, message: Option<&str>) -> Answer<'static> {
    let usual = match status {
        401 => "Invalid token",
        403 => "You do not have permission to perform this action.",
        404 => "The requested resource does not exist",
        429 => "You are attempting to use this endpoint too frequently.",
        500.. => "Internal Error",
        _ => "Bad Request",
    };
    Answer::new(status, json!({ "detail": message.unwrap_or(usual) }))
}

/// In the words of <https://github.com/getsentry/sentry/blob/master/src/sentry/middleware/ratelimit.py>.
pub(crate) fn too_many(budget: &Budget) -> Answer<'static> {
    let message = format!(
        "You are attempting to use this endpoint too frequently. Limit is {} requests in {} seconds",
        budget.limit.requests,
        budget.limit.window.as_secs()
    );
    error(429, Some(&message))
}

/// Seconds since 1970 (<https://docs.sentry.io/api/ratelimits/>). The number of concurrent requests is not limited
/// here.
pub(crate) fn budget(budget: &Budget) -> Vec<(&'static str, String)> {
    vec![
        (
            "x-sentry-rate-limit-limit",
            budget.limit.requests.to_string(),
        ),
        (
            "x-sentry-rate-limit-remaining",
            budget.remaining.to_string(),
        ),
        ("x-sentry-rate-limit-reset", budget.reset_at().to_string()),
        ("x-sentry-rate-limit-concurrentlimit", "25".to_owned()),
        ("x-sentry-rate-limit-concurrentremaining", "24".to_owned()),
    ]
}

/// The one organisation that the token belongs to.
fn organisations(call: &Call, slug: &str) -> Answer<'static> {
    Answer::new(200, json!([organisation_value(call, slug)]))
}

fn organisation_value(call: &Call, slug: &str) -> Value {
    json!({
        "id": "1",
        "slug": slug,
        "name": slug,
        "status": { "id": "active", "name": "active" },
        "dateCreated": "2020-01-01T00:00:00Z",
        "links": { "organizationUrl": call.base, "regionUrl": call.base },
    })
}

fn whole<'a>(context: &Context<'a>, call: &Call, stream: &'static str) -> Answered<'a> {
    let listing = Listing::Ascending(&context.data.index(stream).sorted);
    list(context, call, stream, per_page(call)?, &listing)
}

/// Issues, the last seen first. An issue is in the window if it was seen in it: first before its end, last after its
/// start.
fn issues<'a>(context: &Context<'a>, call: &Call) -> Answered<'a> {
    let (start, end) = window(context, call)?;
    let conditions = conditions(call)?;
    let projects: Vec<&str> = call
        .parameters("project")
        .filter(|project| *project != "-1")
        .collect();
    let index = context.data.index(ISSUES);
    let from = index.sorted.partition_point(|(seen, _)| *seen < start);
    let mut chosen: Vec<(i64, usize)> = Vec::new();
    for (seen, position) in index.sorted.iter().skip(from) {
        let text = |pointer| index.at(pointer, *position).as_str().unwrap_or_default();
        let first = moment(text("/firstSeen")).unwrap_or(*seen);
        let is_in_project = projects.is_empty()
            || projects.contains(&text("/project/id"))
            || projects.contains(&text("/project/slug"));
        let is_wanted = |condition: &Condition| condition.holds(index, *position, *seen);
        if first < end && is_in_project && conditions.iter().all(is_wanted) {
            let order = if call.parameter("sort") == Some("new") {
                first
            } else {
                *seen
            };
            chosen.push((order, *position));
        }
    }
    match call.parameter("sort") {
        None | Some("date" | "new") => {}
        Some(other) => {
            let message = format!("this fake sorts by date and new, not by {other}");
            return Err(error(400, Some(&message)));
        }
    }
    chosen.sort_unstable();
    let hits = chosen.len();
    let limit = match call.number("limit") {
        Ok(limit) => limit.unwrap_or(100).clamp(1, 100),
        Err(_) => return Err(error(400, Some("Invalid limit parameter."))),
    };
    let listing = Listing::Descending(&chosen);
    let answer = list(context, call, ISSUES, limit, &listing)?;
    // Counted up to 1,000 (<https://github.com/getsentry/sentry/blob/master/src/sentry/api/paginator.py>).
    Ok(answer
        .with("x-hits", hits.min(1_000))
        .with("x-max-hits", 1_000))
}

/// The newest first.
fn events<'a>(context: &Context<'a>, call: &Call, issue: &str) -> Answered<'a> {
    if context.data.find(ISSUES, issue).is_none() {
        return Err(error(404, None));
    }
    let (start, end) = window(context, call)?;
    let events = context.data.index(EVENTS).group(issue);
    let from = events.partition_point(|(at, _)| *at < start);
    let to = events.partition_point(|(at, _)| *at < end);
    let listing = Listing::Descending(events.get(from..to).unwrap_or_default());
    list(context, call, EVENTS, per_page(call)?, &listing)
}

/// What a search asks of an issue.
enum Condition {
    Status(&'static [&'static str]),
    SeenSince(i64),
}

impl Condition {
    fn holds(&self, index: &Index, position: usize, seen: i64) -> bool {
        match self {
            Self::Status(statuses) => {
                let status = index.at("/status", position).as_str();
                statuses.contains(&status.unwrap_or_default())
            }
            Self::SeenSince(since) => seen >= *since,
        }
    }
}

/// "A default query of `is:unresolved` is applied. To return all results, use an empty query value"
/// (<https://docs.sentry.io/api/events/list-an-organizations-issues/>). Of the search syntax the fake knows `is:` and
/// `lastSeen:>=`, and says so rather than answer something else.
fn conditions(call: &Call) -> Result<Vec<Condition>, Answer<'static>> {
    let query = call.parameter("query").unwrap_or("is:unresolved");
    let mut conditions = Vec::new();
    for term in query.split_whitespace() {
        let since = term.strip_prefix("lastSeen:>=").and_then(moment);
        conditions.push(match (term, since) {
            (_, Some(since)) => Condition::SeenSince(since),
            ("is:unresolved", _) => Condition::Status(&["unresolved"]),
            ("is:resolved", _) => Condition::Status(&["resolved"]),
            ("is:ignored" | "is:archived", _) => Condition::Status(&["ignored"]),
            _ => {
                let message = format!("this fake does not know the search term {term}");
                return Err(error(400, Some(&message)));
            }
        });
    }
    Ok(conditions)
}

/// `statsPeriod` goes before `start` and `end`, one of which without the other is an error; without any the window is 90 days, for
/// issues and events alike (`MAX_STATS_PERIOD` and `get_date_range_from_params` in
/// <https://github.com/getsentry/sentry/blob/master/src/sentry/api/utils.py>; the documents name no default).
fn window(context: &Context<'_>, call: &Call) -> Result<(i64, i64), Answer<'static>> {
    let now = context.now.as_millisecond();
    if let Some(period) = call
        .parameter("statsPeriod")
        .filter(|text| !text.is_empty())
    {
        return match period_length(period) {
            Some(length) => Ok((now.saturating_sub(length), now)),
            None => {
                let message = format!("Invalid statsPeriod: '{period}'");
                Err(error(400, Some(&message)))
            }
        };
    }
    let time = |name: &str| call.parameter(name).filter(|text| !text.is_empty());
    match (time("start"), time("end")) {
        (None, None) => {
            let longest = SignedDuration::from_hours(90 * 24).as_millis() as i64;
            Ok((now.saturating_sub(longest), now))
        }
        (Some(start), Some(end)) => match (moment(start), moment(end)) {
            (Some(start), Some(end)) if start < end => Ok((start, end)),
            (Some(_), Some(_)) => Err(error(400, Some("start must be before end"))),
            _ => Err(error(400, Some("Invalid date range"))),
        },
        _ => Err(error(400, Some("start and end are both required"))),
    }
}

/// `14d`, `24h`: in milliseconds.
fn period_length(period: &str) -> Option<i64> {
    let unit = period.chars().last()?;
    let number: i64 = period.strip_suffix(unit)?.parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        _ => return None,
    };
    number.checked_mul(seconds * 1_000)
}

/// 100 unless asked otherwise; more than 100 is an error
/// (<https://github.com/getsentry/sentry/blob/master/src/sentry/utils/pagination_factory.py>).
fn per_page(call: &Call) -> Result<usize, Answer<'static>> {
    match call.number("per_page") {
        Ok(None) => Ok(100),
        Ok(Some(number)) if (1..=100).contains(&number) => Ok(number),
        Ok(Some(_)) => Err(error(
            400,
            Some("Invalid per_page value. Must be between 1 and 100."),
        )),
        Err(_) => Err(error(400, Some("Invalid per_page parameter."))),
    }
}

/// A page. The header `Link` has a previous and a next page always; whether there is anything on them is in `results`
/// (<https://docs.sentry.io/api/pagination/>). A cursor is `value:offset:is_previous`, and comes behind the query, be
/// there one or not (`CURSOR_LINK_HEADER` in <https://github.com/getsentry/sentry/blob/master/src/sentry/api/base.py>).
fn list<'a>(
    context: &Context<'a>,
    call: &Call,
    stream: &'static str,
    limit: usize,
    listing: &Listing<'_>,
) -> Answered<'a> {
    let cursor = call.parameter("cursor").unwrap_or("0:0:0");
    let offset = cursor.split(':').nth(1).and_then(|part| part.parse().ok());
    let Some(offset) = offset else {
        return Err(error(400, Some("Invalid cursor parameter.")));
    };
    let page = page(listing.len(), offset, limit, context.quirks);
    let base = context.quirks.link_base.as_deref().unwrap_or(&call.base);
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(call.query.iter().filter(|(name, _)| name != "cursor"));
    let address = format!("{base}{}?{}", call.path, query.finish());
    let link = |name: &str, results: bool, cursor: String| {
        format!(
            r#"<{address}&cursor={cursor}>; rel="{name}"; results="{results}"; cursor="{cursor}""#
        )
    };
    let before = offset.saturating_sub(limit);
    let links = [
        link("previous", offset > 0, format!("0:{before}:1")),
        link("next", page.more, format!("0:{}:0", page.next)),
    ];
    let records = listing.records(context.data, stream, &page);
    Ok(Answer::list(records).with("link", links.join(", ")))
}
