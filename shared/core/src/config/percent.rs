//! Shares as people write them: `20%`.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A share in the words of its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PercentText(pub String);

impl PercentText {
    /// The whole percents, 0 to 100.
    ///
    /// # Errors
    /// When the text is no such share.
    pub fn to_percent(&self) -> Result<u8, String> {
        let number = self.0.strip_suffix('%').and_then(|number| number.parse::<u8>().ok());
        number.filter(|percent| *percent <= 100).ok_or_else(|| {
            format!("`{}` is not a share: write a whole number from 0 to 100 and %, such as 20%", self.0)
        })
    }
}

impl JsonSchema for PercentText {
    fn schema_name() -> Cow<'static, str> {
        "Percent".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "rtr-percent", "pattern": "^(100|[0-9]{1,2})%$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_shares_when_read_then_only_whole_percents_pass() {
        let read = |text: &str| PercentText(text.to_owned()).to_percent();
        assert_eq!((read("20%"), read("0%"), read("100%")), (Ok(20), Ok(0), Ok(100)));
        assert!(read("101%").is_err() && read("20").is_err() && read("-1%").is_err());
    }
}
