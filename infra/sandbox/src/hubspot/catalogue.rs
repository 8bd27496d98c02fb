//! HubSpot's standard properties, as many as a CRM sync meets in practice.

use super::schema::Property;
use super::types::ObjectType;

const STAGES: &[&str] = &[
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
    "evangelist",
    "other",
];
const DEAL_STAGES: &[&str] = &[
    "appointmentscheduled",
    "qualifiedtobuy",
    "presentationscheduled",
    "decisionmakerboughtin",
    "contractsent",
    "closedwon",
    "closedlost",
];

/// Name, type, and options if it has any.
type Row = (&'static str, &'static str, &'static [&'static str]);

const CONTACT: &[Row] = &[
    ("email", "string", &[]),
    ("firstname", "string", &[]),
    ("lastname", "string", &[]),
    ("phone", "string", &[]),
    ("mobilephone", "string", &[]),
    ("company", "string", &[]),
    ("jobtitle", "string", &[]),
    ("website", "string", &[]),
    ("address", "string", &[]),
    ("city", "string", &[]),
    ("state", "string", &[]),
    ("zip", "string", &[]),
    ("country", "string", &[]),
    ("salutation", "string", &[]),
    ("message", "string", &[]),
    ("annualrevenue", "string", &[]),
    ("hs_language", "enumeration", &["de", "en", "es", "fr", "it", "nl", "pt"]),
    ("lifecyclestage", "enumeration", STAGES),
    (
        "hs_lead_status",
        "enumeration",
        &[
            "NEW",
            "OPEN",
            "IN_PROGRESS",
            "OPEN_DEAL",
            "UNQUALIFIED",
            "ATTEMPTED_TO_CONTACT",
            "CONNECTED",
            "BAD_TIMING",
        ],
    ),
    ("date_of_birth", "string", &[]),
    ("hs_email_optout", "bool", &["true", "false"]),
    ("closedate", "datetime", &[]),
];
const COMPANY: &[Row] = &[
    ("name", "string", &[]),
    ("domain", "string", &[]),
    (
        "industry",
        "enumeration",
        &[
            "ACCOUNTING",
            "AUTOMOTIVE",
            "BANKING",
            "COMPUTER_SOFTWARE",
            "CONSTRUCTION",
            "EDUCATION_MANAGEMENT",
            "FINANCIAL_SERVICES",
            "FOOD_BEVERAGES",
            "HOSPITAL_HEALTH_CARE",
            "INFORMATION_TECHNOLOGY_AND_SERVICES",
            "INSURANCE",
            "INTERNET",
            "LOGISTICS_AND_SUPPLY_CHAIN",
            "MACHINERY",
            "MANAGEMENT_CONSULTING",
            "MARKETING_AND_ADVERTISING",
            "REAL_ESTATE",
            "RETAIL",
        ],
    ),
    ("phone", "string", &[]),
    ("address", "string", &[]),
    ("address2", "string", &[]),
    ("city", "string", &[]),
    ("state", "string", &[]),
    ("zip", "string", &[]),
    ("country", "string", &[]),
    ("website", "string", &[]),
    ("description", "string", &[]),
    ("numberofemployees", "number", &[]),
    ("annualrevenue", "number", &[]),
    ("founded_year", "string", &[]),
    ("is_public", "bool", &["true", "false"]),
    ("type", "enumeration", &["PROSPECT", "PARTNER", "RESELLER", "VENDOR", "OTHER"]),
    ("lifecyclestage", "enumeration", STAGES),
];
const DEAL: &[Row] = &[
    ("dealname", "string", &[]),
    ("amount", "number", &[]),
    ("closedate", "datetime", &[]),
    ("dealstage", "enumeration", DEAL_STAGES),
    ("pipeline", "enumeration", &["default"]),
    ("dealtype", "enumeration", &["newbusiness", "existingbusiness"]),
    ("description", "string", &[]),
    ("deal_currency_code", "enumeration", &["USD", "EUR", "GBP", "CHF", "JPY", "CAD", "AUD"]),
    ("hs_priority", "enumeration", &["low", "medium", "high"]),
    ("hs_next_step", "string", &[]),
];
const TICKET: &[Row] = &[
    ("subject", "string", &[]),
    ("content", "string", &[]),
    ("hs_pipeline", "enumeration", &["0"]),
    ("hs_pipeline_stage", "enumeration", &["1", "2", "3", "4"]),
    ("hs_ticket_priority", "enumeration", &["LOW", "MEDIUM", "HIGH", "URGENT"]),
    (
        "hs_ticket_category",
        "enumeration",
        &["PRODUCT_ISSUE", "BILLING_ISSUE", "FEATURE_REQUEST", "GENERAL_INQUIRY"],
    ),
    ("source_type", "enumeration", &["CHAT", "EMAIL", "FORM", "PHONE"]),
    ("closed_date", "datetime", &[]),
];
const PRODUCT: &[Row] = &[
    ("name", "string", &[]),
    ("description", "string", &[]),
    ("price", "number", &[]),
    ("hs_sku", "string", &[]),
    ("hs_cost_of_goods_sold", "number", &[]),
    ("hs_url", "string", &[]),
    ("hs_active", "bool", &["true", "false"]),
];
const COMMON: &[Row] = &[("hubspot_owner_id", "string", &[])];
const READ_ONLY: &[Row] = &[
    ("hs_object_id", "number", &[]),
    ("createdate", "datetime", &[]),
    ("hs_merged_object_ids", "string", &[]),
    ("hs_object_source", "string", &[]),
    ("hs_object_source_label", "string", &[]),
];

/// The standard properties of a type.
pub(super) fn standard(kind: &ObjectType, group: &str) -> Vec<Property> {
    let own = match kind.singular {
        "contact" => CONTACT,
        "company" => COMPANY,
        "deal" => DEAL,
        "ticket" => TICKET,
        _ => PRODUCT,
    };
    let modified: Row = (kind.modified, "datetime", &[]);
    let written = own.iter().chain(COMMON).map(|row| property(row, group, false));
    let derived = READ_ONLY.iter().chain([&modified]).map(|row| property(row, group, true));
    let mut all: Vec<Property> = written.chain(derived).collect();
    for property in &mut all {
        property.unique = kind.singular == "contact" && property.name == "email";
    }
    all
}

fn property(row: &Row, group: &str, read_only: bool) -> Property {
    let (name, kind, options) = *row;
    let field = match kind {
        "number" => "number",
        "enumeration" => "select",
        "bool" => "booleancheckbox",
        "date" | "datetime" => "date",
        _ if name.contains("phone") => "phonenumber",
        _ => "text",
    };
    Property {
        name: name.to_owned(),
        label: label(name),
        group: group.to_owned(),
        kind: kind.to_owned(),
        field: field.to_owned(),
        options: options.iter().map(|value| ((*value).to_owned(), label(value))).collect(),
        read_only,
        standard: true,
        ..Property::default()
    }
}

/// `hs_lead_status` as `Hs Lead Status`.
fn label(name: &str) -> String {
    let words = name.split('_').map(|word| {
        let mut letters = word.chars();
        letters
            .next()
            .map(|first| first.to_uppercase().chain(letters).collect::<String>())
            .unwrap_or_default()
    });
    words.collect::<Vec<_>>().join(" ")
}
