//! The table of all transformers: name, what it does, an example that a test evaluates. The reference is made from it.

use super::{Kind, Missing, Transformer, html, list, money, number, person, phone, text, time, value};
use minijinja::{Error, Value};

type Run = fn(&Value, &[Value]) -> Result<Value, Error>;
const ANY: usize = usize::MAX;

// A row each: it is read as a table.
#[rustfmt::skip]
const ALL: [Transformer; 58] = [
    filter("lower", "the text in lower case", r#""ADA@X.IO" | lower → "ada@x.io""#, (0, 0), text::lower),
    filter("upper", "the text in upper case", r#""de" | upper → "DE""#, (0, 0), text::upper),
    filter("capitalize", "the first letter in upper case, the rest in lower", r#""ADA l." | capitalize → "Ada l.""#, (0, 0), text::capitalize),
    filter("title", "every word's first letter in upper case, the rest in lower", r#""ada LOVELACE" | title → "Ada Lovelace""#, (0, 0), text::title),
    filter("trim", "without white space, or the given characters, at both ends", r#""  Ada " | trim → "Ada""#, (0, 1), text::trim),
    filter("squeeze", "white space within made single and at the ends removed", r#"" Ada   King " | squeeze → "Ada King""#, (0, 0), text::squeeze),
    filter("replace", "every occurrence of the first argument replaced by the second", r#""a-b-c" | replace("-", "") → "abc""#, (2, 2), text::replace),
    filter("truncate", "the first so many characters; a second argument stands for what is left out, within them", r#""Lovelace" | truncate(5, "…") → "Love…""#, (1, 2), text::truncate),
    filter("truncate_bytes", "the first so many bytes of UTF-8, no character cut in two", r#""Zoë" | truncate_bytes(3) → "Zo""#, (1, 1), text::truncate_bytes),
    filter("pad", "filled up at the left to so many characters, by default with 0", r#"42 | pad(5) → "00042""#, (1, 2), text::pad),
    filter("before", "the text before the first occurrence of the argument, or all of it", r#""ada@x.io" | before("@") → "ada""#, (1, 1), text::before),
    filter("after", "the text after the first occurrence of the argument, or undefined", r#""ada@x.io" | after("@") → "x.io""#, (1, 1), text::after),
    filter("split", "the list of parts between the argument's occurrences", r#""a, b" | split(", ") → ["a", "b"]"#, (1, 1), text::split),
    filter("digits", "the digits alone", r#""+49 (30) 12" | digits → "493012""#, (0, 0), text::digits),
    filter("phone", "the number in E.164; the argument is the country, by code or name, of a number that is written without one", r#""030 123-4567" | phone("DE") → "+49301234567""#, (0, 1), phone::phone),
    filter("email", "the address in lower case, without a name beside it; undefined where it is none", r#""Ada <Ada@X.io>" | email → "ada@x.io""#, (0, 0), person::email),
    filter("given_name", "of a whole name what stands before the family name", r#""Dr. Ada King" | given_name → "Ada""#, (0, 0), person::given_name),
    filter("family_name", "of a whole name the family name, with its particles", r#""Ludwig van Beethoven" | family_name → "van Beethoven""#, (0, 0), person::family_name),
    filter("initials", "the first letter of each word in upper case", r#""Ada King" | initials → "AK""#, (0, 0), person::initials),
    filter("slug", "lower case letters and digits, all else made single hyphens", r#""ACME, Inc." | slug → "acme-inc""#, (0, 0), text::slug),
    filter("domain", "the host of a web address or e-mail address, without www", r#""https://www.X.io/a" | domain → "x.io""#, (0, 0), text::domain),
    filter("strip_html", "the text of HTML as a person would read it, paragraphs in lines of their own", r#""<p>Hi <b>Ada</b></p>&copy; 1843" | strip_html → "Hi Ada\n© 1843""#, (0, 0), html::strip_html),
    filter("hash", "SHA-256 of the text, in hexadecimal", r#""" | hash → "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855""#, (0, 0), text::hash),
    filter("string", "a number, or true or false, as text", r#"42 | string → "42""#, (0, 0), value::string),
    filter("int", "the whole number; a fraction is cut off", r#""42.9" | int → 42"#, (0, 0), number::int),
    filter("float", "the number with a fraction", r#""1.5" | float → 1.5"#, (0, 0), number::float),
    filter("round", "rounded to so many digits after the point, by default none", r#"2.345 | round(1) → 2.3"#, (0, 1), number::round),
    filter("abs", "without its sign", r#"-3 | abs → 3"#, (0, 0), number::abs),
    filter("major_units", "from cents to a decimal text; the argument is the currency, or how many digits, by default 2", r#"1999 | major_units("EUR") → "19.99""#, (0, 1), money::major_units),
    filter("minor_units", "from an amount to cents; the argument is the currency, or how many digits, by default 2", r#""19.99" | minor_units("EUR") → 1999"#, (0, 1), money::minor_units),
    filter("bool", "true or false, from yes, no, on, off, 1, 0 and their kin", r#""Yes" | bool → true"#, (0, 0), value::bool),
    filter("date", "the day, in UTC or the given zone, of a date, a time, or milliseconds since 1970", r#""2026-11-23T23:30:00Z" | date("Europe/Berlin") → "2026-11-24""#, (0, 1), time::date),
    filter("datetime", "the instant in UTC as RFC 3339; what says no zone is in the given one, or UTC", r#""2026-11-23T10:00:00" | datetime("Europe/Berlin") → "2026-11-23T09:00:00Z""#, (0, 1), time::datetime),
    filter("epoch_ms", "milliseconds since 1970; what says no zone is in the given one, or UTC", r#""1970-01-02" | epoch_ms → 86400000"#, (0, 1), time::epoch_ms),
    filter("epoch_day_ms", "milliseconds since 1970 of midnight in UTC of the day, in UTC or the given zone", r#""1970-01-02T10:00:00Z" | epoch_day_ms → 86400000"#, (0, 1), time::epoch_day_ms),
    filter("format_date", "written by a pattern of strftime, in UTC or the given zone", r#""2026-11-23" | format_date("%d.%m.%Y") → "23.11.2026""#, (1, 2), time::format_date),
    filter("parse_date", "the day, or the instant, that is written by a pattern of strftime, in UTC or the given zone", r#""23.11.2026" | parse_date("%d.%m.%Y") → "2026-11-23""#, (1, 2), time::parse_date),
    filter("join", "the items in one text, the argument between them", r#"["a", "b"] | join("; ") → "a; b""#, (0, 1), list::join),
    filter("first", "the first item, or undefined", r#"[1, 2] | first → 1"#, (0, 0), list::first),
    filter("last", "the last item, or undefined", r#"[1, 2] | last → 2"#, (0, 0), list::last),
    filter("length", "how many items or characters", r#""Ada" | length → 3"#, (0, 0), list::length),
    filter("sort", "the items in order, or in that of what they hold under a key", r#"["b", "a"] | sort → ["a", "b"]"#, (0, 1), list::sort),
    filter("min", "the least of the items, or undefined", r#"[3, 1, 2] | min → 1"#, (0, 0), list::min),
    filter("max", "the greatest of the items, or undefined", r#"[3, 1, 2] | max → 3"#, (0, 0), list::max),
    filter("unique", "every item once, where it stood first", r#"[1, 2, 1] | unique → [1, 2]"#, (0, 0), list::unique),
    filter("reverse", "the items in reverse order", r#"[1, 2] | reverse → [2, 1]"#, (0, 0), list::reverse),
    filter("compact", "without the items that are none or empty text", r#"["a", "", none] | compact → ["a"]"#, (0, 0), list::compact),
    filter("pluck", "the named key of every item that has it", r#"[{"id": 1}, {"id": 2}] | pluck("id") → [1, 2]"#, (1, 1), list::pluck),
    filter("where", "the items whose key has the value", r#"[{"k": "a", "v": 1}, {"k": "b", "v": 2}] | where("k", "b") → [{"k": "b", "v": 2}]"#, (2, 2), list::with),
    filter("sum", "the sum of the items", r#"[1, 2.5] | sum → 3.5"#, (0, 0), list::sum),
    filter("json", "the value as JSON text", r#"{"a": [1, true]} | json → "{\"a\":[1,true]}""#, (0, 0), value::json),
    filter("lookup", "what the object holds under the value; else the second argument, else undefined", r#""de" | lookup({"de": "Germany"}) → "Germany""#, (1, 2), value::lookup),
    filter("nullif", "none when it equals the argument", r#""n/a" | nullif("n/a") → null"#, (1, 1), value::nullif),
    filter("blank_to_none", "none when it is empty text or white space", r#""  " | blank_to_none → null"#, (0, 0), value::blank_to_none),
    replacing(filter("default", "the argument when it is undefined or none", r#"none | default("new") → "new""#, (1, 1), value::default)),
    replacing(filter("required", "the value; undefined or none is an error, and the record is not written", r#""x" | required → "x""#, (0, 0), value::required)),
    function("coalesce", "the first argument that is neither undefined nor none", r#"coalesce(none, "b", "c") → "b""#, (1, ANY), value::coalesce),
    function("concat", "all arguments as one text, like ~; with a missing one the result is missing", r#"concat("a", 1) → "a1""#, (1, ANY), value::concat),
];

/// Every transformer as name, what it does, and an example `expression → JSON`.
pub const TRANSFORMERS: &[(&str, &str, &str)] = &DOCS;

const DOCS: [(&str, &str, &str); ALL.len()] = {
    let mut docs = [("", "", ""); ALL.len()];
    let mut next = 0;
    while next < ALL.len() {
        docs[next] = (ALL[next].name, ALL[next].doc, ALL[next].example);
        next += 1;
    }
    docs
};

/// All of them, as the environment registers them.
pub(crate) fn all() -> &'static [Transformer] {
    const STATIC: &[Transformer] = &ALL;
    STATIC
}

/// The transformer of this name and kind.
pub(crate) fn find(kind: Kind, name: &str) -> Option<&'static Transformer> {
    all().iter().find(|found| found.kind == kind && found.name == name)
}

/// The names of all of one kind.
pub(crate) fn names(kind: Kind) -> impl Iterator<Item = &'static str> {
    all().iter().filter(move |found| found.kind == kind).map(|found| found.name)
}

const fn filter(
    name: &'static str,
    doc: &'static str,
    example: &'static str,
    arity: (usize, usize),
    run: Run,
) -> Transformer {
    let (least, most) = arity;
    Transformer { name, kind: Kind::Filter, doc, example, least, most, missing: Missing::PassesThrough, run }
}

const fn function(
    name: &'static str,
    doc: &'static str,
    example: &'static str,
    arity: (usize, usize),
    run: Run,
) -> Transformer {
    let filter = filter(name, doc, example, arity, run);
    Transformer { kind: Kind::Function, missing: Missing::Handles, ..filter }
}

const fn replacing(filter: Transformer) -> Transformer {
    Transformer { missing: Missing::Handles, ..filter }
}
