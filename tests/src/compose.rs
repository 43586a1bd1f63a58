//! `deploy/compose`: what its files say to each other, and all of it at work as programs of this machine.

mod balancer;
mod file;
mod local;
mod place;
