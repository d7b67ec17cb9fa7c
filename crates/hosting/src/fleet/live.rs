//! A sandbox that is ready, and visits to it. While a visit lasts, it is not idle.

use std::{
    fmt, io,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use super::{
    Why,
    exchange::{ExchangeError, Exchanges, RequestBody, ResponseBody},
    written::{Excess, Writing},
};
use crate::{Connection, Exit, LogBook, Sandbox};

/// Set in the number of visits once the sandbox is about to be stopped.
const CLOSED: usize = 1 << (usize::BITS - 1);

/// A sandbox that is ready.
pub struct Live {
    sandbox: Arc<dyn Sandbox>,
    exchanges: Exchanges,
    logs: Arc<LogBook>,
    /// How many visits there are, and [`CLOSED`] once there may be no more.
    visits: AtomicUsize,
    dismissed: Notify,
    /// Told when somebody comes and nobody else is there.
    entered: Notify,
    /// When the last visit ended.
    left: watch::Sender<Instant>,
    writing: Writing,
    /// What it has written too much, once that has ended it.
    excess: Arc<OnceLock<Excess>>,
}

impl fmt::Debug for Live {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Live").field("sandbox", &self.sandbox).finish_non_exhaustive()
    }
}

impl Live {
    /// A sandbox that was found ready.
    pub fn new(sandbox: Arc<dyn Sandbox>, logs: Arc<LogBook>, writing: Writing) -> Self {
        let left = watch::Sender::new(Instant::now());
        Self {
            exchanges: Exchanges::new(Arc::clone(&sandbox)),
            sandbox,
            logs,
            visits: AtomicUsize::new(0),
            dismissed: Notify::new(),
            entered: Notify::new(),
            left,
            writing,
            excess: Arc::default(),
        }
    }

    /// The sandbox itself.
    pub fn sandbox(&self) -> &dyn Sandbox {
        &*self.sandbox
    }

    /// How many visits there are; `None` once it is about to be stopped.
    pub fn visits(&self) -> Option<usize> {
        let visits = self.visits.load(Ordering::Acquire);
        (visits & CLOSED == 0).then_some(visits)
    }

    /// Waits until somebody comes while nobody else is there.
    pub async fn entered(&self) {
        self.entered.notified().await;
    }

    /// Asks for its end. Nobody enters any more.
    pub fn dismiss(&self) {
        self.close();
        self.dismissed.notify_one();
    }

    /// Waits until its program ends, until nobody has visited it for this long, until it has written too
    /// much, or until its end is asked for, which is no news. From then on nobody enters.
    pub async fn until_it_ends(&self, idle_after: Option<Duration>) -> Option<Why> {
        let mut exit = self.sandbox.exit();
        let exited = async {
            match exit.wait_for(Option::is_some).await {
                Ok(exit) => exit.unwrap_or_default(),
                Err(_) => Exit::default(),
            }
        };
        let why = tokio::select! {
            biased;
            () = self.dismissed.notified() => None,
            exit = exited => Some(Why::Exited(exit)),
            excess = self.writing.until_exceeded(self) => {
                _ = self.excess.set(excess);
                Some(Why::Exceeded(excess))
            }
            () = self.until_idle(idle_after) => Some(Why::Idle),
        };
        self.close();
        why
    }

    async fn until_idle(&self, idle_after: Option<Duration>) {
        let Some(idle_after) = idle_after else { return std::future::pending().await };
        let mut left = self.left.subscribe();
        loop {
            let since = *left.borrow_and_update();
            tokio::time::sleep_until(since + idle_after).await;
            if *left.borrow() != since {
                continue;
            }
            if self.visits.compare_exchange(0, CLOSED, Ordering::AcqRel, Ordering::Acquire).is_ok() {
                return;
            }
            // The end of a visit is told; there is nothing to do before.
            let _ = left.changed().await;
        }
    }

    fn close(&self) {
        self.visits.fetch_or(CLOSED, Ordering::AcqRel);
    }
}

/// Somebody's stay in a sandbox.
#[derive(Debug)]
pub struct Visit {
    live: Arc<Live>,
}

impl Visit {
    /// Enters, unless the sandbox is about to be stopped or its program has ended.
    pub(super) fn begin(live: &Arc<Live>) -> Option<Self> {
        if live.sandbox.exit().borrow().is_some() {
            return None;
        }
        let entered = live.visits.fetch_update(Ordering::AcqRel, Ordering::Acquire, |visits| {
            (visits & CLOSED == 0).then_some(visits + 1)
        });
        if entered == Ok(0) {
            live.entered.notify_one();
        }
        entered.is_ok().then(|| Self { live: Arc::clone(live) })
    }

    pub(super) fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live)
    }

    /// What the sandbox says.
    pub fn logs(&self) -> &Arc<LogBook> {
        &self.live.logs
    }

    /// Tells what it has written too much, once that has ended it.
    pub fn excess_news(&self) -> Arc<OnceLock<Excess>> {
        Arc::clone(&self.live.excess)
    }

    /// Tells how its program ended, once it has.
    pub fn exit_news(&self) -> watch::Receiver<Option<Exit>> {
        self.live.sandbox.exit()
    }

    /// Opens a connection to the program, for what is not HTTP. The visit has to last as long.
    pub async fn connect(&self) -> io::Result<Box<dyn Connection>> {
        self.live.sandbox.connect().await
    }

    /// Sends a request to the program. The visit lasts until the answer's body has come to its end.
    pub async fn send(
        self,
        request: Request<RequestBody>,
    ) -> Result<Response<Visited<ResponseBody>>, ExchangeError> {
        let response = self.live.exchanges.send(request).await?;
        Ok(response.map(|body| Visited { body, _visit: self }))
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.live.visits.fetch_sub(1, Ordering::AcqRel);
        self.live.left.send_replace(Instant::now());
    }
}

/// A body that keeps a visit going until it ends.
#[derive(Debug)]
pub struct Visited<B> {
    body: B,
    _visit: Visit,
}

impl<B: Body<Data = Bytes> + Unpin> Body for Visited<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
