//! How a document is read, field by field: from labels first, then from the timeline, then from sentences.

use std::collections::{HashMap, HashSet};

use definitions::{COUNTS, Guide};
use jiff::civil::Date;

use crate::blocks::{Block, BlockKind};
use crate::counts::{self, Count};
use crate::document::Document;
use crate::incident::{Finding, Incident, Read};
use crate::labels::{Labelled, Labels};
use crate::moments::{self, Moment, Second};
use crate::timeline::{self, Entry};

/// The times, in the order of the YAML.
const TIMES: [&str; 6] = [
    "time_of_first_trigger",
    "time_of_customer_detect",
    "time_of_internal_detect",
    "time_of_recovery",
    "time_of_reconcile",
    "time_of_rca",
];

/// No name of a cause has more words.
const NAME_WORDS: usize = 6;

pub(crate) fn of(document: &Document, guide: &Guide, agreed: &[String]) -> Incident {
    let blocks = &document.blocks;
    let labels = Labels::of(guide);
    let labelled = labels.all(blocks);
    let day = day(blocks, &labelled);
    let timeline = labels.timeline(blocks);
    let entries = timeline::entries(timeline, day.as_ref().map(|day| day.value));
    // What the timeline counts is a part of the whole.
    let in_timeline: HashSet<usize> = timeline.iter().map(|block| block.place).collect();
    let told = blocks
        .iter()
        .filter(|block| matches!(block.kind, BlockKind::Paragraph | BlockKind::Item))
        .filter(|block| !in_timeline.contains(&block.place));
    let sentences: Vec<(usize, &str)> = told.flat_map(sentences).collect();
    let facts = Facts {
        events: words(guide),
        phrases: &guide.counts,
        labelled: &labelled,
        timed: timed(&entries),
        day: day.as_ref().map(|day| day.value),
    };
    let (root_causes, other_causes) = causes(&labelled, agreed);
    let times: Vec<(&str, Finding<Moment>)> = TIMES
        .iter()
        .map(|field| (*field, facts.time(field, blocks)))
        .collect();
    Incident {
        unit: document.unit,
        name: name(blocks),
        link: facts.text("postmortem_link"),
        date: date(day, &times),
        entities: facts.names("affected_entities"),
        products: facts.names("affected_products"),
        root_causes,
        other_causes,
        numbers: COUNTS
            .iter()
            .map(|field| (*field, facts.number(field, &sentences)))
            .collect(),
        severity: facts.text("severity_level"),
        gaps: facts.names("reliability_gaps"),
        contradictions: contradictions(&times, document.unit),
        times: times
            .into_iter()
            .map(|(field, time)| (field, written(time)))
            .collect(),
    }
}

/// What the rules look at.
struct Facts<'d> {
    /// What an event is, and words that say so, as [`spaced`] has them, with a space around them.
    events: Vec<(&'static str, String)>,
    /// What a number counts, and phrases that say so.
    phrases: &'d [(&'static str, String)],
    labelled: &'d [Labelled],
    timed: Vec<Timed<'d>>,
    /// The day of the document.
    day: Option<Date>,
}

/// An event of the timeline that has a moment.
#[derive(Clone, Copy)]
struct Timed<'d> {
    entry: &'d Entry,
    moment: &'d Moment,
    second: Option<Second>,
}

