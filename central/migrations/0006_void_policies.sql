-- Cancellations that the theatre has not answered: few, and looked through every minute.
CREATE INDEX booking_cancelling ON booking (theatre, show) WHERE state = 'cancelling';
CREATE INDEX discrepancy_of_booking ON discrepancy (booking, code);
