use super::{KEY, Org, code, encode};
use serde_json::{Value, json};

fn described(org: &mut Org, object: &str, name: &str) -> Option<Value> {
    let (status, body) = org.get(&format!("/sobjects/{object}/describe"));
    assert_eq!(status, 200);
    body["fields"].as_array().unwrap().iter().find(|field| field["name"] == name).cloned()
}

fn make(org: &mut Org, name: &str) -> (u16, Value) {
    let metadata = json!({"type": "Text", "label": "Key", "length": 64, "externalId": true, "unique": true});
    org.post("/tooling/sobjects/CustomField", json!({"FullName": name, "Metadata": metadata}))
}

#[test]
fn given_standard_fields_when_described_then_types_and_flags_are_the_vendors() {
    let mut org = Org::new();
    let field = |org: &mut Org, object: &str, name: &str| described(org, object, name).expect("there");
    let email = field(&mut org, "Contact", "Email");
    assert_eq!(
        (&email["type"], &email["idLookup"], &email["externalId"], &email["length"]),
        (&json!("email"), &json!(true), &json!(false), &json!(80))
    );
    let account = field(&mut org, "Contact", "AccountId");
    assert_eq!(
        (&account["referenceTo"], &account["relationshipName"]),
        (&json!(["Account"]), &json!("Account"))
    );
    let name = field(&mut org, "Contact", "LastName");
    assert_eq!(
        (&name["nillable"], &name["createable"], &name["updateable"]),
        (&json!(false), &json!(true), &json!(true))
    );
    let whole = field(&mut org, "Contact", "Name");
    assert_eq!((&whole["createable"], &whole["updateable"]), (&json!(false), &json!(false)));
    let stage = field(&mut org, "Opportunity", "StageName");
    assert_eq!(
        (&stage["restrictedPicklist"], &stage["picklistValues"][0]["value"]),
        (&json!(false), &json!("Prospecting"))
    );
    let (_, list) = org.get("/sobjects");
    let prefixes: Vec<&Value> =
        list["sobjects"].as_array().unwrap().iter().take(4).map(|kind| &kind["keyPrefix"]).collect();
    assert_eq!(prefixes, ["001", "003", "00Q", "006"]);
}

#[test]
fn given_a_field_made_over_tooling_when_no_permission_set_grants_it_then_nobody_sees_it() {
    let mut org = Org::new();
    let (status, body) = make(&mut org, "Contact.Rtr_Key__c");
    let id = body["id"].as_str().unwrap().to_owned();
    assert_eq!(
        (status, &body),
        (201, &json!({"id": id, "success": true, "errors": [], "warnings": [], "infos": []}))
    );
    assert!(described(&mut org, "Contact", KEY).is_none());
    let (status, body) = org.post("/sobjects/Contact", json!({"LastName": "A", KEY: "K1"}));
    assert_eq!((status, code(&body)), (400, "INVALID_FIELD"));
    assert_eq!(code(&org.query(&format!("SELECT {KEY} FROM Contact")).1), "INVALID_FIELD");
    assert_eq!(org.patch(&format!("/sobjects/Contact/{KEY}/K1"), json!({"LastName": "A"})).0, 404);
    let soql =
        encode("SELECT Id FROM CustomField WHERE TableEnumOrId = 'Contact' AND DeveloperName = 'Rtr_Key'");
    assert_eq!(org.get(&format!("/tooling/query?q={soql}")).1["records"][0]["Id"], json!(id));
}

