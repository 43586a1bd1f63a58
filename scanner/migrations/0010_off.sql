-- The edge has said that somebody declared this device off; pairing anew writes the row anew.
ALTER TABLE identity ADD COLUMN off INTEGER NOT NULL DEFAULT 0;
