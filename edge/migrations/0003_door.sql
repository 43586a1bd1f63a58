-- What the doors must know, as an append-only chain: each row is the whole current state of its subject.
CREATE TABLE door_feed (
    seq     INTEGER PRIMARY KEY,
    hash    BLOB NOT NULL,
    kind    TEXT NOT NULL CHECK (kind = 'ticket' OR kind = 'show' OR kind = 'keys'),
    subject TEXT NOT NULL,
    body    TEXT NOT NULL
) STRICT;
CREATE INDEX door_feed_by_subject ON door_feed (kind, subject, seq);

-- Every scan ever uploaded: a grow-only set.
CREATE TABLE scans (
    scan        BLOB PRIMARY KEY,
    ticket      BLOB,
    code        TEXT NOT NULL,
    device      INTEGER NOT NULL,
    door        TEXT NOT NULL,
    scanned_at  INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    local       TEXT,
    answer      TEXT NOT NULL
) STRICT;
CREATE INDEX scans_by_ticket ON scans (ticket) WHERE ticket IS NOT NULL;

-- Once per theatre and area, by constraint: this table is what SHARED promises.
CREATE TABLE admissions (
    ticket      BLOB NOT NULL,
    area        TEXT NOT NULL,
    show        INTEGER NOT NULL,
    seat        TEXT NOT NULL,
    scan        BLOB NOT NULL,
    door        TEXT NOT NULL,
    admitted_at INTEGER NOT NULL,
    -- Its entry is in the log; not yet so while the ticket's show is not known here.
    entered     INTEGER NOT NULL,
    UNIQUE (ticket, area)
) STRICT;
CREATE INDEX admissions_by_seat ON admissions (show, seat, area);
CREATE INDEX admissions_not_entered ON admissions (entered) WHERE entered = 0;

-- Admissions that should not have been, with both sides of the story, for a person to settle.
CREATE TABLE door_discrepancies (
    scan       BLOB NOT NULL,
    code       TEXT NOT NULL,
    ticket     BLOB NOT NULL,
    show       INTEGER NOT NULL,
    seat       TEXT NOT NULL,
    door       TEXT NOT NULL,
    at         INTEGER NOT NULL,
    guarantee  TEXT NOT NULL,
    first_door TEXT,
    first_at   INTEGER,
    noted_at   INTEGER NOT NULL,
    UNIQUE (scan, code)
) STRICT;
