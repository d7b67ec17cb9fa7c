//! A driver at work: where somebody waits for it, or in a task of its own.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::runtime::Handle;

/// A driver that goes on when nobody waits for it any more: then in a task of its own.
pub(crate) struct Driving(Option<Pin<Box<dyn Future<Output = ()> + Send>>>);

impl Driving {
    /// Around a driver that has not begun.
    pub fn new(driver: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(Some(Box::pin(driver)))
    }

    /// Lets it run in a task of its own.
    pub fn aside(self) {
        drop(self);
    }
}

impl fmt::Debug for Driving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driving").field("is_over", &self.0.is_none()).finish()
    }
}

impl Future for Driving {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(driver) = &mut self.0 else { return Poll::Ready(()) };
        let outcome = driver.as_mut().poll(cx);
        if outcome.is_ready() {
            self.0 = None;
        }
        outcome
    }
}

impl Drop for Driving {
    fn drop(&mut self) {
        // Outside of a runtime nothing can go on; what is durable is found again by the next process.
        if let (Some(driver), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(driver);
        }
    }
}
