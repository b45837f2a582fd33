//! A project: its folder, its settings and the definitions in force, checked before anything runs.

use std::collections::HashMap;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use definitions::{Definitions, Mapper};
use diagnostics::{Diagnostic, Severity, nearest};
use raw::StreamFiles;
use store::Place;
use transform::{Clock, DateOrder, Plan, Setting};
use xxhash_rust::xxh3::Xxh3;

use crate::CouldNotRun;
use crate::console::Console;
use crate::faults::database_fault;
use crate::refused;
use crate::settings::{self, Settings};
use crate::unread::unread;

/// The stream whose files lie in a folder of their own, where people write them.
const WRITTEN_STREAM: &str = "incidents";

/// What the engine may need for its own calls within calls, in bytes.
const SQL_STACK: usize = 8 << 20;

/// Everything that a command starts from.
pub struct Project {
    /// The project folder.
    pub folder: PathBuf,
    /// What the shell and `.env` say.
    pub settings: Settings,
    /// The definitions in force.
    pub definitions: Definitions,
    /// One compiled mapper a stream, in the order of the mappers.
    pub plans: Vec<Plan>,
    setting: Arc<Setting>,
}

/// What mappers were compiled to, and what they depend on besides the definitions.
struct Compiled {
    plans: Vec<Plan>,
    setting: Arc<Setting>,
}

/// Reads a project and checks its definitions. What is wrong is said; a project with errors cannot run.
pub fn open(folder: &Path, console: &Console) -> Result<Project, CouldNotRun> {
    let settings = read_settings(folder, console)?;
    let (definitions, mut faults) = definitions::read(folder);
    // Half of the time each.
    let (compiled, refused) = thread::scope(|scope| {
        let refused = thread::Builder::new().stack_size(SQL_STACK);
        let refused = refused.spawn_scoped(scope, || refused::refused(&definitions));
        let compiled = compile(folder, &settings, &definitions, &mut faults);
        let refused = refused.map_or_else(
            |_| refused::refused(&definitions),
            |thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
        );
        (compiled, refused)
    });
    faults.extend(refused.map_err(|error| say(&error, console))?);
    let errors: Vec<Diagnostic> = faults
        .into_iter()
        .filter(|fault| fault.severity == Severity::Error)
        .collect();
    if errors.is_empty() {
        return Ok(Project::of(folder, settings, definitions, compiled));
    }
    console.diagnostics(&errors);
    console.diagnostic(
        &Diagnostic::error(
            "definitions",
            "nothing was run: the definitions have faults",
        )
        .hint("`reliability check` checks them all"),
    );
    Err(CouldNotRun)
}

/// The same for `check`: all faults come back, with those of the mappers' own tests.
pub fn check(folder: &Path, console: &Console) -> Result<(Project, Vec<Diagnostic>), CouldNotRun> {
    let settings = read_settings(folder, console)?;
    let (definitions, mut faults) = definitions::read(folder);
    let compiled = compile(folder, &settings, &definitions, &mut faults);
    // What a mapper's tests expect must not depend on where they run.
    let anywhere = Arc::new(Setting {
        clock: Clock::UTC,
        agreed: HashMap::new(),
        headings: HashMap::new(),
        latest: None,
    });
    for mapper in &definitions.mappers {
        let mut plans = compiled.plans.iter();
        if plans.any(|plan| plan.stream == mapper.stream.text)
            && let Ok(plan) = transform::plan(mapper, &definitions.schema, &anywhere)
        {
            faults.extend(transform::run_tests(mapper, &plan));
        }
    }
    let say = |error| say(&error, console);
    let refused = refused::refused(&definitions).map_err(say)?;
    if refused
        .iter()
        .all(|fault| fault.severity != Severity::Error)
    {
        faults.extend(refused::test_queries(&definitions).map_err(say)?);
    }
    faults.extend(refused);
    let project = Project::of(folder, settings, definitions, compiled);
    Ok((project, faults))
}

