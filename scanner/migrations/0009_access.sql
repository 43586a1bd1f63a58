-- What a page of another machine shows to be let at this device: it comes by the door's link.
CREATE TABLE access (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    key BLOB NOT NULL
) STRICT;
INSERT INTO access VALUES (1, randomblob(16));
