//! What the counter calls: shows and seat maps, holds, sales, voids, and the pictures of ticket codes.

pub mod answer;
pub mod holds;
pub mod qr;
pub mod sales;
pub mod shows;
pub mod tender;
pub mod void;
pub mod waiting;
