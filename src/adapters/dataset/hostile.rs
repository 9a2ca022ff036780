//! Files that no one should have written, and what is said about them: tests only.
//!
//! Each damaged file must give an error that names it, with row and column where they can be known, and
//! must never panic, hang or hand over rows that are not there.

use polars::prelude::{Column, DataType, IntoColumn as _, NamedFrom as _, Series};

use super::fixture::{Folder, read, told};
use super::{Table, integer_id_hash, text_id_hash};
use crate::domain::table::ColumnType;

/// Reads every column of one file; the error is told with its causes.
fn read_all(folder: &Folder, name: &str, id: Option<&str>) -> Result<Vec<String>, String> {
    let table = folder.table(name, id).map_err(|error| told(&error))?;
    let columns: Vec<&str> =
        table.schema().columns.iter().map(|column| column.name.as_str()).collect();
    read(&table, &columns, id, None).map(|(lines, _)| lines).map_err(|error| told(&error))
}

#[track_caller]
fn check_csv(text: &str, expect: &[&str]) {
    let folder = Folder::with(&[("t.csv", text)]);
    assert_eq!(read_all(&folder, "t.csv", None).unwrap(), expect, "{text:?}");
}

#[track_caller]
fn check_refused(name: &str, bytes: &[u8], id: Option<&str>, expect: &str) {
    let folder = Folder::with(&[]);
    folder.write(name, bytes);
    let told = read_all(&folder, name, id).unwrap_err();
    assert!(told.contains(expect) && told.contains(name), "{told}");
}

#[test]
fn what_was_inferred_is_what_polars_reads() {
    // Every form of number that the inference accepts must mean the same to the parser.
    let integers = ["0", "-0", "007", "+5", "-12", "9223372036854775807", "-9223372036854775808"];
    for text in integers {
        let expect = text.parse::<i64>().unwrap() as f64;
        check_csv(&format!("n\n{text}\n"), &[&format!("t.csv#1|{expect}")]);
    }
    let floats = [
        "1.",
        ".5",
        "-.5",
        "+2.5",
        "1e5",
        "1E-5",
        "-1.5e+3",
        "NaN",
        "nan",
        "inf",
        "-inf",
        "Infinity",
        "9223372036854775808",
        "1e400",
        "4.9e-324",
        "0.1",
        "123456789.123456789",
        "00.5",
        "-infinity",
        "179769313486231570814527423731704356798070567525844996598917476803157260780028538760589558632",
    ];
    for text in floats {
        let expect = text.parse::<f64>().unwrap();
        check_csv(&format!("n\n{text}\n"), &[&format!("t.csv#1|{expect}")]);
        check_csv(&format!("n,m\n\"{text}\",1\n"), &[&format!("t.csv#1|{expect}|1")]);
    }
    check_csv(
        "b\ntrue\nFALSE\nTrue\n\"false\"\n",
        &["t.csv#1|1", "t.csv#2|0", "t.csv#3|1", "t.csv#4|0"],
    );
}

#[test]
fn empty_fields_are_nulls_and_quoted_empty_text_is_not() {
    check_csv(
        "n,t,b,d,x\n,,,,\n\"\",\"\",\"\",\"\",\n1,a,true,2026-01-05,\n",
        &[
            "t.csv#1|null|null|null|null|null",
            "t.csv#2|null|\"\"|null|null|null",
            "t.csv#3|1|\"a\"|1|20458|null",
        ],
    );
}

#[test]
fn quotes_commas_and_line_ends_are_text_inside_of_quotes() {
    check_csv(
        "\"a\nb\",t\r\n1,\"x,\r\ny\"\r\n2,\"say \"\"hi\"\"\"\r\n3,z",
        &["t.csv#1|1|\"x,\\r\\ny\"", "t.csv#2|2|\"say \\\"hi\\\"\"", "t.csv#3|3|\"z\""],
    );
    check_csv("\u{feff}a,b\n1,2\n", &["t.csv#1|1|2"]);
    check_csv("\n\na,b\n1,2\n", &["t.csv#1|1|2"]);
    check_csv("#a,b\n#1,2\n", &["t.csv#1|\"#1\"|2"]);
}

