CREATE TABLE ledger_entry (
    theatre     INTEGER NOT NULL,
    log         TEXT    NOT NULL CHECK (log IN ('central', 'edge')),
    seq         INTEGER NOT NULL,
    incarnation BLOB    NOT NULL,
    hash        BLOB    NOT NULL,
    bytes       BLOB    NOT NULL,
    at          INTEGER NOT NULL,
    PRIMARY KEY (theatre, log, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger_head (
    theatre          INTEGER PRIMARY KEY,
    own_incarnation  BLOB    NOT NULL,
    own_seq          INTEGER NOT NULL,
    own_hash         BLOB    NOT NULL,
    peer_incarnation BLOB    NOT NULL,
    peer_seq         INTEGER NOT NULL,
    peer_hash        BLOB    NOT NULL,
    acked            INTEGER NOT NULL,
    closed           TEXT,
    recovery         TEXT    NOT NULL
) STRICT;

-- Where the logs were cut.
CREATE TABLE ledger_mark (
    theatre INTEGER PRIMARY KEY,
    marks   TEXT NOT NULL
) STRICT;

-- Own entries set aside while the log is taken back from somebody who remembers more of it.
CREATE TABLE ledger_aside (
    theatre     INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    incarnation BLOB    NOT NULL,
    hash        BLOB    NOT NULL,
    bytes       BLOB    NOT NULL,
    at          INTEGER NOT NULL,
    n           INTEGER PRIMARY KEY
) STRICT;

-- Each closing with its reason and each opening with its proof.
CREATE TABLE ledger_standing (
    n       INTEGER PRIMARY KEY,
    theatre INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    closed  TEXT,
    proof   TEXT
) STRICT;

CREATE TABLE ledger_plan (
    theatre INTEGER NOT NULL,
    screen  INTEGER NOT NULL,
    version INTEGER NOT NULL,
    plan    TEXT    NOT NULL,
    PRIMARY KEY (theatre, screen, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger_plan_part (
    theatre INTEGER NOT NULL,
    screen  INTEGER NOT NULL,
    version INTEGER NOT NULL,
    parts   TEXT    NOT NULL,
    PRIMARY KEY (theatre, screen, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger_show (
    theatre   INTEGER NOT NULL,
    show      INTEGER NOT NULL,
    screen    INTEGER NOT NULL,
    movie     INTEGER NOT NULL,
    title     TEXT    NOT NULL,
    starts    INTEGER NOT NULL,
    ends      INTEGER NOT NULL,
    cancelled INTEGER NOT NULL,
    "overlaps" INTEGER NOT NULL,
    facts     BLOB    NOT NULL,
    PRIMARY KEY (theatre, show)
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger_seat (
    theatre    INTEGER NOT NULL,
    show       INTEGER NOT NULL,
    seat       INTEGER NOT NULL,
    epoch      INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    -- Not IN: for a list of more than two SQLite builds a table at every insert, which more than doubles its cost.
    standing   TEXT    NOT NULL
        CHECK (standing = 'free' OR standing = 'sold' OR standing = 'withheld' OR standing = 'unknown'),
    ticket     BLOB,
    doubtful   INTEGER NOT NULL,
    PRIMARY KEY (theatre, show, seat)
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger_ticket (
    theatre        INTEGER NOT NULL,
    ticket         BLOB    NOT NULL,
    show           INTEGER NOT NULL,
    seat           INTEGER NOT NULL,
    generation     INTEGER NOT NULL,
    seller         TEXT    CHECK (seller IN ('central', 'edge')),
    booking        BLOB,
    price          INTEGER,
    void_requested INTEGER NOT NULL,
    answer         TEXT    CHECK (answer IN ('accepted', 'refused')),
    admitted_at    INTEGER,
    door           TEXT,
    PRIMARY KEY (theatre, ticket)
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger_hold (
    theatre  INTEGER NOT NULL,
    hold     BLOB    NOT NULL,
    show     INTEGER NOT NULL,
    kind     TEXT    NOT NULL CHECK (kind = 'counter' OR kind = 'web' OR kind = 'tentative' OR kind = 'paying'),
    deadline INTEGER NOT NULL,
    cap      INTEGER NOT NULL,
    seats    BLOB    NOT NULL,
    PRIMARY KEY (theatre, hold)
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger_certificate (
    theatre INTEGER NOT NULL,
    bytes   BLOB    NOT NULL,
    n       INTEGER PRIMARY KEY
) STRICT;

CREATE TABLE ledger_revoked_key (
    theatre INTEGER NOT NULL,
    key     BLOB    NOT NULL,
    PRIMARY KEY (theatre, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger_discrepancy (
    n          INTEGER PRIMARY KEY,
    theatre    INTEGER NOT NULL,
    found_at   INTEGER NOT NULL,
    log        TEXT    NOT NULL,
    seq        INTEGER NOT NULL,
    story      TEXT    NOT NULL,
    -- Both sides of it as they were when it was found: the entries and seats may change afterwards.
    kind       TEXT    NOT NULL,
    ours       TEXT    NOT NULL,
    theirs     TEXT    NOT NULL,
    proposed   TEXT    NOT NULL,
    settled_at INTEGER,
    settled_by TEXT,
    settled_how TEXT
) STRICT;
CREATE INDEX ledger_discrepancy_open ON ledger_discrepancy (theatre) WHERE settled_at IS NULL;

CREATE TABLE dead_letter (
    n       INTEGER PRIMARY KEY,
    theatre INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    why     TEXT    NOT NULL,
    bytes   BLOB    NOT NULL,
    replayed_at INTEGER,
    outcome TEXT
) STRICT;
