-- How the door's page was served last: its link for phones must say so.
ALTER TABLE access ADD COLUMN https INTEGER NOT NULL DEFAULT 0;
