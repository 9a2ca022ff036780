//! Tables of other formats than text, which tests make of csv by the code that writes scores.

use nightshift::adapters::dataset::{
    PartLayout, PartRows, PartWriter, ScanRequest, Table, named_files,
};

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
