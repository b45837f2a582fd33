//! What can be typed.

use std::path::PathBuf;

#[cfg(feature = "serve")]
use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Args, Parser, Subcommand, ValueEnum};

/// Learn how reliably your organisation operates, from the records of its own tools
///
/// Keeps what was fetched in `raw_data/`, turns it into tables, and answers questions about it in SQL: a CSV file in
/// `output/` for each.
#[derive(Debug, Parser)]
#[command(name = "reliability", version, max_term_width = 100)]
pub struct Arguments {
    /// The project folder: `raw_data/`, `output/`, `definitions/` and `.env` are in it
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        default_value = ".",
        help_heading = "Everywhere"
    )]
    pub project: PathBuf,

    /// How messages on stderr are written
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT",
        help_heading = "Everywhere"
    )]
    pub message_format: MessageFormat,

    /// Print problems only, not progress
    #[arg(long, short, global = true, help_heading = "Everywhere")]
    pub quiet: bool,

    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
}

/// How messages are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum MessageFormat {
    /// For people
    #[default]
    Human,
    /// One JSON object a line
    Json,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make the project's folders, its `.env` and its database
    Init,
    /// Write a year of raw data of an invented organisation, to try things on
    Demo(DemoArguments),
    /// Fetch what is new from the sources' APIs into `raw_data/`
    Extract(ExtractArguments),
    /// Try every token and every stream once, and say which of them work
    Doctor(Sources),
    /// Load what is new in `raw_data/` into the database
    Load(LoadArguments),
    /// Answer questions: all of them into `output/`, or the ones named
    Query(QueryArguments),
    /// Load, answer every question, and draw the page of charts
    Run(RunArguments),
    /// Draw the answers as one page of charts, `output/report.html`
    Report(ReportArguments),
    /// Compare two periods: has anything really changed?
    Compare(CompareArguments),
    /// Read the documents of postmortems, and write what they say into `incidents/`, to be reviewed
    Postmortem(PostmortemArguments),
    /// Check every definition: mappers, schemas, queries
    Check,
    /// Say what the database holds: a line for each table
    Status,
    /// List the definitions in force and where they come from, or print one
    Show {
        /// A definition, such as `time_to_acknowledge` or `mappers/incidents.yaml`, or a folder, such as `queries`
        name: Option<String>,
    },
    /// Print the completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write one for each verb into a folder
    Man {
        /// The folder, such as `/usr/local/share/man/man1`
        #[arg(value_name = "FOLDER")]
        folder: Option<PathBuf>,
    },
}

/// Which sources.
#[derive(Debug, Args)]
pub struct Sources {
    /// Names of sources, as `show extractors` lists them; none for all whose tokens are set
    #[arg(value_name = "SOURCE")]
    pub sources: Vec<String>,
}

/// Options of `extract`.
#[derive(Debug, Args)]
pub struct ExtractArguments {
    /// Names of sources, as `show extractors` lists them; none for all whose tokens are set
    #[arg(value_name = "SOURCE")]
    pub sources: Vec<String>,

    /// Fetch only this stream; may be given several times
    #[arg(long, value_name = "STREAM")]
    pub only: Vec<String>,

    /// Fetch what happened since this date, even if earlier runs did not go back that far
    #[arg(long, value_name = "DATE")]
    pub since: Option<String>,

    /// Fetch everything again, not only what is new
    #[arg(long)]
    pub full: bool,
}

/// Options of `load`.
#[derive(Debug, Args)]
pub struct LoadArguments {
    /// Streams, or sources for all streams of each; none for everything
    #[arg(value_name = "STREAM")]
    pub streams: Vec<String>,

    /// Load only this part of the raw files into the lake, such as `2/8`, while other machines load the others
    #[arg(long, value_name = "PART/OF")]
    pub shard: Option<String>,

    /// Drop the rows of this stream, whose files were removed on purpose; may be given several times
    #[arg(long, value_name = "STREAM")]
    pub forget: Vec<String>,
}

/// Options of `postmortem`.
#[derive(Debug, Args)]
pub struct PostmortemArguments {
    /// Documents, or folders or zips of them: Markdown (`.md`, `.markdown`), plain text (`.txt`), HTML (`.html`, `.htm`)
    /// as Google Docs exports it, or Word's `.docx`
    #[arg(value_name = "FILE-OR-FOLDER", required = true)]
    pub documents: Vec<PathBuf>,

    /// Write what was read to stdout in this format, and nothing into `incidents/`
    #[arg(long, value_enum, conflicts_with = "check")]
    pub format: Option<FindingFormat>,

    /// Write nothing; say what each document lacks, and end with 1 if any lacks something
    #[arg(long)]
    pub check: bool,
}

/// How what was read from documents is written to stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FindingFormat {
    /// As it would be written into `incidents/`
    Yaml,
    /// An object a document, each value with its line and words
    Json,
}

