//! Runs in the model: each listing meets its fate, and what it came to is folded as in a real run.

use std::collections::{HashMap, HashSet};

use definitions::StreamName;
use definitions::extractor::StreamExtraction;
use jiff::Timestamp;

use super::{Action, BROUGHT, DAY, Fate, NOON, Record, STREAMS, World, moment, stream};
use crate::failure::Failure;
use crate::fold::fold;
use crate::journal::{Listed, Listing, Reached};
use crate::plan::{Inventory, RunPlan, Runs, Wanted, plan};
use crate::run_id::RunId;
use crate::tally::Tally;

/// A run of a stream under way.
struct Run {
    name: &'static str,
    reached: HashMap<Listing, Reached>,
    tally: Tally,
    /// What came in it.
    own: Vec<Record>,
    killed: bool,
    /// Whether nothing is missing.
    all_came: bool,
}

impl World {
    /// A run of a stream. Says whether the source's next stream is tried.
    pub fn run_stream(
        &mut self,
        name: &'static str,
        wanted: Wanted,
        fates: &mut std::vec::IntoIter<Fate>,
    ) -> bool {
        let definition = stream(name);
        let inventory = self.inventory(name, &definition);
        let resumes = self.folders[name].journal.is_some();
        if !resumes && !self.begin(name, &definition, &inventory, wanted) {
            return true;
        }
        let (plan, reached) = self.folders[name].journal.clone().unwrap();
        let plan = if resumes {
            plan.gone_on_with(&definition, &inventory)
        } else {
            plan
        };
        let mut run = Run {
            name,
            reached,
            tally: Tally::default(),
            own: Vec::new(),
            killed: false,
            all_came: !self.parents_lack(name),
        };
        self.meet_fates(&definition, &plan, &mut run, fates);
        self.end(&definition, plan, run)
    }

    /// Plans a new run, and notes since when records are asked for. Says whether there is one.
    fn begin(
        &mut self,
        name: &'static str,
        definition: &StreamExtraction,
        inventory: &Inventory,
        wanted: Wanted,
    ) -> bool {
        let state = &self.folders[name].state;
        let Ok(plan) = plan(definition, state, inventory, wanted, 0, self.clock()) else {
            return false;
        };
        let from = wanted.since.map(Timestamp::as_second);
        let start = NOON - 10 * DAY;
        let known = self.asked_from.get(name).copied();
        let asked = match (from, known) {
            (Some(from), known) => known.map_or(from, |known| known.min(from)),
            (None, Some(known)) if wanted.full => known.min(start),
            (None, Some(known)) => known,
            (None, None) => start,
        };
        self.asked_from.insert(name, asked);
        self.folders.get_mut(name).unwrap().journal = Some((plan, HashMap::new()));
        true
    }

    fn inventory(&self, name: &str, definition: &StreamExtraction) -> Inventory {
        let runs = |of: Option<&StreamName>| of.map_or_else(Runs::default, |of| self.runs(of));
        let files = self.folders[name].files.keys();
        let changed = definition.changed.as_ref();
        Inventory {
            taken: files.filter_map(|file| RunId::leading(file)).collect(),
            parent: runs(definition.parent.as_ref().map(|parent| &parent.stream.text)),
            teller: runs(changed.map(|changed| &changed.by.stream.text)),
        }
    }

    /// Goes through the listings of a run, those of changed records last.
    fn meet_fates(
        &self,
        definition: &StreamExtraction,
        plan: &RunPlan,
        run: &mut Run,
        fates: &mut std::vec::IntoIter<Fate>,
    ) {
        let parents = match &definition.parent {
            Some(parent) => self.values(&parent.stream.text, &plan.parent_files, false),
            None => Vec::new(),
        };
        run.tally.parents = parents.len() as u64;
        for listing in plan.listings(definition, parents) {
            if !self.meet_fate(run, listing, fates) {
                break;
            }
        }
        let Some(changed) = &definition.changed else {
            return;
        };
        if run.killed || run.tally.ended_by.is_some() {
            return;
        }
        let told = self.values(&changed.by.stream.text, &plan.change_files, true);
        let keys = run.own.iter().map(|record| record.key.clone());
        let fetched: HashSet<String> = keys.collect();
        for listing in plan.changed(told, |key| fetched.contains(key)) {
            if !self.meet_fate(run, listing, fates) {
                break;
            }
        }
    }

    /// What becomes of a listing. Says whether the run goes on.
    fn meet_fate(
        &self,
        run: &mut Run,
        listing: Listing,
        fates: &mut std::vec::IntoIter<Fate>,
    ) -> bool {
        if let Some(Reached::Done(listed)) = run.reached.get(&listing) {
            run.tally.done(listing, *listed);
            return true;
        }
        let words = String::new;
        let failure = match fates.next().unwrap_or(Fate::Good) {
            Fate::Killed => {
                (run.killed, run.all_came) = (true, false);
                return false;
            }
            Fate::Good => match self.answer(run.name, &listing) {
                Some(records) => {
                    let listed = Listed {
                        total: None,
                        records: records.len() as u64,
                        unreadable: 0,
                        source_time: Some(moment(self.now)),
                    };
                    run.own.extend(records);
                    run.reached.insert(listing.clone(), Reached::Done(listed));
                    run.tally.done(listing, listed);
                    return true;
                }
                None => Failure::NotThere(words()),
            },
            Fate::GivesUp => Failure::GaveUp(words()),
            Fate::Refused => Failure::Refused(words()),
            Fate::NotAllowed => Failure::Forbidden(words()),
            Fate::Absent if listing.parent.is_none() => Failure::NotThere(words()),
            Fate::Absent | Fate::Down => Failure::Down(words()),
            Fate::Revoked => Failure::Unauthorized(words()),
            Fate::Stopped => Failure::Stopped,
        };
        // Of what is still to come, and of a record that is gone, nothing is missing.
        let times = run.reached.values().filter_map(|reached| match reached {
            Reached::Done(listed) => listed.source_time,
            _ => None,
        });
        let asked_at = times.min().unwrap_or(moment(self.now));
        let to_come = listing
            .window
            .is_some_and(|window| asked_at <= window.since);
        let gone = listing.changed && matches!(failure, Failure::NotThere(_));
        run.all_came &= gone || to_come;
        run.tally.failed(&listing, failure);
        run.tally.ended_by.is_none()
    }

