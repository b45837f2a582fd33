//! Ready-made rules, by name, for people who try the tool by hand.

use std::time::Duration;

use crate::{Endless, Fault, Rule, Vendor, Which};

/// Ready-made rules.
#[derive(Clone, Copy, Debug)]
pub struct Misbehaviour {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What goes wrong, in a line.
    pub meaning: &'static str,
    rules: fn() -> Vec<Rule>,
}

impl Misbehaviour {
    /// The rules.
    pub fn rules(&self) -> Vec<Rule> {
        (self.rules)()
    }
}

/// All ready-made rules.
pub fn misbehaviours() -> &'static [Misbehaviour] {
    MISBEHAVIOURS
}

const MISBEHAVIOURS: &[Misbehaviour] = &[
    Misbehaviour {
        name: "storm",
        meaning: "429 to the first five requests of each vendor, and to one in twenty later, without headers",
        rules: || {
            let reset = Some(Duration::from_secs(1));
            let first = Fault::TooMany { reset };
            let mut rules = for_each_vendor(Which::First(5), &first);
            rules.push(now_and_then(1, 50, Fault::TooMany { reset: None }));
            rules
        },
    },
    Misbehaviour {
        name: "out-of-budget",
        meaning: "every 20th request or so: the budget is used up for two seconds, as each vendor words it",
        rules: || {
            let reset = Duration::from_secs(2);
            vec![now_and_then(2, 50, Fault::OutOfBudget { reset })]
        },
    },
    Misbehaviour {
        name: "errors",
        meaning: "one request in ten fails with 500 or 503",
        rules: || {
            vec![
                now_and_then(3, 50, Fault::Status(500)),
                now_and_then(4, 50, Fault::Status(503)),
            ]
        },
    },
    Misbehaviour {
        name: "dropped",
        meaning: "one connection in ten is closed before the answer",
        rules: || vec![now_and_then(5, 100, Fault::Drop)],
    },
    Misbehaviour {
        name: "cut",
        meaning: "one body in ten ends half-way",
        rules: || vec![now_and_then(6, 100, Fault::CutInHalf)],
    },
    Misbehaviour {
        name: "slow",
        meaning: "one body in twenty takes five seconds",
        rules: || vec![now_and_then(7, 50, Fault::Slow(Duration::from_secs(5)))],
    },
    Misbehaviour {
        name: "html",
        meaning: "one answer in ten is a page for people, with status 200",
        rules: || vec![now_and_then(8, 100, Fault::Html)],
    },
    Misbehaviour {
        name: "broken-json",
        meaning: "one answer in ten is no JSON, or no UTF-8",
        rules: || {
            vec![
                now_and_then(9, 50, Fault::JsonCutShort),
                now_and_then(10, 50, Fault::InvalidUtf8),
            ]
        },
    },
    Misbehaviour {
        name: "not-a-record",
        meaning: "one page in ten has a number among its records",
        rules: || vec![now_and_then(11, 100, Fault::NotARecord)],
    },
    Misbehaviour {
        name: "duplicates",
        meaning: "every page begins with the last record of the page before",
        rules: || vec![Rule::of_all(Which::Every, Fault::Duplicates)],
    },
    Misbehaviour {
        name: "shrinking",
        meaning: "services and repositories lose their first record after the first page",
        rules: || {
            let lists = [
                (Vendor::PagerDuty, "/services", "pagerduty_services"),
                (Vendor::GitHub, "/repos?", "github_repos"),
            ];
            let shrink = |(vendor, path, stream)| {
                let fault = Fault::change(move |data| {
                    let records = data.stream_mut(stream);
                    if !records.is_empty() {
                        records.remove(0);
                    }
                });
                Rule::of(vendor, path, Which::Nth(1), fault)
            };
            lists.into_iter().map(shrink).collect()
        },
    },
    Misbehaviour {
        name: "endless",
        meaning: "services and repositories never end: the same page again and again",
        rules: || {
            let fault = Fault::Endless(Endless::SamePage);
            vec![
                Rule::of(Vendor::PagerDuty, "/services", Which::Every, fault.clone()),
                Rule::of(Vendor::GitHub, "/repos?", Which::Every, fault),
            ]
        },
    },
    Misbehaviour {
        name: "foreign-link",
        meaning: "links to further pages lead to another host",
        rules: || {
            vec![Rule::of_all(
                Which::Every,
                Fault::ForeignLink(NOBODY.to_owned()),
            )]
        },
    },
    Misbehaviour {
        name: "redirect",
        meaning: "one request in ten is redirected to another host",
        rules: || vec![now_and_then(12, 100, Fault::Redirect(NOBODY.to_owned()))],
    },
    Misbehaviour {
        name: "revoked",
        meaning: "401 from the 20th request of each vendor on",
        rules: || for_each_vendor(Which::From(20), &Fault::Status(401)),
    },
    Misbehaviour {
        name: "not-in-plan",
        meaning: "402 for teams of PagerDuty, 404 for synthetic tests of DataDog, 403 for hooks of GitHub",
        rules: || {
            let refuse =
                |vendor, path, status| Rule::of(vendor, path, Which::Every, Fault::Status(status));
            vec![
                refuse(Vendor::PagerDuty, "/teams", 402),
                refuse(Vendor::DataDog, "/synthetics", 404),
                refuse(Vendor::GitHub, "/hooks", 403),
            ]
        },
    },
    Misbehaviour {
        name: "echo",
        meaning: "the token comes back in records and in errors",
        rules: || {
            vec![
                Rule::of_all(Which::Every, Fault::EchoInRecord),
                now_and_then(13, 50, Fault::EchoInError(500)),
            ]
        },
    },
    Misbehaviour {
        name: "gigantic",
        meaning: "the third answer of each vendor is a gigabyte long, the fifth has a record of five megabytes",
        rules: || {
            let body = Fault::Gigantic { bytes: 1 << 30 };
            let record = Fault::LongRecord { bytes: 5 << 20 };
            let mut rules = for_each_vendor(Which::Nth(3), &body);
            rules.extend(for_each_vendor(Which::Nth(5), &record));
            rules
        },
    },
];

/// An address of this machine at which nobody listens (the discard port).
const NOBODY: &str = "http://127.0.0.1:9";

fn now_and_then(seed: u64, permille: u16, fault: Fault) -> Rule {
    // Far apart: the count of requests is added to it.
    let seed = seed << 32;
    Rule::of_all(Which::Randomly { seed, permille }, fault)
}

fn for_each_vendor(on: Which, fault: &Fault) -> Vec<Rule> {
    let rule = |vendor| Rule::of(vendor, "", on, fault.clone());
    Vendor::ALL.into_iter().map(rule).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_different_and_every_one_has_rules() {
        let mut names: Vec<_> = misbehaviours().iter().map(|one| one.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), misbehaviours().len());
        for one in misbehaviours() {
            assert!(!one.rules().is_empty(), "{}", one.name);
        }
    }
}
