//! DataDog's API, as <https://docs.datadoghq.com/api/latest/> describes it: monitors, synthetic tests and notification
//! rules.

use std::borrow::Cow;

use serde_json::value::RawValue;
use serde_json::{Map, json};

use crate::Tokens;
use crate::answer::Answer;
use crate::call::Call;
use crate::context::Context;
use crate::data::{parsed, raw};
use crate::limits::Budget;
use crate::paging::{Listing, Page, page};

const MONITORS: &str = "datadog_monitors";
const SYNTHETICS: &str = "datadog_synthetics";
const RULES: &str = "datadog_notification_rules";

/// An answer, or the error that stands in its way.
type Answered<'a> = Result<Answer<'a>, Answer<'static>>;

pub(crate) fn answer<'a>(context: &Context<'a>, call: &Call) -> Answer<'a> {
    route(context, call).unwrap_or_else(|error| error)
}

fn route<'a>(context: &Context<'a>, call: &Call) -> Answered<'a> {
    let segments = call.segments();
    let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
    let rest = match segments.as_slice() {
        ["api", "v2", "monitor", "notification_rule"] => return rules(context, call),
        ["api", "v1", rest @ ..] => rest,
        _ => return Err(error(404, None)),
    };
    match rest {
        ["validate"] => Ok(Answer::new(200, json!({ "valid": true }))),
        ["monitor"] => monitors(context, call),
        ["monitor", id] => one(context, MONITORS, id),
        ["synthetics", "tests"] => synthetics(context, call),
        ["synthetics", "tests", id] => one(context, SYNTHETICS, id),
        _ => Err(error(404, None)),
    }
}

/// Both keys, each in a header of its own (<https://docs.datadoghq.com/api/latest/authentication/>).
pub(crate) fn is_authorised(tokens: &Tokens, call: &Call) -> bool {
    call.header("dd-api-key") == Some(&tokens.datadog_api_key)
        && call.header("dd-application-key") == Some(&tokens.datadog_application_key)
}

/// `{"errors": […]}`.
pub(crate) fn error(status: u16, message: Option<&str>) -> Answer<'static> {
    let usual = match status {
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not found",
        429 => "Too many requests",
        500.. => "Internal server error",
        _ => "Bad Request",
    };
    Answer::new(status, json!({ "errors": [message.unwrap_or(usual)] }))
}

/// Seconds from now (<https://docs.datadoghq.com/api/latest/rate-limits/>).
pub(crate) fn budget(budget: &Budget) -> Vec<(&'static str, String)> {
    vec![
        ("x-ratelimit-limit", budget.limit.requests.to_string()),
        (
            "x-ratelimit-period",
            budget.limit.window.as_secs().to_string(),
        ),
        ("x-ratelimit-remaining", budget.remaining.to_string()),
        ("x-ratelimit-reset", budget.reset_in_seconds().to_string()),
        ("x-ratelimit-name", "list".to_owned()),
    ]
}

fn one<'a>(context: &Context<'a>, stream: &str, id: &str) -> Answered<'a> {
    match context.data.find(stream, id) {
        Some(record) => Ok(Answer::new(200, record.value())),
        None => Err(error(404, None)),
    }
}

/// Monitors, by id. Without `page` all of them at once, whatever `page_size` says; with `id_offset` those with a higher
/// id, until none is left (<https://docs.datadoghq.com/api/latest/monitors/#get-all-monitors>). How many a page by
/// `id_offset` has is not said: `page_size`, 100 without it.
fn monitors<'a>(context: &Context<'a>, call: &Call) -> Answered<'a> {
    if let Some(states) = call.parameter("group_states") {
        let known = ["all", "alert", "warn", "no data"];
        if !states.split(',').all(|state| known.contains(&state)) {
            return Err(error(400, Some("group_states is invalid")));
        }
    }
    let sorted = context.data.index(MONITORS).sorted.as_slice();
    let size = size(call, "page_size")?;
    let (listing, page) = match (number(call, "page")?, number(call, "id_offset")?) {
        (Some(number), _) => {
            let page = page(
                sorted.len(),
                number.saturating_mul(size),
                size,
                context.quirks,
            );
            (Listing::Ascending(sorted), page)
        }
        (None, Some(id)) => {
            let behind = sorted.partition_point(|(found, _)| *found <= id as i64);
            let page = page(sorted.len(), behind, size, context.quirks);
            (Listing::Ascending(sorted), page)
        }
        (None, None) if sorted.len() > context.options.datadog_monitors_at_once => {
            return Err(Answer::gateway(504));
        }
        (None, None) => (Listing::Ascending(sorted), everything(sorted.len())),
    };
    let mut records = listing.records(context.data, MONITORS, &page);
    if !call.flag("with_downtimes") {
        for record in &mut records {
            without(record, "matching_downtimes");
        }
    }
    Ok(Answer::list(records))
}

/// Synthetic tests: `page_number` from 0. A paged answer has a `total`, one with everything has not, as recorded in
/// <https://github.com/DataDog/datadog-api-client-python/tree/master/tests/v1/cassettes>.
fn synthetics<'a>(context: &Context<'a>, call: &Call) -> Answered<'a> {
    let sorted = context.data.index(SYNTHETICS).sorted.as_slice();
    let size = size(call, "page_size")?;
    let number = number(call, "page_number")?;
    let is_paged = number.is_some() || call.parameter("page_size").is_some();
    let mut beside = Map::new();
    let page = if is_paged {
        beside.insert("total".to_owned(), sorted.len().into());
        let offset = number.unwrap_or(0).saturating_mul(size);
        page(sorted.len(), offset, size, context.quirks)
    } else {
        everything(sorted.len())
    };
    let records = Listing::Ascending(sorted).records(context.data, SYNTHETICS, &page);
    Ok(Answer::records(Some("tests"), records, beside))
}

/// Notification rules: `page` from 0, `per_page` of them, 100 unless asked otherwise
/// (<https://docs.datadoghq.com/api/latest/monitors/#get-all-monitor-notification-rules>).
fn rules<'a>(context: &Context<'a>, call: &Call) -> Answered<'a> {
    let sorted = context.data.index(RULES).sorted.as_slice();
    let size = size(call, "per_page")?;
    let offset = number(call, "page")?.unwrap_or(0).saturating_mul(size);
    let page = page(sorted.len(), offset, size, context.quirks);
    let records = Listing::Ascending(sorted).records(context.data, RULES, &page);
    Ok(Answer::records(Some("data"), records, Map::new()))
}

fn everything(total: usize) -> Page {
    Page {
        range: 0..total,
        more: false,
        next: total,
    }
}

/// 100 unless asked otherwise; more than 1,000 is an error.
fn size(call: &Call, parameter: &str) -> Result<usize, Answer<'static>> {
    match number(call, parameter)? {
        None => Ok(100),
        Some(size) if (1..=1_000).contains(&size) => Ok(size),
        Some(_) => {
            let message = format!("{parameter} must be between 1 and 1000");
            Err(error(400, Some(&message)))
        }
    }
}

fn number(call: &Call, name: &str) -> Result<Option<usize>, Answer<'static>> {
    call.number(name)
        .map_err(|_| error(400, Some("a parameter is not a number")))
}

fn without(record: &mut Cow<'_, RawValue>, member: &str) {
    let mut value = parsed(record);
    if let Some(object) = value.as_object_mut()
        && object.remove(member).is_some()
    {
        *record = Cow::Owned(raw(&value));
    }
}
