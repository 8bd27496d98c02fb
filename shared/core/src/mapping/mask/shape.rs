//! What a text looks like: a date, a number that is dialled, an address, a code.

/// Keys under which short codes stand: words of a list that all the world shares, which functions want to know.
const CODE_KEYS: [&str; 6] = ["country", "currency", "locale", "language", "lang", "zone"];

/// Whether `text` is a code of a country, currency, language or time zone by what its key is called.
pub(super) fn is_code(key: &str, text: &str) -> bool {
    let key = key.to_lowercase();
    if !CODE_KEYS.iter().any(|name| key.contains(name)) {
        return false;
    }
    let letters = |part: &str, of: std::ops::RangeInclusive<usize>| {
        of.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    let zone = key.contains("zone")
        && text.split_once('/').is_some_and(|(area, city)| letters(area, 2..=10) && !city.contains(' '));
    let parts: Vec<&str> = text.split(['-', '_']).collect();
    let code = match parts.as_slice() {
        [one] => letters(one, 2..=3),
        [language, region] => letters(language, 2..=3) && letters(region, 2..=4),
        _ => false,
    };
    zone || code
}

/// The digits of `text` as others: as many, zeros at its beginning kept.
pub(super) fn digits(text: &str, attempt: usize) -> String {
    let mut leading = true;
    let mut number = attempt;
    let exponent = text.find(['e', 'E']).unwrap_or(text.len());
    let masked = text.char_indices().map(|(at, c)| match c {
        _ if at > exponent || !c.is_ascii_digit() => c,
        '0' if leading => c,
        _ => {
            leading = false;
            number += 1;
            digit(number)
        }
    });
    masked.collect()
}

/// 1 to 9, and again.
pub(super) fn digit(number: usize) -> char {
    let index = u8::try_from((number + 8) % 9).unwrap_or_default();
    char::from(b'1' + index)
}

/// Whether it is what people dial.
pub(super) fn is_phone(text: &str) -> bool {
    let dialled = |c: char| c.is_ascii_digit() || matches!(c, '+' | '(' | ')' | '-' | '.' | '/' | ' ');
    let count = text.chars().filter(char::is_ascii_digit).count();
    let marked = text.starts_with(['+', '0', '(']) || text.contains([' ', '-', '/']);
    text.chars().all(dialled) && (7..=15).contains(&count) && marked
}

/// A number of the same look: what says the country stays, if it is said; no calling code has more than three digits.
pub(super) fn phone(text: &str, attempt: usize) -> String {
    let kept = match text {
        _ if text.starts_with("00") => 5,
        _ if text.starts_with('+') => 3,
        _ if text.starts_with('0') => 1,
        _ => 0,
    };
    let total = text.chars().filter(char::is_ascii_digit).count();
    let (mut seen, spread) = (0, [100, 10, 1]);
    let masked = text.chars().map(|c| {
        if !c.is_ascii_digit() {
            return c;
        }
        seen += 1;
        match total - seen {
            _ if seen <= kept => c,
            left @ 0..3 => {
                char::from(b'0' + u8::try_from((attempt + 1) / spread[2 - left] % 10).unwrap_or_default())
            }
            _ => '5',
        }
    });
    masked.collect()
}

/// The order in which a text that begins with a day gives year, month and day, if it does.
fn order(text: &str) -> Option<[usize; 3]> {
    let day: Vec<&str> = text.splitn(3, ['-', '.', '/']).collect();
    let [first, second, rest] = day.as_slice() else { return None };
    let figures = |part: &str| part.bytes().take_while(u8::is_ascii_digit).count();
    let whole = |part: &str| figures(part) == part.len();
    match (first.len(), second.len(), figures(rest)) {
        (4, 1..=2, 1..=2) if whole(first) && whole(second) => Some([0, 1, 2]),
        (1..=2, 1..=2, 4) if whole(first) && whole(second) => Some([2, 1, 1]),
        _ => None,
    }
}

/// Whether it is a day, or a time of a day.
pub(super) fn is_date(text: &str) -> bool {
    let tail = |c: char| {
        c.is_ascii_digit() || matches!(c, '-' | '.' | '/' | ':' | '+' | ' ' | 'T' | 'Z' | 't' | 'z')
    };
    order(text).is_some() && text.chars().all(tail)
}

/// Another day, and time, written alike: one that is a day in whichever order day and month stand.
pub(super) fn date(text: &str, attempt: usize) -> String {
    let mut runs: Vec<String> = Vec::new();
    let mut masked = String::new();
    let year = 2001 + attempt % 90;
    let write = |run: &str, at: usize, year: usize| match (run.len(), at) {
        (0, _) => String::new(),
        (4, 0 | 2) => year.to_string(),
        (length, at) => format!("{:0length$}", at + 1).chars().take(length).collect(),
    };
    for c in text.chars().chain(['\0']) {
        match runs.last_mut() {
            Some(run) if c.is_ascii_digit() => run.push(c),
            None if c.is_ascii_digit() => runs.push(c.to_string()),
            _ => {
                if let Some(run) = runs.last().filter(|run| !run.is_empty()) {
                    masked.push_str(&write(run, runs.len() - 1, year));
                    runs.push(String::new());
                }
                masked.push(c);
            }
        }
    }
    masked.trim_end_matches('\0').to_owned()
}
