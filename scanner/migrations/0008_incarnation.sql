-- Which life of this device made its scans: a new store is another one.
CREATE TABLE incarnation (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    incarnation BLOB NOT NULL
) STRICT;
INSERT INTO incarnation VALUES (1, randomblob(8));
