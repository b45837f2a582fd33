//! Complete listings: what is no longer in one goes, and only where it can be trusted to have been whole.

use std::fs;

use crate::loading::{MEMBERS, TEAMS, marker, team, user};
use crate::world::World;

#[test]
fn a_complete_listing_removes_what_it_no_longer_has() {
    let world = World::new();
    world.write(
        "raw_data/pagerduty_users/1.ndjson",
        user("U1", "Ada", &["A"], 1) + &user("U2", "Bo", &["A", "B"], 1),
    );
    world.run_on_disk(&["load"]).exits(0);
    world
        .write(
            "raw_data/pagerduty_users/2.ndjson",
            user("U1", "Ada", &["A"], 11),
        )
        .write(
            "raw_data/pagerduty_users/2.complete.json",
            marker("pagerduty_users", 10, &["2.ndjson"], 1),
        );
    let run = world.run_on_disk(&["load"]);
    run.exits(0)
        .says(&["1 record from 1 file, 3 rows gone since"]);
    assert_eq!(world.rows("select id from PagerDutyUsers"), ["U1"]);
    assert_eq!(world.rows(MEMBERS), ["U1|A"]);

    // Loaded at once, or the listing before what it outdates: the same.
    let contents = world.contents();
    world.run_on_disk(&["load"]).exits(0).says(&["nothing new"]);
    assert_eq!(world.contents(), contents);
    fs::remove_file(world.path("reliability.db")).unwrap();
    world.run_on_disk(&["load"]).exits(0);
    assert_eq!(world.contents(), contents);
}

#[test]
fn a_listing_loaded_before_what_it_outdates_removes_it_all_the_same() {
    let world = World::new();
    world
        .write("raw_data/pagerduty_teams/2.ndjson", team("T1", "kept", 11))
        .write(
            "raw_data/pagerduty_teams/2.complete.json",
            marker("pagerduty_teams", 10, &["2.ndjson"], 1),
        );
    world.run_on_disk(&["load"]).exits(0);
    world.write(
        "raw_data/pagerduty_teams/1.ndjson",
        team("T1", "old", 1) + &team("T2", "gone", 1) + &team("T3", "made after it", 20),
    );
    world.run_on_disk(&["load"]).exits(0);
    assert_eq!(world.rows(TEAMS), ["T1|kept", "T3|made after it"]);
}

#[test]
fn the_newest_of_several_complete_listings_counts() {
    let world = World::new();
    world
        .write(
            "raw_data/pagerduty_teams/1.ndjson",
            team("T1", "a", 1) + &team("T2", "a", 1),
        )
        .write(
            "raw_data/pagerduty_teams/1.complete.json",
            marker("pagerduty_teams", 0, &["1.ndjson"], 2),
        )
        .write(
            "raw_data/pagerduty_teams/2.ndjson",
            team("T2", "b", 11) + &team("T3", "b", 11),
        )
        .write(
            "raw_data/pagerduty_teams/2.complete.json",
            marker("pagerduty_teams", 10, &["2.ndjson"], 2),
        )
        .write("raw_data/pagerduty_teams/3.ndjson", team("T3", "c", 21))
        .write(
            "raw_data/pagerduty_teams/3.complete.json",
            marker("pagerduty_teams", 20, &["3.ndjson"], 1),
        );
    world.run_on_disk(&["load"]).exits(0);
    assert_eq!(world.rows(TEAMS), ["T3|c"]);
}

#[test]
fn a_listing_that_is_not_whole_removes_nothing() {
    let unfinished: [(&str, Option<String>, &str); 6] = [
        ("without a marker", None, ""),
        (
            "whose marker counts more records than are there",
            Some(marker("pagerduty_teams", 10, &["2.ndjson"], 2)),
            "a complete listing has 2 records, its files here have 1",
        ),
        (
            "whose marker counts fewer records than are there",
            Some(marker("pagerduty_teams", 10, &["2.ndjson"], 0)),
            "a complete listing has 0 records, its files here have 1",
        ),
        (
            "whose marker names a file that is not there",
            Some(marker("pagerduty_teams", 10, &["2.ndjson", "3.ndjson"], 1)),
            "a complete listing names files that are not here",
        ),
        (
            "whose marker is for another stream",
            Some(marker("github_repos", 10, &["2.ndjson"], 1)),
            "a complete listing of `github_repos` lies in the folder of `pagerduty_teams`",
        ),
        (
            "whose marker is cut off",
            Some(marker("pagerduty_teams", 10, &["2.ndjson"], 1)[..60].to_owned()),
            "a marker of a complete listing cannot be read",
        ),
    ];
    for (which, content, said) in unfinished {
        let world = World::new();
        world
            .write(
                "raw_data/pagerduty_teams/1.ndjson",
                team("T1", "a", 1) + &team("T2", "a", 1),
            )
            .write("raw_data/pagerduty_teams/2.ndjson", team("T1", "b", 11));
        if let Some(content) = content {
            world.write("raw_data/pagerduty_teams/2.complete.json", content);
        }
        let run = world.run_on_disk(&["load"]);
        run.exits(0);
        assert_eq!(world.rows(TEAMS), ["T1|b", "T2|a"], "a listing {which}");
        if said.is_empty() {
            run.does_not_say("warning");
        } else {
            run.says(&[said, "2.complete.json", "it removes nothing"]);
        }
    }
}

