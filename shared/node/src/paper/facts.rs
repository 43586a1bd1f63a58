//! What templates may name.

use serde::Serialize;

/// Who gives the paper out, as the law wants it told; nothing of it stands there where it is not set.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Issuer {
    /// The business's name in the register.
    pub legal_name: Option<String>,
    /// The number under which it pays its taxes.
    pub gstin: Option<String>,
    /// Lines of a licence or a certificate.
    pub certificate: Vec<String>,
}

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
    /// Whose group it is of, if it is of one.
    pub group: Option<String>,
    /// Who gives it out.
    pub issuer: Issuer,
    /// The signed text.
    pub code: String,
}

/// One paper for a whole group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupFacts {
    /// The theatre's name.
    pub theatre: String,
    /// Its city.
    pub city: String,
    /// Whose group it is.
    pub group: String,
    /// The short code of its sale.
    pub booking: String,
    /// What is shown.
    pub title: String,
    /// The screen's number.
    pub screen: u32,
    /// The show's local day.
    pub date: String,
    /// When it begins there.
    pub time: String,
    /// How many seats.
    pub count: usize,
    /// The seats, row by row.
    pub rows: Vec<GroupRow>,
    /// What was paid.
    pub total: String,
    /// `cash`, `card` or `upi`.
    pub tender: String,
    /// The first and the last serial.
    pub serials: String,
    /// The local day of the sale.
    pub sold_date: String,
    /// Its time there.
    pub sold_time: String,
    /// Who sold.
    pub staff: String,
    /// The tax that is inside, by rate.
    pub taxes: Vec<TaxLine>,
    /// Who gives it out.
    pub issuer: Issuer,
}

/// A group's seats in one row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupRow {
    /// The row's label.
    pub row: String,
    /// `1-10, 12`.
    pub seats: String,
}

impl GroupRow {
    /// The rows of seats that are in the order of their rows and numbers.
    pub fn of<'a>(seats: impl IntoIterator<Item = (&'a str, u16)>) -> Vec<Self> {
        let mut rows: Vec<(&str, Vec<u16>)> = Vec::new();
        for (row, number) in seats {
            match rows.last_mut() {
                Some((last, numbers)) if *last == row => numbers.push(number),
                _ => rows.push((row, vec![number])),
            }
        }
        let told = |(row, mut numbers): (&str, Vec<u16>)| {
            numbers.sort_unstable();
            let runs = numbers.chunk_by(|a, b| a.checked_add(1) == Some(*b)).map(|run| match run {
                [first, .., last] => format!("{first}-{last}"),
                run => run.iter().map(u16::to_string).collect(),
            });
            Self { row: row.to_owned(), seats: runs.collect::<Vec<_>>().join(", ") }
        };
        rows.into_iter().map(told).collect()
    }
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
    /// Who gives it out.
    pub issuer: Issuer,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_groups_seats_are_told_row_by_row() {
        let seats = [("B", 4), ("B", 3), ("B", 5), ("B", 7), ("C", 1), ("D", 1), ("D", 2)];
        let told: Vec<_> =
            GroupRow::of(seats).into_iter().map(|GroupRow { row, seats }| format!("{row} {seats}")).collect();
        assert_eq!(told, ["B 3-5, 7", "C 1", "D 1-2"]);
    }
}
