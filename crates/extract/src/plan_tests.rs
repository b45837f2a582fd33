//! Planning and folding against a model of a source: whatever fails, is killed, stopped, narrowed or brought by people,
//! and wherever the clocks stand, healthy runs bring everything in the end, and no listing is called complete that lacks
//! what is there.

use proptest::prelude::*;

use super::*;
use crate::model::{Action, BROUGHT, DAY, Fate, NOON, STREAMS, World, moment, stream};

/// Some listings come, then one does not; a few times over.
fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let fate = prop_oneof![
        3 => Just(Fate::GivesUp),
        1 => Just(Fate::Refused),
        1 => Just(Fate::NotAllowed),
        1 => Just(Fate::Absent),
        1 => Just(Fate::Down),
        1 => Just(Fate::Revoked),
        1 => Just(Fate::Stopped),
        2 => Just(Fate::Killed),
    ];
    let some = (0usize..16, fate).prop_map(|(good, fate)| {
        let mut fates = vec![Fate::Good; good];
        fates.push(fate);
        fates
    });
    prop::collection::vec(some, 0..4).prop_map(|fates| fates.concat())
}

fn step() -> impl Strategy<Value = Action> {
    let only = prop_oneof![
        2 => Just(Vec::new()),
        3 => prop::collection::vec(0..STREAMS.len(), 1..4),
    ];
    let since = prop_oneof![3 => Just(None), 1 => (0i64..14).prop_map(Some)];
    let full = prop_oneof![5 => Just(false), 1 => Just(true)];
    let run = (only, since, full, fates()).prop_map(|(only, since, full, fates)| Action::Run {
        only,
        since,
        full,
        fates,
    });
    prop_oneof![
        2 => (1i64..120).prop_map(Action::Hours),
        2 => Just(Action::New),
        1 => any::<prop::sample::Index>().prop_map(|index| Action::Change(index.index(8))),
        1 => (0usize..8).prop_map(Action::Delete),
        1 => (-400i64..400).prop_map(Action::Clock),
        1 => (0..STREAMS.len(), 0..BROUGHT.len()).prop_map(|(stream, name)| Action::Brought(stream, name)),
        6 => run,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]

    #[test]
    fn in_the_end_everything_is_here(steps in prop::collection::vec(step(), 1..14)) {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
        }
        world.clock = 0;
        for _ in 0..3 {
            world.run(&[], None, false, Vec::new());
            world.now += 60;
        }
        prop_assert_eq!(world.missing(), Vec::<String>::new());
        for (name, folder) in &world.folders {
            // Of what a clock that was ahead made a gap, the part that is still to come stays one.
            let to_come = |gap: &&Gap| gap.window.is_some_and(|gap| gap.since.as_second() > world.now);
            let open: Vec<&Gap> = folder.state.gaps.iter().filter(|gap| !to_come(gap)).collect();
            prop_assert_eq!(open, Vec::<&Gap>::new(), "{}", name);
        }
    }
}

/// Streams by their places in `STREAMS`.
const A: usize = 0;
const B: usize = 1;
const C: usize = 2;
const LOG: usize = 5;
const TICKETS: usize = 6;

fn after(steps: &[Action]) -> World {
    let mut world = World::new();
    steps.iter().for_each(|step| world.step(step));
    world
}

fn run(only: &[usize], fates: &[Fate]) -> Action {
    Action::Run {
        only: only.to_vec(),
        since: None,
        full: false,
        fates: fates.to_vec(),
    }
}

#[test]
fn a_first_window_that_failed_is_asked_for_again() {
    let failed = [run(&[LOG], &[Fate::GivesUp]), run(&[LOG], &[Fate::GivesUp])];
    let gaps = &after(&failed).folders["log"].state.gaps;
    let first = Window {
        since: moment(NOON - 10 * DAY - DAY / 2),
        until: moment(NOON - 6 * DAY - DAY / 2),
    };
    assert_eq!(
        gaps.iter().map(|gap| gap.window).collect::<Vec<_>>(),
        [Some(first)]
    );
    // A refusal of everything wipes nothing.
    let refused = [failed.as_slice(), &[run(&[LOG], &[Fate::Absent])]].concat();
    assert_eq!(&after(&refused).folders["log"].state.gaps, gaps);
    let filled = [refused.as_slice(), &[run(&[LOG], &[])]].concat();
    assert_eq!(after(&filled).folders["log"].state.gaps, []);
}

