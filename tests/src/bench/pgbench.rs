//! The baseline of `bookings`: the classical design, one transaction for each hold and one for each booking, with row locks on the
//! seats, in PostgreSQL by `pgbench`.

use super::postgres::Postgres;
use super::table::Timings;
use anyhow::{Context, ensure};
use std::time::Duration;

/// Clients at the same time.
const CLIENTS: usize = 32;

const TABLES: &str = "
CREATE TABLE seat (show_id int, seat_id int, status text NOT NULL, hold_id bigint, PRIMARY KEY (show_id, seat_id));
CREATE TABLE hold (id bigserial PRIMARY KEY, show_id int NOT NULL, expires_at timestamptz NOT NULL);
CREATE TABLE booking (id bigserial PRIMARY KEY, show_id int NOT NULL, email text NOT NULL, total int NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE ticket (id bigserial PRIMARY KEY, booking_id bigint NOT NULL REFERENCES booking, show_id int, seat_id int,
    UNIQUE (show_id, seat_id));
INSERT INTO seat SELECT 1, n, 'free' FROM generate_series(0, 1999999) n;
VACUUM ANALYZE;
";

/// A customer: two seats of one hot show that nobody else asks for.
const FLOW: &str = r"
\set n :n + 1
\set first 2 * (:n * 32 + :client_id)
BEGIN;
SELECT seat_id FROM seat WHERE show_id = 1 AND seat_id IN (:first, :first + 1) AND status = 'free' ORDER BY seat_id FOR UPDATE;
INSERT INTO hold (show_id, expires_at) VALUES (1, now() + interval '8 minutes') RETURNING id AS hold \gset
UPDATE seat SET status = 'held', hold_id = :hold WHERE show_id = 1 AND seat_id IN (:first, :first + 1);
COMMIT;
BEGIN;
SELECT seat_id FROM seat WHERE show_id = 1 AND seat_id IN (:first, :first + 1) AND status = 'held' AND hold_id = :hold ORDER BY seat_id FOR UPDATE;
INSERT INTO booking (show_id, email, total) VALUES (1, 'guest@example.org', 0) RETURNING id AS booking \gset
UPDATE seat SET status = 'sold' WHERE show_id = 1 AND seat_id IN (:first, :first + 1);
INSERT INTO ticket (booking_id, show_id, seat_id) VALUES (:booking, 1, :first), (:booking, 1, :first + 1);
DELETE FROM hold WHERE id = :hold;
COMMIT;
";

/// What the baseline came to.
pub(super) struct Classical {
    /// Holds with their bookings in a second.
    pub(super) per_s: f64,
    /// From the first statement of one to its last commit.
    pub(super) timings: Timings,
}

/// Runs it for so many seconds.
///
/// # Errors
/// If `pgbench` fails, or what it wrote does not add up.
pub(super) fn measure(postgres: &Postgres, seconds: u32) -> anyhow::Result<Classical> {
    let tables = postgres.home().join("tables.sql");
    std::fs::write(&tables, TABLES)?;
    postgres.client("psql", ["-q", "-v", "ON_ERROR_STOP=1", "-f", &tables.display().to_string()])?;
    let flow = postgres.home().join("flow.sql");
    std::fs::write(&flow, FLOW)?;
    let (flow, clients, seconds) = (flow.display().to_string(), CLIENTS.to_string(), seconds.to_string());
    let told = postgres.client(
        "pgbench",
        ["-n", "-M", "prepared", "-D", "n=0", "-c", &clients, "-j", "2", "-T", &seconds, "-l", "-f", &flow],
    )?;
    let per_s = told.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    let mut timings = Timings::default();
    for file in std::fs::read_dir(postgres.home())? {
        let file = file?.path();
        if file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("pgbench_log.")) {
            let lines = std::fs::read_to_string(&file)?;
            let took = lines.lines().filter_map(|line| line.split(' ').nth(2)?.parse().ok()).map(Duration::from_micros);
            took.for_each(|took| timings.add(took));
        }
    }
    let count = "SELECT count(*) = 2 * (SELECT count(*) FROM booking) AND count(*) > 0 FROM ticket";
    ensure!(postgres.client("psql", ["-At", "-c", count])?.trim() == "t", "the classical design does not add up");
    Ok(Classical { per_s: per_s.with_context(|| format!("read what pgbench says: {told}"))?, timings })
}
