//! The checker against a document of our own.

use serde_json::json;

use super::*;

fn contract() -> Contract {
    let root = json!({
        "openapi": "3.0.1",
        "servers": [{ "url": "https://{region}.school.example/api" }],
        "paths": {
            "/pupils": {
                "parameters": [{ "$ref": "#/components/parameters/PageSize" }],
                "get": {
                    "parameters": [
                        { "in": "query", "name": "year", "required": true, "schema": { "type": "integer" } },
                        { "in": "query", "name": "ids", "explode": false, "schema": { "type": "array", "items": { "type": "integer" } } },
                        { "in": "query", "name": "Since>", "schema": { "type": "string", "format": "date-time" } },
                    ],
                    "responses": { "200": { "content": { "application/json": {
                        "schema": { "type": "array", "items": { "$ref": "#/components/schemas/Pupil" } },
                        "examples": { "one": { "value": [{ "name": "Sam", "home": null, "nickname": "S" }] } },
                    } } } },
                },
                "post": {
                    "requestBody": { "content": { "application/x-www-form-urlencoded": { "schema": {
                        "type": "object",
                        "required": ["name"],
                        "properties": {
                            "name": { "type": "string", "maxLength": 5 },
                            "age": { "type": "integer", "minimum": 0, "exclusiveMinimum": true },
                            "photo": { "type": "array", "items": { "type": "string", "format": "uri" } },
                            "kind": { "type": "string", "enum": ["day", "boarder"] },
                            "metadata": { "type": "object", "additionalProperties": { "type": "string" } },
                            "until": { "anyOf": [{ "type": "integer" }, { "type": "string", "enum": [""] }] },
                        },
                    } } } },
                    "responses": { "201": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Pupil" } } } } },
                },
            },
            "/pupils/{id}": {
                "delete": {
                    "parameters": [{ "in": "path", "name": "id", "required": true, "schema": { "type": "string", "pattern": "^p[0-9]+$" } }],
                    "responses": { "204": { "description": "gone" } },
                },
            },
            "/pupils/me": { "delete": { "responses": { "204": { "description": "gone" } } } },
            "/{thing}/all": { "get": { "parameters": [{ "in": "path", "name": "thing", "schema": {} }], "responses": {} } },
            "/{other}/all": { "get": { "parameters": [{ "in": "path", "name": "other", "schema": {} }], "responses": {} } },
        },
        "components": {
            "parameters": { "PageSize": { "in": "query", "name": "PageSize", "schema": { "type": "integer", "maximum": 100 } } },
            "schemas": {
                "Pupil": {
                    "allOf": [{ "$ref": "#/components/schemas/Person" }],
                    "properties": {
                        "class": { "type": "string", "nullable": true },
                        "home": { "$ref": "#/components/schemas/Home" },
                        "twin": { "nullable": true, "allOf": [{ "$ref": "#/components/schemas/Person" }] },
                    },
                },
                "Person": { "type": "object", "required": ["name"], "properties": { "name": { "type": "string" } } },
                "Home": { "type": "object", "properties": { "street": { "type": "string" } } },
            },
        },
    });
    Contract { vendor: "school".to_owned(), documents: vec![Document::new("school.json".to_owned(), root).unwrap()] }
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn form(fields: &[(&str, &str)]) -> Verdict {
    contract().check_request("POST", "/api/pupils", &[], Body::Form(&pairs(fields)))
}

fn query(fields: &[(&str, &str)]) -> Verdict {
    contract().check_request("GET", "/api/pupils", &pairs(fields), Body::None)
}

fn answer(body: &Value) -> Verdict {
    contract().check_response("POST", "/api/pupils", 201, Some(body))
}

#[test]
fn forms_are_typed_by_their_schema() {
    for good in [
        &[("name", "Sam")][..],
        &[("name", "Sam"), ("age", "9"), ("kind", "day"), ("until", "5")],
        &[("name", "Sam"), ("photo", "https://a.example/1"), ("photo", "https://a.example/2")],
        &[("name", "Sam"), ("metadata[house]", "red"), ("until", "")],
    ] {
        assert_eq!(form(good), Ok(()), "{good:?}");
    }
    for bad in [
        &[][..],
        &[("name", "Samantha")],
        &[("name", "Sam"), ("age", "nine")],
        &[("name", "Sam"), ("age", "0")],
        &[("name", "Sam"), ("kind", "night")],
        &[("name", "Sam"), ("Name", "Sam")],
        &[("name", "Sam"), ("name", "Alex")],
        &[("name", "Sam"), ("until", "soon")],
        &[("name", "Sam"), ("photo[]", "a b")],
    ] {
        assert!(form(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn queries_are_checked_by_name_need_and_type() {
    for good in [
        &[("year", "2026")][..],
        &[("year", "2026"), ("ids", "1,2,3"), ("PageSize", "100")],
        &[("year", "2026"), ("Since>", "2026-01-02T03:04:05Z")],
    ] {
        assert_eq!(query(good), Ok(()), "{good:?}");
    }
    for bad in [
        &[][..],
        &[("year", "next")],
        &[("year", "2026"), ("ids", "1,x")],
        &[("year", "2026"), ("PageSize", "101")],
        &[("year", "2026"), ("Since>", "yesterday")],
        &[("year", "2026"), ("pagesize", "10")],
    ] {
        assert!(query(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn answers_are_closed_and_nulls_go_where_they_may() {
    for good in [
        json!({ "name": "Sam" }),
        json!({ "name": "Sam", "class": null, "twin": null, "home": { "street": "Elm" } }),
        json!({ "name": "Sam", "twin": { "name": "Alex" } }),
    ] {
        assert_eq!(answer(&good), Ok(()), "{good}");
    }
    for bad in [
        json!({}),
        json!({ "name": null }),
        json!({ "name": "Sam", "grade": 5 }),
        json!({ "name": "Sam", "home": null }),
        json!({ "name": "Sam", "home": { "city": "X" } }),
        json!({ "name": "Sam", "twin": { "name": "Alex", "grade": 5 } }),
        json!(["Sam"]),
    ] {
        assert!(answer(&bad).is_err(), "{bad}");
    }
    assert!(contract().check_response("POST", "/api/pupils", 201, None).is_err());
    assert!(contract().check_response("POST", "/api/pupils", 404, Some(&json!({}))).is_err());
}

#[test]
fn the_vendors_own_examples_overrule_its_schema() {
    let listed = |body: Value| contract().check_response("GET", "/api/pupils", 200, Some(&body));
    assert_eq!(listed(json!([{ "name": "A" }, { "name": "B", "home": null, "nickname": "b" }])), Ok(()));
    assert!(listed(json!([{ "name": null }])).is_err());
    assert!(listed(json!([{ "name": "A", "home": 5 }])).is_err());
    assert!(listed(json!([{ "name": "A", "surname": "b" }])).is_err());
    assert_eq!(contract().check_examples(), (1, Vec::new()));
}

#[test]
fn a_path_names_one_operation_or_is_a_violation() {
    let contract = contract();
    let delete = |path: &str| contract.check_request("DELETE", path, &[], Body::None);
    assert_eq!(delete("/api/pupils/p1"), Ok(()));
    assert_eq!(delete("/api/pupils/me"), Ok(()));
    assert!(delete("/api/pupils/x").is_err());
    assert!(delete("/pupils/p1").is_err());
    assert!(contract.check_request("PUT", "/api/pupils/p1", &[], Body::None).is_err());
    let several = contract.check_request("GET", "/api/x/all", &[], Body::None).unwrap_err();
    assert!(several[0].contains("several paths match"), "{several:?}");
    assert!(
        contract.documents("DELETE", "/api/pupils/p1", 204) && !contract.documents("DELETE", "/api/pupils/p1", 404)
    );
    assert_eq!(contract.check_response("DELETE", "/api/pupils/p1", 204, None), Ok(()));
}

/// As the National Weather Service describes a list of warnings, and OpenWeather its key.
#[test]
fn a_field_of_two_parts_is_judged_by_both_and_a_key_is_no_stranger() {
    let root = json!({
        "openapi": "3.0.1",
        "paths": { "/trips": { "get": { "responses": { "200": { "content": { "application/json": { "schema": {
            "allOf": [
                { "$ref": "#/components/schemas/Listed" },
                { "properties": { "items": { "type": "array", "items": {
                    "properties": { "detail": { "type": "object", "properties": { "bus": { "type": "string" } } } },
                } } } },
            ],
        } } } } } } } },
        "components": {
            "schemas": { "Listed": { "type": "object", "properties": { "items": { "type": "array", "items": {
                "type": "object",
                "required": ["id"],
                "properties": { "id": { "type": "integer" }, "detail": { "type": "object" } },
                "additionalProperties": false,
            } } } } },
            "securitySchemes": { "key": { "type": "apiKey", "in": "query", "name": "appid" } },
        },
    });
    let documents = vec![Document::new("trips".to_owned(), root).unwrap()];
    let contract = Contract { vendor: "school".to_owned(), documents };
    let answer = |item: Value| contract.check_response("GET", "/trips", 200, Some(&json!({ "items": [item] })));
    assert_eq!(answer(json!({ "id": 1, "detail": { "bus": "a" } })), Ok(()));
    for wrong in [
        json!({ "detail": {} }),
        json!({ "id": 1, "detail": { "bus": 5 } }),
        json!({ "id": 1, "detail": { "train": "a" } }),
        json!({ "id": 1, "driver": "a" }),
    ] {
        assert!(answer(wrong.clone()).is_err(), "{wrong}");
    }
    let query = |name: &str| contract.check_request("GET", "/trips", &pairs(&[(name, "k")]), Body::None);
    assert!(query("appid").is_ok());
    assert!(query("apikey").is_err());
}
