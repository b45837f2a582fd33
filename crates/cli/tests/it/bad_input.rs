//! Whatever people and networks leave in `raw_data/`: said, counted, and the rest is loaded.
//!
//! That nothing panics is looked at in every run; see `world::ended`.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};

use crate::world::{self, Run, World};

/// Where the files of a stream that fills one table go.
pub const TEAMS: &str = "raw_data/pagerduty_teams";

/// Loads `content` as one file of teams; gives the run, and the ids that were loaded.
pub fn load_teams(world: &World, name: &str, content: impl AsRef<[u8]>) -> (Run, Vec<String>) {
    world.write(&format!("{TEAMS}/{name}"), content);
    let run = world.run_on_disk(&["load", "pagerduty_teams"]);
    (run, world.rows("select id from PagerDutyTeams order by 1"))
}

/// The same for a file of postmortems; gives their names.
pub fn load_incidents(world: &World, content: impl AsRef<[u8]>) -> (Run, Vec<String>) {
    world.write("incidents/notes.yaml", content);
    let run = world.run_on_disk(&["load", "incidents"]);
    (run, world.rows("select name from Incidents order by 1"))
}

fn reject_files(world: &World) -> Vec<String> {
    if world.path("rejects/pagerduty_teams").is_dir() {
        world.files("rejects/pagerduty_teams").into_keys().collect()
    } else {
        Vec::new()
    }
}

#[test]
fn a_line_of_json_that_is_cut_off() {
    let world = World::new();
    let content = "{\"id\":\"A\"}\n{\"id\":\"B\",\"name\":\n{\"id\":\"C\"}\n{\"id\":\"D\"";
    let (run, loaded) = load_teams(&world, "x.ndjson", content);
    run.exits(1).says(&[
        "x.ndjson:2",
        "x.ndjson:4",
        "not sound JSON",
        "2 rejects of pagerduty_teams kept in `rejects/pagerduty_teams/`",
    ]);
    assert_eq!(loaded, ["A", "C"]);
}

#[test]
fn a_json_file_that_is_cut_off() {
    let world = World::new();
    let content = "[{\"id\":\"A\"},\n{\"id\":\"B\"},\n{\"id\":\"C\",\"name\":\"Pay";
    let (run, loaded) = load_teams(&world, "x.json", content);
    run.exits(1).says(&["the JSON is cut off", "x.json:3"]);
    assert_eq!(loaded, ["A", "B"]);

    let world = World::new();
    let (run, loaded) = load_teams(
        &world,
        "x.json",
        "{\"teams\": [{\"id\":\"A\"},\n{\"id\":\"B\"}",
    );
    run.exits(1).says(&["a list is never closed", "x.json:1"]);
    assert_eq!(loaded, ["A", "B"]);
}

#[test]
fn a_bomb_of_yaml_aliases() {
    let mut content =
        "- incident_name: Before\n- incident_name: Bomb\n  a0: &a0 [x, x]\n".to_owned();
    for level in 1..40 {
        let below = level - 1;
        content += &format!("  a{level}: &a{level} [*a{below}, *a{below}]\n");
    }
    content += "- incident_name: After\n";
    let world = World::new();
    let (run, loaded) = load_incidents(&world, content);
    run.exits(1).says(&[
        "incidents/notes.yaml:2",
        "with its aliases comes to more than",
    ]);
    assert_eq!(loaded, ["After", "Before"]);
}

#[test]
fn a_broken_item_of_yaml_between_good_ones() {
    for broken in [
        "- incident_name: Bad: colon\n  stats: {",
        "- incident_name: \"never closed",
        "- incident_name: [1, 2\n  root_causes: ]",
        "- {incident_name: *nobody}",
    ] {
        let world = World::new();
        let content = format!(
            "- incident_name: Before\n{broken}\n- incident_name: After\n  root_causes: [x]\n"
        );
        let (run, loaded) = load_incidents(&world, content);
        run.exits(1)
            .says(&["incidents/notes.yaml:2", "cannot read the YAML"]);
        assert_eq!(loaded, ["After", "Before"], "around `{broken}`");
    }
}

