//! What a command answers: the same thing as text and as JSON, and an exit code.

use serde::Serialize;

use crate::app::exit::Exit;
use crate::app::render::json;

/// The answer of a command.
#[derive(Debug)]
pub(crate) struct Answer {
    /// For people, on standard output.
    pub(crate) text: String,
    /// For machines, on standard output.
    pub(crate) json: String,
    /// What to say on standard error afterwards.
    pub(crate) remarks: Vec<String>,
    /// How the command ended.
    pub(crate) exit: Exit,
}

impl Answer {
    /// An answer with nothing to add.
    pub(crate) fn new(text: String, document: &impl Serialize) -> Self {
        Self { text, json: json::to_text(document), remarks: Vec::new(), exit: Exit::Done }
    }

    /// The same, with another exit code.
    pub(crate) fn exit(self, exit: Exit) -> Self {
        Self { exit, ..self }
    }

    /// The same, with the command to give next.
    pub(crate) fn next(self, command: &str) -> Self {
        self.remark(format!("next: `{command}`"))
    }

    /// The same, with something to say on standard error.
    pub(crate) fn remark(mut self, remark: String) -> Self {
        self.remarks.push(remark);
        self
    }
}
