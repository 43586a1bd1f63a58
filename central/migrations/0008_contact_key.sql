-- A contact in the one form in which it is compared: how many seats somebody has is asked at each booking.
ALTER TABLE booking ADD COLUMN contact_key TEXT;
CREATE INDEX booking_by_contact ON booking (contact_key, theatre, show);
