use super::{Org, code};
use rtr_sandbox::Request;
use serde_json::{Value, json};

#[test]
fn given_no_token_or_one_of_elsewhere_when_called_then_the_session_is_invalid() {
    let mut org = Org::new();
    let path = "/services/data/v62.0/sobjects";
    let bare = Request::new("GET", &format!("/salesforce/acme{path}"));
    let strange = bare.clone().header("authorization", "Bearer strange");
    let bearer = format!("Bearer {}", org.token);
    let elsewhere = Request::new("GET", &format!("/salesforce/other{path}")).header("authorization", &bearer);
    for request in [bare, strange, elsewhere] {
        let reply = org.send(&request);
        let expected = json!([{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]);
        assert_eq!((reply.status, reply.value()), (401, expected));
    }
    org.now += 7_200_000;
    assert_eq!(org.get("/sobjects").0, 401);
}

#[test]
fn given_the_older_scheme_when_called_then_it_is_accepted() {
    let mut org = Org::new();
    let request = Request::new("GET", "/salesforce/acme/services/data/v62.0/sobjects");
    let request = request.header("authorization", &format!("OAuth {}", org.token));
    assert_eq!(org.send(&request).status, 200);
}

#[test]
fn given_a_token_without_the_api_scope_when_called_then_401_says_so() {
    let mut org = Org::new();
    org.token = org.issue(json!({"scopes": ["id"]}))["access_token"].as_str().unwrap().to_owned();
    let (status, body) = org.get("/sobjects");
    let message = "This session is not valid for use with the REST API";
    assert_eq!((status, &body[0]["message"]), (401, &json!(message)));
}

#[test]
fn given_versions_when_asked_for_then_anyone_gets_them_and_strange_ones_are_not_found() {
    let mut org = Org::new();
    let reply = org.send(&Request::new("GET", "/salesforce/acme/services/data/"));
    let versions = reply.value();
    assert_eq!((reply.status, &versions[0]["version"]), (200, &json!("50.0")));
    assert_eq!(versions[0]["url"], "/services/data/v50.0");
    for version in ["v50.0", "v62.0", "v65.0"] {
        org.version = version;
        assert_eq!(org.get("/sobjects").0, 200, "{version}");
    }
    for version in ["v49.0", "v99.0", "62.0", "v62", "v062.0"] {
        org.version = version;
        let (status, body) = org.get("/sobjects");
        assert_eq!((status, code(&body)), (404, "NOT_FOUND"), "{version}");
    }
}

#[test]
fn given_wrong_requests_when_sent_then_each_has_its_status() {
    let mut org = Org::new();
    let id = org.create("Contact", json!({"LastName": "A"}));
    let one = format!("/sobjects/Contact/{id}");
    for (method, path, status, expected) in [
        ("GET", "/sobjects/Butterfly".to_owned(), 404, "NOT_FOUND"),
        ("GET", "/nowhere".to_owned(), 404, "NOT_FOUND"),
        ("PUT", one.clone(), 405, "METHOD_NOT_ALLOWED"),
        ("PATCH", "/sobjects/Contact".to_owned(), 405, "METHOD_NOT_ALLOWED"),
        ("POST", "/query?q=x".to_owned(), 405, "METHOD_NOT_ALLOWED"),
    ] {
        let (found, body) = org.call(method, &path, Value::Null);
        assert_eq!((found, code(&body)), (status, expected), "{method} {path}");
    }
    let form = org.request("PATCH", &one).header("content-type", "application/x-www-form-urlencoded");
    let reply = org.send(&Request { body: b"LastName=B".to_vec(), ..form });
    assert_eq!((reply.status, code(&reply.value())), (415, "UNSUPPORTED_MEDIA_TYPE"));
    for text in ["{", "[]", "{\"LastName\": }"] {
        let broken = org.request("PATCH", &one).header("content-type", "application/json");
        let reply = org.send(&Request { body: text.as_bytes().to_vec(), ..broken });
        assert_eq!((reply.status, code(&reply.value())), (400, "JSON_PARSER_ERROR"), "{text}");
    }
}

#[test]
fn given_a_url_longer_than_16_kib_when_called_then_414() {
    let mut org = Org::new();
    let soql = format!("SELECT+Id+FROM+Contact+WHERE+LastName='{}'", "x".repeat(16_384));
    assert_eq!(org.get(&format!("/query?q={soql}")).0, 414);
}
