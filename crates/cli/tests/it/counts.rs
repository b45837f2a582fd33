//! What is kept of each table's rows, so that `status` need not read them: it must be the same whether all files were
//! loaded at once or one after the other, and one more file must not cost a look at all rows.

use std::fs::File;
use std::time::{Duration, SystemTime};

use crate::world::World;

const STREAM: &str = "pagerduty_log_entries";
const COUNTS: &str = "select rows, newest_extracted_at, from_at, to_at from _tables where table_name = 'PagerDutyLogEntries'";
/// A wrong count, which stays where only the rows of a file are added to it, and goes where all are counted.
const MISCOUNT: &str =
    "update _tables set rows = rows + 100 where table_name = 'PagerDutyLogEntries'";

/// A log entry of a day of November, fetched at an hour of the 25th.
fn entry(id: &str, created_at: &str, hour: u32) -> String {
    format!(
        r#"{{"id":"{id}","type":"trigger_log_entry","created_at":"{created_at}","incident":{{"id":"I1"}},"_extract":{{"at":"2026-11-25T{hour:02}:00:00Z"}}}}"#
    ) + "\n"
}

fn day(id: &str, day: u32, hour: u32) -> String {
    entry(id, &format!("2026-11-{day:02}T10:00:00Z"), hour)
}

/// Writes a file as if it had been there since a second after 2026-11-25.
fn put(world: &World, name: &str, text: &str, second: u64) {
    let path = format!("raw_data/{STREAM}/{name}.ndjson");
    world.write(&path, text);
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_564_800 + second);
    let file = File::options().write(true).open(world.path(&path));
    file.unwrap().set_modified(at).unwrap();
}

#[test]
fn files_loaded_one_after_the_other_count_as_those_loaded_at_once() {
    let day_later = 86_400;
    // What is said of the file, whether only rows are added by it, its text, and when it was written.
    let files = [
        ("the first", true, day("L1", 10, 1) + &day("L2", 11, 1), 0),
        (
            "earlier and later ones",
            true,
            day("L3", 2, 2) + &day("L4", 20, 2),
            0,
        ),
        ("nothing new", true, day("L4", 20, 1), 0),
        ("the first is later now", false, day("L3", 15, 3), 0),
        (
            "one is known, one is new",
            false,
            day("L4", 12, 4) + &day("L5", 13, 4),
            0,
        ),
        ("only new ones again", true, day("L6", 14, 5), 0),
        ("one of tomorrow's tomorrow", true, day("L7", 28, 6), 0),
        (
            "a slip after it",
            false,
            entry("L8", "2062-11-01T10:00:00Z", 6),
            0,
        ),
        (
            "when tomorrow has come",
            false,
            day("L9", 16, 7),
            3 * day_later,
        ),
    ];
    let world = World::new();
    for (place, (what, only_added, text, second)) in files.iter().enumerate() {
        put(&world, &format!("{place}"), text, *second);
        let wrong = place > 0 && {
            world.change(MISCOUNT);
            *only_added
        };
        world.run_on_disk(&["load", STREAM]).exits(0);
        if wrong {
            world.change(&MISCOUNT.replace('+', "-"));
        }
        let at_once = World::new();
        for (place, (_, _, text, second)) in files[..=place].iter().enumerate() {
            put(&at_once, &format!("{place}"), text, *second);
        }
        at_once.run_on_disk(&["load", STREAM]).exits(0);
        assert_eq!(world.rows(COUNTS), at_once.rows(COUNTS), "{what}");
    }
}
