-- Whoever goes out of the show is counted as outside. Where guests may come back that has always been so.
ALTER TABLE door_settings ADD COLUMN exit INTEGER NOT NULL DEFAULT 0;
UPDATE door_settings SET exit = reentry;

-- The guest is outside, and the ticket stays used.
ALTER TABLE departures ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;
CREATE INDEX departures_gone ON departures (ticket, at) WHERE gone;
