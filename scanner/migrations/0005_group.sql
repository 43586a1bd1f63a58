-- The seat of the ticket that was let in, where the code is that of another one of its booking.
ALTER TABLE scans ADD COLUMN seat TEXT;
ALTER TABLE scans ADD COLUMN generation INTEGER;
