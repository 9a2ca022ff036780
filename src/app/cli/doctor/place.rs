//! Whether it is known whose record it is, and how scores get to their places.

use std::collections::BTreeSet;

use super::{Health, Line};
use crate::adapters::publish;
use crate::app::cli::context::Context;
use crate::domain::project::Project;
use crate::engine::plan;
use crate::engine::world::World;

/// A line for the place of the project, and one for each output whose folders cannot be exchanged at once. Whether the
/// record itself can be opened has a line of its own, which is `store`.
pub(super) async fn lines(context: &Context, project: &Project, store: Health) -> Vec<Line> {
    let world = match context.world_if_any(project).await {
        Ok(Some(world)) => world,
        Err(failure) if store == Health::Ok => {
            let fix = "give this project a `state_dir` of its own, or bring back what is named";
            return vec![Line::fail("place", failure.line(), fix)];
        }
        Ok(None) | Err(_) => return Vec::new(),
    };
    let mut out = vec![place(&world)];
    out.extend(outputs(context, &world));
    out
}

fn place(world: &World) -> Line {
    const NAME: &str = "place";
    if let Some(original) = &world.identity.copy_of {
        let message = format!(
            "this is a copy of the project at `{original}`; the first command that writes gives it an id of its own"
        );
        return Line::ok(NAME, message);
    }
    match &world.identity.doubt {
        None => Line::ok(
            NAME,
            format!("the record is that of this project, {}", world.identity.project()),
        ),
        Some((doubt, place)) => Line::fail(
            NAME,
            format!(
                "the project was last written to at `{place}`, which {}: nothing is published outside of its own \
                 folder",
                doubt.explain()
            ),
            "`nightshift doctor --moved` if it is the same project, `nightshift doctor --copied` if it is a copy",
        ),
    }
}

/// Folders of scores on a file system that cannot exchange two of them at once.
fn outputs(context: &Context, world: &World) -> Vec<Line> {
    let Ok(loaded) = context.load() else { return Vec::new() };
    let sites = loaded.jobs.iter().filter_map(|loaded| plan::any_site(world, &loaded.job).ok());
    let companions: BTreeSet<_> =
        sites.map(|site| site.companion).filter(|folder| folder.is_dir()).collect();
    let slow = companions
        .into_iter()
        .filter(|folder| publish::can_exchange(folder).is_ok_and(|can| !can))
        .map(|folder| {
            let shown = folder.display();
            Line::warn(
                "outputs",
                format!(
                    "the file system of `{shown}` cannot exchange folders: a correction moves its files one by one, \
                     and who lists a tick meanwhile may see old rows beside new ones"
                ),
                "read by the manifest, or publish to a local file system such as ext4, xfs or btrfs",
            )
        });
    let mut out: Vec<Line> = slow.collect();
    if out.is_empty() {
        out.push(Line::ok("outputs", "the scores of a tick change in one step"));
    }
    out
}
