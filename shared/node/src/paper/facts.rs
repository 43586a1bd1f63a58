//! What templates may name.

use serde::Serialize;

/// A ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TicketFacts {
    /// The theatre's name.
    pub theatre: String,
    /// Its city.
    pub city: String,
    /// What is shown.
    pub title: String,
    /// The screen's number.
    pub screen: u32,
    /// `C12`.
    pub seat: String,
    /// The seat's category.
    pub category: String,
    /// `INR 150.00`.
    pub price: String,
    /// The show's local day.
    pub date: String,
    /// When it begins there.
    pub time: String,
    /// `counter-000012`; online tickets have none.
    pub serial: Option<String>,
    /// The short code of its sale or booking.
    pub booking: String,
    /// The signed text.
    pub code: String,
}

/// A receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReceiptFacts {
    /// The theatre's name.
    pub theatre: String,
    /// Its city.
    pub city: String,
    /// The short code of the sale.
    pub booking: String,
    /// Who sold.
    pub staff: String,
    /// The local day of the sale.
    pub sold_date: String,
    /// Its time there.
    pub sold_time: String,
    /// What is shown.
    pub title: String,
    /// The screen's number.
    pub screen: u32,
    /// The show's local day.
    pub date: String,
    /// When it begins there.
    pub time: String,
    /// One line a ticket.
    pub lines: Vec<ReceiptLine>,
    /// All of it.
    pub total: String,
    /// `cash`, `card` or `upi`.
    pub tender: String,
    /// Of cash, what was given.
    pub received: Option<String>,
    /// What went back.
    pub change: Option<String>,
    /// The tax that is inside, by rate.
    pub taxes: Vec<TaxLine>,
}

/// A ticket on a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReceiptLine {
    /// `C12`.
    pub seat: String,
    /// Its category.
    pub category: String,
    /// Without a currency, `150.00`.
    pub price: String,
    /// The ticket's serial.
    pub serial: String,
}

/// The tax of one rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaxLine {
    /// Percent, both halves together.
    pub percent: u8,
    /// Before tax.
    pub net: String,
    /// The union's half.
    pub cgst: String,
    /// The state's half.
    pub sgst: String,
}
