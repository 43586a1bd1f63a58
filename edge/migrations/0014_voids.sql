-- Each ticket that somebody asked to take back: why, who asked, whose PIN allowed it, and what came of it. One that was used stays
-- sold.
CREATE TABLE voids (
    number      INTEGER PRIMARY KEY,
    ticket      BLOB NOT NULL REFERENCES sale_tickets (ticket),
    reason      TEXT NOT NULL,
    asked_by    TEXT NOT NULL,
    -- The same person where that one may do it alone.
    approved_by TEXT NOT NULL,
    asked_at    INTEGER NOT NULL,
    -- Nothing while it waits for the doors.
    outcome     TEXT CHECK (outcome IN ('void', 'used')),
    ended_at    INTEGER
) STRICT;
CREATE INDEX voids_by_ticket ON voids (ticket);
CREATE UNIQUE INDEX voids_open ON voids (ticket) WHERE outcome IS NULL;
INSERT INTO voids (ticket, reason, asked_by, approved_by, asked_at, outcome, ended_at)
SELECT ticket, coalesce(void_reason, ''), void_by, coalesce(void_approved_by, void_by), void_at,
       CASE WHEN voided_at IS NOT NULL THEN 'void' WHEN NOT void_waits THEN 'used' END,
       CASE WHEN voided_at IS NOT NULL THEN voided_at WHEN NOT void_waits THEN void_at END
FROM sales JOIN sale_tickets USING (sale) WHERE void_by IS NOT NULL AND void_at IS NOT NULL;
-- What sales said of it stays where it was until a release that nobody goes back behind.

-- The reports of a day tell what was taken back on it, whenever it was sold.
CREATE INDEX sale_tickets_voided ON sale_tickets (voided_at) WHERE voided_at IS NOT NULL;

-- When a document was read: it is given out once, as a paper is.
ALTER TABLE prints ADD COLUMN read_at INTEGER;