#[test]
fn bytes_that_are_not_utf_8_in_each_format() {
    for (name, content, line) in [
        (
            "x.ndjson",
            &b"{\"id\":\"A\"}\n{\"id\":\"B\",\"name\":\"\xff\"}\n{\"id\":\"C\"}\n"[..],
            2,
        ),
        (
            "x.json",
            b"[{\"id\":\"A\"},\n{\"id\":\"B\",\"name\":\"\xff\"},\n{\"id\":\"C\"}]",
            2,
        ),
        (
            "x.yaml",
            b"- id: A\n- id: B\n  name: \"\xff\"\n- id: C\n",
            2,
        ),
        ("x.csv", b"id,name\nA,a\nB,\xff\nC,c\n", 3),
    ] {
        let world = World::new();
        let (run, loaded) = load_teams(&world, name, content);
        run.exits(1)
            .says(&["not valid UTF-8", &format!("{TEAMS}/{name}:{line}")]);
        assert_eq!(loaded, ["A", "C"], "{name}");
    }
}

#[test]
fn a_file_of_noise_in_each_format() {
    let mut noise: Vec<u8> = (0..=255).cycle().take(20_000).collect();
    for (index, byte) in noise.iter_mut().enumerate() {
        *byte = byte.wrapping_mul(167).wrapping_add((index / 7) as u8);
    }
    for name in [
        "x.ndjson",
        "x.json",
        "x.yaml",
        "x.csv",
        "x.ndjson.gz",
        "x.ndjson.zst",
        "x.json.gz",
        "x.csv.zst",
    ] {
        let world = World::new();
        world.write(&format!("{TEAMS}/good.ndjson"), "{\"id\":\"A\"}\n");
        let (run, loaded) = load_teams(&world, name, &noise);
        run.exits(1).says(&[&format!("{TEAMS}/{name}")]);
        assert_eq!(loaded, ["A"], "{name}");
    }
}

#[test]
fn a_line_of_a_hundred_megabytes_takes_little_memory() {
    let world = World::new();
    world.write(&format!("{TEAMS}/x.ndjson"), "{\"id\":\"A\"}\n");
    // Zeros that take no place on the disk.
    let mut file = File::options()
        .write(true)
        .open(world.path(&format!("{TEAMS}/x.ndjson")))
        .unwrap();
    file.seek(SeekFrom::Start(100_000_000)).unwrap();
    file.write_all(b"\n{\"id\":\"C\"}\n").unwrap();
    drop(file);
    // The answer is longer than a pipe holds: all is loaded, and the program waits for us to read, when its first
    // byte is here. That is the moment to look at its memory.
    let sql = "with recursive n (i) as (select 1 union all select i + 1 from n where i < 50000)
               select id, i from n cross join PagerDutyTeams";
    let mut child = world
        .command(&["query", "--sql", sql])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut first = [0];
    stdout.read_exact(&mut first).unwrap();
    let status = fs::read_to_string(format!("/proc/{}/status", child.id()));
    let mut answer = String::new();
    stdout.read_to_string(&mut answer).unwrap();
    let run = world::ended(child.wait_with_output().unwrap());
    run.exits(1)
        .says(&["loaded with 1 reject: `reliability load"]);
    assert!(answer.contains("A,1\r\n") && answer.contains("C,1\r\n"));
    assert_eq!(answer.lines().count(), 100_001);
    match status {
        Ok(status) => {
            let line = status
                .lines()
                .find(|line| line.starts_with("VmHWM:"))
                .unwrap();
            let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
            assert!(kilobytes < 200_000, "{line}");
        }
        Err(error) => eprintln!("skipped: how much memory it took cannot be seen here: {error}"),
    }
}

#[test]
fn a_number_where_a_list_belongs() {
    let world = World::new();
    let content = "
- incident_name: Good
- incident_name: Bad causes
  root_causes: 7
- incident_name: Bad products
  affected_entities:
    - entity_name: Shop
      products: 5
- incident_name: Bad entities
  affected_entities: 3
- incident_name: Bad gaps
  reliability_gaps: true
";
    let (run, loaded) = load_incidents(&world, content);
    run.exits(1).says(&[
        "incidents/notes.yaml:3",
        "`root_causes` must be a list of names, not a number",
        "`products` must be a list of names, not a number",
        "4 rejects of incidents",
    ]);
    assert_eq!(loaded, ["Good"]);
    assert_eq!(world.rows("select count(*) from RootCauses"), ["0"]);
    assert_eq!(world.rows("select count(*) from AffectedProducts"), ["0"]);
}

