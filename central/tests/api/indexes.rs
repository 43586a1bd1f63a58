//! Every question that requests and timers ask finds its rows by an index, in either engine. The program's own
//! functions ask; what they ask is explained by the engine on its way, with the same values. Each table has rows enough
//! for an index to be worth it.
//!
//! Not among them: searching, which reads the catalogue's movies and theatres, and what operators list of their own work.
//! The program asks no table for the free seats of a show: the board has each show's map ready. A theatre's ledger is read once,
//! at start, the seats of all its shows with it. A report asks the table.

use crate::plans::Table;
use crate::store::TestStore;
use central::bookings::store::{self as bookings, Contact};
use central::bookings::{BookingState, TicketWord, of_contact::of_contact};
use central::catalogue::{movies, theatres};
use central::database::Place;
use central::discovery::schedule::{self, Wanted};
use central::fleet::link_status;
use central::fleet::prices;
use central::holds::owner;
use central::payments::store as payments;
use central::schema::SCHEMA;
use node::ledger_store::{self, StoredLogs, discrepancy};
use node::store::{Sql, StoreError};
use node::zone::Zone;
use node::{idempotency, values};
use shared::ids::{BookingId, HoldId, MovieId, ShowId, ShowNumber, Side, TheatreId, TicketId};
use shared::time::Timestamp;
use std::time::Duration;
use sync_protocol::log::EntrySource;

/// Rows of the tables that grow with every sale.
const SALES: u32 = 4_000;
const THEATRES: u32 = 2_000;
/// Those of them that have a ledger.
const HOUSES: u32 = 20;
/// The one that is asked about.
const HOUSE: TheatreId = TheatreId(7);
const MINUTE: i64 = 60_000;
/// Half of the shows are over.
const NOW: Timestamp = Timestamp(2_000 * MINUTE);

fn id<const N: usize>(n: u32) -> [u8; N] {
    let mut bytes = [0; N];
    bytes[..4].copy_from_slice(&n.to_be_bytes());
    bytes
}

fn at(n: u32) -> i64 {
    i64::from(n) * MINUTE
}

fn show(n: u32) -> ShowId {
    ShowId { theatre: TheatreId(1 + n % HOUSES), number: ShowNumber(1 + n / HOUSES % 50) }
}

fn fill(sql: &dyn Sql) -> Result<(), StoreError> {
    for n in 1..=THEATRES {
        let insert = "INSERT INTO theatre (id, city, name, kind, screens, seats, zone, currency)
                      VALUES (?1, ?2, ?3, 'Multiplex', 3, 900, 'Asia/Kolkata', 'INR')";
        sql.execute(insert, values![n, format!("City {}", n % 400), format!("House {n}")])?;
        let insert =
            "INSERT INTO movie (id, title, year, runtime_min, genres, cast_names) VALUES (?1, ?2, 1975, 90, '', '')";
        sql.execute(insert, values![n, format!("Movie {n}")])?;
        // What it would find there it could not read.
        if n != HOUSE.0 {
            sql.execute("INSERT INTO number_floor VALUES (?1, 1)", values![n])?;
            sql.execute("INSERT INTO ledger_mark VALUES (?1, '')", values![n])?;
            let insert = "INSERT INTO ledger_head VALUES (?1, ?2, 0, ?3, ?2, 0, ?3, 0, NULL, '')";
            sql.execute(insert, values![n, id::<8>(n), id::<32>(n)])?;
        }
    }
    for n in 0..SALES {
        let insert = "INSERT INTO schedule (theatre, number, screen, movie, title, starts_at, ends_at, local_date,
                          from_minor, seats) VALUES (?1, ?2, 1, ?3, 'T', ?4, ?5, '2026-11-27', 100, 300)";
        sql.execute(insert, values![1 + n % THEATRES, 1 + n / THEATRES, 1 + n % 50, at(n), at(n + 90)])?;
        sale(sql, n)?;
        ledger(sql, n)?;
    }
    Ok(())
}

