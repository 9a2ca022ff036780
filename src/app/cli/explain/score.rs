//! `nightshift explain score JOB ID`: why one row has its score.

use crate::app::cli::answer::Answer;
use crate::app::cli::context::Context;
use crate::app::cli::failure::Failure;
use crate::app::cli::instant;
use crate::app::render::json::explanation::ExplainScoreDocument;
use crate::app::render::text;
use crate::engine::explain::explain_score;
use crate::engine::plan;
use crate::engine::world::Access;

/// Explains the score of the row that `words`, a job and an id, name.
pub(super) async fn explain(
    context: &Context,
    words: &[String],
    tick: Option<&str>,
) -> Result<Answer, Failure> {
    let [job, id] = words else {
        return Err(Failure::usage(format!(
            "wanted a job and the id of a row, found {} words after `score`",
            words.len()
        ))
        .hint("nightshift explain score JOB ID [--tick TICK]; an id with spaces is quoted"));
    };
    let loaded = context.job(job)?;
    let tick = tick.map(|text| instant::parse(text, &plan::zone(&loaded.job))).transpose()?;
    let world = context.world(Access::Read).await?;
    let found = Box::pin(explain_score(&world, &loaded.job.name, id, tick)).await?;
    let text = text::explanation::score(id, &found, context.paint());
    Ok(Answer::new(text, &ExplainScoreDocument::new(id, &found)))
}
