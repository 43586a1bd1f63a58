//! What the machine alone takes: baselines that do nothing of ours.

use super::generator::Request;
use super::table::Timings;
use anyhow::Context;
use std::io::{Seek, Write};
use std::path::Path;
use std::time::Instant;

/// What a commit of one scan or sale appends to the write-ahead log, bytes, about.
const COMMIT_BYTES: usize = 32 * 1024;

/// What the disk alone takes: appending what a commit appends, over and over in one file, as a write-ahead log is used.
///
/// # Errors
/// If the file cannot be written.
pub(super) fn bare_commits(dir: &Path, count: usize) -> anyhow::Result<Timings> {
    let mut file = std::fs::File::create(dir.join("bare")).context("create a file")?;
    let (bytes, mut timings) = (vec![7; COMMIT_BYTES], Timings::default());
    for index in 0..count {
        if index % 500 == 0 {
            file.rewind()?;
        }
        let began = Instant::now();
        file.write_all(&bytes)?;
        file.sync_data()?;
        timings.add(began.elapsed());
    }
    Ok(timings)
}

/// A request that no server does anything for.
pub(super) fn nothing() -> Request {
    Request { path: "/livez".into(), headers: String::new(), body: String::new() }
}
