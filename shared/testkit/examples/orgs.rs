//! What the configuration of N orgs takes in one environment's memory: every org with the shipped global mappings, and one in ten
//! with a layer of its own. `make bench-orgs N=10000`
#![allow(clippy::unwrap_used, clippy::expect_used)]

use futures::executor::block_on;
use rtr_engine::seams::Configs;
use rtr_testkit::configs::MemoryConfigs;
use std::path::Path;
use std::time::Instant;

fn main() {
    let count: usize = std::env::args().nth(1).map_or(10_000, |text| text.parse().expect("a number"));
    let configs = MemoryConfigs::default();
    let mut files = Vec::new();
    for provider in ["hubspot", "salesforce"] {
        for record_type in ["contact", "company", "deal"] {
            let path = format!("mappings/{provider}/{record_type}.yaml");
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config");
            files.push((path.clone(), std::fs::read_to_string(root.join(path)).unwrap()));
        }
    }
    for n in 0..count {
        let mut text = format!(
            "org: org-{n}\nconnections: {{hubspot: {{}}, salesforce: {{}}}}\nroutes: {{contact: [hubspot, salesforce], company: [hubspot], deal: [hubspot]}}\n"
        );
        if n.is_multiple_of(10) {
            text += "mappings: {hubspot: {contact: {fields: {city: town}}}}\n";
        }
        files.push((format!("orgs/org-{n}.yaml"), text));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    configs.apply(&files).unwrap();
    let before = resident_mb();
    let begun = Instant::now();
    for n in 0..count {
        let config = block_on(configs.org(&format!("org-{n}"))).unwrap();
        assert!(config.mapping("hubspot", "contact").is_some());
    }
    let took = begun.elapsed().as_secs_f64();
    let mb = resident_mb().saturating_sub(before);
    println!(
        "{count} orgs resolved in {took:.1} s, {:.0} µs each; {mb} MB, {:.1} KB each",
        took * 1e6 / count as f64,
        mb as f64 * 1_024.0 / count as f64
    );
}

fn resident_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).unwrap_or_default() / 1_024
}
