-- The people of the house and the devices they paired. Tokens and pairing tokens are kept as BLAKE3 hashes only.
CREATE TABLE staff (
    name         TEXT PRIMARY KEY,
    role         TEXT NOT NULL CHECK (role IN ('cashier', 'supervisor', 'manager', 'door')),
    pin_hash     TEXT NOT NULL,
    wrong_pins   INTEGER NOT NULL DEFAULT 0,
    locked_until INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE sessions (
    token_hash BLOB PRIMARY KEY,
    staff      TEXT NOT NULL REFERENCES staff (name) ON DELETE CASCADE,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE devices (
    number        INTEGER PRIMARY KEY,
    name          TEXT NOT NULL UNIQUE,
    kind          TEXT NOT NULL,
    pairing_hash  BLOB UNIQUE,
    pairing_until INTEGER,
    token_hash    BLOB UNIQUE,
    off_by        TEXT,
    off_at        INTEGER,
    -- The feed position the device has taken in with all its scans uploaded, and under which incarnation of the log.
    seen_incarnation INTEGER,
    seen_seq         INTEGER,
    heard_at         INTEGER
) STRICT;
