//! Timelines: events with the moment of each, the day and the zone carried down to those that do not name them.

use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::blocks::{Block, BlockKind};
use crate::moments::{self, Moment, Zone};

/// An event of a timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its line, from 1.
    pub(crate) line: usize,
    /// Its words, with its time.
    pub(crate) words: String,
    /// When it was; nothing where that cannot be told for certain.
    pub(crate) moment: Option<Moment>,
}

/// The events of a timeline's blocks. `day` is that of the document, for those before the first day that is named.
pub(crate) fn entries(blocks: &[Block], day: Option<Date>) -> Vec<Entry> {
    let mut carried = Carried {
        day,
        zone: None,
        time: None,
    };
    let mut entries = Vec::new();
    for block in blocks {
        let words = match &block.kind {
            BlockKind::TableHead(cells) => {
                carried.zone = cells
                    .first()
                    .and_then(|cell| moments::zone_of_text(cell))
                    .or(carried.zone);
                continue;
            }
            BlockKind::Row(cells) => cells.first().map_or("", String::as_str),
            BlockKind::Item => &block.text,
            BlockKind::Heading(_) | BlockKind::Paragraph => {
                if let Some(moment) = beginning(&block.text) {
                    entries.push(carried.entry(block, moment));
                    continue;
                }
                // A heading or a line in between may name the day and the zone of what follows.
                if let [(_, day)] = moments::days(&block.text).as_slice() {
                    (carried.day, carried.time) = (Some(*day), None);
                }
                carried.zone = moments::zone_of_text(&block.text).or(carried.zone);
                continue;
            }
        };
        let is_row = matches!(block.kind, BlockKind::Row(_));
        match beginning(words) {
            Some(moment) => entries.push(carried.entry(block, moment)),
            // A row without a time is an event all the same, and its day counts for those that follow.
            None if is_row => {
                if let Some((_, day)) = moments::days(words).first() {
                    (carried.day, carried.time) = (Some(*day), None);
                }
                entries.push(Entry {
                    line: block.place,
                    words: block.text.clone(),
                    moment: None,
                });
            }
            None => {}
        }
    }
    entries
}

/// The day, time and zone with which a text begins.
fn beginning(text: &str) -> Option<(Option<Date>, jiff::civil::Time, Option<Zone>)> {
    let (place, time, zone) = moments::times(text).into_iter().next()?;
    let day = moments::days(text).into_iter().find(|(at, _)| *at < place);
    // What stands in front of the time is a day, a weekday or signs, and no words.
    let limit = if day.is_some() { 32 } else { 4 };
    (place <= limit).then(|| (day.map(|(_, day)| day), time, zone))
}

struct Carried {
    day: Option<Date>,
    zone: Option<Zone>,
    /// The time of the event before, on that day.
    time: Option<jiff::civil::Time>,
}

impl Carried {
    fn entry(
        &mut self,
        block: &Block,
        (day, time, zone): (Option<Date>, jiff::civil::Time, Option<Zone>),
    ) -> Entry {
        let mut is_certain = true;
        match (day, self.time) {
            (Some(day), _) => self.day = Some(day),
            // From the evening to the morning midnight lies; anything else that goes back is out of order.
            (None, Some(before)) if time < before => {
                match before.hour() >= 12 && time.hour() < 12 {
                    true => self.day = self.day.and_then(|day| day.checked_add(1.day()).ok()),
                    false => is_certain = false,
                }
            }
            (None, _) => {}
        }
        if is_certain {
            self.time = Some(time);
        }
        self.zone = self.zone.take().or_else(|| zone.clone());
        let zone = zone.or_else(|| self.zone.clone());
        let moment = self.day.filter(|_| is_certain).map(|day| Moment {
            at: day.to_datetime(time),
            zone,
        });
        Entry {
            line: block.place,
            words: block.text.clone(),
            moment,
        }
    }
}
