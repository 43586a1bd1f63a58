//! Which bookings there are, as far as a new one could meet one of them: nearly every booking meets none, and then the store need not
//! be asked.

use super::store::Booking;
use crate::answers::mark;
use node::store::{Sql, StoreError};
use node::values;
use shared::ids::{ShowId, ShowNumber, TheatreId};
use std::collections::HashSet;

/// Marks of bookings. One that is somebody else's too, or of a booking that was not kept, costs a look.
#[derive(Debug, Default)]
pub struct BookingMarks(HashSet<u64>);

impl BookingMarks {
    /// Those of all bookings in the store.
    ///
    /// # Errors
    /// If the store fails.
    pub fn load(conn: &dyn Sql) -> Result<Self, StoreError> {
        let mut marks = Self::default();
        conn.query("SELECT code, hold, contact_key, theatre, show FROM booking", values![], &mut |row| {
            let contact: Option<String> = row.get(2)?;
            let show = ShowId { theatre: TheatreId(row.get(3)?), number: ShowNumber(row.get(4)?) };
            marks.0.extend(of(&row.get::<String>(0)?, row.get(1)?, contact.as_deref().unwrap_or_default(), show));
            Ok(true)
        })?;
        Ok(marks)
    }

    /// May there be a booking with the code or of the hold of this one, or one of its contact for its show?
    pub fn may_meet(&self, booking: &Booking) -> bool {
        of_booking(booking).iter().any(|mark| self.0.contains(mark))
    }

    /// There is such a booking.
    pub fn note(&mut self, booking: &Booking) {
        self.0.extend(of_booking(booking));
    }
}

fn of_booking(booking: &Booking) -> [u64; 3] {
    of(&booking.code, booking.hold.0, &booking.contact.key(), booking.show)
}

fn of(code: &str, hold: [u8; 16], contact: &str, show: ShowId) -> [u64; 3] {
    [mark(&("code", code)), mark(&("hold", hold)), mark(&("contact", contact, show.theatre.0, show.number.0))]
}
