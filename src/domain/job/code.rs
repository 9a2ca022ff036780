//! The codes of problems, each explained.
//!
//! A code is a stable word: it may stand in a ticket, in a filter of a CI run, in `nightshift explain
//! <code>`. What exactly was found is said by the message of the problem, never here.

/// Every code with its explanation in Markdown, in alphabetical order.
pub static CODES: &[(&str, &str)] = &[
    (
        "address_form",
        "An address to listen on is an IP address and a port: `listen = \"127.0.0.1:8700\"`, or `\"[::1]:8700\"`.",
    ),
    (
        "binary_only",
        "`model.positive` and `score.threshold` choose one of two classes, so they need `task = \"binary\"`.",
    ),
    (
        "byte_order_mark",
        "The file begins with the invisible bytes EF BB BF. Some editors write them; save the file as UTF-8 without a byte order mark.",
    ),
    (
        "calibrate_kind",
        "`model.calibrate` compares what models of folds say of rows that they have not seen. A model of the kind `ftrl` goes on from the champion, which has seen them all, and models of folds that begin anew would not be like it.",
    ),
    (
        "check_column",
        "`not_null`, `between`, `in_set`, `matches`, `unique`, `nulls_max` and `mean_between` look at one column and need `column`. `rows_min`, `rows_max` and `fresh_within` look at the table as a whole and have none.",
    ),
    (
        "check_expectation",
        "A `[[check]]` holds exactly one expectation, so that it passes or fails for one reason:\n\n```toml\n[[check]]\ncolumn = \"age\"\nbetween = [0, 120]\nthen = \"quarantine\"\n```",
    ),
    (
        "check_quarantine",
        "`then = \"quarantine\"` sets single rows aside. Only expectations that are judged row by row can do that: `not_null`, `between`, `in_set`, `matches`, `unique`. The others say something about the table; write `fail` or `warn`.",
    ),
    (
        "classes_only",
        "`model.calibrate` and `class_weight` are about the probabilities of classes, so they need `task = \"binary\"` or `\"multiclass\"`. The rows of a regression are weighed by `data.weight`.",
    ),
    (
        "column_clash",
        "A column has one role, and the table of scores has one column of each name. `id`, `time`, `label` and `weight` are four columns; a weight is no feature; a feature is numeric or categorical; a copied column is not called like one that scoring writes (`score`, `decision`, `prediction`, `model_version`).",
    ),
    (
        "cron_form",
        "The cron expression is not one that nightshift runs. It has five fields (minute, hour, day of month, month, day of week), or six with seconds first. `nightshift explain \"<expression>\"` shows how one is read.",
    ),
    (
        "day_match_form",
        "Where both day fields are restricted and one of them starts with `*`, cron implementations disagree whether a day must match both or either. `day_match = \"and\"` or `\"or\"` says which is meant.",
    ),
    (
        "drift_column",
        "A column is compared in one way, so it stands in one `[[drift.column]]` at most.",
    ),
    (
        "drift_persist",
        "`persist = { of = 3, ticks = 2 }` waits until 2 of the last 3 ticks have drifted. More ticks than are looked at could never drift.",
    ),
    (
        "duplicate_key",
        "A key or a table is given twice. TOML allows each once; entries of a list of tables are written `[[check]]`.",
    ),
    (
        "duration_form",
        "A duration is text: a whole number and a unit, without a space. The units are `s`, `m`, `h`, `d` (24 hours) and `w` (7 days): `\"90m\"`, `\"14d\"`. It is never negative and at most 36525 days.",
    ),
    ("empty_list", "The list has no entry. Leave the key out instead; its default then holds."),
    (
        "empty_text",
        "The text has no characters. Leave the key out instead; its default then holds.",
    ),
    (
        "features_form",
        "`[features]` names the columns to use (`numeric`, `categorical`) or those to leave out (`exclude`), not both, and leaves at least one.",
    ),
    (
        "file_too_large",
        "A job file has at most 256 KiB. A file that is larger is most likely not a job file.",
    ),
    (
        "format_unknown",
        "The format of a file follows from its extension: `.parquet`, `.csv`, `.ndjson` (or `.jsonl`), `.ipc` (or `.arrow`, `.feather`). Where a path ends in something else, `data.format` says it.",
    ),
    (
        "gate_form",
        "A `[[gate]]` holds a metric against limits (`min`, `max`) or against the champion (`compare`), or both. `min` is at most `max`.",
    ),
    (
        "kind_task",
        "Each kind of model is for certain tasks: `logistic` and `gaussian_nb` for `binary` and `multiclass`, `linear` and `elastic_net` for `regression`, `ftrl` for `binary`, `decision_tree`, `random_forest`, `gradient_boosting` and `dummy` for all three.",
    ),
    (
        "label_is_feature",
        "The label is what is to be predicted. A model that sees it among its features is perfect in training and useless at night.",
    ),
    (
        "metric_task",
        "Each task has its own metrics: a gate of a regression cannot ask for `roc_auc`. `nightshift explain <metric>` says what one means.",
    ),
    (
        "missing_key",
        "A key is required and is not there. A job needs `name`, `data.source`, `model.task` and `score.output`; everything else has a default.",
    ),
    (
        "name_form",
        "The name of a job is also the name of its model, of folders and of database rows: a letter from a to z, then up to 62 of these, digits, `_` and `-`.",
    ),
    (
        "name_taken",
        "Two job files have one `name`. Models, runs and ticks are kept by that name, so it is unique in a project.",
    ),
    (
        "needs_label",
        "`[retrain]` trains new versions by itself, which needs a column to learn: `data.label`.",
    ),
    (
        "needs_schedule",
        "`{interval_start}` and `{interval_end}` are the ends of the time between two ticks of the schedule. A job without `[schedule]` has no such interval; `{tick}` always has a value.",
    ),
    (
        "needs_time",
        "`train.window`, a split by time and `fresh_within` ask when a row was. `data.time` names the date or datetime column that says it.",
    ),
    ("not_a_choice", "The value is none of those that the key knows. The message lists them."),
    (
        "not_supported_yet",
        "The key or value is part of the format of job files, and this version does not do yet what it says. It is refused, because ignoring it would make the job mean something else than its file says.",
    ),
    (
        "not_utf8",
        "Files are read as UTF-8. The byte at this place is not; save the file in that encoding.",
    ),
    (
        "nul_byte",
        "The file holds a byte 0, which no text does. It was most likely cut off or overwritten.",
    ),
    (
        "out_of_range",
        "The number or duration is outside of what the key accepts. The message says what that is. NaN and infinities are accepted only as the open end of a range.",
    ),
    (
        "output_form",
        "The first folder of `score.output`, below the project or a data root, holds no field: what stands above the first field is the folder that readers of the scores are given. No folder of it ends in `.nightshift`: so are the folders called in which runs stage what they will publish, and globs of job files never enter one.",
    ),
    (
        "output_is_input",
        "The scores would be written where a later run reads its input, so that a model would score its own scores.",
    ),
    (
        "output_shared",
        "Two ticks would publish to one folder, and the later one would take the place of the earlier. The fields of `score.output` must tell every two ticks of the schedule apart: an hourly job needs the hour, and where clocks are put back the offset (`%z`), or `timezone = \"UTC\"`. Without a schedule a tick is any instant, and `{tick}` without a format tells them apart, as does a `score.output` without a field.",
    ),
    (
        "output_taken",
        "Two jobs write to one `score.output`, or one of them below that of the other. Each would replace what the other has published, or be read with it.",
    ),
    (
        "overlap_form",
        "`overlap = \"allow\"` lets several runs of a job work at a time and needs `max_concurrent`, which says how many. With any other `overlap` there is one, and `max_concurrent` would have no effect. `catchup = \"all\"` queues what was missed, and `overlap = \"replace\"` throws away what is queued: together they make no sense.",
    ),
    (
        "path_form",
        "A path is taken as it is written: components separated by `/`, relative to the project root, or absolute below one of the `data_roots`. `..`, `.`, `~`, `$`, backslashes, control characters and empty components are refused.",
    ),
    (
        "range_order",
        "A range is a list of two numbers, the lower end first. One end may be infinite: `[0, inf]`.",
    ),
    (
        "regex_form",
        "The text is not a regular expression, or one that takes too much memory. The syntax is that of the Rust crate regex: no look-around, no back-references.",
    ),
    ("repeated_value", "A list that is a set holds a value twice."),
    (
        "search_space",
        "A search tries combinations of values of parameters of the kind, each given as a list:\n\n```toml\n[train.search]\nmethod = \"random\"\ntrials = 20\nspace = { alpha = [0.01, 0.1, 1.0, 10.0] }\n```\n\nA grid tries all of them, at most 10,000 or `trials`; `random` draws `trials` of them.",
    ),
    (
        "secret_form",
        "A secret is a table with exactly one of `env` (a variable), `file` (a path) and `credential` (a systemd credential).",
    ),
    (
        "secret_literal",
        "Job files are shared, so that a secret never stands in one. Say where it is found: `{ env = \"HOOK_URL\" }`.",
    ),
    (
        "size_form",
        "A size is text: a whole number and a unit, without a space: `KB`, `MB`, `GB`, `TB` (powers of 1,000) or `KiB`, `MiB`, `GiB`, `TiB` (powers of 1,024).",
    ),
    (
        "split_form",
        "A random split holds out a share of the rows: `split = { by = \"random\", test = 0.2 }`. Only a split by time knows a duration and a gap: `{ by = \"time\", test = \"14d\", gap = \"1d\" }`.",
    ),
    (
        "template_form",
        "A template holds fields in braces: `{tick:%Y-%m-%d}`, `{interval_start:...}`, `{interval_end:...}`, formatted in the zone of the schedule. Without a format a field is written in UTC, as `2026-01-05T233000Z`. A brace itself is written twice.",
    ),
    (
        "text_too_long",
        "The text is longer than any name or sentence. The message says how long it may be.",
    ),
    (
        "timezone_form",
        "A time zone is named as IANA spells it: `Europe/Berlin`, `UTC`, `EST5EDT`. `Local` is refused, because a job should mean the same on every machine.",
    ),
    (
        "toml_syntax",
        "The text is not TOML at this place. Text stands in quotes, lists in brackets, tables begin with a line such as `[data]`.",
    ),
    ("too_deep", "Lists, tables or dotted keys are nested deeper than any job file needs."),
    ("too_many_problems", "Only the first 100 problems of a file are shown."),
    ("too_many_tables", "A list of tables, such as `[[check]]`, has at most 1,000 entries."),
    (
        "unknown_key",
        "The key is not one that this table knows. A misspelled key that was ignored would leave its default in force without a word, so it is an error. `nightshift generate schema` prints every key.",
    ),
    (
        "wait_for_input",
        "`wait_for` waits until a file of the tick is there. If the pattern of the input has no field of the tick, it matches the files of earlier ticks as well, and there is nothing to wait for: `input = \"data/{tick:%Y-%m-%d}/*.csv\"` in `[score]` names the files of one tick.",
    ),
    (
        "wrong_type",
        "The value has another type than the key asks for: a number where text is wanted, for instance.",
    ),
];

/// The explanation of a code.
pub fn explanation(code: &str) -> Option<&'static str> {
    CODES.iter().find(|(known, _)| *known == code).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_unique_and_explained() {
        assert!(CODES.is_sorted_by(|(one, _), (next, _)| one < next));
        for (code, text) in CODES {
            assert!(
                code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte == b'8')
            );
            assert!(text.len() > 40 && (text.ends_with('.') || text.ends_with("```")), "{code}");
        }
        assert!(explanation("unknown_key").is_some_and(|text| text.contains("generate schema")));
        assert_eq!(explanation("no_such_code"), None);
    }
}
