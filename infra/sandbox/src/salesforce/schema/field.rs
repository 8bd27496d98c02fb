//! One field's definition. A definition decides what values a record may hold, and who sees the field.

use serde_json::{Value, json};

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::salesforce) enum FieldType {
    Id,
    Text,
    TextArea,
    Email,
    Phone,
    Url,
    Int,
    Double,
    Currency,
    Percent,
    Boolean,
    Date,
    DateTime,
    Picklist,
    MultiPicklist,
    Reference,
}

impl FieldType {
    /// The name `describe` has for it.
    pub(in crate::salesforce) fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Text => "string",
            Self::TextArea => "textarea",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Url => "url",
            Self::Int => "int",
            Self::Double => "double",
            Self::Currency => "currency",
            Self::Percent => "percent",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::DateTime => "datetime",
            Self::Picklist => "picklist",
            Self::MultiPicklist => "multipicklist",
            Self::Reference => "reference",
        }
    }

    pub(in crate::salesforce) fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::Double | Self::Currency | Self::Percent)
    }

    fn soap(self) -> &'static str {
        match self {
            Self::Id | Self::Reference => "tns:ID",
            Self::Int => "xsd:int",
            Self::Double | Self::Currency | Self::Percent => "xsd:double",
            Self::Boolean => "xsd:boolean",
            Self::Date => "xsd:date",
            Self::DateTime => "xsd:dateTime",
            _ => "xsd:string",
        }
    }
}

/// One field.
#[derive(Debug, Clone)]
pub(in crate::salesforce) struct Field {
    pub(in crate::salesforce) name: String,
    pub(in crate::salesforce) label: String,
    pub(in crate::salesforce) kind: FieldType,
    /// The most characters of a text; 0 where it means nothing.
    pub(in crate::salesforce) length: usize,
    /// Digits in all and after the point, of a number.
    pub(in crate::salesforce) precision: u32,
    pub(in crate::salesforce) scale: u32,
    pub(in crate::salesforce) required: bool,
    pub(in crate::salesforce) createable: bool,
    pub(in crate::salesforce) updateable: bool,
    pub(in crate::salesforce) external_id: bool,
    pub(in crate::salesforce) id_lookup: bool,
    pub(in crate::salesforce) unique: bool,
    pub(in crate::salesforce) case_sensitive: bool,
    pub(in crate::salesforce) options: Vec<String>,
    /// Whether a value that is not among the options is refused.
    pub(in crate::salesforce) restricted: bool,
    /// The type a reference leads to, and the name of the way there.
    pub(in crate::salesforce) refers: Option<&'static str>,
    pub(in crate::salesforce) relationship: Option<String>,
    pub(in crate::salesforce) custom: bool,
    /// Whether the account's user may see the field, and whether they may change it.
    pub(in crate::salesforce) visible: bool,
    pub(in crate::salesforce) editable: bool,
    /// Whether that is so without any permission set.
    pub(in crate::salesforce) open: bool,
    /// A rule of the account: a record without it is refused; no value is accepted.
    pub(in crate::salesforce) demanded: bool,
    pub(in crate::salesforce) rejects: bool,
}

impl Field {
    pub(in crate::salesforce) fn new(name: &str, kind: FieldType, length: usize) -> Self {
        Self {
            name: name.to_owned(),
            label: label(name),
            kind,
            length,
            precision: if kind.is_number() { 18 } else { 0 },
            scale: if matches!(kind, FieldType::Currency | FieldType::Double) { 2 } else { 0 },
            required: false,
            createable: true,
            updateable: true,
            external_id: false,
            id_lookup: false,
            unique: false,
            case_sensitive: false,
            options: Vec::new(),
            restricted: false,
            refers: None,
            relationship: None,
            custom: false,
            visible: true,
            editable: true,
            open: true,
            demanded: false,
            rejects: false,
        }
    }

    /// Whether records are looked up by its value.
    pub(in crate::salesforce) fn is_key(&self) -> bool {
        self.external_id || self.id_lookup || self.unique
    }

    /// The field as `describe` gives it.
    pub(in crate::salesforce) fn view(&self) -> Value {
        let options: Vec<Value> = self
            .options
            .iter()
            .map(|value| json!({"active": true, "defaultValue": false, "label": value, "validFor": null, "value": value}))
            .collect();
        json!({
            "name": self.name, "label": self.label, "type": self.kind.name(), "soapType": self.kind.soap(),
            "length": self.length, "byteLength": self.length * 3, "precision": self.precision, "scale": self.scale,
            "digits": 0, "nillable": !self.required, "createable": self.createable && self.editable,
            "updateable": self.updateable && self.editable, "externalId": self.external_id,
            "idLookup": self.id_lookup || self.external_id, "unique": self.unique,
            "caseSensitive": self.case_sensitive, "custom": self.custom, "picklistValues": options,
            "restrictedPicklist": self.restricted, "referenceTo": self.refers.into_iter().collect::<Vec<_>>(),
            "relationshipName": self.relationship, "defaultedOnCreate": self.kind == FieldType::Boolean,
            "nameField": self.name == "Name", "calculated": false, "autoNumber": false,
            "filterable": self.kind != FieldType::TextArea, "sortable": self.kind != FieldType::TextArea,
            "deprecatedAndHidden": false, "permissionable": self.custom && !self.required, "defaultValue": null,
        })
    }
}

