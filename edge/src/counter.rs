//! What the counter calls: shows, their prices and seat maps, holds, sales, what is known of their payment, and those that were got back, voids, and the pictures of codes.

pub mod answer;
pub mod group;
pub mod holds;
pub mod prices;
pub mod qr;
pub mod recovered;
pub mod sales;
pub mod shows;
pub mod slip;
pub mod sold;
pub mod tender;
pub mod upi;
pub mod void;
pub mod waiting;
pub mod withheld;
