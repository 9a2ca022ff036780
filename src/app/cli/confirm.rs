//! Plans that somebody has to agree to: asked on a terminal, given by `--yes` anywhere else.

use crate::app::cli::context::Context;
use crate::app::cli::failure::Failure;
use crate::app::cli::terminal;
use crate::engine::error::{Cause, RunError};
use crate::engine::offload::offload;

/// Consent given in advance.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct ConsentArgs {
    /// Do it without asking; needed where nobody can be asked
    #[arg(short, long)]
    yes: bool,
}

/// Goes on if there is consent to `plan`; else the failure says why not.
pub(crate) async fn require(
    context: &Context,
    consent: ConsentArgs,
    plan: &str,
    question: &'static str,
) -> Result<(), Failure> {
    if consent.yes {
        return Ok(());
    }
    if !terminal::can_ask() {
        context.terminal.say(plan);
        return Err(Failure::usage("nobody is there to agree to this")
            .hint("give `--yes` to do it without asking"));
    }
    terminal::complain(plan);
    // Reading from a terminal blocks, and an interrupt must still be noticed.
    let agreed = offload("ask", move || {
        terminal::ask(question).map_err(|error| RunError::new("ask", Cause::Other, error))
    });
    if agreed.await? {
        return Ok(());
    }
    Err(Failure::usage("nothing was changed: the answer was no"))
}
