//! What verdicts mean for the exit code of commands that judge data and models.

use crate::app::exit::Exit;

/// How verdicts become exit codes.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct VerdictArgs {
    /// Exit with 0 instead of 10 to 13, whatever the verdict
    #[arg(long)]
    exit_zero: bool,
    /// Exit with 4 instead of 0 if there was nothing to do
    #[arg(long)]
    detailed_exit_code: bool,
}

impl VerdictArgs {
    /// What the process exits with.
    pub(crate) fn apply(self, exit: Exit) -> Exit {
        match exit {
            verdict if verdict.is_verdict() && self.exit_zero => Exit::Done,
            Exit::NothingToDo if !self.detailed_exit_code => Exit::Done,
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_change_verdicts_and_nothing_else() {
        let check = |exit_zero, detailed_exit_code, exit: Exit, wanted: Exit| {
            assert_eq!(VerdictArgs { exit_zero, detailed_exit_code }.apply(exit), wanted);
        };
        check(false, false, Exit::Drifted, Exit::Drifted);
        check(true, false, Exit::Drifted, Exit::Done);
        check(true, false, Exit::RolledBack, Exit::Done);
        check(true, true, Exit::Failed, Exit::Failed);
        check(true, false, Exit::Damaged, Exit::Damaged);
        check(false, false, Exit::NothingToDo, Exit::Done);
        check(true, true, Exit::NothingToDo, Exit::NothingToDo);
    }
}
