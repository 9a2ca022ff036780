//! Everything that a sound database says, in one text.

use std::path::Path;

use nightshift::adapters::store::{Open, Store};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, SqliteConnection};

/// Every row of every table at `path`, byte for byte, or `None` if the program would refuse the file.
pub(crate) fn dump(path: &Path) -> Option<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        Store::open(path.parent()?, Open::ReadOnly).await.ok()?.close().await;
        let options = SqliteConnectOptions::new().filename(path).read_only(true);
        let mut connection = options.connect().await.ok()?;
        let tables = "select name from sqlite_master where type = 'table' order by name";
        let mut out = list(&mut connection, "select hex(sql) from sqlite_master order by name").await?;
        for name in list(&mut connection, tables).await? {
            let columns =
                format!("select 'typeof(' || name || ') || hex(' || name || ')' from pragma_table_info('{name}')");
            let columns = list(&mut connection, &columns).await?.join(" || ',' || ");
            out.push(name.clone());
            let rows = format!("select {columns} from \"{name}\" order by 1");
            out.extend(list(&mut connection, &rows).await?);
        }
        Some(out.join("\n"))
    })
}

/// Every page at `path` as a reader sees it through the log.
pub(crate) fn pages(path: &Path) -> Vec<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(path).read_only(true);
        let mut connection = options.connect().await.unwrap();
        let found = connection.serialize(None).await.unwrap().to_vec();
        connection.close().await.unwrap();
        found
    })
}

async fn list(connection: &mut SqliteConnection, statement: &str) -> Option<Vec<String>> {
    let found: Result<Vec<Option<String>>, _> =
        sqlx::query_scalar(AssertSqlSafe(statement.to_owned())).fetch_all(connection).await;
    Some(found.ok()?.into_iter().flatten().collect())
}
