//! A project: its folder, its settings and the definitions in force, checked before anything runs.
//!
//! Nothing is loaded, fetched or asked here. What is wrong comes back as diagnostics; those about SQL and the database are
//! worded in [`faults`], for all who ask it.

pub mod faults;
pub mod settings;
pub mod states;
pub mod texts;
pub mod unread;

mod compile;
mod refused;

use std::collections::HashMap;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use definitions::Definitions;
use diagnostics::{Diagnostic, Severity, nearest};
use raw::StreamFiles;
use store::Place;
use transform::{Clock, DateOrder, Plan, Setting};
use xxhash_rust::xxh3::Xxh3;

use compile::{Compiled, compile};
use settings::Settings;
use unread::unread;

/// The stream whose files lie in a folder of their own, where people write them.
pub const WRITTEN_STREAM: &str = "incidents";

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

/// A project whose definitions were checked, with what is wrong with them.
pub struct Checked {
    /// The project.
    pub project: Project,
    /// How many tests its definitions have.
    pub tests: usize,
    /// What is wrong.
    pub faults: Vec<Diagnostic>,
}

/// Why a project cannot be worked with.
#[derive(Debug)]
pub enum OpenError {
    /// Its folder is not there, or its settings are not understood.
    Settings(Vec<Diagnostic>),
    /// Its definitions have errors.
    Definitions(Vec<Diagnostic>),
    /// The database that they are tried on cannot be made.
    Database(store::Error),
}

/// What is loaded.
pub struct ToLoad<'p> {
    /// The compiled mappers of its streams.
    pub plans: Vec<&'p Plan>,
    /// Whether it is `DIRECTORY_PATH` that names them.
    pub by_directory: bool,
    /// That `DIRECTORY_PATH` does nothing.
    pub warning: Option<Diagnostic>,
}

impl From<store::Error> for OpenError {
    fn from(error: store::Error) -> Self {
        Self::Database(error)
    }
}

/// Reads a project and checks its definitions: one with errors cannot run.
pub fn open(folder: &Path) -> Result<Project, OpenError> {
    let settings = read_settings(folder)?;
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
    faults.extend(refused?);
    faults.retain(|fault| fault.severity == Severity::Error);
    if faults.is_empty() {
        Ok(Project::of(folder, settings, definitions, compiled))
    } else {
        Err(OpenError::Definitions(faults))
    }
}

