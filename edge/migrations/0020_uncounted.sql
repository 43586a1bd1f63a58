-- Departures that count for nothing as long as no entry before them is known: the door of the entry may tell of it later.
CREATE INDEX departures_uncounted ON departures (ticket, at) WHERE NOT counts;
