-- What the doors must know, as an append-only chain: each row is the whole current state of its subject.
CREATE TABLE door_feed (
    seq     INTEGER PRIMARY KEY,
    hash    BLOB NOT NULL,
    kind    TEXT NOT NULL CHECK (kind IN ('ticket', 'show', 'keys')),
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
    scan        BLOB NOT NULL,
    door        TEXT NOT NULL,
    admitted_at INTEGER NOT NULL,
    UNIQUE (ticket, area)
) STRICT;

-- Admissions beyond the first: both places and times, for a person to settle.
CREATE TABLE double_admissions (
    scan       BLOB PRIMARY KEY,
    ticket     BLOB NOT NULL,
    area       TEXT NOT NULL,
    first_door TEXT NOT NULL,
    first_at   INTEGER NOT NULL,
    again_door TEXT NOT NULL,
    again_at   INTEGER NOT NULL,
    guarantee  TEXT NOT NULL,
    noted_at   INTEGER NOT NULL
) STRICT;
