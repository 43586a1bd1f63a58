//! What the writer thread measures.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Numbers about batches and commits. Clones share them.
#[derive(Debug, Clone)]
pub struct WriterMetrics {
    /// Jobs waiting.
    pub queue_depth: Gauge,
    /// Jobs per transaction.
    pub batch_jobs: Histogram,
    /// Duration of commits that wrote something, seconds.
    pub commit_seconds: Histogram,
    /// Transactions committed.
    pub commits: Counter,
}

impl Default for WriterMetrics {
    fn default() -> Self {
        Self {
            queue_depth: Gauge::default(),
            batch_jobs: Histogram::new([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0]),
            commit_seconds: Histogram::new([
                0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0,
            ]),
            commits: Counter::default(),
        }
    }
}

impl WriterMetrics {
    /// Puts the metrics into a server's registry.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("writer_queue_jobs", "Jobs that wait for the writer", self.queue_depth.clone());
        registry.register("writer_batch_jobs", "Jobs per transaction", self.batch_jobs.clone());
        registry.register(
            "writer_commit_seconds",
            "Duration of commits that wrote something",
            self.commit_seconds.clone(),
        );
        registry.register("writer_commits", "Transactions committed", self.commits.clone());
    }
}
