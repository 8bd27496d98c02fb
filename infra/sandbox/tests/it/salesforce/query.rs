use super::{KEY, Org, code, encode, record};
use serde_json::{Value, json};

#[test]
fn given_a_condition_of_each_kind_when_queried_then_it_selects_what_it_says() {
    let mut org = Org::keyed();
    let account = org.create("Account", json!({"Name": "Acme", "AnnualRevenue": 10}));
    org.create("Contact", json!({"LastName": "Ada", "Email": "Ada@x.io", "AccountId": account, KEY: "K1", "Birthdate": "1990-01-02"}));
    org.now += 60_000;
    org.create(
        "Contact",
        json!({"LastName": "O'Brien", "Title": "100% \\ real", "HasOptedOutOfEmail": true}),
    );
    let later = "SystemModstamp >= 2026-09-21T14:14:20Z";
    for (condition, expected) in [
        ("Email = 'ADA@X.IO'".to_owned(), vec!["Ada"]),
        (format!("{KEY} IN ('k1', 'k2')"), vec!["Ada"]),
        (format!("{KEY} NOT IN ('k1', 'k2')"), vec!["O'Brien"]),
        ("LastName = 'O\\'Brien'".to_owned(), vec!["O'Brien"]),
        ("Title = '100% \\\\ real'".to_owned(), vec!["O'Brien"]),
        ("Title LIKE '100\\% %'".to_owned(), vec!["O'Brien"]),
        ("LastName LIKE '_da'".to_owned(), vec!["Ada"]),
        (later.to_owned(), vec!["O'Brien"]),
        (format!("NOT {later}"), vec!["Ada"]),
        ("Account.Name = 'acme'".to_owned(), vec!["Ada"]),
        ("AccountId = null".to_owned(), vec!["O'Brien"]),
        ("HasOptedOutOfEmail = TRUE AND LastName != 'x'".to_owned(), vec!["O'Brien"]),
        ("(LastName = 'Ada' OR LastName = 'x') AND Birthdate < 1990-01-03".to_owned(), vec!["Ada"]),
        ("LastName = 'x' OR IsDeleted = false".to_owned(), vec!["Ada", "O'Brien"]),
    ] {
        let found = org.found(
            &format!("SELECT Id, LastName FROM Contact WHERE {condition} ORDER BY SystemModstamp, Id"),
            "LastName",
        );
        assert_eq!(found, expected, "{condition}");
    }
    let found = org.found("SELECT LastName FROM Contact ORDER BY LastName DESC LIMIT 1 OFFSET 1", "LastName");
    assert_eq!(found, ["Ada"]);
}

#[test]
fn given_a_parents_field_when_selected_then_it_is_nested_or_null() {
    let mut org = Org::new();
    let account = org.create("Account", json!({"Name": "Acme"}));
    let contact = org.create("Contact", json!({"LastName": "A", "AccountId": account}));
    org.create("Contact", json!({"LastName": "B"}));
    let (_, body) = org.query("SELECT id, Account.Name, Account.Industry FROM Contact ORDER BY LastName");
    let url = format!("/services/data/v62.0/sobjects/Account/{account}");
    let parent = json!({"attributes": {"type": "Account", "url": url}, "Name": "Acme", "Industry": null});
    assert_eq!((&body["totalSize"], &body["done"]), (&json!(2), &json!(true)));
    assert_eq!((&body["records"][0]["Id"], &body["records"][0]["Account"]), (&json!(contact), &parent));
    assert_eq!(body["records"][1]["Account"], Value::Null);
}

