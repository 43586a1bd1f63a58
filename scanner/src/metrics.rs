//! What this device counts.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct VerdictLabels {
    verdict: String,
    code: String,
    guarantee: String,
}

/// The counters of one device.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    verdicts: Family<VerdictLabels, Counter>,
    /// Scans the edge acknowledged after they were answered here.
    pub(crate) uploaded: Counter,
    /// Admissions the edge found to be not the first of their ticket.
    pub(crate) duplicates: Counter,
    /// Scans the edge would not take.
    pub(crate) refused_uploads: Counter,
}

impl Metrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register("scan_verdicts", "Answers to scans", self.verdicts.clone());
        registry.register("scans_uploaded", "Scans delivered after they were answered here", self.uploaded.clone());
        registry.register("scan_duplicates", "Admissions found to be not the first", self.duplicates.clone());
        registry.register("scan_uploads_refused", "Scans the edge would not take", self.refused_uploads.clone());
    }

    pub(crate) fn count(&self, verdict: &str, code: &str, guarantee: &str) {
        let labels = VerdictLabels { verdict: verdict.into(), code: code.into(), guarantee: guarantee.into() };
        self.verdicts.get_or_create(&labels).inc();
    }
}
