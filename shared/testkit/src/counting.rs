//! What a function counts is what the reference says of it.

use rtr_core::metric::Metric;
use rtr_engine::report::BatchReport;

/// `report`, of which `function` prints no metric that the reference does not have it print.
///
/// # Panics
/// When it does.
#[must_use]
#[track_caller]
pub fn of(function: &str, report: BatchReport) -> BatchReport {
    check(function, &report);
    report
}

/// The same of a report that is lent.
///
/// # Panics
/// When a metric is not one of the function's.
#[track_caller]
pub fn check(function: &str, report: &BatchReport) {
    let counted = report.counts.keys().filter_map(|name| Metric::from_name(name));
    let concerning = report.of_provider.keys().chain(report.measured.keys()).map(|(_, metric)| *metric);
    let strange: Vec<&str> = counted
        .chain(concerning)
        .filter(|metric| !metric.by().split(' ').any(|by| by == function))
        .map(Metric::name)
        .collect();
    assert!(strange.is_empty(), "{function} prints {strange:?}, and `Metric::by` does not have it");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "sweep prints [\"job_rows\"]")]
    fn given_a_metric_of_another_function_when_counted_then_it_is_told() {
        let mut report = BatchReport::default();
        report.count(Metric::Woken, 1);
        report.count(Metric::JobRows, 1);
        check("sweep", &report);
    }
}