/// A booking with all that follows from it; few are not settled.
fn sale(sql: &dyn Sql, n: u32) -> Result<(), StoreError> {
    let owner = "INSERT INTO hold_owner (owner, theatre, show, hold, until) VALUES (?1, ?2, ?3, ?1, ?4)";
    sql.execute(owner, values![id::<16>(n), show(n).theatre.0, show(n).number.0, at(n)])?;
    let price = "INSERT INTO price_change (theatre, show, category, price_minor, begins_at, done_at) VALUES (?1, ?2, 0, 1, ?3, ?4)";
    let done = (!n.is_multiple_of(100)).then(|| at(n));
    sql.execute(price, values![show(n).theatre.0, show(n).number.0, at(n), done])?;
    let (state, payment, look) = match n % 100 {
        0 => (BookingState::AwaitingPayment, None, None),
        1 => (BookingState::Paying, Some("created"), Some(at(n))),
        2 => (BookingState::Cancelling, Some("captured"), None),
        _ => (BookingState::Booked, Some("captured"), None),
    };
    let insert =
        "INSERT INTO booking (id, code, theatre, show, hold, state, email, phone, total_minor, currency, request,
                      created_at, expires_at, contact_key)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 200, 'INR', ?9, ?10, ?10, ?11)";
    let email = n.is_multiple_of(2).then(|| format!("guest{n}@example.org"));
    let phone = (!n.is_multiple_of(2)).then(|| format!("98765 {n:05}"));
    let contact = email.clone().map(Contact::Email).or(phone.clone().map(Contact::Phone)).map(|contact| contact.key());
    let (theatre, number) = (show(n).theatre.0, show(n).number.0);
    sql.execute(
        insert,
        values![
            id::<16>(n),
            format!("C{n}"),
            theatre,
            number,
            id::<16>(n),
            state,
            email,
            phone,
            id::<8>(n),
            at(n),
            contact
        ],
    )?;
    for position in 0..2u32 {
        let insert = "INSERT INTO booked_seat (booking, position, seat, label, category, price_minor, ticket, state)
                      VALUES (?1, ?2, 1, 'A1', 'Gold', 100, ?3, 'live')";
        sql.execute(insert, values![id::<16>(n), position, id::<8>(2 * n + position)])?;
    }
    if payment == Some("captured") {
        sql.execute("INSERT INTO cancellation VALUES (?1, 'accepted', 0, 0)", values![id::<16>(n)])?;
    }
    if let Some(payment) = payment {
        let insert = "INSERT INTO payment (id, booking, request_key, gateway, gateway_payment, state, amount_minor,
                          currency, created_at, expires_at, next_look_at)
                      VALUES (?1, ?2, 'k', 'g', ?1, ?3, 200, 'INR', 0, 0, ?4)";
        sql.execute(insert, values![format!("p{n}"), id::<16>(n), payment, look])?;
        let insert = "INSERT INTO refund (id, payment, booking, reason, gateway_refund, state, amount_minor, currency,
                          decided_at, next_look_at) VALUES (?1, ?2, ?3, 'late', ?1, 'succeeded', 200, 'INR', 0, ?4)";
        sql.execute(insert, values![format!("r{n}"), format!("p{n}"), id::<16>(n), look])?;
    }
    sql.execute("INSERT INTO webhook_seen VALUES ('g', ?1, ?2)", values![format!("e{n}"), at(n)])?;
    let insert = "INSERT INTO discrepancy (booking, code, text, found_at, settled_at) VALUES (?1, 'late', '', 0, 0)";
    sql.execute(insert, values![id::<16>(n)])?;
    idempotency::remember(sql, &show(n).to_string(), &format!("k{n}"), &[0; 32], 201, b"{}", Timestamp(at(n)))
}