impl Project {
    fn of(folder: &Path, settings: Settings, definitions: Definitions, compiled: Compiled) -> Self {
        Self {
            folder: folder.to_owned(),
            settings,
            definitions,
            plans: compiled.plans,
            setting: compiled.setting,
        }
    }

    /// Where the database of this project is: on disk, or a new one in memory.
    pub fn place(&self) -> Place {
        self.settings
            .database
            .clone()
            .map_or_else(Place::new_memory, Place::Disk)
    }

    /// The compiled mappers of the streams named: streams by name, or sources for all their streams; all if none.
    pub fn select(&self, names: &[String], console: &Console) -> Result<Vec<&Plan>, CouldNotRun> {
        if names.is_empty() {
            return Ok(self.plans.iter().collect());
        }
        for name in names {
            if !self.plans.iter().any(|plan| is_of(name, plan)) {
                let message = format!("`{name}` is not a stream");
                console.diagnostic(&self.no_stream(name, message));
                return Err(CouldNotRun);
            }
        }
        Ok(self
            .plans
            .iter()
            .filter(|plan| names.iter().any(|name| is_of(name, plan)))
            .collect())
    }

    /// The plans that are loaded: those named, or else those that `DIRECTORY_PATH` names, or else all.
    pub fn to_load(&self, names: &[String], console: &Console) -> Result<Vec<&Plan>, CouldNotRun> {
        let Some(name) = &self.settings.directory else {
            return self.select(names, console);
        };
        if !names.is_empty() {
            let message =
                format!("`DIRECTORY_PATH={name}` does nothing here: what is loaded was named");
            console.diagnostic(&Diagnostic::warning("setting-unused", message));
            return self.select(names, console);
        }
        if !self.plans.iter().any(|plan| is_of(name, plan)) {
            let message = format!("`DIRECTORY_PATH` is `{name}`, which is not a stream");
            console.diagnostic(&self.no_stream(name, message));
            return Err(CouldNotRun);
        }
        let text = format!("`DIRECTORY_PATH` is `{name}`: nothing else is loaded");
        console.note(&text, &serde_json::json!({ "directory": name }));
        self.select(std::slice::from_ref(name), console)
    }

    fn no_stream(&self, name: &str, message: String) -> Diagnostic {
        let sources = self.definitions.extractors.iter();
        let sources = sources.map(|extractor| extractor.source.text.as_str());
        let streams = self.plans.iter().map(|plan| plan.stream.as_str());
        let hint = match nearest(name, streams.chain(sources)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`reliability show mappers` lists the streams".to_owned(),
        };
        Diagnostic::error("stream-unknown", message).hint(hint)
    }

    /// The files of a stream.
    pub fn stream_files(&self, stream: &str) -> StreamFiles {
        let mut folders = vec![self.folder.join("raw_data").join(stream)];
        if stream == WRITTEN_STREAM {
            folders.push(self.settings.incidents.0.clone());
        }
        let mapper = self.definitions.mapper(stream);
        if let Some(file) = mapper.and_then(|mapper| mapper.file.as_ref()) {
            folders.push(self.folder.join(&*file.text));
        }
        raw::stream_files(&self.folder, &folders)
    }

    /// What the rows of a stream depend on besides its files: when this changes, the stream is loaded anew.
    pub fn fingerprint(&self, plan: &Plan) -> u64 {
        let mut hash = Xxh3::new();
        let mut add = |part: &str| {
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        };
        add(env!("CARGO_PKG_VERSION"));
        if let Some(mapper) = self.definitions.mapper(&plan.stream) {
            add(&mapper.source.text);
            for (_, name) in &mapper.headings {
                add(self
                    .setting
                    .headings
                    .get(&name.text)
                    .map_or("", String::as_str));
            }
            for (_, file) in mapper.tables.iter().flat_map(|table| &table.agreed) {
                add(&file.text);
                for name in self.setting.agreed.get(&*file.text).into_iter().flatten() {
                    add(name);
                }
            }
        }
        for column in plan.tables.iter().flat_map(|table| &table.table.columns) {
            add(&format!(
                "{} {} {} {}",
                column.name,
                column.kind.name(),
                column.not_null,
                column.odd_as_null
            ));
        }
        for table in &plan.tables {
            add(&format!("{} {:?}", table.table.name, table.table.key));
        }
        let clock = &self.setting.clock;
        add(clock.zone.iana_name().unwrap_or_default());
        add(clock.date_order.map_or("", DateOrder::name));
        hash.digest()
    }

