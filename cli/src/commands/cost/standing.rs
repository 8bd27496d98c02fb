//! What is there whatever happens: alarms and dashboards, counted in the template.

use super::prices::Prices;

/// What is deployed: its alarms and dashboards are counted in it.
pub(super) const TEMPLATE: &str = include_str!("../../../../template.yaml");
const ALARM: &str = "Type: AWS::CloudWatch::Alarm";
/// A composite alarm in it.
pub(super) const COMPOSITE: &str = "Type: AWS::CloudWatch::CompositeAlarm\n";
/// A dashboard in it.
pub(super) const DASHBOARD: &str = "Type: AWS::CloudWatch::Dashboard\n";

/// Alarms and dashboards, which cost the same whatever happens.
pub(super) fn standing(prices: &Prices) -> f64 {
    let times = |n: usize, price: f64| f64::from(u32::try_from(n).unwrap_or(u32::MAX)) * price;
    // An alarm over an expression is paid once for each metric that it looks at.
    times(alarms(TEMPLATE).iter().sum(), prices.alarm)
        + times(TEMPLATE.matches(COMPOSITE).count(), prices.composite_alarm)
        + times(TEMPLATE.matches(DASHBOARD).count(), prices.dashboard)
}

/// How many metrics each alarm of `template` looks at.
pub(super) fn alarms(template: &str) -> Vec<usize> {
    // A resource begins at two blanks; what is within it further in.
    let mut resources: Vec<(bool, usize)> = Vec::new();
    for line in template.lines() {
        if line.starts_with("  ") && !line.starts_with("   ") && !line.starts_with("  #") {
            resources.push((false, 0));
        }
        let Some((is_alarm, metrics)) = resources.last_mut() else { continue };
        *is_alarm |= line.trim() == ALARM;
        *metrics += line.matches("MetricStat:").count();
    }
    resources.iter().filter(|(is_alarm, _)| *is_alarm).map(|(_, metrics)| (*metrics).max(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_alarms_over_expressions_when_counted_then_each_metric_that_they_look_at_is_one() {
        let text = "Resources:\n  A:\n    Type: AWS::CloudWatch::Alarm\n    Properties:\n      MetricName: m\n\n  # Two.\n  B:\n    Type: \
            AWS::CloudWatch::Alarm\n    Properties:\n      Metrics:\n        - {Id: a, MetricStat: {}}\n        - {Id: b, MetricStat: {}}\n  \
            C:\n    Type: AWS::SQS::Queue\n    MetricStat: x\n";
        assert_eq!(alarms(text), [1, 2]);
        let all = alarms(TEMPLATE);
        assert_eq!(all.len(), TEMPLATE.matches(&format!("{ALARM}\n")).count());
        assert!(all.iter().any(|metrics| *metrics > 1), "{all:?}");
    }
}