impl Facts<'_> {
    fn under(&self, field: &str) -> impl Iterator<Item = &Labelled> {
        self.labelled
            .iter()
            .filter(move |one| one.field == field && !is_blank(&one.words))
    }

    /// A field of a few words.
    fn text(&self, field: &str) -> Finding<String> {
        let short = self.under(field).filter(|one| one.words.len() <= 200);
        one_of(short.map(|one| read(one.words.clone(), one)))
    }

    /// Names, one an item or with commas between them.
    fn names(&self, field: &str) -> Vec<Read<String>> {
        let names = self.under(field).flat_map(|one| {
            let parts: Vec<&str> = match one.is_item {
                true => vec![&one.words],
                false if one.words.len() <= 200 => one.words.split(", ").collect(),
                false => Vec::new(),
            };
            let parts = parts
                .into_iter()
                .map(|part| part.trim().trim_end_matches('.'));
            parts
                .map(|part| read(part.to_owned(), one))
                .collect::<Vec<_>>()
        });
        names.filter(|name| !is_blank(&name.value)).collect()
    }

    /// A number: under its label, or else in a sentence that the guide knows. An approximate one is left open.
    fn number(&self, field: &str, sentences: &[(usize, &str)]) -> Finding<String> {
        let labelled = self.under(field).flat_map(|one| {
            let counts = counts::all(&one.words).into_iter();
            counts.map(|count| read(count, one)).collect::<Vec<_>>()
        });
        let labelled: Vec<Read<Count>> = labelled.collect();
        if !labelled.is_empty() {
            return counted(&labelled);
        }
        let of_sentences = sentences.iter().flat_map(|(line, sentence)| {
            let phrases = self.phrases.iter().filter(|(meant, _)| *meant == field);
            let phrases = phrases.map(|(_, phrase)| phrase.as_str());
            let counts = counts::in_sentence(sentence, phrases).into_iter();
            counts.map(|value| Read {
                value,
                line: *line,
                words: (*sentence).to_owned(),
            })
        });
        counted(&of_sentences.collect::<Vec<_>>())
    }

    fn time(&self, field: &str, blocks: &[Block]) -> Finding<Moment> {
        let labelled = self.under(field).filter(|one| one.words.len() <= 60);
        let labelled = one_of(labelled.filter_map(|one| {
            let (_, time, zone) = moments::times(&one.words).into_iter().next()?;
            let day = moments::days(&one.words).first().map(|(_, day)| *day);
            let at = day.or(self.day)?.to_datetime(time);
            let zone = zone.or_else(|| moments::zone_of_text(&one.words));
            Some(read(Moment { at, zone }, one))
        }));
        if labelled != Finding::Absent {
            return labelled;
        }
        let event = match field {
            "time_of_first_trigger" => "start",
            "time_of_customer_detect" => "customer_detect",
            "time_of_internal_detect" => "internal_detect",
            "time_of_recovery" => "recovery",
            _ => return Finding::Absent,
        };
        let of_durations = self.by_durations(event);
        if of_durations != Finding::Absent {
            return of_durations;
        }
        let of_timeline = self.by_words(event);
        if of_timeline != Finding::Absent {
            return of_timeline;
        }
        self.by_sentences(event, blocks)
    }

    /// The events that lie as far apart as the document says that detection and recovery took.
    fn by_durations(&self, event: &str) -> Finding<Moment> {
        let duration = |field| {
            let short = self.under(field).filter(|one| one.words.len() <= 40);
            short.filter_map(|one| moments::minutes(&one.words)).next()
        };
        let Some(recover) = duration("minutes_to_recover").filter(|minutes| *minutes > 0.0) else {
            return Finding::Absent;
        };
        let detect = duration("minutes_to_detect");
        // The first event of each moment.
        let mut at: HashMap<Second, Timed> = HashMap::new();
        for event in &self.timed {
            if let Some(second) = event.second {
                at.entry(second).or_insert(*event);
            }
        }
        let after = |start: &Timed, minutes: f64| {
            let second = start.second?.after(minutes);
            at.get(&second).copied()
        };
        let is_of_customers = |event: &Timed| self.says("customer_detect", &event.entry.words);
        let fits = self.timed.iter().filter_map(|start| {
            let recovered = after(start, recover)?;
            let detected = match detect {
                Some(minutes) => Some(after(start, minutes)?),
                None => None,
            };
            match event {
                "start" => Some(*start),
                "recovery" => Some(recovered),
                "internal_detect" => detected.filter(|event| !is_of_customers(event)),
                _ => detected.filter(is_of_customers),
            }
        });
        one_of(fits.map(of_event))
    }

    /// The event of the timeline whose words say what it is.
    fn by_words(&self, event: &str) -> Finding<Moment> {
        let mut fits = self
            .timed
            .iter()
            .filter(|one| self.says(event, &one.entry.words))
            .map(|one| of_event(*one));
        match event {
            // What was noticed first is when it was noticed.
            "customer_detect" | "internal_detect" => {
                fits.next().map_or(Finding::Absent, Finding::Certain)
            }
            "start" => match (one_of(fits), self.timed.first()) {
                // The first event may be the start, or only what led to it.
                (Finding::Absent, Some(first)) => Finding::Unclear(vec![of_event(*first)]),
                (found, _) => found,
            },
            _ => one_of(fits),
        }
    }

    /// The sentence that says it with a time.
    fn by_sentences(&self, event: &str, blocks: &[Block]) -> Finding<Moment> {
        let paragraphs = blocks
            .iter()
            .filter(|block| block.kind == BlockKind::Paragraph);
        one_of(
            paragraphs
                .flat_map(sentences)
                .filter_map(|(line, sentence)| {
                    if !self.says(event, sentence) {
                        return None;
                    }
                    let times = moments::times(sentence);
                    let [(_, time, zone)] = times.as_slice() else {
                        return None;
                    };
                    let day = match moments::days(sentence).as_slice() {
                        [] => self.day?,
                        [(_, day)] => *day,
                        _ => return None,
                    };
                    let moment = Moment {
                        at: day.to_datetime(*time),
                        zone: zone.clone().or_else(|| moments::zone_of_text(sentence)),
                    };
                    Some(Read {
                        value: moment,
                        line,
                        words: sentence.to_owned(),
                    })
                }),
        )
    }

    fn says(&self, event: &str, words: &str) -> bool {
        let words = format!(" {} ", spaced(words));
        let mut known = self.events.iter().filter(|(meant, _)| *meant == event);
        known.any(|(_, known)| words.contains(known))
    }
}

