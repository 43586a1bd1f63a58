//! Log output and the process-wide cryptography provider: what a `main` sets up before anything else.

use anyhow::Context;
use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Sends log lines to standard error. `filter` is in the syntax of `tracing_subscriber::EnvFilter`, for example
/// `info,edge=debug`.
///
/// # Errors
/// If the filter cannot be read or logging was set up before.
pub fn log_to_stderr(filter: &str, format: LogFormat) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter).with_context(|| format!("read log filter {filter:?}"))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let set = match format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    set.map_err(|error| anyhow::anyhow!("set up logging: {error}"))
}

/// Makes ring the cryptography provider of this process; mains and test set-ups call it before any TLS or HTTP client
/// is built.
pub fn install_crypto() {
    // A second call finds the provider in place, which is what the caller wants.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_cannot_be_read_is_named() {
        let error = log_to_stderr("info,=x=y", LogFormat::Text).expect_err("no filter");
        assert!(format!("{error:#}").contains("info,=x=y"), "{error:#}");
    }

    #[test]
    fn installing_the_provider_twice_does_no_harm() {
        install_crypto();
        install_crypto();
        assert!(rustls::crypto::CryptoProvider::get_default().is_some());
    }
}
