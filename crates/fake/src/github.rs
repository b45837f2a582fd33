//! GitHub's REST API, as <https://docs.github.com/rest> describes it: an organisation's repositories and teams, and the
//! teams and webhooks of a repository.

use serde_json::{Value, json};

use crate::Tokens;
use crate::answer::Answer;
use crate::call::Call;
use crate::context::{Context, text};
use crate::data::Record;
use crate::limits::Budget;
use crate::paging::{Listing, page};

const REPOSITORIES: &str = "github_repos";

pub(crate) fn answer<'a>(context: &Context<'a>, call: &Call) -> Answer<'a> {
    // <https://docs.github.com/rest/using-the-rest-api/getting-started-with-the-rest-api#user-agent>
    if call.header("user-agent").is_none_or(str::is_empty) {
        return Answer::html(403, NO_USER_AGENT);
    }
    let segments = call.segments();
    let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
    let organisation = context.data.organisation();
    // "The organization name. The name is not case sensitive."
    let is_ours = |name: &str| name.eq_ignore_ascii_case(&organisation);
    match segments.as_slice() {
        ["rate_limit"] => Answer::new(200, json!({ "resources": { "core": {} }, "rate": {} })),
        ["orgs", name] if is_ours(name) => Answer::new(
            200,
            json!({ "login": organisation, "id": organisation_id(context), "type": "Organization" }),
        ),
        ["orgs", name, what] if is_ours(name) => of_organisation(context, call, what),
        ["organizations", id, what] if *id == organisation_id(context).to_string() => {
            of_organisation(context, call, what)
        }
        ["repos", owner, name, rest @ ..] => {
            let full_name = format!("{owner}/{name}");
            match (
                context.data.find(REPOSITORIES, &full_name),
                context.data.renamed(&full_name),
            ) {
                (Some(repository), _) => of_repository(context, call, repository, rest),
                (None, Some(now)) => moved(context, call, now, rest),
                (None, None) => error(404, None),
            }
        }
        ["repositories", id, rest @ ..] => {
            let found = context.data.index(REPOSITORIES).group(id).first();
            let all = context.data.stream(REPOSITORIES);
            match found.and_then(|(_, position)| all.get(*position)) {
                Some(repository) => of_repository(context, call, repository, rest),
                None => error(404, None),
            }
        }
        _ => error(404, None),
    }
}

/// `Authorization: Bearer TOKEN`, or `token TOKEN`
/// (<https://docs.github.com/rest/authentication/authenticating-to-the-rest-api>).
pub(crate) fn is_authorised(tokens: &Tokens, call: &Call) -> bool {
    let sent = call.header("authorization").unwrap_or_default();
    let token = sent
        .strip_prefix("Bearer ")
        .or_else(|| sent.strip_prefix("token "));
    token == Some(tokens.github_api_key.as_str())
}

/// `{"message", "documentation_url", "status"}`.
pub(crate) fn error(status: u16, message: Option<&str>) -> Answer<'static> {
    let usual = match status {
        401 => "Bad credentials",
        403 => "Resource not accessible by personal access token",
        404 => "Not Found",
        429 => "API rate limit exceeded",
        500.. => "Server Error",
        _ => "Problem with the request",
    };
    let body = json!({
        "message": message.unwrap_or(usual),
        "documentation_url": "https://docs.github.com/rest",
        "status": status.to_string(),
    });
    Answer::new(status, body)
}

/// "If you exceed your primary rate limit, you will receive a 403 or 429 response, and the x-ratelimit-remaining header
/// will be 0" (<https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit>).
/// Here it is 403, the harder one to understand; a rule can ask for 429.
pub(crate) fn too_many() -> Answer<'static> {
    error(403, Some("API rate limit exceeded for user ID 1."))
}

/// "You have exceeded a secondary rate limit": 403, with `retry-after` or without
/// (<https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits>).
pub(crate) fn too_many_at_once(retry_after: Option<u64>) -> Answer<'static> {
    let message =
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
    let answer = error(403, Some(message));
    match retry_after {
        Some(seconds) => answer.with("retry-after", seconds),
        None => answer,
    }
}

