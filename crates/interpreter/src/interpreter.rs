//! An interpreter that runs: code in, what came of it out. Whatever code does, an order has an end.

use std::{pin::pin, sync::Arc, time::Duration};

use tokio::{net::unix::pipe, time::timeout};

use crate::{
    channel::{Answer, Channel, Order},
    console::Console,
    folder::Folder,
    runtime::{Room, StartFault, Started},
};

/// How long a kernel may take to get ready, on a machine that has much else to do.
const BEGIN: Duration = Duration::from_secs(60);
/// How long code may take to come to an end once it is interrupted.
const GRACE: Duration = Duration::from_secs(2);
/// How long the end of what is ended may take to be known.
const END: Duration = Duration::from_secs(5);

/// A kernel with its place. When it is dropped, everything that it has started ends.
pub struct Interpreter {
    room: Box<dyn Room>,
    channel: Channel,
    output: pipe::Receiver,
    /// Whether somebody may still write.
    is_heard: bool,
    folder: Arc<Folder>,
    orders: u64,
}

/// What came of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// What was written, with what the kernel says about exceptions.
    pub logs: String,
    /// The names of figures that it has put into the folder.
    pub figures: Vec<String>,
    /// How it ended.
    pub ended: Ended,
}

/// How an order ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The code came to its end.
    Completed,
    /// It raised an exception.
    Raised,
    /// It took too long, and was stopped. Its variables are as it left them.
    Interrupted,
    /// It took too long and would not stop. The interpreter is gone.
    Stuck,
    /// It wanted more memory than there is. The interpreter is gone.
    OutOfMemory,
    /// The interpreter ended in the middle of it, for instance because the code ended it.
    Died,
}

impl Ended {
    /// Whether the interpreter is gone, with all variables.
    pub fn is_fatal(self) -> bool {
        matches!(self, Self::Stuck | Self::OutOfMemory | Self::Died)
    }
}

/// What an order waits for.
enum News {
    Answer(Answer),
    Broken,
}

impl Interpreter {
    /// Waits until a kernel that has begun is ready.
    pub async fn ready(started: Started) -> Result<Self, StartFault> {
        let Started { room, channel, output, folder } = started;
        let channel = Channel::new(channel);
        let mut begun = Self { room, channel, output, is_heard: true, folder: Arc::new(folder), orders: 0 };
        let mut said = Console::new(4 * 1024);
        match timeout(BEGIN, begun.listen(&mut said)).await {
            Ok(News::Answer(_)) => Ok(begun),
            Ok(News::Broken) => {
                let wants_memory = begun.ended().await;
                begun.drain(&mut said);
                let why = if wants_memory { "it wants more memory than it may have. " } else { "" };
                Err(StartFault::Failed(format!("{why}Python said: {}", last_line(&said.into_text()))))
            }
            Err(_) => Err(StartFault::Failed(format!("it was not ready after {} s.", BEGIN.as_secs()))),
        }
    }

    /// Runs code until it ends, or `stop` does. At most `limit` bytes of what it writes are kept.
    pub async fn run(&mut self, code: &str, stop: impl Future<Output = ()>, limit: usize) -> Ran {
        let mut console = Console::new(limit);
        let (ended, figures) = self.carry_out(code, stop, &mut console).await;
        if ended.is_fatal() {
            self.room.end();
        }
        self.drain(&mut console);
        Ran { logs: console.into_text(), figures, ended }
    }

    async fn carry_out(
        &mut self,
        code: &str,
        stop: impl Future<Output = ()>,
        console: &mut Console,
    ) -> (Ended, Vec<String>) {
        let mut stop = pin!(stop);
        self.orders += 1;
        let order = Order { id: self.orders, code };
        tokio::select! {
            sent = self.channel.send(&order) => if sent.is_err() {
                return (self.why_broken().await, Vec::new());
            },
            // It does not even read.
            () = &mut stop => return (Ended::Stuck, Vec::new()),
        }
        tokio::select! {
            news = self.answer(console) => match news {
                News::Answer(answer) if answer.completed => return (Ended::Completed, answer.figures),
                News::Answer(answer) => return (Ended::Raised, answer.figures),
                News::Broken => return (self.why_broken().await, Vec::new()),
            },
            () = &mut stop => self.room.interrupt(),
        }
        match timeout(GRACE, self.answer(console)).await {
            Ok(News::Answer(answer)) => (Ended::Interrupted, answer.figures),
            Ok(News::Broken) => (self.why_broken().await, Vec::new()),
            Err(_) => (Ended::Stuck, Vec::new()),
        }
    }

    /// The answer to the newest order. Others are the code's own words, or come too late.
    async fn answer(&mut self, console: &mut Console) -> News {
        loop {
            match self.listen(console).await {
                News::Answer(answer) if answer.id != self.orders => {}
                news => return news,
            }
        }
    }

    /// The next word of the kernel. What the code writes meanwhile is taken from it, so that it can go on.
    async fn listen(&mut self, console: &mut Console) -> News {
        loop {
            tokio::select! {
                word = self.channel.receive() => match word {
                    Ok(answer) => return News::Answer(answer),
                    Err(_) => return News::Broken,
                },
                readable = self.output.readable(), if self.is_heard => match readable {
                    Ok(()) => take(&self.output, &mut self.is_heard, console),
                    Err(_) => self.is_heard = false,
                },
            }
        }
    }

    /// Takes what was written before the answer was given.
    fn drain(&mut self, console: &mut Console) {
        take(&self.output, &mut self.is_heard, console);
    }

    async fn why_broken(&mut self) -> Ended {
        if self.ended().await { Ended::OutOfMemory } else { Ended::Died }
    }

    /// Ends it if it has not ended yet, and says whether it ended for want of memory.
    async fn ended(&mut self) -> bool {
        // A process that is being killed for want of memory closes its connections a moment before it ends.
        match timeout(GRACE, self.room.ended()).await {
            Ok(wanted_memory) => wanted_memory,
            Err(_) => {
                self.room.end();
                timeout(END, self.room.ended()).await.unwrap_or(false)
            }
        }
    }

    /// Ends it, and waits until nothing of it is left.
    pub async fn close(mut self) {
        self.room.end();
        if timeout(END, self.room.ended()).await.is_err() {
            tracing::warn!("an interpreter has not ended {} s after it was killed", END.as_secs());
        }
    }

    /// Its files.
    pub fn folder(&self) -> &Arc<Folder> {
        &self.folder
    }

    /// Whether it can still run code.
    pub fn lives(&self) -> bool {
        !self.room.has_ended()
    }

    /// How much memory it takes now, in bytes, where that is known.
    pub fn memory(&self) -> Option<u64> {
        self.room.memory()
    }
}

/// Takes all that is there. It has an end because a pipe holds only so much, and nobody waits for more.
fn take(output: &pipe::Receiver, is_heard: &mut bool, console: &mut Console) {
    /// More than any pipe holds: whoever writes on and on is not listened to for ever.
    const AT_ONCE: usize = 4 * 1024 * 1024;
    let mut piece = [0; 16 * 1024];
    let mut taken = 0;
    while *is_heard && taken < AT_ONCE {
        match output.try_read(&mut piece) {
            Ok(0) => *is_heard = false,
            Ok(length) => {
                console.add(&piece[..length]);
                taken += length;
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
            Err(_) => *is_heard = false,
        }
    }
}

fn last_line(text: &str) -> &str {
    text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("nothing.")
}
