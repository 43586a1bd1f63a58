-- Who this device is, from pairing.
CREATE TABLE identity (
    one          INTEGER PRIMARY KEY CHECK (one = 1),
    edge         TEXT NOT NULL,
    device       TEXT NOT NULL,
    door         TEXT NOT NULL,
    token        TEXT NOT NULL,
    theatre      INTEGER NOT NULL,
    theatre_name TEXT NOT NULL,
    root_key     BLOB NOT NULL
) STRICT;

CREATE TABLE certificates (text TEXT PRIMARY KEY) STRICT;
CREATE TABLE revoked_keys (key BLOB PRIMARY KEY) STRICT;

-- How far the edge's feed has been taken in. A round is one reading from the start.
CREATE TABLE feed (
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    cursor    TEXT NOT NULL,
    boot      TEXT NOT NULL,
    round     INTEGER NOT NULL,
    synced_at INTEGER
) STRICT;

CREATE TABLE shows (
    show      INTEGER PRIMARY KEY,
    screen    INTEGER NOT NULL,
    title     TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    ends_at   INTEGER NOT NULL,
    cancelled INTEGER NOT NULL,
    round     INTEGER NOT NULL
) STRICT;

CREATE TABLE tickets (
    ticket     BLOB PRIMARY KEY,
    show       INTEGER NOT NULL,
    seat       TEXT NOT NULL,
    generation INTEGER NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('live', 'void_requested', 'void')),
    round      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tickets_by_seat ON tickets (show, seat, generation);

-- The earliest admission of each ticket, from whichever door it became known.
CREATE TABLE admissions (
    ticket      BLOB PRIMARY KEY,
    show        INTEGER NOT NULL,
    seat        TEXT NOT NULL,
    admitted_at INTEGER NOT NULL,
    door        TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX admissions_by_seat ON admissions (show, seat);

-- The scans this device answered, kept until their show is over: `queued` the edge has not acknowledged it, `stored` it has,
-- `refused` it will not take it, which a person must look at.
CREATE TABLE scans (
    scan       BLOB PRIMARY KEY,
    ticket     BLOB NOT NULL,
    show       INTEGER NOT NULL,
    code       TEXT NOT NULL,
    scanned_at INTEGER NOT NULL,
    door       TEXT NOT NULL,
    verdict    TEXT NOT NULL,
    reason     TEXT NOT NULL,
    guarantee  TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('queued', 'stored', 'refused'))
) STRICT;
CREATE INDEX scans_of_a_ticket ON scans (ticket);
CREATE INDEX scans_queued ON scans (scanned_at) WHERE state = 'queued';
