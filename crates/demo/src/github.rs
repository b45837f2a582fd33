//! GitHub's records: repositories, teams, teams of repositories and webhooks, in the shape of its REST API. Deliberate
//! faults: repositories of no team, hooks that are inactive, failing, insecure or go to hosts nobody knows; and a hook
//! and a repository that are gone by the newer extraction.

use serde_json::{Map, Value, json};

use crate::Error;
use crate::files::{Output, StreamWriter};
use crate::organisation::{NAME, Organisation, SLUG};
use crate::random::scramble;
use crate::time::{DAY, Period, Time};

const API: &str = "https://api.github.com";
const ORGANISATION_ID: u64 = 48_213_907;
/// Repositories that belong to nobody; the first is gone by the newer extraction.
const NOBODYS: [&str; 4] = [
    "hackathon-2024",
    "website-old",
    "dotfiles",
    "interview-exercises",
];

struct Repository {
    name: String,
    team: Option<usize>,
    is_archived: bool,
    is_gone_later: bool,
}

/// Writes all four streams, twice.
pub(crate) fn write(
    output: &mut Output<'_>,
    organisation: &Organisation,
    period: &Period,
) -> Result<(), Error> {
    let repositories = repositories(organisation);
    for started in [period.first, period.second] {
        let is_later = started == period.second;
        let mut teams = StreamWriter::new("github_teams", started + 80);
        for place in 0..organisation.teams.len() {
            teams.value(output, None, &team(organisation, place, None))?;
        }
        teams.finish_whole(output)?;

        let mut repos = StreamWriter::new("github_repos", started + 85);
        let mut repo_teams = StreamWriter::new("github_repo_teams", started + 95);
        let mut hooks = StreamWriter::new("github_repo_hooks", started + 105);
        for (place, repository) in repositories.iter().enumerate() {
            if is_later && repository.is_gone_later {
                continue;
            }
            let record = repo(place, repository, started);
            let parent = json!({"repository": record["full_name"], "repository_id": record["id"]});
            repos.value(output, None, &record)?;
            for (team_place, permission) in teams_of(organisation, place, repository) {
                let record = team(organisation, team_place, Some(permission));
                repo_teams.value(output, Some(&parent), &record)?;
            }
            for record in hooks_of(place, repository, period, is_later) {
                hooks.value(output, Some(&parent), &record)?;
            }
        }
        repos.finish_whole(output)?;
        repo_teams.finish_whole(output)?;
        hooks.finish_whole(output)?;
    }
    Ok(())
}

fn repositories(organisation: &Organisation) -> Vec<Repository> {
    let mut repositories = Vec::new();
    for (place, service) in organisation.services.iter().enumerate() {
        // Here and there a service has outlived the team that wrote it.
        let team = (place % 13 != 12).then_some(service.team);
        repositories.push(Repository {
            name: service.name.clone(),
            team,
            is_archived: false,
            is_gone_later: false,
        });
    }
    for (place, team) in organisation.teams.iter().enumerate() {
        for (kind, is_archived) in [("infrastructure", false), ("legacy", true)] {
            let name = format!("{}-{kind}", team.slug);
            repositories.push(Repository {
                name,
                team: Some(place),
                is_archived,
                is_gone_later: false,
            });
        }
    }
    for (place, name) in NOBODYS.into_iter().enumerate() {
        let name = name.to_owned();
        repositories.push(Repository {
            name,
            team: None,
            is_archived: place == 1,
            is_gone_later: place == 0,
        });
    }
    repositories
}

/// The teams of a repository with their rights: its own, and for half of them the one that runs the platform.
fn teams_of(
    organisation: &Organisation,
    place: usize,
    repository: &Repository,
) -> Vec<(usize, &'static str)> {
    let platform = 3.min(organisation.teams.len() - 1);
    let own = repository.team.map(|team| (team, "push"));
    let shared = repository
        .team
        .filter(|team| place.is_multiple_of(2) && *team != platform);
    own.into_iter()
        .chain(shared.map(|_| (platform, "admin")))
        .collect()
}

