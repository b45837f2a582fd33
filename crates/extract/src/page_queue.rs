//! Pages on their way to the disk. The disk takes as long for many pages as for one, so a thread takes all that wait and
//! writes them together; what is written, and in which order, is for `output`.

use std::io;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use crate::lines::Redactor;
use crate::output::{NewPage, Output};

/// The pages that the listings of a stream want written.
pub(crate) struct PageQueue {
    output: Arc<Mutex<Output>>,
    /// Nothing once the queue is being taken down.
    pages: Option<Sender<Waiting>>,
    writer: Option<JoinHandle<()>>,
}

/// A page in the queue.
pub(crate) struct Queued(oneshot::Receiver<io::Result<()>>);

struct Waiting {
    page: NewPage,
    told: oneshot::Sender<io::Result<()>>,
}

impl PageQueue {
    /// An empty queue before an output.
    pub fn start(output: Output, redactor: Redactor) -> io::Result<Self> {
        let output = Arc::new(Mutex::new(output));
        let (pages, waiting) = mpsc::channel();
        let for_writer = Arc::clone(&output);
        let writer = std::thread::Builder::new()
            .name("pages".to_owned())
            .spawn(move || write_all(&for_writer, &redactor, &waiting))?;
        Ok(Self {
            output,
            pages: Some(pages),
            writer: Some(writer),
        })
    }

    /// Puts a page in the queue.
    pub fn add(&self, page: NewPage) -> io::Result<Queued> {
        let (told, queued) = oneshot::channel();
        let pages = self.pages.as_ref();
        match pages.is_some_and(|pages| pages.send(Waiting { page, told }).is_ok()) {
            true => Ok(Queued(queued)),
            false => Err(failed()),
        }
    }

    /// The output, once no page is being written.
    pub fn output(&self) -> io::Result<MutexGuard<'_, Output>> {
        self.output.lock().map_err(|_| failed())
    }
}

impl Drop for PageQueue {
    /// Waits until nothing is being written any more.
    fn drop(&mut self) {
        drop(self.pages.take());
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

impl Queued {
    /// Waits until the page is safely on disk.
    pub async fn written(self) -> io::Result<()> {
        self.0.await.map_err(|_| failed())?
    }
}

/// Writes what waits, again and again, until nobody can add anything.
fn write_all(output: &Mutex<Output>, redactor: &Redactor, waiting: &Receiver<Waiting>) {
    while let Ok(first) = waiting.recv() {
        let (mut pages, mut told) = (vec![first.page], vec![first.told]);
        for Waiting { page, told: tell } in waiting.try_iter() {
            pages.push(page);
            told.push(tell);
        }
        let Ok(mut output) = output.lock() else {
            return;
        };
        let written = output.pages(&pages, redactor);
        drop((output, pages));
        for told in told {
            let written = match &written {
                Ok(()) => Ok(()),
                Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
            };
            // Nobody listens where the run has ended with another error.
            let _ = told.send(written);
        }
    }
}

fn failed() -> io::Error {
    io::Error::other("a page could not be written")
}
