//! Tables of other formats than text, which tests make of csv by the code that writes scores, and read by the code
//! that reads inputs.

use std::path::Path;

use nightshift::adapters::dataset::{
    PartLayout, PartRows, PartWriter, ScanRequest, Table, named_files,
};
use nightshift::domain::frame::Cells;

/// The table `csv` as the bytes of a parquet file, its rows known by the column `id`. It has a column more,
/// `model_version`, which is empty.
#[track_caller]
pub(crate) fn parquet(csv: &str, id: &str) -> Vec<u8> {
    let folder = tempfile::TempDir::with_prefix("nightshift-it-").unwrap();
    let [source, target] = ["table.csv", "table.parquet"].map(|name| folder.path().join(name));
    std::fs::write(&source, csv).unwrap();
    let files = named_files(&[source.to_str().unwrap().to_owned()]).unwrap();
    let table = Table::open(&files, None).unwrap();
    let columns: Vec<String> =
        table.schema().columns.iter().map(|column| column.name.clone()).collect();
    let request = ScanRequest { columns: &columns, id: Some(id), time: None, batch_rows: 100_000 };
    let layout =
        PartLayout { id: Some(id.to_owned()), copied: columns.clone(), ..PartLayout::default() };
    let mut writer = PartWriter::create(&target, layout, &table).unwrap();
    let done = table.scan(&request, |batch| writer.write(&batch, &PartRows::default()));
    done.unwrap();
    writer.finish().unwrap();
    std::fs::read(target).unwrap()
}

/// The column `name` of the table at `path`, which has texts without nulls.
#[track_caller]
pub(crate) fn texts(path: &Path, name: &str) -> Vec<String> {
    let files = named_files(&[path.to_str().unwrap().to_owned()]).unwrap();
    let table = Table::open(&files, None).unwrap();
    let columns = [name.to_owned()];
    let request = ScanRequest { columns: &columns, id: None, time: None, batch_rows: 100_000 };
    let mut out = Vec::new();
    let done = table.scan(&request, |batch| {
        let frame = batch.frame(&[name]).unwrap();
        let Cells::Text(found) = &frame.columns[0].cells else { panic!("wanted texts") };
        out.extend(found.iter().map(|text| text.unwrap().to_owned()));
        Ok::<(), std::fmt::Error>(())
    });
    done.unwrap();
    out
}
