//! The server: a thread that listens on loopback, what it remembers of requests, and how answers get to the wire,
//! whole or not. What is answered is decided elsewhere.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use http_body_util::channel::{Channel, Sender};
use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use tokio::sync::oneshot;

use crate::answer::Answer;
use crate::call::Call;
use crate::context::Context;
use crate::data::Data;
use crate::faults;
use crate::limits::Counters;
use crate::paging::Quirks;
use crate::rules::{Fault, Rule, Rules};
use crate::vendors;
use crate::{Options, Vendor};

/// A running fake; it stops when dropped.
#[derive(Debug)]
pub struct Server {
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

/// What was seen of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenRequest {
    /// Whom it was for.
    pub vendor: Vendor,
    /// `GET`, if all is well.
    pub method: String,
    /// As it came, without the vendor's name in front.
    pub path: String,
    /// As it came, without the question mark.
    pub query: String,
    /// What was answered; nothing as long as nothing is, and for good if the connection was closed without an answer.
    pub status: Option<u16>,
    /// Whether it had the right token.
    pub is_authorised: bool,
    /// The names of its headers, in lower case.
    pub header_names: Vec<String>,
    /// Its header `Host`.
    pub host: Option<String>,
    /// When it came, by the real clock.
    pub at: Timestamp,
    /// How many requests to this vendor were under way then, itself with them.
    pub under_way: usize,
}

#[derive(Debug)]
struct Shared {
    address: SocketAddr,
    options: Options,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    data: Data,
    rules: Rules,
    counters: Counters,
    seen: Vec<SeenRequest>,
    under_way: [usize; Vendor::ALL.len()],
}

impl Server {
    /// Starts a server on 127.0.0.1, in a thread of its own. It answers when this returns.
    ///
    /// # Errors
    /// If the port is taken, or the system gives no thread.
    pub fn start(data: Data, options: Options) -> io::Result<Self> {
        data.prepare();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))?;
        listener.set_nonblocking(true)?;
        let shared = Arc::new(Shared {
            address: listener.local_addr()?,
            options,
            state: Mutex::new(State {
                data,
                rules: Rules::default(),
                counters: Counters::default(),
                seen: Vec::new(),
                under_way: [0; Vendor::ALL.len()],
            }),
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (stop, stopped) = oneshot::channel();
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("fake".to_owned())
            .spawn(move || {
                runtime.spawn(accept(listener, for_thread));
                // Ends when the other side is dropped; what is under way ends with the runtime.
                let _ = runtime.block_on(stopped);
            })?;
        Ok(Self {
            shared,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.shared.address.port()
    }

    /// What a vendor's paths are added to: `http://127.0.0.1:8640/pagerduty`, without a slash at the end.
    pub fn base_url(&self, vendor: Vendor) -> String {
        format!("http://{}/{}", self.shared.address, vendor.name())
    }

    /// The settings with which an extractor fetches from here: base addresses, tokens, the organisation.
    pub fn environment(&self) -> Vec<(String, String)> {
        let tokens = &self.shared.options.tokens;
        let organisation = self.shared.state().data.organisation();
        let mut environment: Vec<(String, String)> = Vendor::ALL
            .into_iter()
            .map(|vendor| {
                let name = format!("{}_BASE_URL", vendor.name().to_uppercase());
                (name, self.base_url(vendor))
            })
            .collect();
        for (name, value) in [
            ("PAGERDUTY_SECRET", &tokens.pagerduty_secret),
            ("SENTRY_API_KEY", &tokens.sentry_api_key),
            ("SENTRY_ORGANIZATION", &organisation),
            ("GITHUB_API_KEY", &tokens.github_api_key),
            ("GITHUB_ORGANIZATION", &organisation),
            ("DATADOG_API_KEY", &tokens.datadog_api_key),
            ("DATADOG_APPLICATION_KEY", &tokens.datadog_application_key),
        ] {
            environment.push((name.to_owned(), value.clone()));
        }
        environment
    }

    /// Changes what the vendors know, between two requests.
    pub fn change(&self, change: impl FnOnce(&mut Data)) {
        change(&mut self.shared.state().data);
    }

    /// From now on these rules hold, and no others; their counts begin at 0.
    pub fn misbehave(&self, rules: Vec<Rule>) {
        self.shared.state().rules = Rules::new(rules);
    }

    /// Every request since the start, or since they were last forgotten, in the order in which they came.
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.shared.state().seen.clone()
    }

    /// Forgets the requests seen so far. Best done while none is under way: those keep no status.
    pub fn forget_requests(&self) {
        self.shared.state().seen.clear();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // If a change panics in a test, the next assertion should still be readable.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A body that is sent at once, or piece by piece.
type Body = Either<Full<Bytes>, Channel<Bytes, io::Error>>;

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return;
    };
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, perhaps: later there may be some.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let shared = Arc::clone(&shared);
        let service = service_fn(move |request| answer(Arc::clone(&shared), request));
        let connection = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service);
        // An error here is a connection that broke, on either side, on purpose or not.
        tokio::spawn(async move { drop(connection.await) });
    }
}

