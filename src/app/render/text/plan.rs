//! What a run would do: what it reads, which model scores, where it writes, and every setting.

use crate::adapters::dataset::SourceFile;
use crate::app::render::text::format::{NONE, bytes, counted, instant, short};
use crate::app::render::text::{Align, Cell, Paint, Table, Tone};
use crate::domain::identity::JobName;
use crate::engine::plan::Plan;

/// Most files that are listed; the rest is counted.
const FILES_MAX: usize = 10;

/// The plan of a run of `job`.
pub(crate) fn plan(job: &JobName, plan: &Plan, paint: Paint) -> String {
    let mut out = paint.tone(Tone::Strong, &format!("plan of `{job}`"));
    out.push('\n');
    out.push_str(&facts(plan).render(paint));
    let (left, right) = (Align::Left, Align::Right);
    let mut files = Table::aligned(&[left, right]).indented(4);
    for file in plan.files.iter().take(FILES_MAX) {
        files.row([file.relative.as_str().into(), bytes(file.size_bytes).into()]);
    }
    if plan.files.len() > FILES_MAX {
        let rest = plan.files.len() - FILES_MAX;
        files.row([format!("and {rest} more").into(), "".into()]);
    }
    out.push_str("\n  files to score\n");
    out.push_str(&if files.is_empty() { "    none\n".to_owned() } else { files.render(paint) });
    out.push_str("\n  settings (a default where marked)\n");
    let mut settings = Table::aligned(&[left, left, left]).indented(4);
    for setting in &plan.settings {
        let mark = if setting.is_default { "default" } else { "" };
        settings.row([
            setting.key.as_str().into(),
            setting.value.as_str().into(),
            Cell::toned(mark, Tone::Faint),
        ]);
    }
    out.push_str(&settings.render(paint));
    out
}

fn facts(plan: &Plan) -> Table {
    let mut table = Table::fields().indented(2);
    table.field("file", plan.file.as_str());
    table.field("tick", instant(plan.tick));
    let start = plan.interval.start.map_or_else(|| "the beginning".to_owned(), instant);
    table.field("data interval", format!("{start} until {}", instant(plan.interval.end)));
    table.field("input", format!("{} ({})", plan.input, sizes(&plan.files)));
    if let Some(filter) = &plan.filter {
        let from = filter.from.map_or_else(String::new, |from| format!(" from {}", instant(from)));
        let until =
            filter.until.map_or_else(String::new, |until| format!(" until {}", instant(until)));
        table.field("rows", format!("by `{}`{from}{until}", filter.column));
    }
    table.field("output", plan.output.as_str());
    let model = plan.model.as_ref().map_or_else(
        || "none yet: the run trains the first version".to_owned(),
        |model| format!("{} {} ({})", model.name, model.version, short(&model.sha256)),
    );
    table.field("model", model);
    let train = plan
        .train_obstacle
        .as_ref()
        .map_or_else(|| sizes(&plan.train_files), |obstacle| format!("impossible: {obstacle}"));
    table.field("training", train);
    let ticks: Vec<String> = plan.next_ticks.iter().copied().map(instant).collect();
    let ticks = if ticks.is_empty() { NONE.to_owned() } else { ticks.join(", ") };
    table.field("next ticks", ticks);
    table
}

fn sizes(files: &[SourceFile]) -> String {
    let total: u64 = files.iter().map(|file| file.size_bytes).sum();
    let number = u64::try_from(files.len()).unwrap_or(u64::MAX);
    format!("{}, {}", counted(number, "file", "files"), bytes(total))
}
