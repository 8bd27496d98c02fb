//! Cases by a seed: files of the corpus, changed at random.

use super::targets::Target;
use fastrand::Rng;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Cases of a target in an ordinary run.
const FEW: u64 = 3_000;
/// The longest input, in bytes.
const MAX_BYTES: usize = 16 * 1_024;
/// What readers trip over.
const TOKENS: [&[u8]; 30] = [
    b"\0",
    b"\xff",
    b"\xc3",
    b"\xf0\x9f",
    b"\xef\xbb\xbf",
    b"\n",
    b" ",
    b"\"",
    b"\\u0000",
    b"\\ud800",
    b"null",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    b"[",
    b"]",
    b"{",
    b"}",
    b":",
    b",",
    b"<",
    b"</",
    b"/>",
    b"&#x0;",
    b"<![CDATA[",
    b"<!DOCTYPE",
    b"<?xml",
    b"%3A",
    b"%",
    b"~2",
];

/// The files of a target.
pub(super) fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(name);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{name} has no corpus");
    files.into_iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// The cases of one target.
pub(super) struct Cases {
    name: &'static str,
    corpus: Vec<Vec<u8>>,
    count: u64,
    seed: u64,
}

impl Cases {
    pub(super) fn new(name: &'static str, corpus: Vec<Vec<u8>>) -> Self {
        let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().unwrap());
        Self {
            name,
            corpus,
            count: number("RTR_FUZZ_CASES").unwrap_or(FEW),
            seed: number("RTR_FUZZ_SEED").unwrap_or(1),
        }
    }

    /// Every file as it is, then changed ones.
    pub(super) fn run(&self, target: Target) {
        for input in &self.corpus {
            self.one(input, target);
        }
        for case in 0..self.count {
            let mut rng = self.rng(case);
            self.one(&changed(&mut rng, &self.corpus), target);
        }
    }

    /// The same with one case in `share` of the usual: for targets that do much with each.
    pub(super) fn run_some(mut self, share: u64, target: Target) {
        self.count /= share;
        self.run(target);
    }

    /// The same for a target that draws its input by itself.
    pub(super) fn draw(&self, target: impl Fn(&mut Rng, &[Vec<u8>])) {
        for case in 0..self.count {
            let mut rng = self.rng(case);
            let done = catch_unwind(AssertUnwindSafe(|| target(&mut rng, &self.corpus)));
            assert!(done.is_ok(), "{}: case {case} of RTR_FUZZ_SEED={} failed", self.name, self.seed);
        }
    }

    fn one(&self, input: &[u8], target: Target) {
        if catch_unwind(|| target(input)).is_err() {
            let hex = input.iter().fold(String::new(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            });
            panic!("{}: this input failed, in hex: {hex}", self.name);
        }
    }

    fn rng(&self, case: u64) -> Rng {
        Rng::with_seed(self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(case))
    }
}

/// One of `corpus` with some changes.
pub(super) fn changed(rng: &mut Rng, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = corpus[rng.usize(..corpus.len())].clone();
    for _ in 0..rng.usize(1..=6) {
        change(rng, &mut bytes, corpus);
    }
    bytes.truncate(MAX_BYTES);
    bytes
}

/// One change.
pub(super) fn change(rng: &mut Rng, bytes: &mut Vec<u8>, corpus: &[Vec<u8>]) {
    let at = rng.usize(..=bytes.len());
    let end = (at + rng.usize(..=16)).min(bytes.len());
    match rng.u8(..7) {
        0 if at < bytes.len() => bytes[at] ^= 1 << rng.u8(..8),
        1 if at < bytes.len() => bytes[at] = rng.u8(..),
        2 => drop(bytes.splice(at..at, TOKENS[rng.usize(..TOKENS.len())].iter().copied())),
        3 => drop(bytes.drain(at..end)),
        4 => {
            let part = bytes[at..end].to_vec();
            bytes.splice(at..at, part);
        }
        5 => {
            let other = &corpus[rng.usize(..corpus.len())];
            let from = rng.usize(..=other.len());
            bytes.splice(at.., other[from..].iter().copied());
        }
        _ => bytes.truncate(at),
    }
}
