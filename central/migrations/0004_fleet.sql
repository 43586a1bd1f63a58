-- The boxes: who may connect for which theatre. The broker password is kept as a hash of 256 random bits.
CREATE TABLE enrolment (
    theatre             INTEGER PRIMARY KEY REFERENCES theatre (id),
    edge_key            TEXT NOT NULL,
    edge_certificate    TEXT NOT NULL,
    central_certificate TEXT NOT NULL,
    broker_username     TEXT NOT NULL UNIQUE,
    broker_password     TEXT NOT NULL,
    enrolled_at         INTEGER NOT NULL
) STRICT;

CREATE TABLE setting (
    name    TEXT PRIMARY KEY,
    value   TEXT NOT NULL
) STRICT;
