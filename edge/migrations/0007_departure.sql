-- Guests who went out again, and entries taken back right after they were made: a grow-only set, as the scans are.
CREATE TABLE departures (
    departure   BLOB PRIMARY KEY,
    ticket      BLOB NOT NULL,
    how         TEXT NOT NULL CHECK (how = 'out' OR how = 'undone'),
    device      INTEGER NOT NULL,
    door        TEXT NOT NULL,
    at          INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    -- The ticket may enter again.
    counts      INTEGER NOT NULL
) STRICT;
CREATE INDEX departures_by_ticket ON departures (ticket, at) WHERE counts;

-- What the house has set for a show's doors.
CREATE TABLE door_settings (
    show    INTEGER PRIMARY KEY,
    reentry INTEGER NOT NULL
) STRICT;

-- Whom a supervisor let in against the verdict, with the person at the door who asked for it.
CREATE TABLE overrides (
    scan       BLOB PRIMARY KEY,
    ticket     BLOB NOT NULL,
    code       TEXT NOT NULL,
    supervisor TEXT NOT NULL,
    person     TEXT NOT NULL,
    reason     TEXT NOT NULL,
    door       TEXT NOT NULL,
    at         INTEGER NOT NULL
) STRICT;

-- Nothing asks for the scans of a ticket, and each scan paid for a page of it.
DROP INDEX scans_by_ticket;