/// `ReportsToId` as `Reports To ID`, `Rtr_Key__c` as `Rtr Key`.
fn label(name: &str) -> String {
    let bare = name.strip_suffix("__c").unwrap_or(name);
    let mut words = String::new();
    for (at, letter) in bare.char_indices() {
        let before = at.checked_sub(1).and_then(|at| bare.as_bytes().get(at));
        if letter == '_' {
            words.push(' ');
            continue;
        }
        if letter.is_ascii_uppercase() && before.is_some_and(u8::is_ascii_lowercase) {
            words.push(' ');
        }
        words.push(letter);
    }
    match words.strip_suffix(" Id") {
        Some(start) => format!("{start} ID"),
        None => words,
    }
}

/// A custom field's definition from what an administrator says of it, in the words of the Metadata API.
pub(in crate::salesforce) fn custom(name: &str, metadata: &Value) -> Result<Field, String> {
    let text = |key: &str| metadata.get(key).and_then(Value::as_str);
    let number = |key: &str| metadata.get(key).and_then(Value::as_u64);
    let flag = |key: &str| metadata.get(key).and_then(Value::as_bool).unwrap_or(false);
    let (kind, length) = match text("type").ok_or("type: missing")? {
        "Text" => (FieldType::Text, 255),
        "TextArea" => (FieldType::TextArea, 255),
        "LongTextArea" => (FieldType::TextArea, 131_072),
        "Email" => (FieldType::Email, 80),
        "Phone" => (FieldType::Phone, 40),
        "Url" => (FieldType::Url, 255),
        "Number" => (FieldType::Double, 0),
        "Currency" => (FieldType::Currency, 0),
        "Percent" => (FieldType::Percent, 0),
        "Checkbox" => (FieldType::Boolean, 0),
        "Date" => (FieldType::Date, 0),
        "DateTime" => (FieldType::DateTime, 0),
        "Picklist" => (FieldType::Picklist, 255),
        "MultiselectPicklist" => (FieldType::MultiPicklist, 4099),
        "Lookup" => (FieldType::Reference, 18),
        other => return Err(format!("type: \"{other}\" is not a type of field")),
    };
    let mut field = Field::new(name, kind, length);
    if kind == FieldType::Text {
        let wanted = number("length").and_then(|length| usize::try_from(length).ok());
        field.length =
            wanted.filter(|length| (1..=255).contains(length)).ok_or("length: expected 1 to 255")?;
    }
    let keyed = matches!(kind, FieldType::Text | FieldType::Email | FieldType::Double);
    (field.external_id, field.unique) = (flag("externalId"), flag("unique"));
    if (field.external_id || field.unique) && !keyed {
        return Err("externalId, unique: only a Text, Email or Number field can be one".to_owned());
    }
    field.case_sensitive = field.unique && flag("caseSensitive");
    field.label = text("label").map_or(field.label, str::to_owned);
    field.required = flag("required");
    field.precision =
        number("precision").and_then(|digits| u32::try_from(digits).ok()).unwrap_or(field.precision);
    field.scale = number("scale").and_then(|digits| u32::try_from(digits).ok()).unwrap_or(0);
    let set = metadata.pointer("/valueSet/valueSetDefinition/value").and_then(Value::as_array);
    let names = set.into_iter().flatten().filter_map(|value| {
        value.get("fullName").or_else(|| value.get("valueName")).and_then(Value::as_str).map(str::to_owned)
    });
    field.options = names.collect();
    field.restricted = metadata.pointer("/valueSet/restricted") == Some(&json!(true));
    if kind == FieldType::Reference {
        let to = text("referenceTo").and_then(super::find).ok_or("referenceTo: no such type")?;
        field.refers = Some(to.name);
        field.relationship = Some(name.replace("__c", "__r"));
    }
    field.custom = true;
    Ok(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_names_when_labelled_then_they_read_as_in_messages() {
        assert_eq!(
            ["LastName", "AccountId", "Rtr_Key__c", "Email"].map(label),
            ["Last Name", "Account ID", "Rtr Key", "Email"]
        );
    }
}