/// The same for `check`: all faults come back, with those of the definitions' own tests.
pub fn check(folder: &Path) -> Result<Checked, OpenError> {
    let settings = read_settings(folder)?;
    let (definitions, mut faults) = definitions::read(folder);
    let (query_tests, wrong) = definitions.query_tests();
    faults.extend(wrong);
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
    let refused = refused::refused(&definitions)?;
    if refused
        .iter()
        .all(|fault| fault.severity != Severity::Error)
    {
        faults.extend(refused::test_queries(&definitions, &query_tests)?);
    }
    faults.extend(refused);
    let of_mappers = definitions.mappers.iter().map(|mapper| mapper.tests.len());
    let tests = of_mappers.sum::<usize>() + query_tests.len();
    Ok(Checked {
        project: Project::of(folder, settings, definitions, compiled),
        tests,
        faults,
    })
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

    /// The compiled mappers of the streams named: streams by name, or sources for all their streams; all if none. The
    /// error: a name is of neither.
    pub fn select(&self, names: &[String]) -> Result<Vec<&Plan>, Box<Diagnostic>> {
        let unknown = |name: &&String| !self.plans.iter().any(|plan| is_of(name, plan));
        if let Some(name) = names.iter().find(unknown) {
            let message = format!("`{name}` is not a stream");
            return Err(self.no_stream(name, message));
        }
        let is_selected =
            |plan: &&Plan| names.is_empty() || names.iter().any(|name| is_of(name, plan));
        Ok(self.plans.iter().filter(is_selected).collect())
    }

    /// What is loaded: the streams named, or else those that `DIRECTORY_PATH` names, or else all.
    pub fn to_load(&self, names: &[String]) -> Result<ToLoad<'_>, Box<Diagnostic>> {
        let named = |names: &[String], warning| {
            self.select(names).map(|plans| ToLoad {
                plans,
                by_directory: false,
                warning,
            })
        };
        let Some(name) = &self.settings.directory else {
            return named(names, None);
        };
        if !names.is_empty() {
            let message =
                format!("`DIRECTORY_PATH={name}` does nothing here: what is loaded was named");
            return named(names, Some(Diagnostic::warning("setting-unused", message)));
        }
        if !self.plans.iter().any(|plan| is_of(name, plan)) {
            let message = format!("`DIRECTORY_PATH` is `{name}`, which is not a stream");
            return Err(self.no_stream(name, message));
        }
        Ok(ToLoad {
            plans: self.select(std::slice::from_ref(name))?,
            by_directory: true,
            warning: None,
        })
    }

    fn no_stream(&self, name: &str, message: String) -> Box<Diagnostic> {
        let sources = self.definitions.extractors.iter();
        let sources = sources.map(|extractor| &*extractor.source.text);
        let streams = self.plans.iter().map(|plan| plan.stream.as_str());
        let hint = match nearest(name, streams.chain(sources)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`reliability show mappers` lists the streams".to_owned(),
        };
        Box::new(Diagnostic::error("stream-unknown", message).hint(hint))
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

    /// The names in an agreed list of the project folder, such as `root_causes.yaml`; nothing where it is not there.
    pub fn agreed(&self, file: &str) -> Option<&Vec<String>> {
        self.setting.agreed.get(file)
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
        odd.extend(self.settings.oddities(&self.declared_settings()));
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
        let is_read = |name: &String| self.plans.iter().any(|plan| plan.stream == *name);
        let unread = names
            .iter()
            .filter(|name| !is_read(name) && !name.starts_with('.'));
        odd.extend(unread.map(|name| self.unread_folder(name)));
        odd
    }

    /// The settings that extractors and mappers name.
    fn declared_settings(&self) -> Vec<String> {
        let extractors = self.definitions.extractors.iter();
        let of_extractors = extractors.flat_map(|extractor| {
            let settings = extractor.settings.iter();
            let settings = settings.map(|setting| setting.name.text.clone());
            settings.chain([extract::base_url_setting(&extractor.source.text)])
        });
        let mappers = self.definitions.mappers.iter();
        let headings = mappers.flat_map(|mapper| &mapper.headings);
        let of_mappers = headings.map(|(_, name)| name.text.clone());
        of_extractors.chain(of_mappers).collect()
    }

    /// That a folder of `raw_data/` is no stream's.
    fn unread_folder(&self, name: &str) -> Diagnostic {
        let fault = Diagnostic::warning(
            "stream-unread",
            format!("nothing reads `raw_data/{name}`: no mapper is for the stream `{name}`"),
        );
        let streams = self.plans.iter().map(|plan| plan.stream.as_str());
        fault.hint(match nearest(name, streams) {
            Some(near) => format!("did you mean `raw_data/{near}`?"),
            None => format!("add `definitions/mappers/{name}.yaml`"),
        })
    }
}

/// Whether a plan is for the stream of a name, or for one of the source of that name.
fn is_of(name: &str, plan: &Plan) -> bool {
    plan.stream == *name || plan.stream.starts_with(&format!("{name}_"))
}

fn read_settings(folder: &Path) -> Result<Settings, OpenError> {
    if !folder.is_dir() {
        let message = format!("the project folder `{}` is not there", folder.display());
        let fault = Diagnostic::error("project-not-there", message).hint(format!(
            "make it: `mkdir -p {0} && reliability init --project {0}`",
            folder.display()
        ));
        return Err(OpenError::Settings(vec![fault]));
    }
    settings::read(folder).map_err(OpenError::Settings)
}
