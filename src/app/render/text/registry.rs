//! Versions, where the aliases point, and how they came to point there.
//!
//! A version is shown by the one metric that leads its task; all of them are in the JSON and in `diff`.

use crate::app::render::text::format::{NONE, count, instant, metric};
use crate::app::render::text::{Align, Cell, Paint, Table, Tone};
use crate::domain::identity::{JobName, Version};
use crate::domain::registry::{
    Alias, Aliases, MetricValue, Move, VersionRecord, VersionState, moves_between,
};

/// Every version of `model`, with the leading metric of its task.
pub(crate) fn models(
    model: &JobName,
    aliases: Aliases,
    versions: &[VersionRecord],
    paint: Paint,
) -> String {
    if versions.is_empty() {
        return format!("`{model}` has no version yet\n");
    }
    let (left, right) = (Align::Left, Align::Right);
    let mut table = Table::new(&[
        ("version", left),
        ("kind", left),
        ("created", left),
        ("rows", right),
        ("metric on held-out rows", left),
        ("blessing", left),
    ]);
    for record in versions {
        let alias = alias_of(aliases, record.version).unwrap_or_default();
        let tone = if alias == Alias::Champion.id() { Tone::Good } else { Tone::Faint };
        table.row([
            Cell::toned(format!("{} {alias}", record.version), tone),
            record.kind.as_str().into(),
            instant(record.created_at).into(),
            count(record.rows).into(),
            first_metric(record).into(),
            state(record),
        ]);
    }
    table.render(paint)
}

/// Every move of every alias.
pub(crate) fn history(model: &JobName, moves: &[Move], paint: Paint) -> String {
    if moves.is_empty() {
        return format!("no alias of `{model}` has moved yet\n");
    }
    let left = Align::Left;
    let mut table = Table::new(&[
        ("at", left),
        ("alias", left),
        ("move", left),
        ("action", left),
        ("actor", left),
        ("reason", left),
    ]);
    for step in moves {
        table.row([
            instant(step.at).into(),
            step.alias.id().into(),
            arrow(step.from, step.to).into(),
            step.action.id().into(),
            step.actor.as_str().into(),
            step.reason.as_str().into(),
        ]);
    }
    table.render(paint)
}

/// What a promotion, rollback or import moves.
pub(crate) fn moved(before: Aliases, after: Aliases, paint: Paint) -> String {
    let mut table = Table::fields().indented(2);
    for (alias, from, to) in moves_between(before, after) {
        table.field(alias.id(), arrow(from, to));
    }
    if table.is_empty() { "  no alias moves\n".to_owned() } else { table.render(paint) }
}

fn arrow(from: Option<Version>, to: Option<Version>) -> String {
    let name = |version: Option<Version>| version.map_or(NONE.to_owned(), |v| v.to_string());
    format!("{} -> {}", name(from), name(to))
}

fn alias_of(aliases: Aliases, version: Version) -> Option<&'static str> {
    let named = [
        (aliases.champion, Alias::Champion),
        (aliases.challenger, Alias::Challenger),
        (aliases.previous, Alias::Previous),
    ];
    named.into_iter().find(|(to, _)| *to == Some(version)).map(|(_, alias)| alias.id())
}

fn state(record: &VersionRecord) -> Cell {
    match record.state {
        VersionState::Ready => record.blessing.id().replace('_', " ").into(),
        other => Cell::toned(other.id(), Tone::Bad),
    }
}

/// The metric of a version that stands for the others: the first one of its task.
fn first_metric(record: &VersionRecord) -> String {
    let first: Option<(&str, &MetricValue)> = PREFERRED
        .iter()
        .find_map(|name| record.metrics.get_key_value(*name))
        .or_else(|| record.metrics.first_key_value())
        .map(|(name, value)| (name.as_str(), value));
    first.map_or_else(|| NONE.to_owned(), |(name, value)| format!("{name} {}", metric(value)))
}

/// Metrics that lead, in order; a task has one of them.
const PREFERRED: [&str; 3] = ["roc_auc", "rmse", "log_loss"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::render::example;
    use crate::domain::registry::Action;

    const PLAIN: Paint = Paint { color: false };

    #[test]
    fn versions_show_alias_and_leading_metric() {
        let mut corrupt = example::version(2);
        corrupt.state = VersionState::Corrupt;
        let aliases = Aliases { champion: Some(Version(1)), ..Aliases::default() };
        let text = models(&example::wine(), aliases, &[example::version(1), corrupt], PLAIN);
        insta::assert_snapshot!(text, @r"
        version      kind      created                rows  metric on held-out rows            blessing
        v1 champion  logistic  2026-01-05T02:30:00Z  1,279  roc_auc 0.8000 (0.7500 to 0.8500)  passed
        v2           logistic  2026-01-05T02:30:00Z  1,279  roc_auc 0.8000 (0.7500 to 0.8500)  corrupt
        ");
    }

    #[test]
    fn a_model_without_versions_says_so() {
        let text = models(&example::wine(), Aliases::default(), &[], PLAIN);
        assert_eq!(text, "`wine` has no version yet\n");
        assert_eq!(history(&example::wine(), &[], PLAIN), "no alias of `wine` has moved yet\n");
    }

    #[test]
    fn reasons_stay_on_their_line() {
        let step = Move {
            at: example::at("2026-01-05T02:30:00Z"),
            commits: 1,
            alias: Alias::Champion,
            from: None,
            to: Some(Version(2)),
            action: Action::Promote,
            actor: "cli".to_owned(),
            reason: "two\nlines".to_owned(),
            run: None,
        };
        let text = history(&example::wine(), &[step], PLAIN);
        assert!(text.ends_with("- -> v2  promote  cli    two\\nlines\n"), "{text}");
    }

    #[test]
    fn only_aliases_that_move_are_shown() {
        let before = Aliases { champion: Some(Version(1)), ..Aliases::default() };
        let after =
            Aliases { champion: Some(Version(2)), previous: Some(Version(1)), challenger: None };
        assert_eq!(moved(before, after, PLAIN), "  champion  v1 -> v2\n  previous  - -> v1\n");
        assert_eq!(moved(before, before, PLAIN), "  no alias moves\n");
    }
}