fn ledger(sql: &dyn Sql, n: u32) -> Result<(), StoreError> {
    let (theatre, number, seq) = (show(n).theatre.0, show(n).number.0, i64::from(n / HOUSES));
    let insert = "INSERT INTO ledger_entry VALUES (?1, 'central', ?2, ?3, ?4, ?5, 0)";
    sql.execute(insert, values![theatre, seq, id::<8>(n), id::<32>(n), id::<16>(n)])?;
    let insert = "INSERT INTO ledger_seat VALUES (?1, ?2, ?3, 1, 1, 'free', NULL, 0)";
    sql.execute(insert, values![theatre, number, n])?;
    let insert = "INSERT INTO ledger_ticket (theatre, ticket, show, seat, generation, void_requested)
                  VALUES (?1, ?2, ?3, ?4, 1, 0)";
    sql.execute(insert, values![theatre, id::<8>(n), number, n])?;
    let insert = "INSERT INTO ledger_hold VALUES (?1, ?2, ?3, 'web', 0, 0, ?4)";
    sql.execute(insert, values![theatre, id::<16>(n), number, [0u8; 1]])?;
    let insert = "INSERT INTO ledger_certificate (theatre, bytes) VALUES (?1, ?2)";
    sql.execute(insert, values![theatre, id::<16>(n)])?;
    let insert =
        "INSERT INTO ledger_discrepancy (theatre, found_at, log, seq, story, kind, ours, theirs, proposed, settled_at)
                  VALUES (?1, 0, 'edge', 1, '', '', '', '', '', 0)";
    sql.execute(insert, values![theatre])?;
    if theatre != HOUSE.0 {
        sql.execute("INSERT INTO ledger_plan VALUES (?1, 1, ?2, '')", values![theatre, n])?;
        sql.execute("INSERT INTO ledger_plan_part VALUES (?1, 1, ?2, '')", values![theatre, n])?;
        sql.execute("INSERT INTO ledger_revoked_key VALUES (?1, ?2)", values![theatre, id::<4>(n)])?;
        let insert = "INSERT INTO ledger_show VALUES (?1, ?2, 1, 1, '', 0, 0, 0, 0, ?3)";
        sql.execute(insert, values![theatre, n, id::<16>(n)])?;
    }
    sql.execute("INSERT INTO ledger_standing (theatre, at) VALUES (?1, 0)", values![theatre])?;
    let insert = "INSERT INTO ledger_aside (theatre, seq, incarnation, hash, bytes, at) VALUES (?1, ?2, ?3, ?4, ?5, 0)";
    sql.execute(insert, values![theatre, seq, id::<8>(n), id::<32>(n), id::<16>(n)])?;
    Ok(())
}

/// Opens the store, filled, and shows it to `look`.
fn with_rows(look: impl FnOnce(&dyn Sql)) {
    let directory = tempfile::tempdir().expect("directory");
    let store = TestStore::new(directory.path());
    match Place::parse(&store.url).expect("a place") {
        Place::File(path) => {
            let connection = node::sqlite::open(&path, &SCHEMA).expect("a database");
            connection.execute_batch("BEGIN").expect("begin");
            fill(&connection).expect("rows");
            // Nobody analyses the program's own file: the plans are those of a database that never was.
            connection.execute_batch("COMMIT").expect("commit");
            look(&connection);
        }
        Place::Server(url) => {
            let connection = node::postgres::Connection::open(&url).expect("connect");
            node::postgres::migrate(&connection, &SCHEMA).expect("tables");
            connection.run("BEGIN").expect("begin");
            fill(&connection).expect("rows");
            // As the server does by itself within a minute.
            connection.run("COMMIT; ANALYZE").expect("commit");
            look(&connection);
        }
    }
}

