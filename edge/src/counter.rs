//! What the counter calls: shows and seat maps, holds, sales and what is known of their payment, voids, and the pictures of codes.

pub mod answer;
pub mod holds;
pub mod qr;
pub mod sales;
pub mod shows;
pub mod slip;
pub mod sold;
pub mod tender;
pub mod upi;
pub mod void;
pub mod waiting;
pub mod withheld;
