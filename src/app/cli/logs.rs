//! `nightshift logs`: what one run said while it worked.

use crate::adapters::telemetry::{LogLine, read_log};
use crate::app::cli::answer::Answer;
use crate::app::cli::context::Context;
use crate::app::cli::failure::Failure;
use crate::app::render::json::text::{LogLineDocument, LogsDocument};
use crate::app::render::text::format::instant;
use crate::app::render::text::{Paint, Tone, inline};
use crate::engine::report;
use crate::engine::world::Access;

/// Show the log of one run
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift logs 01k8h3m           the beginning of the id is enough
  nightshift logs 01k8h3m --output json")]
pub(crate) struct LogsArgs {
    /// The run, or the beginning of its id
    run: String,
}

/// Runs `nightshift logs`.
pub(crate) async fn cmd_logs(context: &Context, args: &LogsArgs) -> Result<Answer, Failure> {
    let world = context.world(Access::Read).await?;
    let run = report::resolve(&world, &args.run).await?;
    let lines = read_log(&world.state_dir(), &run)
        .map_err(|error| Failure::internal(format!("failed to read the log of `{run}`"), error))?;
    let mut text = String::new();
    for line in &lines {
        push_line(&mut text, line, context.paint());
    }
    let documents = lines.iter().map(|line| LogLineDocument {
        at: line.at,
        level: &line.level,
        message: &line.message,
        fields: &line.fields,
    });
    let answer = Answer::new(text, &LogsDocument::new(run.as_str(), documents.collect()));
    if lines.is_empty() {
        return Ok(answer.remark(format!("run `{run}` has no log")));
    }
    Ok(answer)
}

fn push_line(out: &mut String, line: &LogLine, paint: Paint) {
    let tone = match line.level.as_str() {
        "ERROR" => Tone::Bad,
        "WARN" => Tone::Warning,
        _ => Tone::Faint,
    };
    let level = paint.tone(tone, &format!("{:5}", inline(&line.level)));
    out.extend([format!("{} {level} {}", instant(line.at), inline(&line.message))]);
    for (name, value) in &line.fields {
        let field = format!(" {name}={value}");
        out.push_str(&paint.tone(Tone::Faint, &inline(&field)));
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_line_stays_on_its_line() {
        let line = LogLine {
            at: "2026-01-05T02:30:00.5Z".parse().unwrap(),
            level: "WARN".to_owned(),
            message: "two\nlines".to_owned(),
            fields: BTreeMap::from([("run.id".to_owned(), "x\u{1b}".into())]),
        };
        let mut out = String::new();
        push_line(&mut out, &line, Paint { color: false });
        assert_eq!(out, "2026-01-05T02:30:00Z WARN  two\\nlines run.id=\"x\\u001b\"\n");
    }
}
