//! A copy of a database at a server, put into an empty one.

use crate::server::TestCentral;
use crate::store::apart;
use central::Setup;
use central::backup::back_up;
use central::database::Place;

#[tokio::test]
async fn a_copy_of_a_working_central_goes_into_an_empty_database_and_its_theatres_wait_for_their_boxes() {
    let mut test = TestCentral::start().await;
    let show = test.show("Pune", "Don").await;
    let booking = test.book(&show, &["A1"]).await;
    let copy = test.directory.path().join("copy");
    let place = Place::parse(&test.config.store).expect("a place");
    assert!(apart(|| back_up(&place, &copy)).expect("copied") > 0);
    assert!(apart(|| back_up(&place, &copy)).is_err(), "a copy is not overwritten");
    let error = apart(|| Setup::restore(&test.config.store, &copy)).expect_err("there is something in it");
    assert!(format!("{error:#}").contains("make an empty one"), "{error:#}");
    test.book(&show, &["A2"]).await;
    test.alter("CREATE DATABASE second");
    test.stop().await;
    let (server, _) = test.config.store.rsplit_once('/').expect("a database");
    test.config.store = format!("{server}/second");
    assert_eq!(apart(|| Setup::restore(&test.config.store, &copy)).expect("put back"), (2, None));
    test.start_again().await;
    assert_eq!(test.get("/v1/theatres/1/link").await.expect(200)["closed"], "head_unproven");
    let path = format!("/v1/bookings/{}", booking["booking"].as_str().expect("an id"));
    assert_eq!(test.get(&path).await.expect(200)["state"], "booked");
}
