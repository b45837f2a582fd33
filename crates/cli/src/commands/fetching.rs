//! What is shown while sources are asked: bars on a terminal, lines elsewhere, and what is waited for.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use extract::{Event, Why};
use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::fetched;
use crate::console::Console;

/// Shorter waits are not shown, unless the source does not answer at all.
const WORTH_A_LINE: Duration = Duration::from_secs(2);

/// Shows what happens.
pub struct Shown<'a> {
    console: &'a Console,
    bars: Option<MultiProgress>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    lines: HashMap<String, Line>,
    /// What was said of waiting last, by source, and until when it holds.
    waits: HashMap<String, (String, Instant)>,
}

/// What is known of a stream under way.
struct Line {
    bar: ProgressBar,
    records: u64,
    mended: u64,
}

impl<'a> Shown<'a> {
    /// Shows it on this console.
    pub fn new(console: &'a Console) -> Self {
        Self {
            console,
            bars: console.bars(),
            state: Mutex::default(),
        }
    }

    /// Prints without tearing the bars.
    fn suspended(&self, print: impl FnOnce()) {
        match &self.bars {
            Some(bars) => bars.suspend(print),
            None => print(),
        }
    }

    fn waiting(&self, state: &mut State, source: &str, wait: Duration, reason: &str, why: Why) {
        let at_once = matches!(why, Why::Unreachable | Why::Answer);
        if !(at_once || wait >= WORTH_A_LINE || self.console.is_for_machines()) {
            return;
        }
        // Several requests wait for the same: it is said once.
        let known = state.waits.get(source);
        if known.is_some_and(|(said, until)| said == reason && Instant::now() < *until) {
            return;
        }
        let holds = Instant::now() + wait;
        state
            .waits
            .insert(source.to_owned(), (reason.to_owned(), holds));
        let seconds = wait.as_secs_f64();
        let until = SignedDuration::try_from(wait)
            .ok()
            .and_then(|wait| Timestamp::now().checked_add(wait).ok())
            .map_or_else(
                || "later".to_owned(),
                |end| end.strftime("%H:%M:%SZ").to_string(),
            );
        let text = match why {
            Why::Answer => format!("{source}: {reason}; waiting until {until} at the most"),
            _ => format!("{source} tries again at {until}, in {seconds:.0} s: {reason}"),
        };
        let facts = json!({
            "source": source, "wait_seconds": seconds, "until": until, "reason": reason, "why": name(why),
        });
        self.suspended(|| self.console.note(&text, &facts));
    }
}

impl extract::Progress for Shown<'_> {
    fn event(&self, event: &Event<'_>) {
        let Ok(mut state) = self.state.lock() else {
            return;
        };
        match event {
            Event::Begun { stream } => {
                let bar = self.bars.as_ref().map_or_else(ProgressBar::hidden, |bars| {
                    bars.add(ProgressBar::new_spinner())
                });
                if let Ok(style) = ProgressStyle::with_template(
                    "{prefix:24} {human_pos:>10} records {rate:>10} {msg}",
                ) {
                    bar.set_style(style.with_key("rate", rate));
                }
                bar.set_prefix((*stream).to_owned());
                bar.enable_steady_tick(Duration::from_millis(200));
                let line = Line {
                    bar,
                    records: 0,
                    mended: 0,
                };
                state.lines.insert((*stream).to_owned(), line);
            }
            Event::Page {
                stream,
                records,
                mended,
                total,
                remaining,
            } => {
                self.console.progress(&json!({
                    "stream": stream, "records": records, "total": total, "requests_left": remaining,
                }));
                if let Some(line) = state.lines.get_mut(*stream) {
                    line.records += records;
                    line.mended += mended;
                    line.bar.set_position(line.records);
                    if let Some(remaining) = remaining {
                        line.bar.set_message(format!("{remaining} requests left"));
                    }
                }
            }
            Event::Waiting {
                source,
                wait,
                reason,
                why,
            } => self.waiting(&mut state, source, *wait, reason, *why),
            Event::Ended(report) => {
                let mut mended = 0;
                if let Some(line) = state.lines.remove(&report.stream) {
                    line.bar.finish_and_clear();
                    mended = line.mended;
                }
                self.suspended(|| fetched::say(report, mended, self.console));
            }
        }
    }
}

fn name(why: Why) -> &'static str {
    match why {
        Why::Limit => "limit",
        Why::Trouble => "trouble",
        Why::Unreachable => "unreachable",
        Why::Answer => "answer",
    }
}

fn rate(state: &ProgressState, out: &mut dyn std::fmt::Write) {
    // Nothing is lost when a bar cannot be drawn.
    let _ = write!(out, "{:.0}/s", state.per_sec());
}