#[test]
fn given_a_permission_set_when_it_grants_and_is_assigned_then_the_field_is_seen_and_written() {
    let mut org = Org::new();
    make(&mut org, "Contact.Rtr_Key__c");
    let set = org.create("PermissionSet", json!({"Name": "Rtr", "Label": "Rtr"}));
    let grant = json!({"ParentId": set, "SobjectType": "Contact", "Field": "Contact.Rtr_Key__c", "PermissionsRead": true, "PermissionsEdit": false});
    let permission = org.create("FieldPermissions", grant.clone());
    assert!(described(&mut org, "Contact", KEY).is_none());
    let user = org.found("SELECT Id FROM User", "Id").remove(0);
    org.create("PermissionSetAssignment", json!({"AssigneeId": user, "PermissionSetId": set}));
    let field = described(&mut org, "Contact", KEY).expect("seen");
    assert_eq!(
        (&field["externalId"], &field["unique"], &field["updateable"]),
        (&json!(true), &json!(true), &json!(false))
    );
    let (_, body) = org.post("/sobjects/Contact", json!({"LastName": "A", KEY: "K1"}));
    assert_eq!((code(&body), &body[0]["fields"]), ("INVALID_FIELD_FOR_INSERT_UPDATE", &json!([KEY])));
    org.patch(&format!("/sobjects/FieldPermissions/{permission}"), json!({"PermissionsEdit": true}));
    assert_eq!(org.patch(&format!("/sobjects/Contact/{KEY}/K1"), json!({"LastName": "A"})).0, 201);
    assert_eq!(code(&org.post("/sobjects/FieldPermissions", grant).1), "DUPLICATE_VALUE");
    assert_eq!(
        code(&org.post("/sobjects/PermissionSet", json!({"Name": "Rtr", "Label": "Rtr"})).1),
        "DUPLICATE_DEVELOPER_NAME"
    );
    org.delete(&format!("/sobjects/FieldPermissions/{permission}"));
    assert!(described(&mut org, "Contact", KEY).is_none());
}

#[test]
fn given_the_profiles_own_permission_set_when_it_grants_then_it_holds_at_once() {
    let mut org = Org::new();
    make(&mut org, "Account.Rtr_Key__c");
    let set = org.found("SELECT Id FROM PermissionSet WHERE IsOwnedByProfile = true AND Profile.Name = 'System Administrator'", "Id").remove(0);
    org.create("FieldPermissions", json!({"ParentId": set, "SobjectType": "Account", "Field": "Account.Rtr_Key__c", "PermissionsRead": true, "PermissionsEdit": true}));
    assert!(described(&mut org, "Account", KEY).is_some());
}

#[test]
fn given_wrong_fields_when_made_then_each_is_refused() {
    let mut org = Org::new();
    assert_eq!(make(&mut org, "Contact.Rtr_Key__c").0, 201);
    let (status, body) = make(&mut org, "Contact.rtr_key__c");
    assert_eq!(
        (status, code(&body), &body[0]["fields"]),
        (400, "DUPLICATE_DEVELOPER_NAME", &json!(["DeveloperName"]))
    );
    for name in ["Contact.Rtr_Key", "Contact.Rtr__Key__c", "Contact.1__c", "Butterfly.X__c", "X__c"] {
        assert_eq!(make(&mut org, name).0, 400, "{name}");
    }
    for metadata in [
        json!({"type": "Text", "length": 10}),
        json!({"type": "Text", "label": "x"}),
        json!({"type": "Magic", "label": "x"}),
        json!({"type": "Checkbox", "label": "x", "externalId": true}),
    ] {
        let body = json!({"FullName": "Contact.New__c", "Metadata": metadata});
        assert_eq!(org.post("/tooling/sobjects/CustomField", body).0, 400);
    }
    let grant = json!({"ParentId": "0PS000000000001", "SobjectType": "Contact", "Field": "Contact.Nope__c", "PermissionsRead": true});
    assert_eq!(org.post("/sobjects/FieldPermissions", grant).0, 400);
}

#[test]
fn given_a_lookup_made_over_tooling_when_granted_then_it_leads_to_its_record() {
    let mut org = Org::keyed();
    org.field("Contact", "Second_Account__c", json!({"type": "Lookup", "referenceTo": "Account"}));
    let account = org.create("Account", json!({"Name": "Acme", KEY: "A1"}));
    org.create("Contact", json!({"LastName": "A", "Second_Account__r": {KEY: "A1"}}));
    assert_eq!(
        org.found(
            "SELECT Second_Account__c FROM Contact WHERE Second_Account__r.Name = 'Acme'",
            "Second_Account__c"
        ),
        [account]
    );
}
