-- The hold that a sale was made of: whoever asked for it and got no answer finds it by that. One hold becomes one sale.
ALTER TABLE sales ADD COLUMN hold BLOB;
CREATE UNIQUE INDEX sales_by_hold ON sales (hold) WHERE hold IS NOT NULL;
CREATE INDEX sales_by_show ON sales (show);
CREATE INDEX sales_by_staff ON sales (staff, sold_at);

-- Whose hold it is, so that it is found at another window. How it stands is the ledger's.
CREATE TABLE counter_holds (
    hold  BLOB PRIMARY KEY,
    staff TEXT NOT NULL,
    at    INTEGER NOT NULL
) STRICT;
CREATE INDEX counter_holds_by_time ON counter_holds (at);
