-- The short code of a ticket's booking, by which guests are found whose code cannot be read.
ALTER TABLE tickets ADD COLUMN booking TEXT;
CREATE INDEX tickets_by_booking ON tickets (booking) WHERE booking IS NOT NULL;

-- What was read before the code was part of it is read anew.
UPDATE feed SET cursor = '';
