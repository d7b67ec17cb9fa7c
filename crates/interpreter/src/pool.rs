//! Interpreters that have begun before anybody needs them: importing what most code begins with takes half a
//! second, which nobody should wait for.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, sleep_until},
};

use crate::{
    interpreter::Interpreter,
    runtime::{Runtime, Size, StartFault},
};

/// How the pool is kept.
#[derive(Clone, Copy, Debug)]
pub struct PoolSettings {
    /// What an interpreter may use where nobody says otherwise; only these are kept ready.
    pub size: Size,
    /// How many are kept ready.
    pub spares: usize,
    /// How long after the last use they are kept.
    pub idle: Duration,
}

/// Starts interpreters, and keeps some ready.
#[derive(Clone)]
pub struct Interpreters(Arc<Shared>);

struct Shared {
    runtime: Arc<dyn Runtime>,
    settings: PoolSettings,
    spares: tokio::sync::Mutex<Spares>,
    last_use: Mutex<Instant>,
}

/// Where spares come from.
#[derive(Default)]
struct Spares {
    ready: Option<mpsc::Receiver<Result<Interpreter, StartFault>>>,
    filler: Option<JoinHandle<()>>,
}

impl Interpreters {
    /// Nothing is started before somebody asks.
    pub fn new(runtime: Arc<dyn Runtime>, settings: PoolSettings) -> Self {
        let spares = tokio::sync::Mutex::default();
        let last_use = Mutex::new(Instant::now());
        Self(Arc::new(Shared { runtime, settings, spares, last_use }))
    }

    /// What an interpreter may use where nobody says otherwise.
    pub fn usual_size(&self) -> Size {
        self.0.settings.size
    }

    /// Whether interpreters can be started, as far as that is known without starting one.
    pub fn check(&self) -> Result<(), StartFault> {
        self.0.runtime.check()
    }

    /// Somebody will probably need an interpreter soon.
    pub fn expect(&self) {
        self.0.used();
        // Who holds the lock takes one, and has them filled up.
        if let Ok(mut spares) = self.0.spares.try_lock() {
            self.fill(&mut spares);
        }
    }

    /// An interpreter that is ready, with an empty folder.
    pub async fn start(&self, size: Size) -> Result<Interpreter, StartFault> {
        self.0.used();
        if size != self.0.settings.size || self.0.settings.spares == 0 {
            return self.0.start(size).await;
        }
        let mut spares = self.0.spares.lock().await;
        loop {
            self.fill(&mut spares);
            let next = match &mut spares.ready {
                Some(ready) => ready.recv().await,
                None => None,
            };
            match next {
                // It may have been ended from outside while it waited.
                Some(Ok(interpreter)) if interpreter.lives() => return Ok(interpreter),
                Some(Ok(_)) => {}
                Some(Err(fault)) => return Err(fault),
                // The pool was about to rest.
                None => spares.filler = None,
            }
        }
    }

    /// Ends those that wait. When this returns, nothing of them is left.
    pub async fn close(&self) {
        let mut spares = self.0.spares.lock().await;
        let Some(mut ready) = spares.ready.take() else { return };
        // One that is being started comes to its place first.
        ready.close();
        while let Some(started) = ready.recv().await {
            if let Ok(interpreter) = started {
                interpreter.close().await;
            }
        }
    }

    fn fill(&self, spares: &mut Spares) {
        let is_filled = spares.filler.as_ref().is_some_and(|filler| !filler.is_finished());
        if is_filled || self.0.settings.spares == 0 {
            return;
        }
        let (sender, ready) = mpsc::channel(self.0.settings.spares);
        spares.ready = Some(ready);
        spares.filler = Some(tokio::spawn(Arc::clone(&self.0).keep_filled(sender)));
    }
}

impl Shared {
    fn used(&self) {
        *self.last_use() = Instant::now();
    }

    fn last_use(&self) -> std::sync::MutexGuard<'_, Instant> {
        self.last_use.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn start(&self, size: Size) -> Result<Interpreter, StartFault> {
        Interpreter::ready(self.runtime.start(size).await?).await
    }

    /// Starts one whenever there is room for one, until one can't be started, or nobody has needed any for long.
    async fn keep_filled(self: Arc<Self>, sender: mpsc::Sender<Result<Interpreter, StartFault>>) {
        loop {
            let rest = *self.last_use() + self.settings.idle;
            tokio::select! {
                room = sender.reserve() => {
                    let Ok(room) = room else { return };
                    let started = self.start(self.settings.size).await;
                    let has_failed = started.is_err();
                    room.send(started);
                    if has_failed {
                        return;
                    }
                }
                () = sleep_until(rest) => {
                    if *self.last_use() + self.settings.idle <= Instant::now() {
                        // Those that wait end with their channel; who takes one has the lock.
                        if let Ok(mut spares) = self.spares.try_lock() {
                            spares.ready = None;
                        }
                        return;
                    }
                }
            }
        }
    }
}