    /// Keeps what came, folds it as in a real run, and checks that what is said of it is true.
    fn end(&mut self, definition: &StreamExtraction, plan: RunPlan, run: Run) -> bool {
        let Run {
            name,
            reached,
            mut tally,
            own,
            killed,
            all_came,
        } = run;
        if all_came {
            self.lacking.remove(name);
        } else {
            self.lacking.insert(name);
        }
        let clock = self.clock();
        let folder = self.folders.get_mut(name).unwrap();
        let earlier: Vec<Record> = folder.files.values().flatten().cloned().collect();
        let of_run = |file: &&String| RunId::of_file(file) == Some(plan.run);
        let part = folder.files.keys().filter(of_run).count() + 1;
        if !own.is_empty() {
            folder.files.insert(plan.run.file(part), own);
        }
        folder.journal = Some((plan.clone(), reached));
        let ended_by = tally.ended_by.clone();
        if killed || matches!(ended_by, Some(Failure::Stopped | Failure::Unauthorized(_))) {
            return false;
        }
        tally.close();
        let folded = fold(definition, &folder.state, &plan, &tally.came, clock);
        folder.state = folded.state;
        folder.journal = None;
        let says_so = !folder.state.gaps.is_empty()
            || folder.state.passed_over.is_some()
            || !tally.came.gone.is_empty();
        assert!(
            all_came || says_so,
            "`{name}` lacks something and does not say so"
        );
        assert!(
            all_came || folded.complete.is_none(),
            "`{name}` was called complete and is not"
        );
        if definition.whole && folded.complete.is_some() {
            self.assert_nothing_would_be_deleted(name, plan.run, &earlier);
        }
        !matches!(ended_by, Some(Failure::Down(_)))
    }

    /// What was fetched before, is still at the source and is not in a complete listing would be removed as gone.
    pub fn assert_nothing_would_be_deleted(&self, name: &str, run: RunId, earlier: &[Record]) {
        let files = &self.folders[name].files;
        let of_run = files
            .iter()
            .filter(|(file, _)| RunId::of_file(file) == Some(run));
        let listed: HashSet<&String> = of_run
            .flat_map(|(_, records)| records)
            .map(|record| &record.key)
            .collect();
        for record in earlier {
            let exists = self.source[name]
                .iter()
                .any(|other| other.key == record.key);
            assert!(
                !exists || listed.contains(&record.key),
                "`{name}` was called complete without {}",
                record.key
            );
        }
    }

    pub fn run(&mut self, only: &[usize], since: Option<i64>, full: bool, fates: Vec<Fate>) {
        let wanted = Wanted {
            since: since.map(|days| moment(self.now - days * DAY)),
            full,
        };
        let mut fates = fates.into_iter();
        for (index, name) in STREAMS.into_iter().enumerate() {
            if !(only.is_empty() || only.contains(&index)) {
                continue;
            }
            // A run that was cut short is gone on with, then a new one follows.
            let resumes = self.folders[name].journal.is_some();
            if !self.run_stream(name, wanted, &mut fates) {
                return;
            }
            if resumes
                && self.folders[name].journal.is_none()
                && !self.run_stream(name, wanted, &mut fates)
            {
                return;
            }
        }
    }

    pub fn step(&mut self, step: &Action) {
        match step {
            Action::Hours(hours) => self.now += hours * 3600,
            Action::New => self.add(),
            Action::Change(which) => self.change(*which),
            Action::Delete(which) => self.delete(*which),
            Action::Clock(days) => self.clock = *days,
            Action::Brought(which, name) => {
                let folder = self.folders.get_mut(STREAMS[*which]).unwrap();
                let nothing = Record {
                    key: String::new(),
                    of: String::new(),
                    at: 0,
                    version: 0,
                };
                folder
                    .files
                    .insert(BROUGHT[*name].to_owned(), vec![nothing]);
            }
            Action::Run {
                only,
                since,
                full,
                fates,
            } => self.run(only, *since, *full, fates.clone()),
        }
        self.now += 1;
    }

    /// Records that were asked for and are neither here nor in a gap.
    pub fn missing(&self) -> Vec<String> {
        let from = |name: &str| self.asked_from.get(name).copied().unwrap_or(i64::MAX);
        let mut missing = Vec::new();
        for name in STREAMS {
            let folder = &self.folders[name];
            let here: HashSet<(&String, u32)> = folder
                .files
                .values()
                .flatten()
                .map(|record| (&record.key, record.version))
                .collect();
            for record in &self.source[name] {
                let asked = match name {
                    "a" | "b" | "c" => true,
                    "events" => record.at >= from("events").max(from("issues")),
                    // A change before the first log entry that was asked for cannot be known.
                    "tickets" => {
                        let changes = self.source["log"]
                            .iter()
                            .filter(|entry| entry.of == record.key);
                        let last = changes.map(|entry| entry.at).max().unwrap_or(record.at);
                        record.at >= from(name) && last >= from("log")
                    }
                    _ => record.at >= from(name),
                };
                if asked && !here.contains(&(&record.key, record.version)) {
                    missing.push(format!("{name}: {} version {}", record.key, record.version));
                }
            }
        }
        missing
    }
}
