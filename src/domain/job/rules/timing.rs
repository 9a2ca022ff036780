//! The rules of `[schedule]` beside its expression.
//!
//! What the expression must be is told by `domain::schedule`.

use crate::domain::job::problem::Faults;
use crate::domain::job::section::Section;
use crate::domain::template::Template;

/// Applies every rule of the table.
pub(super) fn apply(job: &Section, faults: &mut Faults) {
    let schedule = job.section("schedule");
    if schedule.has("wait_for") && !input_has_fields(job) {
        let message = "`wait_for` has no effect: the input is the same for every tick".to_owned();
        let help = "add a field of the tick to `score.input`, as in `data/{tick:%Y-%m-%d}/*.csv`";
        faults.add_with_help(schedule.key_span("wait_for"), "wait_for_input", message, help);
    }
    let keeps_all = schedule.text("catchup") == Some("all");
    if keeps_all && schedule.text("overlap") == Some("replace") {
        let message =
            "`catchup = \"all\"` queues ticks that `overlap = \"replace\"` throws away".to_owned();
        let help = "write `catchup = \"latest\"`, or another `overlap`";
        faults.add_with_help(schedule.span("overlap"), "overlap_form", message, help);
    }
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

/// Whether what is scored depends on the tick.
fn input_has_fields(job: &Section) -> bool {
    let own = job.section("score").template("input");
    own.or_else(|| job.section("data").template("source")).is_none_or(Template::has_fields)
}
