//! Runs that are cut short go on where they were.

use std::process::{Child, Stdio};

use fake::{Fault, Rule, Which};

use crate::vendors::{SINCE, Site, assert_same, expected};

fn start(site: &Site) -> Child {
    site.command(&["extract", "--since", SINCE])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits until the vendors have seen so many requests more, or the program has ended: which of them.
fn until_requests(site: &Site, child: &mut Child, more: usize) -> bool {
    let wanted = site.server.requests().len() + more;
    loop {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        if site.server.requests().len() >= wanted {
            return true;
        }
        std::thread::yield_now();
    }
}

#[test]
fn killed_fifty_times_it_comes_to_the_same() {
    let site = Site::demo();
    // Uneven steps, so that kills fall on every kind of moment.
    let mut kills = 0;
    for attempt in 0..50 {
        let mut child = start(&site);
        if until_requests(&site, &mut child, 1 + (attempt * 7) % 23) {
            kills += 1;
        }
        let _ = child.kill();
        child.wait().unwrap();
    }
    assert!(kills >= 40, "only {kills} runs were killed under way");
    site.extract(&[]).exits(0);
    assert_same(&site.loaded(), expected());
}

#[test]
fn a_run_goes_on_where_it_was_killed() {
    let site = Site::demo();
    let mut child = start(&site);
    assert!(until_requests(&site, &mut child, 60));
    child.kill().unwrap();
    child.wait().unwrap();
    let asked = site.server.requests().len();
    site.server.forget_requests();
    site.extract(&[]).exits(0);
    let again = site.server.requests().len();
    let undisturbed = Site::demo();
    undisturbed.extract(&[]).exits(0);
    let all = undisturbed.server.requests().len();
    assert!(
        again + asked < all + 60,
        "{asked} and {again}, undisturbed {all}"
    );
    assert_same(&site.loaded(), expected());
}

#[cfg(unix)]
#[test]
fn an_interrupt_stops_after_the_page_in_hand() {
    let site = Site::demo();
    site.server.misbehave(vec![Rule::of_all(
        Which::Every,
        Fault::Slow(std::time::Duration::from_millis(20)),
    )]);
    let mut child = start(&site);
    assert!(until_requests(&site, &mut child, 30));
    let interrupt = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(interrupt.success());
    assert_eq!(child.wait().unwrap().code(), Some(1));
    // What came can be loaded at once.
    site.run(&["load"]).exits(0);
    site.server.misbehave(Vec::new());
    site.extract(&[]).exits(0);
    assert_same(&site.loaded(), expected());
}

#[test]
fn two_at_once_do_not_disturb_each_other() {
    let site = Site::demo();
    site.server.misbehave(vec![Rule::of_all(
        Which::Every,
        Fault::Slow(std::time::Duration::from_millis(20)),
    )]);
    let mut child = start(&site);
    assert!(until_requests(&site, &mut child, 3));
    site.extract(&[])
        .exits(2)
        .says(&["is fetching into", &format!("process {}", child.id())]);
    site.server.misbehave(Vec::new());
    assert!(child.wait().unwrap().success());
    assert_same(&site.loaded(), expected());
}