    /// Warnings about the folder itself: data that nothing reads, a folder of incidents that is not there.
    pub fn oddities(&self) -> Vec<Diagnostic> {
        let mut odd = Vec::new();
        let (incidents, named) = &self.settings.incidents;
        if *named && !incidents.is_dir() {
            odd.push(
                Diagnostic::warning(
                    "setting-no-folder",
                    format!(
                        "`INCIDENTS_PATH` names `{}`, which is not a folder",
                        incidents.display()
                    ),
                )
                .hint("set it to the folder of your postmortems in YAML"),
            );
        }
        let declared = self.definitions.extractors.iter().flat_map(|extractor| {
            let settings = extractor
                .settings
                .iter()
                .map(|setting| setting.name.text.clone());
            settings.chain([extract::base_url_setting(&extractor.source.text)])
        });
        let mappers = self.definitions.mappers.iter();
        let headings = mappers.flat_map(|mapper| &mapper.headings);
        let declared = declared.chain(headings.map(|(_, name)| name.text.clone()));
        odd.extend(self.settings.oddities(&declared.collect::<Vec<_>>()));
        let Ok(entries) = std::fs::read_dir(self.folder.join("raw_data")) else {
            return odd;
        };
        let (mut names, mut strays) = (Vec::new(), Vec::new());
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.path().is_dir() {
                names.push(name);
            } else if !name.starts_with('.') {
                strays.push(format!("raw_data/{name}"));
            }
        }
        strays.sort();
        odd.extend(unread(
            &strays,
            "it is no stream's folder",
            "put files in `raw_data/<stream>/`; `reliability show mappers` lists the streams",
        ));
        names.sort();
        for name in names {
            if self.plans.iter().all(|plan| plan.stream != name) && !name.starts_with('.') {
                let fault = Diagnostic::warning(
                    "stream-unread",
                    format!(
                        "nothing reads `raw_data/{name}`: no mapper is for the stream `{name}`"
                    ),
                );
                odd.push(
                    match nearest(&name, self.plans.iter().map(|plan| plan.stream.as_str())) {
                        Some(near) => fault.hint(format!("did you mean `raw_data/{near}`?")),
                        None => fault.hint(format!("add `definitions/mappers/{name}.yaml`")),
                    },
                );
            }
        }
        odd
    }
}

/// Whether a plan is for the stream of a name, or for one of the source of that name.
fn is_of(name: &str, plan: &Plan) -> bool {
    plan.stream == *name || plan.stream.starts_with(&format!("{name}_"))
}

fn read_settings(folder: &Path, console: &Console) -> Result<Settings, CouldNotRun> {
    if !folder.is_dir() {
        console.diagnostic(
            &Diagnostic::error(
                "project-not-there",
                format!("the project folder `{}` is not there", folder.display()),
            )
            .hint(format!(
                "make it: `mkdir -p {0} && reliability init --project {0}`",
                folder.display()
            )),
        );
        return Err(CouldNotRun);
    }
    settings::read(folder).map_err(|faults| {
        console.diagnostics(&faults);
        CouldNotRun
    })
}

fn say(error: &store::Error, console: &Console) -> CouldNotRun {
    console.diagnostic(&database_fault(error));
    CouldNotRun
}

fn compile(
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
