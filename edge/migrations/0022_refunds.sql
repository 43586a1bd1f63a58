-- Cash of tickets whose void waited for the doors: it lies in a drawer until somebody at a window hands it over.
CREATE TABLE refunds (
    ticket   BLOB PRIMARY KEY REFERENCES sale_tickets (ticket),
    since    INTEGER NOT NULL,
    given_by TEXT,
    given_at INTEGER
) STRICT;
CREATE INDEX refunds_open ON refunds (since) WHERE given_at IS NULL;