#[test]
fn a_change_that_failed_is_a_gap_beside_a_window_that_is_still_to_come() {
    // This machine's clock is ahead: a window that fails lies in the future, where nothing is missing yet.
    let mut fates = vec![Fate::Good; 10];
    fates[3] = Fate::GivesUp;
    fates.push(Fate::Absent);
    let world = after(&[
        Action::Clock(26),
        run(&[LOG], &[Fate::Good, Fate::GivesUp]),
        Action::Run {
            only: vec![A, TICKETS],
            since: Some(6),
            full: false,
            fates,
        },
    ]);
    let gaps = &world.folders["tickets"].state.gaps;
    let changed: Vec<bool> = gaps.iter().map(|gap| gap.changed).collect();
    assert_eq!(changed, [true]);
}

#[test]
fn a_change_is_followed_whatever_lies_beside_the_log() {
    for (place, name) in BROUGHT.iter().enumerate() {
        let world = after(&[
            run(&[LOG, TICKETS], &[]),
            Action::Brought(LOG, place),
            run(&[LOG, TICKETS], &[]),
            Action::Hours(70),
            Action::Change(0),
            run(&[LOG, TICKETS], &[]),
        ]);
        let here = world.folders["tickets"].files.values().flatten();
        assert_eq!(here.map(|record| record.version).max(), Some(1), "{name}");
    }
}

#[test]
fn what_a_run_brings_after_it_was_stopped_is_followed_too() {
    let world = after(&[
        run(&[LOG, TICKETS], &[]),
        Action::Hours(24 * 4),
        Action::Change(0),
        Action::Hours(24 * 2),
        run(&[LOG], &[Fate::Good, Fate::Stopped]),
        run(&[TICKETS], &[]),
        run(&[LOG], &[]),
        run(&[TICKETS], &[]),
    ]);
    let here = world.folders["tickets"].files.values().flatten();
    assert_eq!(here.map(|record| record.version).max(), Some(1));
}

#[test]
fn a_grandchild_of_what_failed_is_not_complete() {
    let complete = |world: &World, name: &str| world.folders[name].state.is_complete();
    let good = [run(&[A, B, C], &[])];
    assert!(complete(&after(&good), "c"));
    let failed = [
        good.as_slice(),
        &[
            Action::Hours(1),
            run(&[A], &[Fate::GivesUp]),
            run(&[C], &[]),
        ],
    ]
    .concat();
    let world = after(&failed);
    assert!(!complete(&world, "c"));
    assert_eq!(
        world.folders["c"].state.gaps[0].cause,
        crate::state::Cause::Parents
    );
    // It was asked for by the last complete listing all the same.
    let sizes = |world: &World, name: &str| -> Vec<usize> {
        world.folders[name].files.values().map(Vec::len).collect()
    };
    assert_eq!(sizes(&world, "c"), [world.source["c"].len(); 2]);
    // A child alone says so as well, and asks by that listing too.
    let child = [
        good.as_slice(),
        &[run(&[A], &[Fate::GivesUp]), run(&[B], &[])],
    ]
    .concat();
    let world = after(&child);
    assert_eq!(sizes(&world, "b"), [world.source["b"].len(); 2]);
    assert!(!complete(&world, "b"));
}

#[test]
fn what_a_clock_ahead_covered_is_asked_for_when_it_is_put_right() {
    // A source that does not say what time it is.
    let log = stream("log");
    let mut state = State::default();
    state.covered.add(Window {
        since: moment(NOON - 10 * DAY),
        until: moment(NOON + 400 * DAY),
    });
    let plan = plan(
        &log,
        &state,
        &Inventory::default(),
        Wanted::default(),
        0,
        moment(NOON),
    )
    .unwrap();
    let last = plan.windows.last().unwrap();
    assert_eq!(
        (last.since <= moment(NOON - DAY), last.until),
        (true, moment(NOON + DAY / 2))
    );
}

#[test]
fn a_listing_that_collapses_is_believed_when_it_repeats() {
    let mut world = after(&[run(&[A], &[])]);
    let records = std::mem::take(world.source.get_mut("a").unwrap());
    world.step(&run(&[A], &[]));
    let state = &world.folders["a"].state;
    assert_eq!((state.is_complete(), state.held_back), (false, Some(0)));
    // It comes back: nothing happened.
    let mut back = after(&[run(&[A], &[])]);
    back.source.get_mut("a").unwrap().clear();
    back.step(&run(&[A], &[]));
    back.source.insert("a", records);
    back.step(&run(&[A], &[]));
    assert!(back.folders["a"].state.is_complete());
    // Or it stays away, or somebody says so.
    world.step(&run(&[A], &[]));
    assert!(world.folders["a"].state.is_complete());
    let mut meant = after(&[run(&[A], &[])]);
    meant.source.get_mut("a").unwrap().clear();
    meant.step(&Action::Run {
        only: vec![A],
        since: None,
        full: true,
        fates: Vec::new(),
    });
    assert!(meant.folders["a"].state.is_complete());
}
