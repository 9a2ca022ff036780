//! The rules of `[schedule]` beside its expression.
//!
//! What the expression must be is told by `domain::schedule`.

use crate::domain::job::problem::Faults;
use crate::domain::job::section::Section;

/// Applies every rule of the table.
pub(super) fn apply(job: &Section, faults: &mut Faults) {
    let schedule = job.section("schedule");
    let allows = schedule.text("overlap") == Some("allow");
    match (allows, schedule.has("max_concurrent")) {
        (true, false) => {
            let message = "`overlap = \"allow\"` does not say how many runs at a time".to_owned();
            let help = "add `max_concurrent = 2`, or more";
            faults.add_with_help(schedule.span("overlap"), "overlap_form", message, help);
        }
        (false, true) => {
            let message = "`max_concurrent` has no effect without `overlap = \"allow\"`".to_owned();
            let help = "add `overlap = \"allow\"`, or remove it";
            faults.add_with_help(
                schedule.key_span("max_concurrent"),
                "overlap_form",
                message,
                help,
            );
        }
        _ => {}
    }
}