/// Options of `query`.
#[derive(Debug, Args)]
pub struct QueryArguments {
    /// Queries by name, or by a part of it, such as `'pd_*'`; none for all of them
    #[arg(value_name = "NAME", conflicts_with = "sql")]
    pub names: Vec<String>,

    /// List the queries, with what each asks, and answer none
    #[arg(long, conflicts_with_all = ["sql", "format", "since", "until"])]
    pub list: bool,

    /// Ask this instead, and write the answer to stdout
    // SQL may well begin with a comment.
    #[arg(long, value_name = "SELECT", allow_hyphen_values = true)]
    pub sql: Option<String>,

    /// Write the answers to stdout in this format, rather than as CSV files
    #[arg(long, value_enum)]
    pub format: Option<AnswerFormat>,

    /// Of which time
    #[command(flatten)]
    pub period: PeriodArguments,

    /// The most seconds that one query may take; 0 for no limit
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub timeout: u64,
}

/// Of which time answers are.
#[derive(Debug, Args)]
pub struct PeriodArguments {
    /// Ask only about what happened since this moment; a date is its midnight in UTC
    #[arg(long, value_name = "DATE")]
    pub since: Option<String>,

    /// Ask only about what happened before this moment
    #[arg(long, value_name = "DATE")]
    pub until: Option<String>,
}

/// Options of `run`.
#[derive(Debug, Args)]
pub struct RunArguments {
    /// Of which time
    #[command(flatten)]
    pub period: PeriodArguments,

    /// The most seconds that one query may take; 0 for no limit
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub timeout: u64,
}

/// Options of `compare`.
#[derive(Debug, Args)]
pub struct CompareArguments {
    /// The earlier and the later period with `..` between them, such as `2026-Q1..2026-Q2`; each a year, a quarter, a month,
    /// or `2026-03-01/2026-03-15`, from a day until before another
    #[arg(value_name = "BEFORE..NOW")]
    pub periods: String,

    /// The most seconds that one query may take; 0 for no limit
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub timeout: u64,
}

/// Options of `report`.
#[derive(Debug, Args)]
pub struct ReportArguments {
    /// Write what the page says to stdout in this format, rather than the page to `output/report.html`
    #[arg(long, value_enum, default_value_t)]
    pub format: PageFormat,

    /// Name no people: each is a number, the same on the whole page
    #[arg(long)]
    pub anonymous: bool,

    /// Draw the answer to this query only; may be given several times
    #[arg(long, value_name = "NAME")]
    pub only: Vec<String>,

    /// Of which time: the last twelve months, where nothing is said
    #[command(flatten)]
    pub period: PeriodArguments,

    /// The most seconds that one query may take; 0 for no limit
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub timeout: u64,
}

/// How the page is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum PageFormat {
    /// A page of charts
    #[default]
    Html,
    /// Its sentences and comparisons, to paste
    Markdown,
    /// The same for programs, with the rows of the answers
    Json,
}

/// How answers are written to stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AnswerFormat {
    /// RFC 4180
    Csv,
    /// A list of objects
    Json,
    /// A table to paste
    Markdown,
    /// Lines to read; what a terminal gets from `--sql`
    Table,
}

/// Options of `demo`.
#[derive(Debug, Args)]
pub struct DemoArguments {
    /// About how many log entries to write; everything else follows from it
    #[arg(long, value_name = "LOG_ENTRIES", default_value_t = 20_000)]
    pub scale: u64,

    /// Another seed makes another organisation; the same one the same files
    #[arg(long, default_value_t = 1)]
    pub seed: u64,

    /// Compress the raw data
    #[arg(long)]
    pub zstd: bool,

    /// What `--serve` needs.
    #[cfg(feature = "serve")]
    #[command(flatten)]
    pub serving: ServeArguments,
}

/// Options of `demo --serve`.
#[cfg(feature = "serve")]
#[derive(Debug, Args)]
pub struct ServeArguments {
    /// Write nothing; instead answer on this machine as the APIs of the organisation's vendors would, until Ctrl-C.
    /// Prints the settings with which `extract` fetches from there
    #[arg(long, conflicts_with = "zstd")]
    pub serve: bool,

    /// The port of `--serve`; 0 for any that is free
    #[arg(long, value_name = "PORT", default_value_t = 8640, requires = "serve")]
    pub port: u16,

    /// The least time that every answer of `--serve` takes
    #[arg(
        long,
        value_name = "MILLISECONDS",
        default_value_t = 0,
        requires = "serve"
    )]
    pub latency: u64,

    /// What goes wrong with `--serve`; may be given several times
    #[arg(long, value_name = "NAME", value_parser = misbehaviour_names(), requires = "serve")]
    pub misbehave: Vec<String>,
}

#[cfg(feature = "serve")]
fn misbehaviour_names() -> PossibleValuesParser {
    fake::misbehaviours()
        .iter()
        .map(|one| PossibleValue::new(one.name).help(one.meaning))
        .collect::<Vec<_>>()
        .into()
}
