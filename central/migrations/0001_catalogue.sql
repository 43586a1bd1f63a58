-- Movies, theatres and the schedule that customers search. Money is minor units, times are milliseconds UTC.
CREATE TABLE theatre (
    id          INTEGER PRIMARY KEY,
    city        TEXT NOT NULL,
    name        TEXT NOT NULL,
    kind        TEXT NOT NULL,
    chain       TEXT,
    screens     INTEGER NOT NULL CHECK (screens > 0),
    seats       INTEGER NOT NULL CHECK (seats > 0),
    lat         REAL,
    lon         REAL,
    zone        TEXT NOT NULL,
    currency    TEXT NOT NULL,
    UNIQUE (city, name)
) STRICT;

CREATE TABLE movie (
    id          INTEGER PRIMARY KEY,
    title       TEXT NOT NULL,
    year        INTEGER NOT NULL,
    runtime_min INTEGER NOT NULL,
    genres      TEXT NOT NULL,
    cast_names  TEXT NOT NULL,
    UNIQUE (title, year)
) STRICT;

-- A projection of the ledger for searching; the ledger decides what may be sold.
CREATE TABLE schedule (
    theatre     INTEGER NOT NULL REFERENCES theatre (id),
    number      INTEGER NOT NULL,
    screen      INTEGER NOT NULL,
    movie       INTEGER NOT NULL,
    title       TEXT NOT NULL,
    starts_at   INTEGER NOT NULL,
    ends_at     INTEGER NOT NULL,
    local_date  TEXT NOT NULL,
    from_minor  INTEGER NOT NULL,
    seats       INTEGER NOT NULL,
    cancelled   INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (theatre, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX schedule_by_movie ON schedule (movie, starts_at);
CREATE INDEX schedule_by_start ON schedule (starts_at, theatre, number);
