//! What both sides of Usher agree on: ids, money, time, the seating plan, the seat ledger, tickets and the admission check.

pub mod admission;
pub mod ids;
pub mod keys;
pub mod money;
pub mod refusal;
pub mod seating;
pub mod ticket;
pub mod time;