/// A request that is under way until this is dropped.
struct UnderWay {
    shared: Arc<Shared>,
    vendor: Vendor,
    place: usize,
    at: Timestamp,
}

impl UnderWay {
    fn begin(shared: &Arc<Shared>, call: &Call) -> Self {
        let mut state = shared.state();
        let at = Timestamp::now();
        let under_way = &mut state.under_way[call.vendor as usize];
        *under_way += 1;
        let seen = SeenRequest {
            vendor: call.vendor,
            method: call.method.clone(),
            path: call.path.clone(),
            query: call.raw_query.clone(),
            status: None,
            is_authorised: vendors::is_authorised(&shared.options.tokens, call),
            header_names: call.headers.keys().map(ToString::to_string).collect(),
            host: call.header(HOST.as_str()).map(ToOwned::to_owned),
            at,
            under_way: *under_way,
        };
        state.seen.push(seen);
        Self {
            shared: Arc::clone(shared),
            vendor: call.vendor,
            place: state.seen.len() - 1,
            at,
        }
    }

    fn answered(&self, status: u16) {
        let mut state = self.shared.state();
        if let Some(seen) = state.seen.get_mut(self.place)
            && seen.at == self.at
        {
            seen.status = Some(status);
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        let under_way = &mut state.under_way[self.vendor as usize];
        *under_way = under_way.saturating_sub(1);
    }
}

/// Answers a request. An error closes the connection without an answer.
async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> io::Result<Response<Body>> {
    let Some(call) = call(&shared, &request) else {
        let answer = Answer::html(
            404,
            "there are /pagerduty, /sentry, /github and /datadog here\n",
        );
        let bytes = answer.bytes();
        return response(&Reply::of(&answer), Either::Left(Full::from(bytes)), None);
    };
    let under_way = UnderWay::begin(&shared, &call);
    // A sleep of no length would take a millisecond.
    if !shared.options.latency.is_zero() {
        tokio::time::sleep(shared.options.latency).await;
    }
    let (reply, bytes, faults) = make(&shared, &call);
    if faults.iter().any(|fault| matches!(fault, Fault::Drop)) {
        return Err(io::ErrorKind::ConnectionAborted.into());
    }
    under_way.answered(reply.status);
    let length = bytes.len();
    for fault in faults {
        let (sender, channel) = Channel::new(1);
        let body = Either::Right(channel);
        match fault {
            Fault::Gigantic { bytes } => {
                tokio::spawn(send_gigantic(sender, bytes, under_way));
                return response(&reply, body, None);
            }
            Fault::CutInHalf => {
                tokio::spawn(send_half(sender, bytes, under_way));
                return response(&reply, body, Some(length));
            }
            Fault::Slow(duration) => {
                tokio::spawn(send_slowly(sender, bytes, duration, under_way));
                return response(&reply, body, Some(length));
            }
            _ => {}
        }
    }
    response(&reply, Either::Left(Full::from(bytes)), None)
}

/// What is said of an answer before its body.
struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    content_type: &'static str,
}

impl Reply {
    fn of(answer: &Answer<'_>) -> Self {
        Self {
            status: answer.status,
            headers: answer.headers.clone(),
            content_type: answer.content_type(),
        }
    }
}

