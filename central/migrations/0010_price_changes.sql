-- Prices that begin at a moment to come. What has begun is in the ledger.
CREATE TABLE price_change (
    theatre     INTEGER NOT NULL,
    show        INTEGER NOT NULL,
    category    INTEGER NOT NULL,
    price_minor INTEGER NOT NULL,
    begins_at   INTEGER NOT NULL,
    done_at     INTEGER,
    PRIMARY KEY (theatre, show, category, begins_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX price_change_due ON price_change (begins_at) WHERE done_at IS NULL;
