-- What is asked by requests and timers, and was looked for in whole tables.

-- Shows to come: of a theatre, of a movie there, of a movie anywhere; without any of them from the longest show's length ago on.
CREATE INDEX schedule_to_come ON schedule (theatre, ends_at);
CREATE INDEX schedule_of_movie_at_theatre ON schedule (theatre, movie, ends_at);
CREATE INDEX schedule_of_movie ON schedule (movie, ends_at);
CREATE INDEX schedule_by_length ON schedule ((ends_at - starts_at));
DROP INDEX schedule_by_movie;
CREATE INDEX theatre_in_city ON theatre (lower(city));

CREATE INDEX webhook_seen_by_time ON webhook_seen (seen_at);

-- Central keeps the rows of many theatres in tables that a box has for one.
CREATE INDEX ledger_standing_of_theatre ON ledger_standing (theatre, n);
CREATE INDEX ledger_aside_of_theatre ON ledger_aside (theatre, n);
CREATE INDEX ledger_certificate_of_theatre ON ledger_certificate (theatre, n);