#[test]
fn one_column_one_row_or_no_rows_are_tables() {
    check_csv("a\n1\n", &["t.csv#1|1"]);
    check_csv("a\n1", &["t.csv#1|1"]);
    check_csv("a\n1\n\n3\n", &["t.csv#1|1", "t.csv#2|null", "t.csv#3|3"]);
    check_csv("a\nx\n\nz\n", &["t.csv#1|\"x\"", "t.csv#2|null", "t.csv#3|\"z\""]);
    check_csv("a,b\n", &[]);
    check_csv("a,b\n,\n", &["t.csv#1|null|null"]);
    let folder = Folder::with(&[]);
    folder.write_parquet("t.parquet", vec![Column::new("a".into(), Vec::<i64>::new())]);
    assert_eq!(read_all(&folder, "t.parquet", None).unwrap(), [""; 0]);
}

#[test]
fn no_files_are_an_empty_table() {
    let table = Table::open(&[], None).unwrap();
    let (lines, receipt) = read(&table, &[], None, None).unwrap();
    assert_eq!((lines.len(), receipt.rows_read, table.rows_hint()), (0, 0, Some(0)));
}

#[test]
fn damaged_text_files_are_refused() {
    check_refused("t.csv", b"", None, "is empty");
    check_refused("t.csv", b"a,b\n1,2\n3\n", None, "row 2: has 1 fields, wanted 2");
    check_refused("t.csv", b"a,b\n1,\"x\n", None, "row 1: opens a quote that is never closed");
    check_refused("t.csv", b"a,a\n1,2\n", None, "column `a`: occurs twice");
    check_refused("t.csv", b"a,b\n1,\xe9\n", None, "row 1, column `b`: is not UTF-8");
    check_refused("t.csv", b"id,x\n1,2\n,3\n", Some("id"), "row 2, column `id`: has no value");
    check_refused("t.ndjson", b"{\"a\":1}\nnull\n", None, "row 2: wanted one JSON object");
    check_refused("t.ndjson", b"{\"id\":1}\n{}\n", Some("id"), "row 2, column `id`: has no value");
}

#[test]
fn ndjson_is_read_as_it_was_inferred() {
    let text = "{\"a\":1,\"t\":\"5\",\"when\":\"2026-01-05\"}\n\n  \n\
                {\"t\":\"\\u00e9\\n\",\"b\":true,\"a\":2.5}\n{\"big\":18446744073709551615}";
    let folder = Folder::with(&[("t.ndjson", text)]);
    assert_eq!(
        read_all(&folder, "t.ndjson", None).unwrap(),
        [
            "t.ndjson#1|1|\"5\"|20458|null|null",
            "t.ndjson#2|2.5|\"é\\n\"|null|1|null",
            "t.ndjson#3|null|null|null|null|18446744073709552000",
        ]
    );
    let folder = Folder::with(&[("t.ndjson", "{\"a\":[1],\"b\":{\"a\":2},\"c\":3}\n")]);
    let told = read_all(&folder, "t.ndjson", None).unwrap_err();
    assert!(told.starts_with("column `a` holds"), "{told}");
    let table = folder.table("t.ndjson", None).unwrap();
    assert_eq!(table.schema().kind("b"), Some(ColumnType::Nested));
    assert_eq!(read(&table, &["c"], None, None).unwrap().0, ["t.ndjson#1|3"]);
}

#[test]
fn damaged_parquet_files_are_refused_wherever_they_are_cut() {
    let folder = Folder::with(&[]);
    let numbers: Vec<f64> = (0..5_000).map(f64::from).collect();
    folder.write_parquet("whole.parquet", vec![Column::new("a".into(), numbers)]);
    let whole = std::fs::read(folder.path("whole.parquet")).unwrap();
    for length in [0, 3, 11, 12, 100, whole.len() / 2, whole.len() - 9, whole.len() - 1] {
        check_refused("t.parquet", &whole[..length], None, "is no parquet file");
    }
    // The end is whole, the beginning is gone: every offset is wrong.
    for cut in [1, 100, whole.len() / 2, whole.len() - 20] {
        folder.write("t.parquet", &whole[cut..]);
        let told = read_all(&folder, "t.parquet", None).unwrap_err();
        assert!(told.contains("t.parquet"), "{told}");
    }
    let mut flipped = whole.clone();
    let length_at = flipped.len() - 8;
    flipped[length_at..length_at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    check_refused("t.parquet", &flipped, None, "has a footer of 4294967295 bytes");
}

#[test]
fn no_damage_to_a_parquet_file_gets_past_as_a_panic() {
    let folder = Folder::with(&[]);
    let numbers: Vec<i64> = (0..300).collect();
    let names: Vec<String> = numbers.iter().map(|n| format!("n{}", n % 5)).collect();
    let columns = vec![Column::new("a".into(), numbers), Column::new("b".into(), names)];
    folder.write_parquet("whole.parquet", columns);
    let whole = std::fs::read(folder.path("whole.parquet")).unwrap();
    let expect = read_all(&folder, "whole.parquet", None).unwrap().len();
    for at in (4..whole.len()).step_by(7) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x55;
        folder.write("t.parquet", &damaged);
        // Without checksums a damaged value cannot be told; a lost row must be.
        if let Ok(lines) = read_all(&folder, "t.parquet", None) {
            assert_eq!(lines.len(), expect, "byte {at}");
        }
    }
}

