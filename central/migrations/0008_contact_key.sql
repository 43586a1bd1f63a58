-- A contact in the one form in which it is compared: how many seats somebody has is asked at each booking. Small letters; the last
-- ten digits of a number.
ALTER TABLE booking ADD COLUMN contact_key TEXT;
UPDATE booking SET contact_key = CASE WHEN email IS NOT NULL THEN lower(trim(email)) ELSE
    replace(replace(replace(replace(replace(phone, ' ', ''), '-', ''), '+', ''), '(', ''), ')', '') END;
UPDATE booking SET contact_key = substr(contact_key, length(contact_key) - 9) WHERE email IS NULL AND length(contact_key) > 10;
CREATE INDEX booking_by_contact ON booking (contact_key, theatre, show);