#[test]
fn given_more_than_a_page_when_queried_then_the_rest_is_fetched_by_its_locator() {
    let mut org = Org::new();
    for _ in 0..2 {
        let records: Vec<Value> =
            (0..200).map(|n| record("Contact", json!({"LastName": format!("{n}")}))).collect();
        org.items("POST", "", json!(records));
    }
    org.create("Contact", json!({"LastName": "last"}));
    let path = format!("/query?q={}", encode("SELECT Id FROM Contact ORDER BY Id"));
    let mut seen = Vec::new();
    let mut next = path.clone();
    loop {
        let request = org.request("GET", &next).header("Sforce-Query-Options", "batchSize=200");
        let body = org.send(&request).value();
        assert_eq!(body["totalSize"], 401);
        seen.extend(
            body["records"]
                .as_array()
                .unwrap()
                .iter()
                .map(|record| record["Id"].as_str().unwrap().to_owned()),
        );
        let Some(url) = body["nextRecordsUrl"].as_str() else { break };
        assert_eq!(body["done"], false);
        next = url.strip_prefix("/services/data/v62.0").unwrap().to_owned();
    }
    assert!(seen.len() == 401 && seen.windows(2).all(|two| two[0] < two[1]));
    assert_eq!(org.get(&path).1["records"].as_array().unwrap().len(), 401);
    let (status, body) = org.get("/query/01g000000000000AAA-2000");
    assert_eq!((status, code(&body)), (400, "INVALID_QUERY_LOCATOR"));
}

#[test]
fn given_a_count_when_queried_then_there_are_no_records() {
    let mut org = Org::new();
    org.create("Contact", json!({"LastName": "A"}));
    assert_eq!(
        org.query("SELECT COUNT() FROM Contact").1,
        json!({"totalSize": 1, "done": true, "records": []})
    );
}

#[test]
fn given_a_wrong_query_when_sent_then_the_code_says_what_is_wrong() {
    let mut org = Org::new();
    for (soql, expected) in [
        ("SELECT Id FROM Contact WHERE Name IS NULL", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact WHERE LastName = 'O'Brien'", "MALFORMED_QUERY"),
        ("SELECT * FROM Contact", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact WHERE LastName = \"x\"", "MALFORMED_QUERY"),
        ("SELECT Foo FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE Foo__c = 'x'", "INVALID_FIELD"),
        ("SELECT Id FROM Contact ORDER BY Foo", "INVALID_FIELD"),
        ("SELECT Owner.Foo FROM Contact", "INVALID_FIELD"),
        ("SELECT Butterfly.Name FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE LastName = 12", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE SystemModstamp > '2026-01-01T00:00:00Z'", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE Description = 'x'", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE AccountId = '23foo'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Accout", "INVALID_TYPE"),
        ("SELECT Id FROM CustomField", "INVALID_TYPE"),
    ] {
        let (status, body) = org.query(soql);
        assert_eq!((status, code(&body)), (400, expected), "{soql}");
    }
    let (_, body) = org.query("SELECT Foo FROM Contact");
    assert!(body[0]["message"].as_str().unwrap().contains("No such column 'Foo' on entity 'Contact'."));
    assert_eq!(org.get("/query").0, 400);
}

#[test]
fn given_changes_when_queried_from_a_stamp_and_an_id_then_what_lies_behind_comes_in_their_order() {
    let mut org = Org::new();
    let first: Vec<String> =
        (0..3).map(|n| org.create("Contact", json!({"LastName": format!("{n}")}))).collect();
    org.now += 60_000;
    org.delete(&format!("/sobjects/Contact/{}", first[0]));
    let fields = "Id, IsDeleted, SystemModstamp, LastModifiedById, MasterRecordId";
    let stamp = "2026-09-21T14:13:20Z";
    let query = format!(
        "SELECT {fields} FROM Contact WHERE SystemModstamp >= {stamp} AND (SystemModstamp > {stamp} OR Id > '{}') \
         ORDER BY SystemModstamp, Id LIMIT 2000",
        first[1]
    );
    let (_, body) = org.get(&format!("/queryAll?q={}", encode(&query)));
    let told: Vec<(&Value, &Value)> =
        body["records"].as_array().unwrap().iter().map(|one| (&one["Id"], &one["IsDeleted"])).collect();
    assert_eq!(told, [(&json!(first[2]), &json!(false)), (&json!(first[0]), &json!(true))]);
    let last = &body["records"][1];
    assert_eq!(
        (&last["SystemModstamp"], &last["MasterRecordId"]),
        (&json!("2026-09-21T14:14:20.000+0000"), &Value::Null)
    );
    assert!(last["LastModifiedById"].as_str().unwrap().starts_with("005"));
}

#[test]
fn given_a_field_selected_twice_when_queried_then_it_is_refused() {
    let mut org = Org::new();
    let (status, body) = org.query("SELECT Id, LastName, id FROM Contact");
    assert_eq!((status, code(&body)), (400, "MALFORMED_QUERY"));
}