/// The members of a repository that end in `_url`, without that, and what follows the repository's own address in them.
const ADDRESSES: [(&str, &str); 36] = [
    ("forks", "/forks"),
    ("keys", "/keys{/key_id}"),
    ("collaborators", "/collaborators{/collaborator}"),
    ("teams", "/teams"),
    ("hooks", "/hooks"),
    ("issue_events", "/issues/events{/number}"),
    ("events", "/events"),
    ("assignees", "/assignees{/user}"),
    ("branches", "/branches{/branch}"),
    ("tags", "/tags"),
    ("blobs", "/git/blobs{/sha}"),
    ("git_tags", "/git/tags{/sha}"),
    ("git_refs", "/git/refs{/sha}"),
    ("trees", "/git/trees{/sha}"),
    ("statuses", "/statuses/{sha}"),
    ("languages", "/languages"),
    ("stargazers", "/stargazers"),
    ("contributors", "/contributors"),
    ("subscribers", "/subscribers"),
    ("subscription", "/subscription"),
    ("commits", "/commits{/sha}"),
    ("git_commits", "/git/commits{/sha}"),
    ("comments", "/comments{/number}"),
    ("issue_comment", "/issues/comments{/number}"),
    ("contents", "/contents/{+path}"),
    ("compare", "/compare/{base}...{head}"),
    ("merges", "/merges"),
    ("archive", "/{archive_format}{/ref}"),
    ("downloads", "/downloads"),
    ("issues", "/issues{/number}"),
    ("pulls", "/pulls{/number}"),
    ("milestones", "/milestones{/number}"),
    ("notifications", "/notifications{?since,all,participating}"),
    ("labels", "/labels{/name}"),
    ("releases", "/releases{/id}"),
    ("deployments", "/deployments"),
];

const ALWAYS_FALSE: [&str; 8] = [
    "has_projects",
    "has_wiki",
    "has_pages",
    "has_discussions",
    "disabled",
    "allow_forking",
    "is_template",
    "fork",
];

const ALWAYS_ZERO: [&str; 5] = [
    "stargazers_count",
    "watchers_count",
    "watchers",
    "forks_count",
    "forks",
];

fn repo(place: usize, repository: &Repository, as_of: Time) -> Value {
    let name = &repository.name;
    let full_name = format!("{SLUG}/{name}");
    let url = format!("{API}/repos/{full_name}");
    let id = 310_000_000 + place as u64 * 5_407;
    let mut record = Map::new();
    for (member, path) in ADDRESSES {
        record.insert(format!("{member}_url"), format!("{url}{path}").into());
    }
    let quiet_days = if repository.is_archived {
        500
    } else {
        (scramble(place as u64) % 20) as i64
    };
    let pushed = (as_of + -quiet_days * DAY - Time(0) - 7_431).max(0);
    for name in ALWAYS_FALSE {
        record.insert(name.to_owned(), false.into());
    }
    for name in ALWAYS_ZERO {
        record.insert(name.to_owned(), 0.into());
    }
    let others = json!({
        "id": id, "node_id": format!("R_kgDO{id:x}"), "name": name, "full_name": full_name, "private": true,
        "owner": owner(), "html_url": format!("https://github.com/{full_name}"),
        "description": (!place.is_multiple_of(3)).then(|| format!("{name} of {NAME}")), "url": url,
        "created_at": Time(pushed - 900 * DAY).to_string(), "updated_at": Time(pushed).to_string(),
        "pushed_at": Time(pushed).to_string(), "git_url": format!("git://github.com/{full_name}.git"),
        "ssh_url": format!("git@github.com:{full_name}.git"), "clone_url": format!("https://github.com/{full_name}.git"),
        "svn_url": format!("https://github.com/{full_name}"), "homepage": null,
        "size": scramble(place as u64) % 90_000,
        "language": (["Python", "TypeScript", "Java", "JavaScript"][place % 4]), "has_issues": true,
        "has_downloads": true, "mirror_url": null, "archived": repository.is_archived,
        "open_issues_count": place % 23, "open_issues": place % 23, "license": null,
        "web_commit_signoff_required": false, "topics": [],
        "visibility": if place % 9 == 8 { "internal" } else { "private" },
        "default_branch": if repository.is_archived { "master" } else { "main" },
        "permissions": {"admin": true, "maintain": true, "push": true, "triage": true, "pull": true},
        "security_and_analysis": {"secret_scanning": {"status": "disabled"}}, "custom_properties": {},
    });
    if let Value::Object(others) = others {
        record.extend(others);
    }
    Value::Object(record)
}

