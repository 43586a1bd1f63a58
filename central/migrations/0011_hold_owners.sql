-- Who has a hold, as far as there is a limit for them: another start, or another node, counts on. Kept no longer than a hold can last.
CREATE TABLE hold_owner (
    owner   BLOB    NOT NULL,
    theatre INTEGER NOT NULL,
    show    INTEGER NOT NULL,
    hold    BLOB    NOT NULL,
    until   INTEGER NOT NULL
) STRICT;
CREATE INDEX hold_owner_until ON hold_owner (until);
