//! CPU work away from the async workers: the only place where `spawn_blocking` appears.
//!
//! Reading tables, scoring and fitting take seconds to hours and must not hold up a future. A panic in
//! the work (ours, or of a library) becomes an error that names it.

use crate::engine::error::{Cause, RunError};

/// Runs `work` on a blocking thread and returns what it returns. `name` is the stage, for errors.
pub async fn offload<T: Send + 'static>(
    name: &'static str,
    work: impl FnOnce() -> Result<T, RunError> + Send + 'static,
) -> Result<T, RunError> {
    let span = tracing::Span::current();
    #[expect(clippy::disallowed_methods, reason = "this is the place that the lint points to")]
    let handle = tokio::task::spawn_blocking(move || span.in_scope(work));
    match handle.await {
        Ok(done) => done,
        Err(failure) => Err(RunError::new(name, Cause::Other, panic_text(name, failure))),
    }
}

/// The same for work that also waits, for the store above all.
pub async fn offload_async<T: Send + 'static>(
    name: &'static str,
    work: impl AsyncFnOnce() -> Result<T, RunError> + Send + 'static,
) -> Result<T, RunError> {
    let runtime = tokio::runtime::Handle::current();
    offload(name, move || runtime.block_on(work())).await
}

fn panic_text(name: &str, failure: tokio::task::JoinError) -> String {
    let Ok(payload) = failure.try_into_panic() else {
        return format!("`{name}` was cancelled before it ended");
    };
    let text = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    format!("`{name}` panicked: {text}; this is a bug in nightshift or in a library it uses")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_becomes_an_error_that_names_the_work() {
        let failed = offload::<()>("score", || panic!("row {}", 7)).await.unwrap_err();
        assert_eq!(failed.stage, "score");
        assert!(failed.chain().contains("`score` panicked: row 7"), "{}", failed.chain());
    }
}