fn owner() -> Value {
    let url = format!("{API}/users/{SLUG}");
    json!({
        "login": SLUG, "id": ORGANISATION_ID, "node_id": "O_kgDOAt-pcw", "gravatar_id": "",
        "avatar_url": format!("https://avatars.githubusercontent.com/u/{ORGANISATION_ID}?v=4"), "url": url,
        "html_url": format!("https://github.com/{SLUG}"), "followers_url": format!("{url}/followers"),
        "following_url": format!("{url}/following{{/other_user}}"), "gists_url": format!("{url}/gists{{/gist_id}}"),
        "starred_url": format!("{url}/starred{{/owner}}{{/repo}}"), "subscriptions_url": format!("{url}/subscriptions"),
        "organizations_url": format!("{url}/orgs"), "repos_url": format!("{url}/repos"),
        "events_url": format!("{url}/events{{/privacy}}"), "received_events_url": format!("{url}/received_events"),
        "type": "Organization", "site_admin": false,
    })
}

/// A team, as listed for the organisation or, with its permission there, for a repository.
fn team(organisation: &Organisation, place: usize, permission: Option<&str>) -> Value {
    let team = &organisation.teams[place];
    let slug = format!("{}-team", team.slug);
    let id = 5_120_000 + place as u64 * 311;
    let url = format!("{API}/organizations/{ORGANISATION_ID}/team/{id}");
    let mut record = json!({
        "name": slug, "id": id, "node_id": format!("T_kwDOAt-pc8{id:x}"), "slug": slug,
        "description": (!place.is_multiple_of(4)).then(|| format!("Owns {}", team.product)), "privacy": "closed",
        "notification_setting": "notifications_enabled", "url": url,
        "html_url": format!("https://github.com/orgs/{SLUG}/teams/{slug}"),
        "members_url": format!("{url}/members{{/member}}"), "repositories_url": format!("{url}/repos"),
        "type": "organization", "organization_id": ORGANISATION_ID, "permission": permission.unwrap_or("pull"),
        "parent": null,
    });
    if let Some(permission) = permission {
        let is_admin = permission == "admin";
        record["permissions"] = json!({"pull": true, "triage": true, "push": true, "maintain": is_admin, "admin": is_admin});
    }
    record
}

/// What a hook's last delivery got: code, status, message.
type Answer = (Option<u16>, &'static str, Option<&'static str>);

fn hook(
    id: u64,
    url: &str,
    created: Time,
    (target, active, insecure): (&str, bool, &str),
    (code, status, message): Answer,
) -> Value {
    json!({
        "type": "Repository", "id": id, "name": "web", "active": active, "events": ["push", "pull_request"],
        "config": {"content_type": "json", "insecure_ssl": insecure, "secret": "********", "url": target},
        "updated_at": created.to_string(), "created_at": created.to_string(), "url": url,
        "test_url": format!("{url}/test"), "ping_url": format!("{url}/pings"),
        "deliveries_url": format!("{url}/deliveries"),
        "last_response": {"code": code, "status": status, "message": message},
    })
}

fn hooks_of(place: usize, repository: &Repository, period: &Period, is_later: bool) -> Vec<Value> {
    let ok: Answer = (Some(200), "active", Some("OK"));
    let created = period.start + -(place as i64 % 200 + 30) * DAY;
    let mut hooks = Vec::new();
    let mut add = |number: u64, target: &str, active, insecure: &str, answer: Answer| {
        let id = 402_000_000 + place as u64 * 16 + number;
        let url = format!("{API}/repos/{SLUG}/{}/hooks/{id}", repository.name);
        hooks.push(hook(id, &url, created, (target, active, insecure), answer));
    };
    if place % 8 != 7 {
        add(
            0,
            "https://ci.kestrel-lane.example/hooks/github",
            !repository.is_archived,
            "0",
            ok,
        );
    }
    if place == 0 && !is_later {
        add(
            1,
            "https://old-ci.kestrel-lane.example/hook",
            false,
            "0",
            (None, "unused", None),
        );
    }
    match place % 9 {
        1 => add(
            2,
            "https://chat.kestrel-lane.example/hooks/deploys",
            true,
            "0",
            (Some(502), "failure", Some("Bad Gateway")),
        ),
        2 => add(3, "http://10.20.0.14:8080/notify", true, "1", ok),
        4 => add(
            4,
            "https://collector.unknown-vendor.example/in/77fe",
            true,
            "0",
            ok,
        ),
        6 => add(
            5,
            "https://audit.kestrel-lane.example/github",
            true,
            "1",
            (None, "failure", Some("timed out")),
        ),
        _ => {}
    }
    hooks
}
