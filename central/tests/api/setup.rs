//! Setting up: the published tables as they are, importing twice, and the store's lock.

use crate::server::{TestCentral, plan_lines, show_table};
use central::Setup;
use central::catalogue::import::Table;

fn setup() -> (tempfile::TempDir, Setup) {
    let directory = tempfile::tempdir().expect("directory");
    let setup = Setup::open(&format!("sqlite:{}", directory.path().join("c.sqlite").display())).expect("store");
    (directory, setup)
}

#[test]
fn an_import_of_shows_names_overlaps_and_missing_plans_by_line() {
    let (_directory, mut setup) = setup();
    setup.import(Table::Theatres, crate::server::THEATRES.as_bytes()).expect("theatres");
    setup.import(Table::Movies, crate::server::MOVIES.as_bytes()).expect("movies");
    let first = plan_lines().lines().next().expect("a line").to_owned();
    setup.import(Table::Plans, first.as_bytes()).expect("plans");
    let table = show_table();
    let overlapping = table.lines().nth(1).expect("a row").replace("Sholay", "Don");
    let report = setup.import(Table::Shows, format!("{table}{overlapping}\n").as_bytes()).expect("shows");
    let reasons: Vec<String> = report.refused.iter().map(|row| format!("{}: {}", row.line, row.reason)).collect();
    assert_eq!(report.added, 1);
    assert_eq!(
        reasons,
        [
            "3: This screen has no seating plan.",
            "4: the theatre has no seating plans",
            "5: Another show runs on this screen at that time.",
        ]
    );
    let again = setup.import(Table::Shows, table.as_bytes()).expect("again");
    assert_eq!((again.added, again.unchanged), (0, 1));
    let other_plan = first.replace("\"count\":10", "\"count\":9");
    let report = setup.import(Table::Plans, format!("{first}\n{other_plan}").as_bytes()).expect("plans");
    assert_eq!((report.unchanged, report.refused.len()), (1, 1));
    assert!(report.refused[0].reason.contains("raise the version"), "{report}");
}

#[tokio::test]
async fn a_store_in_use_is_not_set_up() {
    let mut test = TestCentral::start().await;
    let error = Setup::open(&test.config.store).err().expect("refused");
    assert!(format!("{error:#}").contains("running"), "{error:#}");
    test.stop().await;
    Setup::open(&test.config.store).expect("free again");
}

#[test]
fn a_broken_table_is_reported_clearly() {
    let (_directory, mut setup) = setup();
    let error = setup.import(Table::Theatres, "town,house\nPune,Vijay\n".as_bytes()).expect_err("refused");
    assert!(format!("{error:#}").contains("missing: city, name, screens, seats"), "{error:#}");
    let report = setup
        .import(Table::Theatres, &b"city,name,screens,seats\nPune,\"Vijay,1,100\nKochi,Padma,1,80\n"[..])
        .expect("reads");
    assert_eq!((report.added, report.refused[0].line), (0, 2));
    let report = setup
        .import(Table::Theatres, &b"city,name,screens,seats\nPune,V\xffjay,1,100\nKochi,Padma,1,80\n"[..])
        .expect("reads");
    assert_eq!((report.added, report.refused[0].reason.as_str()), (1, "the text is not UTF-8"));
}
