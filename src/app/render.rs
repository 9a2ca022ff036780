//! Values as text for people and as JSON for machines.
//!
//! Nothing here asks, decides, reads or writes: a renderer takes plain values and returns text. The
//! text may change with any release; the JSON only ever gains fields.

/// Values to render in tests.
#[cfg(test)]
pub(crate) mod example;
/// Versioned JSON documents, one file for each schema.
pub(crate) mod json;
/// Plain text: tables, numbers, colour, and what must not reach a terminal.
pub(crate) mod text;
