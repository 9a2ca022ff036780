//! Progress on a terminal: a line that appears when work takes more than a second and leaves no trace.

use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};

use crate::app::cli::terminal::Terminal;
use crate::engine::execute::{Progress, ProgressEvent};

/// Shorter work shows nothing.
const PATIENCE: Duration = Duration::from_secs(1);
const REDRAW_EVERY: Duration = Duration::from_millis(100);

/// Does `work`, which tells its progress to the given function, if somebody watches.
pub(crate) async fn watched<T, F: Future<Output = T>>(
    terminal: Terminal,
    work: impl FnOnce(Option<Progress>) -> F,
) -> T {
    if !terminal.is_watched() {
        return work(None).await;
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden())
        .with_finish(ProgressFinish::AndClear);
    let told = bar.clone();
    let mut working = std::pin::pin!(work(Some(Arc::new(move |event| tell(&told, event)))));
    let done = tokio::select! {
        done = &mut working => done,
        () = tokio::time::sleep(PATIENCE) => {
            bar.set_draw_target(ProgressDrawTarget::stderr());
            bar.enable_steady_tick(REDRAW_EVERY);
            working.await
        }
    };
    bar.finish_and_clear();
    done
}

fn tell(bar: &ProgressBar, event: ProgressEvent) {
    match event {
        ProgressEvent::Stage(name) => {
            bar.set_message(name);
            bar.unset_length();
            bar.set_position(0);
            bar.set_style(style("{spinner} {msg} {elapsed}"));
        }
        ProgressEvent::Rows { done, of: None, .. } => {
            bar.set_position(done);
            bar.set_style(style("{spinner} {msg} {human_pos} rows {elapsed} ({per_sec})"));
        }
        ProgressEvent::Rows { done, of: Some(all), .. } => {
            bar.set_length(all);
            bar.set_position(done);
            bar.set_style(style("{spinner} {msg} [{bar:30}] {human_pos}/{human_len} rows {eta}"));
        }
    }
}

fn style(template: &'static str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .progress_chars("=> ")
        .tick_chars("-\\|/ ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_move_the_bar() {
        let bar = ProgressBar::hidden();
        tell(&bar, ProgressEvent::Stage("score"));
        assert_eq!((bar.message().as_str(), bar.length()), ("score", None));
        tell(&bar, ProgressEvent::Rows { done: 5, of: Some(9), scored: 4 });
        assert_eq!((bar.position(), bar.length()), (5, Some(9)));
        tell(&bar, ProgressEvent::Stage("commit"));
        assert_eq!((bar.position(), bar.length()), (0, None));
    }
}
