//! Numbers that are not kept as they are written: those with more digits than a number of JSON has room for at a CRM, and
//! those that are no numbers to whoever wrote them, such as a postal code.

/// The largest whole number that every reader of JSON keeps: 2^53.
const LARGEST_WHOLE: i128 = 9_007_199_254_740_992;

/// Whether the number that `digits` write is kept to the last of them by whoever reads JSON.
#[must_use]
pub(crate) fn is_kept(digits: &str) -> bool {
    let text = digits.replace('_', "");
    if let Ok(whole) = text.parse::<i128>() {
        return whole.abs() <= LARGEST_WHOLE;
    }
    let Ok(read) = text.parse::<f64>() else { return true };
    read.is_finite() && significant(&text) == significant(&format!("{read:e}"))
}

/// The digits that matter, and the power of ten of the first one.
fn significant(number: &str) -> (String, i64) {
    let number = number.trim_start_matches(['-', '+']).to_lowercase();
    let (mantissa, exponent) = number.split_once('e').unwrap_or((&number, "0"));
    let exponent: i64 = exponent.parse().unwrap_or_default();
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let zeros = all.len() - all.trim_start_matches('0').len();
    let digits = all.trim_matches('0').to_owned();
    let power = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
    if digits.is_empty() { (digits, 0) } else { (digits, exponent + power(whole.len()) - power(zeros)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn given_numbers_when_more_digits_are_written_than_are_kept_then_it_is_known() {
        for kept in [
            "0",
            "-1",
            "9007199254740992",
            "0.1",
            "1.10",
            "19.990",
            "1e3",
            "1.5e-7",
            "123456789.12345",
            "0.000",
            "1_000",
        ] {
            assert!(is_kept(kept), "{kept}");
        }
        for lost in [
            "9007199254740993",
            "-12345678901234567890",
            "3.14159265358979323846",
            "0.12345678901234567891",
            "1e400",
        ] {
            assert!(!is_kept(lost), "{lost}");
        }
    }

    proptest! {
        #[test]
        fn given_any_number_when_it_is_written_as_it_is_read_then_it_is_kept(number in any::<f64>(), small in -1_000_000_000_000_i64..1_000_000_000_000) {
            prop_assume!(number.is_finite());
            let written = number.to_string();
            prop_assert!(is_kept(&written) || written.parse::<i128>().is_ok(), "{}", written);
            let hundredths = format!("{}.{:02}", small / 100, (small % 100).abs());
            prop_assert!(is_kept(&hundredths), "{}", hundredths);
        }
    }
}
