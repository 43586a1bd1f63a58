//! The catalogue: theatres and movies as they are imported, and the plans and shows that go into the theatres' logs.

pub mod import;
pub mod movies;
pub mod plans;
pub mod shows;
pub mod theatres;
