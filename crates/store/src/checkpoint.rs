//! Checkpoints beside the loading: a thread moves what is committed from the write-ahead log to its place in the file, and
//! waits for the disk, while the writer goes on.
//!
//! Nothing depends on it: what it has not moved, or could not, `Store::settle` moves, and says why it cannot.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use rusqlite::{Connection, OpenFlags};

use crate::{Error, Place};

/// How many pages the log may have before the writer waits until all are moved, so that it can begin the log anew.
const LOG_PAGES: u64 = 16 << 10;

/// The thread that moves pages; it ends when this is dropped.
pub(crate) struct Checkpointer {
    orders: Option<SyncSender<Order>>,
    /// How many pages the log had at the last checkpoint.
    log_pages: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

/// To move what is committed, and to whom to say when that is done.
struct Order {
    done: Option<SyncSender<()>>,
}

impl Checkpointer {
    /// Begins the thread, with a connection of its own.
    pub(crate) fn start(place: &Place) -> Result<Self, Error> {
        let connection = place.connect(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let (orders, received) = sync_channel(1);
        let log_pages = Arc::new(AtomicU64::new(0));
        let known = Arc::clone(&log_pages);
        let thread = thread::Builder::new().name("checkpointer".to_owned());
        let thread = thread
            .spawn(move || move_pages(&connection, &received, &known))
            .map_err(|error| Error::Other {
                place: place.name(),
                doing: "begin a thread for",
                message: error.to_string(),
            })?;
        Ok(Self {
            orders: Some(orders),
            log_pages,
            thread: Some(thread),
        })
    }

    /// Has what is committed moved; waits for it only where the log has become long.
    pub(crate) fn go_on(&self) {
        let Some(orders) = &self.orders else { return };
        if self.log_pages.load(Ordering::Relaxed) < LOG_PAGES {
            // An order that is waiting already is enough.
            let _ = orders.try_send(Order { done: None });
            return;
        }
        let (done, is_done) = sync_channel(1);
        if orders.send(Order { done: Some(done) }).is_ok() {
            let _ = is_done.recv();
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn move_pages(connection: &Connection, orders: &Receiver<Order>, log_pages: &AtomicU64) {
    for order in orders {
        let pages = connection.query_row("pragma wal_checkpoint(passive)", [], |row| {
            row.get::<_, i64>(1)
        });
        // Where it fails, the log grows, and `settle` says why.
        let pages = pages.unwrap_or_default();
        log_pages.store(pages.max(0).cast_unsigned(), Ordering::Relaxed);
        if let Some(done) = order.done {
            let _ = done.send(());
        }
    }
}