/// Makes an answer, with all that goes wrong with it.
fn make(shared: &Shared, call: &Call) -> (Reply, Vec<u8>, Vec<Fault>) {
    let mut state = shared.state();
    let faults = state.rules.faults(call);
    let options = &shared.options;
    let endpoint = vendors::endpoint(call);
    let now = Timestamp::now();
    let counters = &mut state.counters;
    let budget = counters.count(&options.limits, call.vendor, &endpoint, now);
    let quirks = Quirks::of(&faults);
    let context = Context {
        data: &state.data,
        options,
        quirks: &quirks,
        now: options.now.unwrap_or(now),
    };
    let mut answer = if let Some(instead) = faults::instead(&faults, call, &options.limits) {
        instead
    } else if !vendors::is_authorised(&options.tokens, call) {
        vendors::refusal(call)
    } else {
        let mut answer = if budget.exceeded {
            vendors::too_many(call.vendor, &budget)
        } else if call.method != "GET" {
            vendors::error(call.vendor, 405, None)
        } else {
            vendors::answer(&context, call)
        };
        vendors::tell_budget(call.vendor, &mut answer, &budget);
        answer
    };
    faults::edit(&faults, call, &mut answer);
    let reply = Reply::of(&answer);
    let mut bytes = answer.bytes();
    drop(answer);
    faults::spoil(&faults, &mut bytes);
    faults::change(&faults, &mut state.data);
    (reply, bytes, faults)
}

/// Takes a request apart; nothing if it is for no vendor.
fn call(shared: &Shared, request: &Request<Incoming>) -> Option<Call> {
    let path = request.uri().path();
    let (vendor, rest) = Vendor::ALL.into_iter().find_map(|vendor| {
        let rest = path.strip_prefix('/')?.strip_prefix(vendor.name())?;
        (rest.is_empty() || rest.starts_with('/')).then_some((vendor, rest))
    })?;
    let host = request.headers().get(HOST);
    let host = host.and_then(|host| host.to_str().ok().map(ToOwned::to_owned));
    let host = host.unwrap_or_else(|| shared.address.to_string());
    let query = request.uri().query().unwrap_or_default();
    Some(Call {
        vendor,
        method: request.method().to_string(),
        path: if rest.is_empty() { "/" } else { rest }.to_owned(),
        raw_query: query.to_owned(),
        query: form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect(),
        headers: request.headers().clone(),
        base: format!("http://{host}/{}", vendor.name()),
    })
}

/// `length` is promised whatever the body holds.
fn response(reply: &Reply, body: Body, length: Option<usize>) -> io::Result<Response<Body>> {
    let mut response = Response::builder()
        .status(reply.status)
        .header(CONTENT_TYPE, reply.content_type);
    for (name, value) in &reply.headers {
        let value = HeaderValue::try_from(value).map_err(io::Error::other)?;
        response = response.header(*name, value);
    }
    if let Some(length) = length {
        response = response.header(CONTENT_LENGTH, length);
    }
    response.body(body).map_err(io::Error::other)
}

async fn send_half(mut sender: Sender<Bytes, io::Error>, bytes: Vec<u8>, _under_way: UnderWay) {
    let half = bytes.len() / 2;
    let _ = sender.send_data(Bytes::from(bytes).slice(..half)).await;
    // What was sent must leave before the connection is closed.
    tokio::time::sleep(Duration::from_millis(5)).await;
    sender.abort(io::ErrorKind::ConnectionAborted.into());
}

async fn send_slowly(
    mut sender: Sender<Bytes, io::Error>,
    bytes: Vec<u8>,
    duration: Duration,
    _under_way: UnderWay,
) {
    const PIECES: u32 = 20;
    let bytes = Bytes::from(bytes);
    let size = bytes.len().div_ceil(PIECES as usize).max(1);
    let mut start = 0;
    while start < bytes.len() {
        tokio::time::sleep(duration / PIECES).await;
        let end = (start + size).min(bytes.len());
        if sender.send_data(bytes.slice(start..end)).await.is_err() {
            return;
        }
        start = end;
    }
}

/// A list of one endless text, so that a reader of JSON goes on reading.
async fn send_gigantic(mut sender: Sender<Bytes, io::Error>, length: u64, _under_way: UnderWay) {
    let piece = Bytes::from(vec![b'x'; 1 << 16]);
    let mut left = length.saturating_sub(4);
    if sender.send_data(Bytes::from_static(b"[\"")).await.is_err() {
        return;
    }
    while left > 0 {
        let size = left.min(piece.len() as u64);
        if sender
            .send_data(piece.slice(..size as usize))
            .await
            .is_err()
        {
            return;
        }
        left -= size;
    }
    let _ = sender.send_data(Bytes::from_static(b"\"]")).await;
}
