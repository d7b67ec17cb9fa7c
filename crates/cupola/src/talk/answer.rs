//! An answer as it is written: its text on standard output, what the agent does on standard error.

use cupola_client::types::{Item, Response, ResponseEvent};

use crate::{
    failure::Failure,
    flow::Flow,
    items,
    terminal::{self, BOLD, DIM, GREEN, YELLOW},
};

/// An answer so far.
pub struct Answer {
    /// The response as it was last seen.
    pub response: Option<Response>,
    flow: Flow,
    label: Option<String>,
    quiet: bool,
}

impl Answer {
    /// Nothing was written yet.
    pub fn new(label: Option<&str>, quiet: bool) -> Self {
        let label = label.map(|label| format!("{} ›", terminal::clean(label)));
        Self { response: None, flow: Flow::new(terminal::width()), label, quiet }
    }

    /// Whether the next text begins at the margin.
    pub fn is_at_margin(&self) -> bool {
        self.flow.is_at_margin()
    }

    /// Takes the next event.
    pub fn take(&mut self, event: ResponseEvent) -> Result<(), Failure> {
        if let Some(response) = event.response() {
            self.response = Some(response.clone());
        }
        match &event {
            ResponseEvent::Error(error) => {
                Err(Failure::plain(format!("The server broke the answer off: {}", error.message)))
            }
            _ if self.quiet => Ok(()),
            ResponseEvent::TextDelta(text) => self.show(&text.delta),
            ResponseEvent::RefusalDone(refusal) => self.show(&format!("(refuses: {})", refusal.refusal)),
            ResponseEvent::ItemDone(done) => {
                self.end_line()?;
                mention(&done.item);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn show(&mut self, text: &str) -> Result<(), Failure> {
        if let Some(label) = self.label.take() {
            terminal::print(&format!("{GREEN}{label}{GREEN:#} "))?;
            self.flow = Flow::behind(terminal::width(), terminal::columns(&label) + 1);
        }
        terminal::print(&self.flow.take(text))
    }

    /// Shows nothing of what still comes.
    pub fn hush(&mut self) -> Result<(), Failure> {
        self.quiet = true;
        self.end_line()
    }

    /// Ends the line that is being written.
    pub fn end_line(&mut self) -> Result<(), Failure> {
        terminal::print(&self.flow.finish())
    }
}

/// Says what the agent does beside writing.
fn mention(item: &Item) {
    let words = terminal::clean(&items::in_words(item));
    match item {
        Item::Message(_) | Item::Reasoning(_) => {}
        Item::FunctionCall(_) | Item::CustomCall(_) => {
            anstream::eprintln!("{YELLOW}calls{YELLOW:#} {BOLD}{words}{BOLD:#}");
        }
        Item::McpApprovalRequest(_) => {
            anstream::eprintln!("{YELLOW}wants to call{YELLOW:#} {BOLD}{words}{BOLD:#}");
        }
        other => anstream::eprintln!("{DIM}{} {words}{DIM:#}", other.kind()),
    }
}