/// `key` is the primary key's own index, `booking_1` the first that SQLite makes for a table's own rules.
const PLANS: &str = "
    shows of a movie in a city           | schedule_of_movie_at_theatre theatre_in_city | same
    a page of them on a day              | schedule_of_movie_at_theatre theatre_in_city | same
    shows in a city                      | schedule_to_come theatre_in_city | same
    shows at a theatre                   | key schedule_to_come | same
    shows of a movie                     | key schedule_of_movie | ALL OF theatre schedule_of_movie
    shows anywhere                       | key schedule_by_length schedule_by_start | same
    a page of them                       | key schedule_by_length schedule_by_start | same
    days of a movie in a city            | schedule_of_movie_at_theatre theatre_in_city | same
    a show                               | key | same
    the last number of a theatre's shows | key | same
    movies in a city                     | key schedule_to_come theatre_in_city | same
    theatres in a city                   | theatre_in_city | same
    a booking                            | booking_1 | key
    a booking by its code                | booking_2 | booking_code_key
    whether a code is taken              | booking_2 | booking_code_key
    the booking of a hold                | booking_3 | booking_hold_key
    the booking of a ticket              | booked_seat_of_ticket booking_1 | booked_seat_of_ticket key
    bookings of an address               | booking_by_contact | same
    bookings of a number                 | booking_by_contact | same
    what is in the way of a booking      | booked_seat_of_booking booking_2 booking_3 booking_by_contact | booked_seat_of_booking booking_by_contact booking_code_key booking_hold_key
    bookings of a show                   | booking_by_show | same
    overdue bookings                     | booking_open | same
    cancellations of a theatre           | booking_cancelling discrepancy_of_booking | same
    cancellations without an answer      | booking_cancelling discrepancy_of_booking key | same
    a booking's tickets                  | booked_seat_of_booking | same
    a booking's cancellation             | cancellation_1 | key
    a ticket is used                     | booked_seat_of_ticket | same
    a ticket is void                     | booked_seat_of_ticket | same
    a ticket's text is kept              | booked_seat_of_ticket | same
    a discrepancy of a booking           | discrepancy_of_booking | same
    unpaid bookings follow a jump        | booking_open | same
    a payment                            | payment_1 | key
    a payment at the gateway             | payment_2 | payment_gateway_payment_key
    a booking's payments                 | payment_3 | payment_booking_request_key_key
    a refund                             | refund_1 | key
    a refund at the gateway              | refund_2 | refund_gateway_refund_key
    a booking's refunds                  | refund_by_booking | same
    payments due                         | payment_due | same
    refunds due                          | refund_due | same
    prices due                           | key price_change_due | same
    open payments follow a jump          | payment_one_open | same
    webhooks to forget                   | webhook_seen_by_time | same
    a remembered answer                  | remembered_answer_of_key | same
    answers to forget                    | remembered_answer_of_key remembered_answer_until | same
    holders to forget                    | hold_owner_until | same
    entries from a number on             | key | same
    the head at a number                 | key | same
    the free seats of a show             | key | same
    a theatre's ledger, at start         | key ledger_aside_of_theatre ledger_certificate_of_theatre | same
    when a theatre was closed and opened | ledger_standing_of_theatre | same
    how many discrepancies a theatre has | ledger_discrepancy_open | same
";

#[test]
fn what_requests_and_timers_ask_is_found_by_an_index() {
    with_rows(|sql| {
        let rows = PLANS.lines().filter(|line| !line.trim().is_empty()).map(|line| {
            let mut columns = line.split('|').map(str::trim);
            [(); 3].map(|()| columns.next().expect("three columns"))
        });
        let mut table = Table { sql, rows: rows.collect(), differences: Vec::new() };
        of_the_schedule(&mut table);
        of_bookings(&mut table);
        of_payments(&mut table);
        of_ledgers(&mut table);
        assert_eq!(table.differences.join("\n"), "");
        assert!(table.rows.is_empty(), "nobody asks {:?}", table.rows);
    });
}