/// The sentences of a block, each with its place.
fn sentences(block: &Block) -> impl Iterator<Item = (usize, &str)> {
    let sentences = block.text.split_inclusive(". ");
    sentences.map(|sentence| (block.place, sentence.trim()))
}

/// The words of events, as they are looked for.
fn words(guide: &Guide) -> Vec<(&'static str, String)> {
    let words = guide.events.iter();
    words
        .map(|(event, words)| (*event, format!(" {} ", spaced(words))))
        .collect()
}

fn timed(entries: &[Entry]) -> Vec<Timed<'_>> {
    let timed = entries.iter().filter_map(|entry| {
        let moment = entry.moment.as_ref()?;
        let second = moment.second();
        Some(Timed {
            entry,
            moment,
            second,
        })
    });
    timed.collect()
}

/// The highest heading, unless it is what a template has there.
fn name(blocks: &[Block]) -> Finding<String> {
    let level = |block: &Block| match block.kind {
        BlockKind::Heading(level) => Some(level),
        _ => None,
    };
    let Some(highest) = blocks.iter().filter_map(level).min() else {
        return Finding::Absent;
    };
    let Some(block) = blocks.iter().find(|block| level(block) == Some(highest)) else {
        return Finding::Absent;
    };
    let is_template = ["title", "postmortem template", "summary"]
        .iter()
        .any(|template| block.text.to_lowercase().starts_with(template));
    match is_template {
        true => Finding::Absent,
        false => Finding::Certain(Read {
            value: block.text.clone(),
            line: block.place,
            words: block.text.clone(),
        }),
    }
}

/// The day that the document is of: as labelled, or the only one of its first paragraph that names any.
fn day(blocks: &[Block], labelled: &[Labelled]) -> Option<Read<Date>> {
    let of_label = labelled
        .iter()
        .filter(|one| one.field == "incident_date")
        .find_map(|one| Some(read(moments::days(&one.words).first()?.1, one)));
    of_label.or_else(|| {
        let mut paragraphs = blocks
            .iter()
            .filter(|block| matches!(block.kind, BlockKind::Paragraph | BlockKind::Heading(_)));
        paragraphs.find_map(|block| match moments::days(&block.text).as_slice() {
            [(_, day)] => Some(Read {
                value: *day,
                line: block.place,
                words: block.text.clone(),
            }),
            _ => None,
        })
    })
}

/// The day of the incident: that of the document, unless the incident began on another.
fn date(day: Option<Read<Date>>, times: &[(&str, Finding<Moment>)]) -> Finding<String> {
    let shown = |read: &Read<Date>| read.with(read.value.to_string());
    let began = match times.first() {
        Some((_, Finding::Certain(read))) => Some(read.with(read.value.at.date())),
        _ => None,
    };
    match (day, began) {
        (Some(day), Some(began)) if day.value != began.value => {
            Finding::Unclear(vec![shown(&began), shown(&day)])
        }
        (Some(day), _) => Finding::Certain(shown(&day)),
        (None, Some(began)) => Finding::Certain(shown(&began)),
        (None, None) => match times.first() {
            Some((_, Finding::Unclear(reads))) => {
                let days = reads
                    .iter()
                    .map(|read| read.with(read.value.at.date().to_string()));
                Finding::Unclear(days.collect())
            }
            _ => Finding::Absent,
        },
    }
}

