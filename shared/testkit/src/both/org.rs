//! The org that has its records at three CRMs, both ways.

/// The org's connections: the name, the provider and the account.
pub const CONNECTIONS: [(&str, &str, &str); 3] = [
    ("hubspot", "hubspot", "acme"),
    ("salesforce", "salesforce", "acme"),
    ("hubspot-eu", "hubspot", "acme-eu"),
];

/// Contacts at HubSpot; values flow both ways.
pub const AT_HUBSPOT: &str = "object: contacts
match: email
fields:
  email: {from: email, direction: both}
  firstname: {from: name.first, direction: both}
  lastname: {from: name.last, direction: both}
  phone: {from: phone, direction: both}
  lifecyclestage: {from: stage, map: {new: lead, won: customer}, direction: both}
  jobtitle: title
";

/// Contacts at Salesforce; values flow both ways.
pub const AT_SALESFORCE: &str = "object: Contact
match: Email
fields:
  Email: {from: email, direction: both}
  FirstName: {from: name.first, direction: both}
  LastName: {from: name.last, default: '-', direction: both}
  Phone: {from: phone, direction: both}
  Title: title
";