#[test]
fn a_value_that_does_not_fit_its_column_names_record_column_and_value() {
    let world = World::new();
    let content = "
- incident_name: Good
- incident_name: Bad
  stats:
    time_of_first_trigger: yesterday
- incident_name: Odd
  stats:
    number_of_impacted_customers: many
";
    let (run, loaded) = load_incidents(&world, content);
    run.exits(1).says(&[
        "`Incidents.first_triggered_at`",
        "the value is \"yesterday\"",
        "incidents/notes.yaml:3",
        "`Incidents.impacted_customer_count`",
        "the value is \"many\"",
        "incidents/notes.yaml:6",
    ]);
    assert_eq!(loaded, ["Good"]);
}

#[test]
fn a_key_given_twice() {
    let world = World::new();
    let content = "{\"id\":\"A\",\"id\":\"C\"}\n{\"id\":\"B\",\"name\":\"x\",\"name\":\"y\"}\n";
    let (run, loaded) = load_teams(&world, "x.ndjson", content);
    run.exits(1).says(&[
        "`id` is given twice",
        "x.ndjson:1",
        "`name` is given twice",
        "x.ndjson:2",
    ]);
    assert_eq!(loaded, ["B"]);
    assert_eq!(world.rows("select name from PagerDutyTeams"), ["∅"]);

    let world = World::new();
    let content =
        "- incident_name: A\n  severity_level: 1\n  severity_level: 2\n- incident_name: B\n";
    let (run, loaded) = load_incidents(&world, content);
    run.exits(1).says(&[
        "`severity_level` is given twice",
        "incidents/notes.yaml:1",
        "line 3",
    ]);
    assert_eq!(loaded, ["B"]);
}

#[test]
fn an_empty_file_is_worth_a_warning() {
    for name in ["x.ndjson", "x.json", "x.yaml", "x.csv"] {
        let world = World::new();
        let (run, loaded) = load_teams(&world, name, "");
        run.exits(0)
            .says(&["a file holds no record", &format!("{TEAMS}/{name}")]);
        assert_eq!(loaded, [""; 0]);
    }
}

#[test]
fn a_pipe_among_the_files_does_not_make_it_wait() {
    let world = World::new();
    world.write(&format!("{TEAMS}/good.ndjson"), "{\"id\":\"A\"}\n");
    let pipe = world.path(&format!("{TEAMS}/pipe.ndjson"));
    if !Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .is_ok_and(|status| status.success())
    {
        eprintln!("skipped: no `mkfifo` here");
        return;
    }
    world
        .run_on_disk(&["load"])
        .exits(1)
        .says(&["not a regular file", "pipe.ndjson"]);
    assert_eq!(world.rows("select id from PagerDutyTeams"), ["A"]);
    fs::remove_file(pipe).unwrap();
    world.run_on_disk(&["load"]).exits(0);
    assert_eq!(reject_files(&world), [""; 0]);
}

#[test]
fn a_link_to_a_folder_is_not_followed() {
    let world = World::new();
    world
        .write(&format!("{TEAMS}/good.ndjson"), "{\"id\":\"A\"}\n")
        .write("elsewhere/x.ndjson", "{\"id\":\"B\"}\n");
    let link = world.path(&format!("{TEAMS}/link"));
    symlink(world.path("elsewhere"), &link).unwrap();
    world
        .run_on_disk(&["load"])
        .exits(1)
        .says(&["a link to a folder is not followed"]);
    world.run_on_disk(&["load"]).exits(1);
    assert_eq!(world.rows("select id from PagerDutyTeams"), ["A"]);
    fs::remove_file(link).unwrap();
    world.run_on_disk(&["load"]).exits(0);
    assert_eq!(reject_files(&world), [""; 0]);
}

#[test]
fn a_file_that_becomes_unreadable_takes_its_rows_along() {
    let world = World::new();
    world
        .write(&format!("{TEAMS}/good.ndjson"), "{\"id\":\"A\"}\n")
        .write(&format!("{TEAMS}/x.ndjson"), "{\"id\":\"B\"}\n");
    world.run_on_disk(&["load"]).exits(0);
    let path = world.path(&format!("{TEAMS}/x.ndjson"));
    fs::remove_file(&path).unwrap();
    symlink(world.folder(), &path).unwrap();
    world.run_on_disk(&["load"]).exits(1);
    assert_eq!(world.rows("select id from PagerDutyTeams"), ["A"]);
}

#[test]
fn a_link_to_nothing() {
    let world = World::new();
    world.write(&format!("{TEAMS}/good.ndjson"), "{\"id\":\"A\"}\n");
    symlink("nowhere.ndjson", world.path(&format!("{TEAMS}/x.ndjson"))).unwrap();
    world
        .run_on_disk(&["load"])
        .exits(1)
        .says(&["x.ndjson", "cannot be read"]);
    assert_eq!(world.rows("select id from PagerDutyTeams"), ["A"]);
}

