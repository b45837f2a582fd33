//! `query`: answers, into `output/` or to stdout.

use std::io::{self, BufWriter, IsTerminal, Write};

use definitions::Query;
use diagnostics::{Diagnostic, counted, nearest};
use project::Project;
use project::faults::{database_fault, query_fault, typed_sql_fault};
use report::Format;
use serde_json::json;
use store::{Database, Limits, QueryFault};
use wildmatch::WildMatch;

use crate::answers::{Answered, Failure, Files, answer, answer_all, answer_sql};
use crate::args::{AnswerFormat, Arguments, QueryArguments};
use crate::console::{Console, Stdout};
use crate::page::OUTPUT;
use crate::period::Undated;
use crate::{CouldNotRun, Outcome, period};

pub fn run(
    arguments: &Arguments,
    options: &QueryArguments,
    console: &Console,
) -> Result<Outcome, CouldNotRun> {
    let project = super::open_project(&arguments.project, console)?;
    let queries = select(&project, &options.names, console)?;
    if options.list {
        console.data(list(&queries).as_bytes())?;
        return Ok(Outcome::Done);
    }
    if options.sql.is_none() && options.format == Some(AnswerFormat::Csv) && queries.len() != 1 {
        return Err(console.cannot_run(
            &Diagnostic::error("query-several", "CSV on stdout holds one answer")
                .hint("name one query, or leave out `--format` to write all of them to `output/`"),
        ));
    }
    let wanted = period::read(&options.period, console)?;
    let ready = super::ready(&project, console)?;
    let outcome = ready.outcome;
    let narrowed = wanted
        .map(|wanted| period::narrow(&project, ready.database(), &wanted, Undated::Said, console))
        .transpose()?;
    let database = narrowed.as_deref().unwrap_or(ready.database());
    let limits = super::limits(options.timeout);
    if let Some(sql) = &options.sql {
        let by_target = match io::stdout().is_terminal() {
            true => AnswerFormat::Table,
            false => AnswerFormat::Csv,
        };
        let format = format(options.format.unwrap_or(by_target));
        streamed(|out| {
            answer_sql(database, sql, limits, format, out).map_err(|failure| (None, failure))
        })
        .map_err(|(_, failure)| say_sql(&project, sql, &failure, console))?;
    } else if let Some(wanted) = options.format {
        to_stdout(&project, database, &queries, limits, wanted, console)?;
    } else {
        let answers = into_folder(&project, database, &queries, limits, OUTPUT, 0, console)?;
        for answer in &answers {
            if let Ok(kept) = &answer.outcome {
                let (name, rows) = (&answer.query.name, kept.n_rows);
                let text = format!("output/{name}.csv  {}", counted(rows, "row"));
                console.note(&text, &json!({ "query": name, "rows": rows }));
            }
        }
    }
    Ok(outcome)
}

/// Answers queries into a folder of the project, and keeps up to `rows` rows of each; every failure is printed, and one is enough to fail.
pub fn into_folder<'a>(
    project: &Project,
    database: &dyn Database,
    queries: &[&'a Query],
    limits: Limits,
    name: &str,
    rows: usize,
    console: &Console,
) -> Result<Vec<Answered<'a>>, CouldNotRun> {
    let files = Files {
        project: &project.folder,
        folder: name,
        format: match project.settings.keeps_formulas {
            true => Format::Csv,
            false => Format::CsvForSpreadsheets,
        },
    };
    let answers = answer_all(database, queries, limits, files, rows).map_err(|error| {
        console.diagnostic(
            &Diagnostic::error("output", format!("cannot write to `{name}/`: {error}"))
                .in_data(project.folder.join(name).display().to_string()),
        );
        CouldNotRun
    })?;
    all_sound(project, &answers, console)?;
    Ok(answers)
}

/// Says every failure; one is enough to end the run.
pub fn all_sound(
    project: &Project,
    answers: &[Answered<'_>],
    console: &Console,
) -> Result<(), CouldNotRun> {
    let mut failed = false;
    for answer in answers {
        if let Err(failure) = &answer.outcome {
            failed = true;
            say(project, answer.query, failure, console);
            if matches!(failure, Failure::Database(_)) {
                break;
            }
        }
    }
    if failed { Err(CouldNotRun) } else { Ok(()) }
}

/// A line for each query: its name, its title and what it asks.
fn list(queries: &[&Query]) -> String {
    let line = |query: &&Query| {
        vec![
            query.name.clone(),
            query.title.clone(),
            query.question.clone(),
        ]
    };
    report::aligned(&queries.iter().map(line).collect::<Vec<_>>())
}

/// The queries named, each once; all if none is.
pub fn select<'p>(
    project: &'p Project,
    names: &[String],
    console: &Console,
) -> Result<Vec<&'p Query>, CouldNotRun> {
    let all = &project.definitions.queries;
    if names.is_empty() {
        return Ok(all.iter().collect());
    }
    let mut selected: Vec<&Query> = Vec::new();
    for name in names {
        let pattern = WildMatch::new(name);
        let found = all.iter().filter(|query| pattern.matches(&query.name));
        let found: Vec<&Query> = found.collect();
        if found.is_empty() {
            let fault = Diagnostic::error("query-unknown", format!("`{name}` is not a query"));
            console.diagnostic(
                &match nearest(name, all.iter().map(|query| query.name.as_str())) {
                    Some(near) => fault.hint(format!("did you mean `{near}`?")),
                    None => fault.hint("`reliability query --list` lists them"),
                },
            );
            return Err(CouldNotRun);
        }
        for query in found {
            if !selected.iter().any(|other| other.name == query.name) {
                selected.push(query);
            }
        }
    }
    Ok(selected)
}