#[test]
fn a_listing_of_which_a_record_could_not_be_taken_removes_nothing() {
    let world = World::new();
    world
        .write("raw_data/pagerduty_teams/1.ndjson", team("T1", "good", 1))
        .write(
            "raw_data/pagerduty_teams/2.ndjson",
            r#"{"id":["T1"],"name":"bad","_extract":{"at":"2026-11-23T20:11:00Z"}}"#,
        )
        .write(
            "raw_data/pagerduty_teams/2.complete.json",
            marker("pagerduty_teams", 10, &["2.ndjson"], 1),
        );
    let run = world.run_on_disk(&["load"]);
    run.exits(1).says(&[
        "1 record of a complete listing could not be taken",
        "it removes nothing",
    ]);
    assert_eq!(world.rows(TEAMS), ["T1|good"]);
}

#[test]
fn a_listing_that_counts_no_longer_gives_back_what_it_removed() {
    let world = World::new();
    world
        .write("raw_data/pagerduty_teams/1.ndjson", team("T1", "a", 1))
        .write("raw_data/pagerduty_teams/2.ndjson", team("T2", "b", 11))
        .write(
            "raw_data/pagerduty_teams/2.complete.json",
            marker("pagerduty_teams", 10, &["2.ndjson"], 1),
        );
    world.run_on_disk(&["load"]).exits(0);
    assert_eq!(world.rows(TEAMS), ["T2|b"]);
    let wrong = marker("pagerduty_teams", 10, &["2.ndjson"], 7);
    world.write("raw_data/pagerduty_teams/2.complete.json", wrong);
    world.run_on_disk(&["load"]).exits(0);
    assert_eq!(world.rows(TEAMS), ["T1|a", "T2|b"]);
}

#[test]
fn a_listing_whose_missing_file_comes_later_counts_then() {
    let world = World::new();
    world
        .write(
            "raw_data/pagerduty_teams/1.ndjson",
            team("T1", "a", 1) + &team("T2", "a", 1),
        )
        .write("raw_data/pagerduty_teams/2.ndjson", team("T1", "b", 11))
        .write(
            "raw_data/pagerduty_teams/2.complete.json",
            marker("pagerduty_teams", 10, &["2.ndjson", "3.ndjson"], 2),
        );
    world.run_on_disk(&["load"]).exits(0);
    assert_eq!(world.rows(TEAMS), ["T1|b", "T2|a"]);
    world.write("raw_data/pagerduty_teams/3.ndjson", team("T3", "b", 12));
    world.run_on_disk(&["load"]).exits(0);
    assert_eq!(world.rows(TEAMS), ["T1|b", "T3|b"]);
}

#[test]
fn a_complete_listing_of_nothing_empties_its_tables() {
    let world = World::new();
    world.write("raw_data/pagerduty_teams/1.ndjson", team("T1", "a", 1));
    world.run_on_disk(&["load"]).exits(0);
    world.write(
        "raw_data/pagerduty_teams/2.complete.json",
        marker("pagerduty_teams", 10, &[], 0),
    );
    world.run_on_disk(&["load"]).exits(0);
    assert_eq!(world.rows(TEAMS), [""; 0]);
}

#[test]
fn a_marker_that_goes_gives_back_what_it_removed() {
    let world = World::new();
    world
        .write(
            "raw_data/pagerduty_teams/1.ndjson",
            team("T1", "a", 1) + &team("T2", "a", 1),
        )
        .write("raw_data/pagerduty_teams/2.ndjson", team("T1", "b", 11))
        .write(
            "raw_data/pagerduty_teams/2.complete.json",
            marker("pagerduty_teams", 10, &["2.ndjson"], 1),
        );
    world.run_on_disk(&["load"]).exits(0);
    assert_eq!(world.rows(TEAMS), ["T1|b"]);
    fs::remove_file(world.path("raw_data/pagerduty_teams/2.complete.json")).unwrap();
    world.run_on_disk(&["load"]).exits(0);
    assert_eq!(world.rows(TEAMS), ["T1|b", "T2|a"]);
}