#[test]
fn other_files_with_a_known_extension_are_refused() {
    check_refused("t.ipc", b"a,b\n1,2\n", None, "is no Arrow ipc file");
    check_refused("t.ipc", b"ARROW1\0\0 and then nothing", None, "failed to");
    check_refused("t.parquet", b"a,b\n1,2\nlonger than a footer", None, "is no parquet file");
    check_refused("t.csv", b"PAR1\x15\x04\xff\xff\n", None, "UTF-8");
}

#[test]
fn ids_that_cannot_be_ids_are_refused() {
    let folder = Folder::with(&[("t.ndjson", "{\"id\":1.5}\n"), ("t.csv", "x,id\n1,1.5\n")]);
    folder.write_parquet("t.parquet", vec![Column::new("id".into(), vec![1.0, 2.0])]);
    assert_eq!(read_all(&folder, "t.csv", Some("id")).unwrap(), ["1.5|1|\"1.5\""]);
    for name in ["t.parquet", "t.ndjson"] {
        let told = read_all(&folder, name, Some("id")).unwrap_err();
        assert!(told.contains("column `id` is float, but an id must be"), "{told}");
    }
}

#[test]
fn the_same_id_hashes_the_same_in_every_file() {
    let folder = Folder::with(&[("a.csv", "id\n7\n"), ("b.csv", "id\n007\n")]);
    for (name, dtype) in
        [("i8", DataType::Int8), ("u32", DataType::UInt32), ("u64", DataType::UInt64)]
    {
        let ids = Series::new("id".into(), &[7_i64]).cast(&dtype).unwrap().into_column();
        folder.write_parquet(&format!("{name}.parquet"), vec![ids]);
    }
    let hash = |name: &str| {
        let table = folder.table(name, Some("id")).unwrap();
        let request =
            super::ScanRequest { columns: &[], id: Some("id"), time: None, batch_rows: 9 };
        let mut out = 0;
        let scanned = table.scan(&request, |batch| {
            out = batch.id_hashes()[0];
            Ok::<(), std::convert::Infallible>(())
        });
        scanned.map(|_| out).unwrap()
    };
    for name in ["a.csv", "i8.parquet", "u32.parquet", "u64.parquet"] {
        assert_eq!(hash(name), integer_id_hash(7), "{name}");
    }
    assert_eq!(hash("b.csv"), text_id_hash("007"));
}

#[test]
fn ten_thousand_columns_with_any_names_are_read() {
    let names: Vec<String> = (0..10_000).map(|n| format!("column {n}")).collect();
    let values: Vec<String> = (0..10_000).map(|n| n.to_string()).collect();
    let text = format!("{}\n{}\n", names.join(","), values.join(","));
    let folder = Folder::with(&[("t.csv", text.as_str())]);
    let lines = read_all(&folder, "t.csv", None).unwrap();
    assert_eq!(lines, [format!("t.csv#1|{}", values.join("|"))]);
    check_csv("*,^.*$,row,row_,\"\"\"\",a b\n1,2,3,4,5,6\n", &["t.csv#1|1|2|3|4|5|6"]);
}

#[test]
fn odd_numbers_are_data() {
    let values = vec![Some(f64::NAN), Some(f64::INFINITY), None, Some(-0.0)];
    let folder = Folder::with(&[]);
    folder.write_parquet("t.parquet", vec![Column::new("x".into(), values)]);
    assert_eq!(
        read_all(&folder, "t.parquet", None).unwrap(),
        ["t.parquet#1|NaN", "t.parquet#2|inf", "t.parquet#3|null", "t.parquet#4|-0"]
    );
}
