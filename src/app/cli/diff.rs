//! `nightshift diff`: two versions of a model side by side.
//!
//! Gathers what the registry, the artifacts and the recorded job files say; comparing is `compare`'s.

use jiff::Timestamp;

use crate::app::cli::answer::Answer;
use crate::app::cli::context::Context;
use crate::app::cli::failure::Failure;
use crate::app::cli::promote::version;
use crate::app::compare::{Comparison, Side};
use crate::app::render::json::diff::DiffDocument;
use crate::app::render::text;
use crate::app::render::text::format::{count, instant, short};
use crate::domain::identity::{JobName, Sha256, Version};
use crate::domain::job::parse::parse;
use crate::domain::registry::VersionRecord;
use crate::engine::error::{Cause, RunError};
use crate::engine::settings::settings;
use crate::engine::world::{Access, World};
use crate::learn::artifact::{Artifact, Coefficient, TrainingFacts};

type BoxedError = Box<dyn std::error::Error + Send + Sync>;

/// Show two versions side by side: metrics, training, features, coefficients
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift diff wine 1 2
  nightshift diff wine v1 v2 --output json")]
pub(crate) struct DiffArgs {
    /// The job, whose model bears the same name
    job: String,
    /// The version to start from: `1` or `v1`
    #[arg(value_parser = version)]
    before: Version,
    /// The version to compare with it
    #[arg(value_parser = version)]
    after: Version,
}

/// Runs `nightshift diff`.
pub(crate) async fn cmd_diff(context: &Context, args: &DiffArgs) -> Result<Answer, Failure> {
    let model = context.model(&args.job)?;
    let world = context.world(Access::Read).await?;
    let before = side(&world, &model, args.before).await?;
    let after = side(&world, &model, args.after).await?;
    let comparison = Comparison::new(&before, &after);
    let ends = (args.before, args.after);
    let text = text::diff::diff(ends, &comparison, context.paint());
    Ok(Answer::new(text, &DiffDocument::new(&model, ends, &comparison)))
}

async fn side(world: &World, model: &JobName, version: Version) -> Result<Side, Failure> {
    let failed = RunError::store("read the registry");
    let Some(record) = world.store.version(model, version).await.map_err(failed)? else {
        return Err(Failure::usage(format!("model `{model}` has no version {version}"))
            .hint(format!("`nightshift models {model}` lists them")));
    };
    let damaged = |error: BoxedError| RunError::new("read the model file", Cause::Damaged, error);
    let bytes = world.artifacts.load(&record.sha256).map_err(|error| damaged(error.into()))?;
    let artifact = Artifact::decode(&bytes).map_err(|error| damaged(error.into()))?;
    let mut facts = facts(&artifact.facts, &record);
    facts.extend(job_settings(world, &record).await?);
    Ok(Side {
        facts,
        features: artifact.features.names(),
        coefficients: artifact.coefficients().iter().map(coefficient).collect(),
        schema: artifact.schema,
        record,
    })
}

/// What a version was trained on, by name.
fn facts(facts: &TrainingFacts, record: &VersionRecord) -> Vec<(String, String)> {
    let mut out = vec![
        ("kind", record.kind.clone()),
        ("tick", facts.tick.clone()),
        ("rows", count(facts.rows)),
        ("rows held out", count(facts.rows_test)),
        ("seed", facts.seed.to_string()),
        ("data", short(&Sha256(facts.data_sha256))),
    ];
    if let Some((first, last)) = facts.interval_micros {
        out.extend([("first time", micros(first)), ("last time", micros(last))]);
    }
    let named = out.into_iter().map(|(name, text)| (name.to_owned(), text));
    let versions = facts.versions.iter().map(|(name, text)| (format!("version of {name}"), text));
    named.chain(versions.map(|(name, text)| (name, text.clone()))).collect()
}

/// The settings of the job that a version was trained by; none for an imported artifact, or where the
/// run was pruned.
async fn job_settings(
    world: &World,
    record: &VersionRecord,
) -> Result<Vec<(String, String)>, RunError> {
    let failed = RunError::store("read the record");
    let Some(run) = &record.run else { return Ok(Vec::new()) };
    let Some(run) = world.store.run(run).await.map_err(failed)? else { return Ok(Vec::new()) };
    let text = world.store.definition(&run.job_sha256).await.map_err(failed)?.unwrap_or_default();
    // A job file of an older nightshift may not parse any more; the other facts still stand.
    let Ok(job) = parse("recorded", text.as_bytes()) else { return Ok(Vec::new()) };
    let parts = ["data.weight", "features", "model", "train"];
    let trains = |key: &str| parts.iter().any(|part| key.starts_with(part));
    let told = settings(&job, &text).into_iter().filter(|setting| trains(&setting.key));
    Ok(told.map(|setting| (setting.key, setting.value)).collect())
}

fn coefficient(found: &Coefficient) -> (String, f64) {
    let name = match &found.class {
        Some(class) => format!("{} of class {class}", found.column),
        None => found.column.clone(),
    };
    (name, found.value)
}

fn micros(at: i64) -> String {
    Timestamp::from_microsecond(at).map_or_else(|_| at.to_string(), instant)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::render::example;
    use crate::learn::split::FittedRows;

    #[test]
    fn facts_are_told_in_words() {
        let told = TrainingFacts {
            model: "wine".to_owned(),
            tick: "2026-01-05T00:00:00Z".to_owned(),
            rows: 1_279,
            rows_test: 320,
            interval_micros: Some((0, i64::MAX)),
            fitted: FittedRows { span_micros: Some((-1, 1)), random: Some((7, 0.2)) },
            data_sha256: [0xab; 32],
            job_sha256: [0; 32],
            seed: 7,
            versions: vec![("linfa".to_owned(), "0.8.1".to_owned())],
        };
        let out = facts(&told, &example::version(1));
        let value =
            |name: &str| out.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str());
        assert_eq!(value("rows"), Some("1,279"));
        assert_eq!(value("data"), Some("abababababab"));
        assert_eq!(value("first time"), Some("1970-01-01T00:00:00Z"));
        assert_eq!(value("last time"), Some("9223372036854775807"));
        assert_eq!(value("version of linfa"), Some("0.8.1"));
    }

    #[test]
    fn coefficients_of_several_classes_have_names_of_their_own() {
        let of = |class: Option<&str>| Coefficient {
            class: class.map(str::to_owned),
            column: "pH".to_owned(),
            value: 1.5,
        };
        assert_eq!(coefficient(&of(None)), ("pH".to_owned(), 1.5));
        assert_eq!(coefficient(&of(Some("a"))), ("pH of class a".to_owned(), 1.5));
    }
}
