-- The end of the till journal as the box signed it when a report closed a shift, and the certificate of the key that did.
CREATE TABLE signed_reports (
    z              INTEGER PRIMARY KEY,
    shift          INTEGER NOT NULL,
    seq            INTEGER NOT NULL,
    hash           BLOB NOT NULL,
    expected_minor INTEGER NOT NULL,
    counted_minor  INTEGER NOT NULL,
    signature      BLOB NOT NULL,
    certificate    TEXT NOT NULL
) STRICT;