fn of_the_schedule(table: &mut Table<'_>) {
    let to_come = || Wanted { ends_after: NOW, ..Wanted::default() };
    let (city, movie, theatre) = (Some("City 7".to_owned()), Some(MovieId(7)), Some(HOUSE));
    let after = vec![NOW.0 + MINUTE, 1, 1];
    let date = Some("2026-11-27".to_owned());
    let mut list = |question: &str, wanted: Wanted| {
        table.check(question, |sql| {
            let found = schedule::list(sql, &wanted, 50)?;
            anyhow::ensure!(!found.is_empty(), "no show");
            Ok(())
        });
    };
    list("shows of a movie in a city", Wanted { city: city.clone(), movie, ..to_come() });
    list("a page of them on a day", Wanted { city: city.clone(), movie, date, after: after.clone(), ..to_come() });
    list("shows in a city", Wanted { city, ..to_come() });
    list("shows at a theatre", Wanted { theatre, ..to_come() });
    list("shows of a movie", Wanted { movie, ..to_come() });
    list("shows anywhere", to_come());
    list("a page of them", Wanted { after, ..to_come() });
    table.check("days of a movie in a city", |sql| {
        schedule::dates(sql, "city 7", MovieId(7), NOW, 9)?;
        Ok(())
    });
    table.check("a show", |sql| {
        schedule::by_id(sql, ShowId { theatre: HOUSE, number: ShowNumber(1) })?;
        Ok(())
    });
    table.check("the last number of a theatre's shows", |sql| {
        schedule::highest_number(sql, HOUSE)?;
        Ok(())
    });
    table.check("movies in a city", |sql| {
        movies::list(sql, Some("city 7"), NOW.0, 0, 50)?;
        Ok(())
    });
    table.check("theatres in a city", |sql| {
        theatres::list(sql, Some("city 7"), 0, 50)?;
        Ok(())
    });
}

fn of_bookings(table: &mut Table<'_>) {
    let (id, ticket) = (BookingId(id(7)), TicketId(id(7)));
    let one = bookings::booking(table.sql, id).expect("reads").expect("a booking");
    let mut check = |question: &str, ask: &dyn Fn(&dyn Sql) -> Result<bool, StoreError>| {
        table.check(question, |sql| {
            anyhow::ensure!(ask(sql)?, "{question}: nothing there");
            Ok(())
        });
    };
    check("a booking", &|sql| Ok(bookings::booking(sql, id)?.is_some()));
    check("a booking by its code", &|sql| Ok(bookings::booking_of_code(sql, "C7")?.is_some()));
    check("whether a code is taken", &|sql| bookings::is_code_taken(sql, "C7"));
    check("the booking of a hold", &|sql| Ok(bookings::booking_of_hold(sql, HoldId(one.hold.0))?.is_some()));
    check("the booking of a ticket", &|sql| Ok(bookings::booking_of_ticket(sql, ticket)?.is_some()));
    let contact = |contact: Contact| move |sql: &dyn Sql| Ok(!of_contact(sql, &contact, 9)?.is_empty());
    check("bookings of an address", &contact(Contact::Email("Guest8@example.org".into())));
    check("bookings of a number", &contact(Contact::Phone("+91 9876500007".into())));
    check("what is in the way of a booking", &|sql| Ok(bookings::before(sql, &one, true)?.of_hold.is_some()));
    check("bookings of a show", &|sql| Ok(!bookings::standing(sql, show(7))?.is_empty()));
    check("overdue bookings", &|sql| Ok(!bookings::overdue(sql, NOW, Timestamp(0), 9)?.is_empty()));
    check("cancellations of a theatre", &|sql| Ok(!bookings::cancelling_at(sql, show(2).theatre)?.is_empty()));
    check("cancellations without an answer", &|sql| bookings::cancelling_since(sql, NOW).map(|_| true));
    check("a booking's tickets", &|sql| Ok(!bookings::seats(sql, &one)?.is_empty()));
    check("a booking's cancellation", &|sql| bookings::cancellation(sql, id).map(|_| true));
    check("a ticket is used", &|sql| bookings::set_ticket_used(sql, ticket).map(|()| true));
    check("a ticket is void", &|sql| bookings::set_ticket_state(sql, ticket, TicketWord::Void).map(|()| true));
    check("a ticket's text is kept", &|sql| bookings::set_ticket_code(sql, ticket, "T").map(|()| true));
    check("a discrepancy of a booking", &|sql| bookings::list_discrepancy(sql, &one, "late", "", NOW).map(|()| true));
    check("prices due", &|sql| Ok(!prices::due(sql, NOW)?.is_empty()));
    check("unpaid bookings follow a jump", &|sql| bookings::follow_jump(sql, Duration::ZERO).map(|()| true));
}

