-- The ticket that was let in, where the code is that of another one of its booking: JSON with ticket, seat and generation.
ALTER TABLE scans ADD COLUMN member TEXT;
