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

/// Asks, and hands out the columns, then the rows one by one; says how many there were. No other question may be asked in
/// the session meanwhile: one that takes too long is ended by its tag, which would be on the others too.
pub(crate) fn ask(
    session: &SparkSession,
    address: &Address,
    sql: &str,
    timeout: Option<Duration>,
    columns: &mut dyn FnMut(&[String]) -> Result<(), String>,
    row: &mut dyn FnMut(&[Value]) -> Result<(), String>,
) -> Result<u64, Failed> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let tag = format!("reliability-{}-{number}", process::id());
    session.add_tag(&tag)?;
    let (parts, asked) = sync_channel(WAITING);
    let (asking, sql) = (session.clone(), sql.to_owned());
    // It may hang in the client for minutes, so nobody waits for it.
    thread::spawn(move || {
        let answered = answer(&asking, &sql, &parts);
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
                if let Err(reason) = columns(&names) {
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
    if let Err(Failed::TooLate(_) | Failed::Output(_)) = &answered {
        interrupt(session, tag);
    }
    answered.map(|()| rows)
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

fn answer(session: &SparkSession, sql: &str, parts: &SyncSender<Part>) -> Result<(), Failed> {
    let frame = session.sql(sql)?;
    let names = frame.columns()?;
    let width = names.len();
    // Nobody takes what comes after an end.
    if parts.send(Part::Columns(names)).is_err() {
        return Ok(());
    }
    for row in frame.to_local_iterator(false)? {
        let row = row?;
        let values = (0..width).map(|place| answers::value(row.get(place)));
        let values: Result<Vec<Value>, String> = values.collect();
        if parts
            .send(Part::Row(values.map_err(Failed::Output)?))
            .is_err()
        {
            return Ok(());
        }
    }
    Ok(())
}
