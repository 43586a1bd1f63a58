-- The last round whose end was seen: what it omits has been let go.
ALTER TABLE feed ADD COLUMN swept INTEGER NOT NULL DEFAULT 0;