/// Seconds since 1970
/// (<https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#checking-the-status-of-your-rate-limit>).
pub(crate) fn budget(budget: &Budget) -> Vec<(&'static str, String)> {
    let used = budget.limit.requests.saturating_sub(budget.remaining);
    vec![
        ("x-ratelimit-limit", budget.limit.requests.to_string()),
        ("x-ratelimit-remaining", budget.remaining.to_string()),
        ("x-ratelimit-used", used.to_string()),
        ("x-ratelimit-reset", budget.reset_at().to_string()),
        ("x-ratelimit-resource", "core".to_owned()),
    ]
}

fn of_organisation<'a>(context: &Context<'a>, call: &Call, what: &str) -> Answer<'a> {
    let stream = match what {
        "repos" => REPOSITORIES,
        "teams" => "github_teams",
        _ => return error(404, None),
    };
    // Links name the organisation by its number.
    let path = format!("/organizations/{}/{what}", organisation_id(context));
    let listing = Listing::Ascending(&context.data.index(stream).sorted);
    list(context, call, stream, &listing, &path)
}

fn of_repository<'a>(
    context: &Context<'a>,
    call: &Call,
    repository: &Record,
    rest: &[&str],
) -> Answer<'a> {
    let repository = repository.value();
    let stream = match rest {
        [] => return Answer::new(200, repository),
        ["teams"] => "github_repo_teams",
        // Whoever may not see the hooks is told that there are none: "404 Resource not found"
        // (<https://docs.github.com/rest/repos/webhooks#list-repository-webhooks>).
        ["hooks"] if repository["permissions"]["admin"] == Value::Bool(false) => {
            return error(404, None);
        }
        ["hooks"] => "github_repo_hooks",
        _ => return error(404, None),
    };
    let full_name = text(&repository, "/full_name");
    let listing = Listing::Ascending(context.data.index(stream).group(full_name));
    // So do links name a repository.
    let path = format!("/repositories/{}/{}", repository["id"], rest.join("/"));
    list(context, call, stream, &listing, &path)
}

/// A renamed repository is a permanent redirect to its number
/// (<https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects>).
fn moved(context: &Context<'_>, call: &Call, now: &str, rest: &[&str]) -> Answer<'static> {
    let Some(repository) = context.data.find(REPOSITORIES, now) else {
        return error(404, None);
    };
    let mut path = format!("{}/repositories/{}", call.base, repository.value()["id"]);
    for part in rest {
        path = format!("{path}/{part}");
    }
    if !call.raw_query.is_empty() {
        path = format!("{path}?{}", call.raw_query);
    }
    let body = json!({
        "message": "Moved Permanently",
        "url": path,
        "documentation_url": "https://docs.github.com/rest",
    });
    Answer::new(301, body).with("location", path)
}

fn organisation_id(context: &Context<'_>) -> u64 {
    let first = context.data.stream(REPOSITORIES).first();
    first
        .and_then(|repository| repository.value()["owner"]["id"].as_u64())
        .unwrap_or(1)
}

/// A page: 30 records unless asked otherwise, at most 100. `Link` names the neighbours, and is absent if all fits
/// (<https://docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api>). What is no number counts as
/// not sent.
fn list<'a>(
    context: &Context<'a>,
    call: &Call,
    stream: &'static str,
    listing: &Listing<'_>,
    path: &str,
) -> Answer<'a> {
    let number = |name| call.number(name).ok().flatten();
    let limit = number("per_page").unwrap_or(30).clamp(1, 100);
    let number = number("page").unwrap_or(1).max(1);
    let offset = (number - 1).saturating_mul(limit);
    let page = page(listing.len(), offset, limit, context.quirks);
    let base = context.quirks.link_base.as_deref().unwrap_or(&call.base);
    let link = |name: &str, number: usize| {
        let address = call.address_with(base, path, "page", &number.to_string());
        format!(r#"<{address}>; rel="{name}""#)
    };
    let last = listing.len().div_ceil(limit).max(1);
    let mut links = Vec::new();
    if number > 1 {
        links.push(link("prev", number - 1));
    }
    if page.more {
        links.push(link("next", page.next / limit + 1));
        links.push(link("last", last));
    }
    if number > 1 {
        links.push(link("first", 1));
    }
    let answer = Answer::list(listing.records(context.data, stream, &page));
    if links.is_empty() {
        answer
    } else {
        answer.with("link", links.join(", "))
    }
}

const NO_USER_AGENT: &str = "\r\nRequest forbidden by administrative rules. Please make sure your request has a User-Agent header (https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required). Check https://developer.github.com for other possible causes.\r\n";