fn of_payments(table: &mut Table<'_>) {
    let booking = BookingId(id(7));
    let mut check = |question: &str, ask: &dyn Fn(&dyn Sql) -> Result<bool, StoreError>| {
        table.check(question, |sql| {
            anyhow::ensure!(ask(sql)?, "{question}: nothing there");
            Ok(())
        });
    };
    check("a payment", &|sql| Ok(payments::payment(sql, "p7")?.is_some()));
    check("a payment at the gateway", &|sql| Ok(payments::payment_at_gateway(sql, "p7")?.is_some()));
    check("a booking's payments", &|sql| Ok(!payments::payments_of(sql, booking)?.is_empty()));
    check("a refund", &|sql| Ok(payments::refund(sql, "r7")?.is_some()));
    check("a refund at the gateway", &|sql| Ok(payments::refund_at_gateway(sql, "r7")?.is_some()));
    check("a booking's refunds", &|sql| Ok(!payments::refunds_of(sql, booking)?.is_empty()));
    check("payments due", &|sql| Ok(!payments::payments_due(sql, NOW, 9)?.is_empty()));
    check("refunds due", &|sql| Ok(!payments::refunds_due(sql, NOW, 9)?.is_empty()));
    check("open payments follow a jump", &|sql| payments::follow_jump(sql, Duration::ZERO).map(|()| true));
    check("webhooks to forget", &|sql| Ok(payments::forget_webhooks(sql, Timestamp(at(9)))? > 0));
    check("a remembered answer", &|sql| {
        let found = idempotency::find(sql, &show(77).to_string(), "k77", &[0; 32])?;
        Ok(found != idempotency::Outcome::New)
    });
    check("answers to forget", &|sql| Ok(idempotency::forget_expired(sql, Timestamp(at(9)), 9)? > 0));
    check("holders to forget", &|sql| Ok(owner::forget_over(sql, Timestamp(at(9)))? > 0));
}

fn of_ledgers(table: &mut Table<'_>) {
    let theatre = HOUSE;
    table.check("entries from a number on", |sql| {
        let entries = StoredLogs::new(sql, theatre).entries(Side::Central, 3, 1_000)?;
        anyhow::ensure!(!entries.is_empty(), "no entry");
        Ok(())
    });
    table.check("the head at a number", |sql| {
        anyhow::ensure!(StoredLogs::new(sql, theatre).head_at(Side::Central, 3)?.is_some(), "no entry");
        Ok(())
    });
    table.check("the free seats of a show", |sql| {
        let (mut free, ShowId { theatre, number }) = (0, show(7));
        let select =
            "SELECT seat FROM ledger_seat WHERE theatre = ?1 AND show = ?2 AND standing = 'free' ORDER BY seat";
        sql.query(select, values![theatre.0, number.0], &mut |_| {
            free += 1;
            Ok(true)
        })?;
        anyhow::ensure!(free > 0, "no free seat");
        Ok(())
    });
    table.check("a theatre's ledger, at start", |sql| {
        let ledger = ledger_store::load(sql, theatre, Side::Central)?.ledger;
        anyhow::ensure!(!ledger.seats.is_empty() && !ledger.tickets.is_empty() && !ledger.holds.is_empty(), "no rows");
        Ok(())
    });
    table.check("when a theatre was closed and opened", |sql| {
        anyhow::ensure!(!link_status::standings(sql, theatre, &Zone::utc())?.is_empty(), "never");
        Ok(())
    });
    table.check("how many discrepancies a theatre has", |sql| {
        discrepancy::open_count(sql, theatre)?;
        Ok(())
    });
}
