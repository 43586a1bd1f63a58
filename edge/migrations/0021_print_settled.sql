-- Who tried a failed print again or gave it up, last: where some of it may be out this is a duplicate that nobody else answers for.
ALTER TABLE prints ADD COLUMN settled_by TEXT;
