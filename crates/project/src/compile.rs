//! Mappers compiled to plans, with what they need of the project: settings, and agreed lists of names.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use definitions::{Definitions, Mapper};
use diagnostics::{Diagnostic, Severity};
use transform::{Plan, Setting};

use crate::settings::Settings;

/// What mappers were compiled to, and what they depend on besides the definitions.
pub(crate) struct Compiled {
    pub plans: Vec<Plan>,
    pub setting: Arc<Setting>,
}

/// Compiles all mappers that are sound; what is wrong with them is added to `faults`.
pub(crate) fn compile(
    folder: &Path,
    settings: &Settings,
    definitions: &Definitions,
    faults: &mut Vec<Diagnostic>,
) -> Compiled {
    let (agreed, list_faults) = agreed_lists(folder, &definitions.mappers);
    faults.extend(list_faults);
    let setting = Arc::new(Setting {
        clock: settings.clock.clone(),
        agreed,
        headings: definitions
            .mappers
            .iter()
            .flat_map(|mapper| &mapper.headings)
            .filter_map(|(_, name)| Some((name.text.clone(), settings.value(&name.text)?)))
            .collect(),
        latest: latest_time(),
    });
    let mut plans = Vec::new();
    // A mapper that does not fit its tables is reported already; compiling it could only repeat that.
    let broken = |mapper: &Mapper| {
        faults.iter().any(|fault| {
            fault.severity == Severity::Error
                && fault
                    .labels
                    .iter()
                    .any(|label| Arc::ptr_eq(&label.source, &mapper.source))
        })
    };
    let sound: Vec<&Mapper> = definitions
        .mappers
        .iter()
        .filter(|mapper| !broken(mapper))
        .collect();
    for mapper in sound {
        match transform::plan(mapper, &definitions.schema, &setting) {
            Ok(plan) => plans.push(plan),
            Err(jq_faults) => faults.extend(jq_faults),
        }
    }
    Compiled { plans, setting }
}

/// A day ahead may be today elsewhere.
fn latest_time() -> Option<String> {
    let latest = jiff::Timestamp::now().checked_add(jiff::SignedDuration::from_hours(24));
    Some(latest.ok()?.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// The agreed lists that mappers name and the project has: YAML lists of names.
fn agreed_lists(
    folder: &Path,
    mappers: &[Mapper],
) -> (HashMap<String, Vec<String>>, Vec<Diagnostic>) {
    let mut lists = HashMap::new();
    let mut faults = Vec::new();
    for (_, file) in mappers
        .iter()
        .flat_map(|mapper| &mapper.tables)
        .flat_map(|table| &table.agreed)
    {
        let text = match std::fs::read_to_string(folder.join(&*file.text)) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => {
                faults.push(Diagnostic::error(
                    "list-unreadable",
                    format!("cannot read `{}`: {error}", &*file.text),
                ));
                continue;
            }
        };
        let names = yaml::parse(&text)
            .map_err(|fault| (fault.line, fault.message))
            .and_then(|node| match &node.value {
                yaml::Value::List(items) => items
                    .iter()
                    .map(|item| {
                        item.as_text()
                            .map(|name| raw::plain_name(name).into_owned())
                            .ok_or((item.line, "expected a name".to_owned()))
                    })
                    .collect(),
                yaml::Value::Null => Ok(Vec::new()),
                _ => Err((
                    node.line,
                    "expected a list of names, each on a line `- name`".to_owned(),
                )),
            });
        match names {
            Ok(names) => {
                lists.insert(file.text.to_string(), names);
            }
            Err((line, message)) => faults.push(
                Diagnostic::error(
                    "list-syntax",
                    format!("cannot read the agreed list: {message}"),
                )
                .in_data(format!("{}:{line}", &*file.text)),
            ),
        }
    }
    (lists, faults)
}
