use super::*;

const SCHEMA: Schema = Schema {
    program: "usher-test",
    application_id: 0x5573_0001,
    migrations: &[Migration { name: "seats", sql: "CREATE TABLE seat (id INTEGER PRIMARY KEY) STRICT;" }],
};

fn path() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data").join("usher.db");
    (directory, path)
}

fn refusal(path: &Path, schema: &Schema) -> String {
    format!("{:#}", open(path, schema).expect_err("refused"))
}

#[test]
fn a_database_is_created_once_and_found_again() {
    let (_directory, path) = path();
    let connection = open(&path, &SCHEMA).unwrap();
    connection.execute("INSERT INTO seat VALUES (7)", []).unwrap();
    drop(connection);
    let connection = open(&path, &SCHEMA).unwrap();
    assert_eq!(connection.query_row("SELECT id FROM seat", [], |row| row.get::<_, i64>(0)).unwrap(), 7);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(clock::last_persisted(&connection).unwrap().0, 0);
}

#[test]
fn an_empty_or_foreign_file_is_refused_and_left_alone() {
    let (_directory, path) = path();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    for content in ["", "not a database, but long enough for a header"] {
        fs::write(&path, content).unwrap();
        assert!(refusal(&path, &SCHEMA).contains("not a SQLite database"));
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
}

#[test]
fn a_damaged_database_is_refused() {
    let (_directory, path) = path();
    let connection = open(&path, &SCHEMA).unwrap();
    let count = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5000)";
    connection.execute_batch(&format!("{count} INSERT INTO seat SELECT i FROM n")).unwrap();
    drop(connection);
    let mut bytes = fs::read(&path).unwrap();
    let length = bytes.len();
    assert!(length > 16_384);
    bytes[4096..].fill(0xa5);
    fs::write(&path, &bytes).unwrap();
    let text = refusal(&path, &SCHEMA);
    assert!(text.contains("damaged") || text.contains("malformed"), "{text}");
    bytes.truncate(4096);
    fs::write(&path, &bytes).unwrap();
    refusal(&path, &SCHEMA);
}

#[test]
fn a_database_of_another_program_or_a_newer_release_is_refused() {
    let (_directory, path) = path();
    drop(open(&path, &SCHEMA).unwrap());
    let other = Schema { application_id: 0x5573_0002, program: "usher-other", ..SCHEMA };
    assert!(refusal(&path, &other).contains("usher-other"));
    let older = Schema { migrations: &[], ..SCHEMA };
    assert!(refusal(&path, &older).contains("newer release"));
}

#[test]
fn a_newer_release_adds_its_tables_and_a_failing_migration_changes_nothing() {
    let (_directory, path) = path();
    drop(open(&path, &SCHEMA).unwrap());
    const BROKEN: &[Migration] = &[
        SCHEMA.migrations[0],
        Migration { name: "rows", sql: "CREATE TABLE row (id INTEGER); INSERT INTO nowhere VALUES (1);" },
    ];
    assert!(refusal(&path, &Schema { migrations: BROKEN, ..SCHEMA }).contains("\"rows\""));
    const NEWER: &[Migration] =
        &[SCHEMA.migrations[0], Migration { name: "rows", sql: "CREATE TABLE row (id INTEGER);" }];
    let connection = open(&path, &Schema { migrations: NEWER, ..SCHEMA }).unwrap();
    connection.execute("INSERT INTO row VALUES (1)", []).unwrap();
}

#[test]
fn a_log_without_its_database_is_refused() {
    let (_directory, path) = path();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(beside(&path, "wal"), b"x").unwrap();
    assert!(refusal(&path, &SCHEMA).contains("without its database"));
    assert!(!path.exists());
}

#[test]
fn a_creation_cut_short_is_begun_again() {
    let (_directory, path) = path();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(beside(&path, "unfinished"), b"half").unwrap();
    open(&path, &SCHEMA).unwrap();
}

#[test]
fn a_data_directory_is_locked_once() {
    let directory = tempfile::tempdir().unwrap();
    let held = lock(directory.path()).unwrap();
    assert!(format!("{:#}", lock(directory.path()).unwrap_err()).contains("running already"));
    drop(held);
    lock(directory.path()).unwrap();
}

#[tokio::test]
async fn readers_see_what_was_committed_and_cannot_write() {
    let (_directory, path) = path();
    let connection = open(&path, &SCHEMA).unwrap();
    let readers = Readers::open(&path, 2).unwrap();
    connection.execute("INSERT INTO seat VALUES (1)", []).unwrap();
    let count = |connection: &Connection| {
        Ok(connection.query_row("SELECT count(*) FROM seat", [], |row| row.get::<_, i64>(0))?)
    };
    assert_eq!(readers.read(count).await.unwrap(), 1);
    let write = |connection: &Connection| Ok(connection.execute("INSERT INTO seat VALUES (2)", [])?);
    readers.read(write).await.unwrap_err();
    readers.read(|_| -> anyhow::Result<()> { panic!("in a query") }).await.unwrap_err();
    let all = [(); 8].map(|()| readers.read(count));
    for read in all {
        assert_eq!(read.await.unwrap(), 1);
    }
}

#[test]
fn the_write_ahead_log_gathers_sixteen_mebibytes_before_it_is_copied() {
    let (_directory, path) = path();
    let connection = open(&path, &SCHEMA).unwrap();
    connection.execute_batch("CREATE TABLE page (body BLOB)").unwrap();
    let write =
        |pages: usize| connection.execute("INSERT INTO page VALUES (zeroblob(?1 * 4096))", [pages as i64]).unwrap();
    let in_database = || fs::metadata(&path).unwrap().len();
    write(2_500);
    assert!(in_database() < 1 << 20, "copied already: {} bytes", in_database());
    write(2_500);
    assert!(in_database() > 16 << 20, "not copied: {} bytes", in_database());
}
