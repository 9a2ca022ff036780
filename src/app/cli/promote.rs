//! `nightshift promote`: a person makes a version champion.

use crate::app::cli::answer::Answer;
use crate::app::cli::confirm::{self, ConsentArgs};
use crate::app::cli::context::Context;
use crate::app::cli::failure::Failure;
use crate::app::render::json::registry::MovedDocument;
use crate::app::render::text::registry::moved;
use crate::domain::identity::Version;
use crate::domain::registry::Action;
use crate::engine::registry;
use crate::engine::world::Access;

/// Who moves aliases from here, for the history.
pub(crate) const ACTOR: &str = "cli";

/// Make a version champion, whatever its gates said
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift promote wine 3 --reason \"checked by hand\"
  nightshift promote wine v3 --reason \"release 12\" --yes")]
pub(crate) struct PromoteArgs {
    /// The job, whose model bears the same name
    job: String,
    /// The version: `3` or `v3`
    #[arg(value_parser = version)]
    version: Version,
    /// Why, for the history
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: String,
    #[command(flatten)]
    consent: ConsentArgs,
}

/// Runs `nightshift promote`.
pub(crate) async fn cmd_promote(context: &Context, args: &PromoteArgs) -> Result<Answer, Failure> {
    let model = context.model(&args.job)?;
    let world = context.world(Access::Write).await?;
    let planned = registry::preview_promote(&world, &model, args.version).await?;
    let plan = format!("`{model}`:\n{}", moved(planned.before, planned.after, context.paint()));
    confirm::require(context, args.consent, &plan, "Move these aliases?").await?;
    let done = registry::promote(&world, &model, args.version, &args.reason, ACTOR).await?;
    let text = format!("promoted `{model}` {}\n", args.version)
        + &moved(done.before, done.after, context.paint());
    let ends = (done.before, done.after);
    let document = MovedDocument::new(&model, Action::Promote.id(), &args.reason, ends);
    Ok(Answer::new(text, &document).next(&format!("nightshift score {model}")))
}

/// Reads a version, for clap.
pub(crate) fn version(text: &str) -> Result<Version, String> {
    Version::parse(text).ok_or_else(|| "wanted a version like `3` or `v3`".to_owned())
}

/// Reads a reason, for clap: one that says something, on one line of the history.
pub(crate) fn reason(text: &str) -> Result<String, String> {
    const CHARS_MAX: usize = 1_000;
    let text = text.trim();
    match text.chars().count() {
        0 => Err("wanted a reason that says something".to_owned()),
        1..=CHARS_MAX => Ok(text.to_owned()),
        found => Err(format!("wanted at most {CHARS_MAX} characters, found {found}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_reasons_are_checked_before_anything_moves() {
        assert_eq!(version("v3"), Ok(Version(3)));
        assert!(version("0").is_err() && version("latest").is_err());
        assert_eq!(reason("  looks good "), Ok("looks good".to_owned()));
        assert!(reason(" \n ").is_err() && reason(&"x".repeat(1_001)).is_err());
    }
}