fn to_stdout(
    project: &Project,
    database: &dyn Database,
    queries: &[&Query],
    limits: Limits,
    wanted: AnswerFormat,
    console: &Console,
) -> Result<(), CouldNotRun> {
    let single = queries.len() == 1;
    streamed(|out| {
        for (index, query) in queries.iter().enumerate() {
            let one = |out: &mut dyn Write| {
                answer(database, query, limits, format(wanted), out)
                    .map_err(|failure| (Some(*query), failure))
            };
            match wanted {
                AnswerFormat::Json if !single => {
                    let separator = if index == 0 { "{\n" } else { ",\n" };
                    write!(out, "{separator}{}: ", json!(query.name)).map_err(unwritten)?;
                    one(&mut WithoutLastBreak::new(out))?;
                }
                AnswerFormat::Markdown | AnswerFormat::Table if !single => {
                    let mark = match wanted {
                        AnswerFormat::Markdown => "## ",
                        _ => "",
                    };
                    write!(out, "{mark}{}\n\n{}\n\n", query.title, query.question)
                        .map_err(unwritten)?;
                    one(out)?;
                    out.write_all(b"\n").map_err(unwritten)?;
                }
                _ => one(out)?,
            }
        }
        let end: &[u8] = match (wanted, single, queries.is_empty()) {
            (AnswerFormat::Json, false, true) => b"{}\n",
            (AnswerFormat::Json, false, false) => b"\n}\n",
            _ => b"",
        };
        out.write_all(end).map_err(unwritten)
    })
    .map_err(|fault| say_of(project, fault, console))
}

/// Why there is no answer: to a query, or to SQL that was typed.
type Fault<'q> = (Option<&'q Query>, Failure);

/// Writes to stdout as it comes. Where nobody reads it any more, it stops, and nothing is wrong.
fn streamed<'q>(
    write: impl FnOnce(&mut dyn Write) -> Result<(), Fault<'q>>,
) -> Result<(), Fault<'q>> {
    let mut out = BufWriter::new(Stdout::default());
    let written = write(&mut out).and_then(|()| out.flush().map_err(unwritten));
    match written {
        Err(_) if out.get_ref().is_closed() => Ok(()),
        written => written,
    }
}

fn unwritten(error: io::Error) -> Fault<'static> {
    (None, Failure::Query(QueryFault::Output(error.to_string())))
}

fn say_of(project: &Project, (query, failure): Fault<'_>, console: &Console) -> CouldNotRun {
    match query {
        Some(query) => {
            say(project, query, &failure, console);
            CouldNotRun
        }
        None => say_sql(project, "", &failure, console),
    }
}

/// Keeps the last line break back, so that something can follow on the same line.
struct WithoutLastBreak<'w> {
    out: &'w mut dyn Write,
    is_held: bool,
}

impl<'w> WithoutLastBreak<'w> {
    fn new(out: &'w mut dyn Write) -> Self {
        Self {
            out,
            is_held: false,
        }
    }
}

impl Write for WithoutLastBreak<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        if self.is_held {
            self.out.write_all(b"\n")?;
        }
        let body = bytes.strip_suffix(b"\n");
        self.is_held = body.is_some();
        self.out.write_all(body.unwrap_or(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn format(wanted: AnswerFormat) -> Format {
    match wanted {
        AnswerFormat::Csv => Format::Csv,
        AnswerFormat::Json => Format::Json,
        AnswerFormat::Markdown => Format::Markdown,
        AnswerFormat::Table => Format::Lines,
    }
}

fn say(project: &Project, query: &Query, failure: &Failure, console: &Console) {
    console.diagnostic(&match failure {
        Failure::Query(fault) => query_fault(&project.definitions.schema, query, fault),
        Failure::Database(error) => database_fault(error),
    });
}

fn say_sql(project: &Project, sql: &str, failure: &Failure, console: &Console) -> CouldNotRun {
    console.diagnostic(&match failure {
        Failure::Query(fault) => typed_sql_fault(&project.definitions.schema, sql, fault),
        Failure::Database(error) => database_fault(error),
    });
    CouldNotRun
}
