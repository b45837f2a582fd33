//! GitHub: links, redirects, and what a token may not see.

use fake::{Data, Options, Record, Server, Vendor};
use serde_json::{Value, json};

use crate::client::{Reply, follow, get, get_with, headers, serve};

fn ask(server: &Server, path: &str) -> Reply {
    get(server, Vendor::GitHub, path)
}

fn repository(number: u64, is_admin: bool) -> Value {
    json!({
        "id": 1_000 + number,
        "name": format!("r{number}"),
        "full_name": format!("Acme/r{number}"),
        "owner": { "login": "Acme", "id": 77 },
        "permissions": { "admin": is_admin },
    })
}

fn repositories(count: u64) -> Data {
    let mut data = Data::empty();
    let repositories = data.stream_mut("github_repos");
    repositories.extend((0..count).map(|n| repository(n, n != 1).into()));
    for (stream, id, repository) in [
        ("github_repo_hooks", 5, "Acme/r0"),
        ("github_repo_hooks", 7, "Acme/r1"),
        ("github_repo_teams", 6, "Acme/r0"),
        ("github_repo_teams", 6, "Acme/r1"),
    ] {
        data.stream_mut(stream).push(Record::new(
            &json!({ "id": id }),
            Some(json!({ "repository": repository })),
        ));
    }
    data
}

#[test]
fn links_are_followed_as_given_to_the_last_page() {
    let server = serve(repositories(70), Options::default());
    let first = ask(&server, "/orgs/acme/repos?type=all");
    assert_eq!(first.values("", "id").len(), 30);
    assert_eq!(first.link("prev"), None);
    let (last, _) = first.link("last").unwrap();
    assert!(last.ends_with("page=3"), "{last}");

    let (address, _) = first.link("next").unwrap();
    assert!(
        address.contains("/organizations/77/repos?type=all&page=2"),
        "{address}"
    );
    let second = follow(&address, &headers(Vendor::GitHub));
    assert_eq!(second.values("", "name")[0], "r30");
    let (address, _) = second.link("next").unwrap();
    let third = follow(&address, &headers(Vendor::GitHub));
    assert_eq!(third.values("", "name").len(), 10);
    assert_eq!(third.link("next"), None);
    assert!(third.link("prev").is_some() && third.link("first").is_some());
}

#[test]
fn there_is_no_link_where_all_fits_and_100_fit_at_most() {
    let server = serve(repositories(100), Options::default());
    let reply = ask(&server, "/orgs/Acme/repos?per_page=500");
    assert_eq!(reply.values("", "id").len(), 100);
    assert_eq!(reply.header("link"), None);
    assert_eq!(ask(&server, "/orgs/Acme/teams").values("", "id").len(), 0);
    assert_eq!(ask(&server, "/orgs/other/repos").status, 404);
}

#[test]
fn hooks_are_for_admins_and_teams_for_all() {
    let server = serve(repositories(2), Options::default());
    assert_eq!(ask(&server, "/repos/acme/R0/hooks").values("", "id"), ["5"]);
    let hidden = ask(&server, "/repos/Acme/r1/hooks");
    assert_eq!(hidden.status, 404);
    assert_eq!(hidden.json()["message"], json!("Not Found"));
    assert_eq!(ask(&server, "/repos/Acme/r1/teams").values("", "id"), ["6"]);
    assert_eq!(ask(&server, "/repos/Acme/none/teams").status, 404);
}

#[test]
fn a_renamed_repository_is_a_redirect_to_its_number() {
    let server = serve(repositories(1), Options::default());
    server.change(|data| data.rename_repository("Acme/r0", "Acme/shop"));
    let reply = ask(&server, "/repos/Acme/r0/hooks?per_page=100");
    assert_eq!(reply.status, 301);
    let address = reply.header("location").unwrap();
    assert!(
        address.ends_with("/repositories/1000/hooks?per_page=100"),
        "{address}"
    );
    let hooks = follow(address, &headers(Vendor::GitHub));
    assert_eq!(hooks.values("", "id"), ["5"]);
    let names = ask(&server, "/orgs/Acme/repos").values("", "full_name");
    assert_eq!(names, ["Acme/shop"]);
    assert_eq!(
        ask(&server, "/repos/Acme/shop/hooks").values("", "id"),
        ["5"]
    );
}

#[test]
fn a_deleted_hook_is_gone() {
    let server = serve(repositories(1), Options::default());
    server.change(|data| assert!(data.remove("github_repo_hooks", "5")));
    assert_eq!(
        ask(&server, "/repos/Acme/r0/hooks").values("", "id").len(),
        0
    );
}

#[test]
fn who_asks_must_say_who_it_is() {
    let server = serve(repositories(1), Options::default());
    let both = headers(Vendor::GitHub);
    let nameless = get_with(&server, Vendor::GitHub, "/orgs/Acme/repos", &both[..1]);
    assert_eq!(nameless.status, 403);
    let nobody = get_with(&server, Vendor::GitHub, "/orgs/Acme/repos", &both[1..]);
    assert_eq!(nobody.status, 401);
    assert_eq!(nobody.json()["message"], json!("Bad credentials"));
    let mut older_form = both;
    older_form[0].1 = older_form[0].1.replace("Bearer ", "token ");
    let reply = get_with(&server, Vendor::GitHub, "/orgs/Acme/repos", &older_form);
    assert_eq!(reply.status, 200);
}