/// The causes that were agreed on, and the others.
fn causes(labelled: &[Labelled], agreed: &[String]) -> (Vec<Read<String>>, Vec<Read<String>>) {
    let items = labelled
        .iter()
        .filter(|one| one.field == "root_causes" && !is_blank(&one.words));
    let (mut known, mut others) = (Vec::new(), Vec::new());
    for one in items {
        let agreed_name = |part: &str| agreed.iter().find(|name| spaced(name) == spaced(part));
        let parts: Vec<&str> = one
            .words
            .split(", ")
            .map(|part| part.trim().trim_end_matches('.'))
            .collect();
        // Commas part names; in prose they do not.
        let is_prose = parts
            .iter()
            .any(|part| part.split(' ').count() > NAME_WORDS);
        let parts = match is_prose && !parts.iter().any(|part| agreed_name(part).is_some()) {
            true => vec![one.words.as_str()],
            false => parts,
        };
        for part in parts {
            match agreed_name(part) {
                Some(name) => known.push(read(name.clone(), one)),
                None if agreed.is_empty() && one.is_item => known.push(read(part.to_owned(), one)),
                None => others.push(read(part.to_owned(), one)),
            }
        }
    }
    (known, others)
}

/// Times that cannot all be so.
fn contradictions(times: &[(&str, Finding<Moment>)], unit: &str) -> Vec<String> {
    let certain = |name: &str| {
        times.iter().find_map(|(field, finding)| match finding {
            Finding::Certain(read) if *field == name => Some(read),
            _ => None,
        })
    };
    let Some(start) = certain("time_of_first_trigger") else {
        return Vec::new();
    };
    let others = TIMES[1..].iter().filter_map(|name| {
        let other = certain(name)?;
        let is_before = other.value.second()?.is_before(start.value.second()?);
        is_before.then(|| {
            format!(
                "`{name}`, {unit} {}, is before `time_of_first_trigger`, {unit} {}",
                other.line, start.line
            )
        })
    });
    others.collect()
}

/// A time as it goes into YAML; one whose zone is doubtful is left open.
fn written(time: Finding<Moment>) -> Finding<String> {
    let readings = |read: Read<Moment>| {
        let (first, second) = read.value.written();
        let readings = std::iter::once(first).chain(second);
        readings.map(|value| read.with(value)).collect::<Vec<_>>()
    };
    match time {
        Finding::Absent => Finding::Absent,
        Finding::Certain(read) => {
            let mut readings = readings(read);
            match readings.len() {
                1 => Finding::Certain(readings.remove(0)),
                _ => Finding::Unclear(readings),
            }
        }
        Finding::Unclear(reads) => Finding::Unclear(reads.into_iter().flat_map(readings).collect()),
    }
}

/// What several places come to: certain only where all say the same.
fn one_of<T: Readings>(reads: impl Iterator<Item = Read<T>>) -> Finding<T> {
    let mut seen = HashSet::new();
    let mut different: Vec<Read<T>> = Vec::new();
    for read in reads {
        if seen.insert(read.value.readings()) {
            different.push(read);
        }
    }
    match different.len() {
        0 => Finding::Absent,
        1 => different.pop().map_or(Finding::Absent, Finding::Certain),
        _ => Finding::Unclear(different),
    }
}

/// What several numbers come to: certain only where all are exact, and the same.
fn counted(counts: &[Read<Count>]) -> Finding<String> {
    let values = counts
        .iter()
        .map(|read| read.with(read.value.value.clone()));
    match one_of(values) {
        Finding::Certain(read) if counts.iter().any(|count| !count.value.is_exact) => {
            Finding::Unclear(vec![read])
        }
        found => found,
    }
}

/// What a value may mean, as it goes into YAML: by that two are the same.
trait Readings {
    fn readings(&self) -> (String, Option<String>);
}

impl Readings for String {
    fn readings(&self) -> (String, Option<String>) {
        (self.clone(), None)
    }
}

impl Readings for Moment {
    fn readings(&self) -> (String, Option<String>) {
        self.written()
    }
}

fn read<T>(value: T, one: &Labelled) -> Read<T> {
    Read {
        value,
        line: one.line,
        words: one.words.clone(),
    }
}

fn of_event(event: Timed<'_>) -> Read<Moment> {
    Read {
        value: event.moment.clone(),
        line: event.entry.line,
        words: event.entry.words.clone(),
    }
}

/// Whether nothing is said: a question mark, a dash, or what a template has.
fn is_blank(words: &str) -> bool {
    let words = words.trim().to_lowercase();
    let is_word = matches!(
        words.as_str(),
        "n/a" | "na" | "none" | "tbd" | "todo" | "unknown"
    );
    is_word || !words.contains(char::is_alphanumeric) || words.starts_with("...")
}

/// Words in lower case, with one space in place of all that parts them.
fn spaced(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}
