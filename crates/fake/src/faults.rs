//! How a fault changes an answer. When there is one is said in `rules`, and how it gets to the wire in `server`.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::answer::{Answer, Content};
use crate::call::Call;
use crate::data::{Data, parsed, raw};
use crate::limits::{Budget, Limits};
use crate::rules::Fault;
use crate::{github, vendors};

/// What is answered instead of what was asked for, if anything.
pub(crate) fn instead(faults: &[Fault], call: &Call, limits: &Limits) -> Option<Answer<'static>> {
    let with_budget = |mut answer: Answer<'static>, budget: &Budget| {
        vendors::tell_budget(call.vendor, &mut answer, budget);
        answer
    };
    faults.iter().find_map(|fault| {
        Some(match fault {
            Fault::TooMany { reset } => {
                let answer = vendors::error(call.vendor, 429, None);
                match reset {
                    Some(reset) => {
                        with_budget(answer, &Budget::used_up(limits, call.vendor, *reset))
                    }
                    None => answer,
                }
            }
            Fault::OutOfBudget { reset } => {
                let budget = Budget::used_up(limits, call.vendor, *reset);
                with_budget(vendors::too_many(call.vendor, &budget), &budget)
            }
            Fault::SecondaryLimit { retry_after } => {
                github::too_many_at_once(retry_after.map(|after| after.as_secs()))
            }
            Fault::RetryAfter { status, after } => {
                vendors::error(call.vendor, *status, None).with("retry-after", after.as_secs())
            }
            Fault::Status(status) => vendors::error(call.vendor, *status, None),
            Fault::Html => Answer::html(200, SIGN_IN),
            Fault::Redirect(base) => {
                let address = format!("{base}{}?{}", call.path, call.raw_query);
                Answer::html(302, "").with("location", address)
            }
            Fault::EchoInError(status) => {
                let message = format!("this request is not understood: {}", secrets(call));
                vendors::error(call.vendor, *status, Some(&message))
            }
            _ => return None,
        })
    })
}

/// Changes records of an answer.
pub(crate) fn edit(faults: &[Fault], call: &Call, answer: &mut Answer<'_>) {
    for fault in faults {
        match fault {
            Fault::NotARecord => {
                if let Content::Records(list) = &mut answer.content
                    && let Some(first) = list.records.first_mut()
                {
                    *first = Cow::Owned(raw(&json!(42)));
                }
            }
            Fault::LongRecord { bytes } => add_to_first(answer, "x".repeat(*bytes).into()),
            Fault::EchoInRecord => add_to_first(answer, secrets(call).into()),
            _ => {}
        }
    }
}

/// Changes the bytes of an answer.
pub(crate) fn spoil(faults: &[Fault], bytes: &mut Vec<u8>) {
    for fault in faults {
        match fault {
            Fault::InvalidUtf8 => {
                // Within the last text, if there is one, so that it is JSON but for this, and a record that suffers.
                let text = bytes.windows(3).rposition(|three| three == b"\":\"");
                let place = text.map_or(bytes.len(), |text| text + 3);
                bytes.splice(place..place, [0xff, 0xfe]);
            }
            Fault::JsonCutShort => bytes.truncate(bytes.len() / 2),
            _ => {}
        }
    }
}

/// Changes the data after an answer.
pub(crate) fn change(faults: &[Fault], data: &mut Data) {
    for fault in faults {
        if let Fault::Change(change) = fault {
            change.make(data);
        }
    }
}

fn add_to_first(answer: &mut Answer<'_>, value: Value) {
    let add = |record: &mut Value| {
        if let Some(record) = record.as_object_mut() {
            record.insert("added_by_the_fake".to_owned(), value);
        }
    };
    match &mut answer.content {
        Content::Records(list) => {
            if let Some(first) = list.records.first_mut() {
                let mut record = parsed(first);
                add(&mut record);
                *first = Cow::Owned(raw(&record));
            }
        }
        Content::Value(value) => add(value),
        Content::Html(_) => {}
    }
}

/// The headers in which tokens are sent.
fn secrets(call: &Call) -> String {
    let names = ["authorization", "dd-api-key", "dd-application-key"];
    let sent = names
        .iter()
        .filter_map(|name| Some(format!("{name}: {}", call.header(name)?)));
    sent.collect::<Vec<_>>().join(", ")
}

const SIGN_IN: &str = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Please sign in to continue.</body></html>\n";
