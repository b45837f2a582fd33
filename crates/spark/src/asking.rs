//! One question to a cluster: it ends when its time is up, and when the cluster is gone, for which the client would wait.

use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use spark_connect::{SparkError, SparkSession};
use store::Value;

use crate::address::Address;
use crate::answers;

/// Why there is no answer.
pub(crate) enum Failed {
    /// What Spark says.
    Spark(Box<SparkError>),
    /// Whoever takes the rows could not go on, or a value is of no type that an answer has.
    Output(String),
    /// Nobody listens at the cluster's address any more.
    Gone(String),
    /// It took longer than this.
    TooLate(Duration),
    /// The server ended the answer before its last row.
    Cut,
}

impl From<SparkError> for Failed {
    fn from(error: SparkError) -> Self {
        Self::Spark(Box::new(error))
    }
}

/// How often somebody looks whether the cluster is there, and whether the time is up.
const LOOK: Duration = Duration::from_millis(500);

/// So many looks in a row that find nobody mean that the cluster is gone.
const GONE_AFTER: u32 = 4;

/// How long the cluster may take to stop.
const PATIENCE: Duration = Duration::from_secs(10);

/// Rows that wait for whoever takes them.
const WAITING: usize = 1_000;

/// What comes of a question, in this order.
enum Part {
    Columns(Vec<String>),
    Row(Vec<Value>),
    End(Result<(), Failed>),
}

/// Takes the names of an answer's columns.
pub(crate) type TakeColumns<'t> = dyn FnMut(&[String]) -> Result<(), String> + 't;

/// Asks, and hands out the columns to whoever wants them, then the rows one by one; says how many there were. No other
/// question may be asked in the session meanwhile: one that takes too long is ended by its tag, which would be on the
/// others too.
pub(crate) fn ask(
    session: &SparkSession,
    address: &Address,
    sql: &str,
    timeout: Option<Duration>,
    mut columns: Option<&mut TakeColumns<'_>>,
    row: &mut dyn FnMut(&[Value]) -> Result<(), String>,
) -> Result<u64, Failed> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let tag = format!("reliability-{}-{number}", process::id());
    session.add_tag(&tag)?;
    let (parts, asked) = sync_channel(WAITING);
    let (asking, sql, names_wanted) = (session.clone(), sql.to_owned(), columns.is_some());
    // It may hang in the client for minutes, so nobody waits for it.
    thread::spawn(move || {
        let answered = answer(&asking, &sql, names_wanted, &parts);
        let _ = parts.send(Part::End(answered));
    });
    let end = timeout.map(|timeout| Instant::now() + timeout);
    let (mut rows, mut missing) = (0, 0);
    let answered = loop {
        if let (Some(end), Some(timeout)) = (end, timeout)
            && Instant::now() >= end
        {
            break Err(Failed::TooLate(timeout));
        }
        match asked.recv_timeout(LOOK) {
            Ok(Part::End(ended)) => break ended,
            Ok(Part::Columns(names)) => {
                let taken = columns.as_mut().map_or(Ok(()), |columns| columns(&names));
                if let Err(reason) = taken {
                    break Err(Failed::Output(reason));
                }
            }
            Ok(Part::Row(values)) => {
                rows += 1;
                if let Err(reason) = row(&values) {
                    break Err(Failed::Output(reason));
                }
            }
            Err(RecvTimeoutError::Timeout) => match address.is_there() {
                Ok(()) => missing = 0,
                Err(_) if missing + 1 < GONE_AFTER => missing += 1,
                Err(reason) => break Err(Failed::Gone(reason)),
            },
            Err(RecvTimeoutError::Disconnected) => {
                break Err(Failed::Gone("the client ended early".to_owned()));
            }
        }
    };
    session.remove_tag(&tag);
    if let Err(Failed::TooLate(_) | Failed::Output(_) | Failed::Cut) = &answered {
        interrupt(session, tag);
    }
    match answered {
        // A connection that broke says nothing of the server; its address does.
        Err(Failed::Spark(error)) if error.get_sql_state().is_none() => Err(match gone(address) {
            Some(reason) => Failed::Gone(reason),
            None => Failed::Spark(error),
        }),
        answered => answered.map(|()| rows),
    }
}

/// Why nobody listens at an address any more. A server that is going down may still listen for a moment.
fn gone(address: &Address) -> Option<String> {
    for look in 0..GONE_AFTER {
        if look > 0 {
            thread::sleep(LOOK);
        }
        if let Err(reason) = address.is_there() {
            return Some(reason);
        }
    }
    None
}

/// Has the cluster stop: it would go on for minutes without anybody who takes the answer.
fn interrupt(session: &SparkSession, tag: String) {
    let session = session.clone();
    let (done, is_done) = sync_channel(1);
    thread::spawn(move || {
        let _ = session.interrupt_tag(&tag);
        let _ = done.send(());
    });
    // If the cluster does not answer even that, do not wait for it.
    let _ = is_done.recv_timeout(PATIENCE);
}

/// Sends what comes of a question. It is executed once and not analysed before, since the analysis of a statement that
/// writes executes it as well. Only an answer without rows, of which the names are wanted, is analysed, for these.
fn answer(
    session: &SparkSession,
    sql: &str,
    names_wanted: bool,
    parts: &SyncSender<Part>,
) -> Result<(), Failed> {
    let frame = session.sql(sql)?;
    let mut names_sent = !names_wanted;
    for row in frame.to_local_iterator(false)? {
        let row = row?;
        // Whoever asked has ended.
        if !names_sent && parts.send(Part::Columns(row.fields().to_vec())).is_err() {
            return Ok(());
        }
        names_sent = true;
        let values: Result<Vec<Value>, String> = row.values().iter().map(answers::value).collect();
        let values = values.map_err(Failed::Output)?;
        if parts.send(Part::Row(values)).is_err() {
            return Ok(());
        }
    }
    if !is_whole(session) {
        return Err(Failed::Cut);
    }
    if !names_sent {
        let _ = parts.send(Part::Columns(frame.columns()?));
    }
    Ok(())
}

/// Whether the session's last answer came to its end. A server ends its stream after a while and waits to be asked for the
/// rest (`spark.connect.execute.reattachable.senderMaxStreamDuration`, two minutes unless set), which the client, as of
/// 4.2.0, takes for the end. Only after the last row does the server send its metrics.
fn is_whole(session: &SparkSession) -> bool {
    let last = session.last_execution_info();
    last.is_some_and(|last| last.metrics.is_some())
}