#[test]
fn a_file_that_may_not_be_read() {
    let world = World::new();
    world
        .write(&format!("{TEAMS}/good.ndjson"), "{\"id\":\"A\"}\n")
        .write(&format!("{TEAMS}/mine.ndjson"), "{\"id\":\"B\"}\n");
    let path = world.path(&format!("{TEAMS}/mine.ndjson"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if File::open(&path).is_ok() {
        eprintln!("skipped: who runs the tests may read every file");
        return;
    }
    world
        .run_on_disk(&["load"])
        .exits(1)
        .says(&["mine.ndjson", "cannot be read"]);
    assert_eq!(world.rows("select id from PagerDutyTeams"), ["A"]);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    world.run_on_disk(&["load"]).exits(0);
    assert_eq!(
        world.rows("select id from PagerDutyTeams order by 1"),
        ["A", "B"]
    );
}

#[test]
fn a_folder_that_no_mapper_reads_and_a_file_of_unknown_kind() {
    let world = World::new();
    world
        .write(&format!("{TEAMS}/good.ndjson"), "{\"id\":\"A\"}\n")
        .write(&format!("{TEAMS}/notes.txt"), "to do")
        .write(&format!("{TEAMS}/notes.docx"), "to do")
        .write(&format!("{TEAMS}/old/notes.txt"), "to do")
        .write(&format!("{TEAMS}/old/more.txt"), "to do")
        .write("incidents/template.md", "# Title")
        .write(&format!("{TEAMS}/.hidden.ndjson"), "x")
        .write(
            &format!("{TEAMS}/half.ndjson.partial"),
            "{\"id\":\"half\"}\n",
        )
        .write("raw_data/pagerduty_team/x.ndjson", "{\"id\":\"B\"}\n")
        .write("raw_data/weather/x.ndjson", "{\"id\":\"B\"}\n");
    let run = world.run_on_disk(&["load"]);
    run.prints(0, snapbox::str![[r#"
warning[stream-unread]: nothing reads `raw_data/pagerduty_team`: no mapper is for the stream `pagerduty_team`
hint: did you mean `raw_data/pagerduty_teams`?

warning[stream-unread]: nothing reads `raw_data/weather`: no mapper is for the stream `weather`
hint: add `definitions/mappers/weather.yaml`
warning[file-unread]: nothing reads `incidents/template.md`: it is a document, and not the YAML of one
hint: `reliability postmortem FILE` reads documents and writes the YAML
warning[file-unread]: nothing reads `notes.docx` and `notes.txt` in `raw_data/pagerduty_teams`: the ending says nothing
hint: endings are `.ndjson`, `.json`, `.yaml` and `.csv`, then perhaps `.gz` or `.zst`

warning[file-unread]: nothing reads `more.txt` and `notes.txt` in `raw_data/pagerduty_teams/old`: the ending says nothing
hint: endings are `.ndjson`, `.json`, `.yaml` and `.csv`, then perhaps `.gz` or `.zst`
loaded pagerduty_teams          1 record from 1 file
1 record from 1 file is in reliability.db

"#]]);
    assert_eq!(world.rows("select id from PagerDutyTeams"), ["A"]);
}

/// A gzip file with its content in one stored block, cut off behind it.
fn cut_off_gzip(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap();
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 0];
    bytes.extend(length.to_le_bytes());
    bytes.extend((!length).to_le_bytes());
    bytes.extend(content);
    bytes
}

/// A zstd frame with its content in raw blocks; `last` says whether the last one is there.
fn zstd_frame(blocks: &[&[u8]], last: bool) -> Vec<u8> {
    let mut bytes = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58];
    for (index, block) in blocks.iter().enumerate() {
        let is_last = u32::from(last && index + 1 == blocks.len());
        let head = ((block.len() as u32) << 3 | is_last).to_le_bytes();
        bytes.extend(&head[..3]);
        bytes.extend(*block);
    }
    bytes
}

#[test]
fn a_compressed_file_that_is_cut_off_gives_what_it_holds() {
    let lines = b"{\"id\":\"A\"}\n{\"id\":\"B\"}\n{\"id\":";
    for (name, content) in [
        ("x.ndjson.gz", cut_off_gzip(lines)),
        ("x.ndjson.zst", zstd_frame(&[lines], false)),
    ] {
        let world = World::new();
        let (run, loaded) = load_teams(&world, name, content);
        run.exits(1).says(&["cannot be read further", name]);
        assert_eq!(loaded, ["A", "B"], "{name}");
    }
    // The same frame to its end is sound.
    let world = World::new();
    let whole = zstd_frame(&[b"{\"id\":\"A\"}\n{\"id\"", b":\"B\"}\n"], true);
    let (run, loaded) = load_teams(&world, "x.ndjson.zst", whole);
    run.exits(0);
    assert_eq!(loaded, ["A", "B"]);
}

#[test]
fn rejects_are_kept_with_place_reason_and_record_until_the_file_is_mended() {
    let world = World::new();
    world.write(&format!("{TEAMS}/deep/x.ndjson"), "{\"name\":\"nobody\"}\n");
    let content = "{\"id\":\"A\"}\n{\"id\":[1]}\n{\"id\":\n";
    let (run, _) = load_teams(&world, "x.ndjson", content);
    run.exits(1);
    assert_eq!(
        reject_files(&world),
        ["deep_x.ndjson.rejects.ndjson", "x.ndjson.rejects.ndjson"]
    );
    let text = world.read("rejects/pagerduty_teams/x.ndjson.rejects.ndjson");
    let rejects: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rejects.len(), 2);
    for (reject, (line, record)) in rejects.iter().zip([(2, "{\"id\":[1]}"), (3, "{\"id\":")]) {
        assert_eq!(reject["file"], format!("{TEAMS}/x.ndjson"));
        assert_eq!(reject["line"], line);
        assert_eq!(reject["record"], record);
        assert!(!reject["reason"].as_str().unwrap().is_empty());
    }
    assert_eq!(rejects[0]["table"], "PagerDutyTeams");
    assert_eq!(rejects[0]["column"], "id");
    assert_eq!(world.rows("select count(*) from _rejects"), ["3"]);

    let (run, loaded) = load_teams(
        &world,
        "x.ndjson",
        "{\"id\":\"A\"}\n{\"id\":1}\n{\"id\":\"B\"}\n",
    );
    run.exits(1).says(&["1 reject of pagerduty_teams"]);
    assert_eq!(reject_files(&world), ["deep_x.ndjson.rejects.ndjson"]);
    assert_eq!(loaded, ["1", "A", "B"]);
    fs::remove_file(world.path(&format!("{TEAMS}/deep/x.ndjson"))).unwrap();
    world.run_on_disk(&["load"]).exits(0);
    assert!(!world.path("rejects/pagerduty_teams").exists());
}

#[test]
fn only_our_own_files_go_from_the_folder_of_rejects() {
    let world = World::new();
    world.write("rejects/pagerduty_teams/notes.md", "what I found");
    world.write("rejects/pagerduty_teams/deep/old.ndjson", "{}");
    load_teams(&world, "x.ndjson", "{}\n").0.exits(1);
    assert!(reject_files(&world).contains(&"x.ndjson.rejects.ndjson".to_owned()));
    load_teams(&world, "x.ndjson", "{\"id\":\"A\"}\n")
        .0
        .exits(0);
    assert_eq!(reject_files(&world), ["notes.md"]);
    assert_eq!(world.read("rejects/pagerduty_teams/deep/old.ndjson"), "{}");
}

#[test]
fn rejects_count_as_long_as_they_are_there() {
    let world = World::new();
    let (run, _) = load_teams(&world, "x.ndjson", "{}\n");
    run.exits(1);
    // Nothing new, but not all is well either.
    world.run_on_disk(&["load"]).exits(1).says(&["nothing new"]);
    world.run_on_disk(&["run"]).exits(1);
    world.run(&["load"]).exits(1);
}

#[test]
fn a_file_in_no_streams_folder_is_named() {
    let world = World::new();
    for name in ["a.ndjson", "b.ndjson", "c.csv", "d.csv", "e.txt"] {
        world.write(&format!("raw_data/{name}"), "{}");
    }
    world.run(&["load"]).prints(0, snapbox::str![[r#"
warning[file-unread]: nothing reads `a.ndjson`, `b.ndjson`, `c.csv` and 2 more in `raw_data`: it is no stream's folder
hint: put files in `raw_data/<stream>/`; `reliability show mappers` lists the streams
nothing new for the database in memory
it is gone when this ends; to keep it, set `DB_MODE=DISK`

"#]]);
}
