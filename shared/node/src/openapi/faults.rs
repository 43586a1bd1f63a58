//! Where a document and a program differ.
//!
//! A router does not tell its routes, so they are read from the source that builds it: from every `.route("/path", …)`
//! before the file's tests. Routes whose path is no literal are assets of pages and no part of the contract.

use crate::problem::Problem;
use serde_json::Value;
use shared::refusal::Refusal;
use std::collections::BTreeSet;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The routes that every program has.
const SHARED_SOURCES: [&str; 2] = [include_str!("../health.rs"), include_str!("../openapi.rs")];

/// Routes: path and method.
pub type Routes = BTreeSet<(String, &'static str)>;

/// The routes that the sources of a program's routers build, and those that every program has.
pub fn built(sources: &[&str]) -> Routes {
    SHARED_SOURCES.iter().chain(sources).flat_map(|source| routes_of(source)).collect()
}

/// What is wrong with a document, a sentence each: routes that only the document or only the sources of the routers
/// have, references that lead nowhere, path parameters nobody declared, refusals under another status than their own.
/// Meant for the tests of the programs.
pub fn faults(document: &str, sources: &[&str]) -> Vec<String> {
    let document: Value = match serde_json::from_str(document) {
        Ok(document) => document,
        Err(error) => return vec![format!("the document is no JSON: {error}")],
    };
    let built = built(sources);
    let operations: Vec<_> = operations(&document).collect();
    let described: Routes = operations.iter().map(|(path, method, _)| ((*path).clone(), *method)).collect();
    let missing = built.difference(&described).map(|(path, method)| format!("{method} {path} is not described"));
    let extra = described.difference(&built).map(|(path, method)| format!("{method} {path} is no route"));
    let mut faults: Vec<String> = missing.chain(extra).collect();
    lost_references(&document, &document, &mut faults);
    for (path, method, operation) in operations {
        let name = format!("{method} {path}");
        undeclared_parameters(&document, &name, path, operation, &mut faults);
        misplaced_refusals(&document, &name, operation, &mut faults);
    }
    faults
}

fn routes_of(source: &str) -> Vec<(String, &'static str)> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let calls = code.split(".route(").skip(1).filter_map(|call| call.trim_start().strip_prefix('"')?.split_once('"'));
    calls
        .flat_map(|(path, handlers)| {
            let words = outermost(handlers);
            let named = |method: &&str| words.split(|c: char| !c.is_alphanumeric()).any(|word| word == *method);
            METHODS.into_iter().filter(named).map(|method| (path.to_owned(), method)).collect::<Vec<_>>()
        })
        .collect()
}

/// The text up to the parenthesis that closes the call, without what is in parentheses itself.
fn outermost(handlers: &str) -> String {
    let mut depth = 0_usize;
    let mut text = String::new();
    for c in handlers.chars() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => break,
            ')' => depth -= 1,
            _ if depth == 0 => text.push(c),
            _ => {}
        }
    }
    text
}

fn operations(document: &Value) -> impl Iterator<Item = (&String, &'static str, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, item)| METHODS.into_iter().filter_map(move |method| Some((path, method, item.get(method)?))))
}

fn resolve<'a>(document: &'a Value, value: &'a Value) -> Option<&'a Value> {
    match value["$ref"].as_str() {
        Some(reference) => document.pointer(reference.strip_prefix('#')?),
        None => Some(value),
    }
}

fn lost_references(document: &Value, value: &Value, faults: &mut Vec<String>) {
    if resolve(document, value).is_none() {
        faults.push(format!("{} leads nowhere", value["$ref"]));
    }
    let members = value.as_object().into_iter().flat_map(|object| object.values());
    for inner in members.chain(value.as_array().into_iter().flatten()) {
        lost_references(document, inner, faults);
    }
}

fn undeclared_parameters(document: &Value, name: &str, path: &str, operation: &Value, faults: &mut Vec<String>) {
    let declared: BTreeSet<&str> = operation["parameters"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|parameter| resolve(document, parameter))
        .filter(|parameter| parameter["in"] == "path" && parameter["required"] == true)
        .filter_map(|parameter| parameter["name"].as_str())
        .collect();
    let in_path: BTreeSet<&str> =
        path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
    faults.extend(declared.symmetric_difference(&in_path).map(|parameter| format!("{name}: parameter {parameter}")));
}

fn misplaced_refusals(document: &Value, name: &str, operation: &Value, faults: &mut Vec<String>) {
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        let schema =
            resolve(document, response).and_then(|found| found.pointer("/content/application~1problem+json/schema"));
        for code in schema.and_then(|schema| schema["properties"]["code"]["enum"].as_array()).into_iter().flatten() {
            let refusal = Refusal::ALL.iter().find(|refusal| code == refusal.code());
            let own = refusal.map(|refusal| Problem::from(*refusal).status().as_str().to_owned());
            if own.is_some_and(|own| own != *status) {
                faults.push(format!("{name}: {code} is not answered with {status}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ROUTER: &str = r#"
        .route("/v1/shows/{show}", get(shows::list).delete(|| ready(post())))
        .route(
            "/v1/holds", post(holds::place),
        )
        .route(asset.path, get(answer))
        #[cfg(test)] .route("/tests", get(only))"#;

    fn document(paths: &Value) -> String {
        let mut document = json!({ "paths": paths });
        for path in ["/livez", "/readyz", "/metrics", "/openapi.json"] {
            document["paths"][path] = json!({ "get": {} });
        }
        document.to_string()
    }

    #[test]
    fn routes_are_read_from_the_source_that_builds_them() {
        let show = "/v1/shows/{show}".to_owned();
        let expected = [(show.clone(), "get"), (show, "delete"), ("/v1/holds".to_owned(), "post")];
        assert_eq!(routes_of(ROUTER), expected);
    }

    #[test]
    fn a_document_that_describes_every_route_has_no_faults() {
        let show = json!({ "parameters": [{ "name": "show", "in": "path", "required": true }], "responses": {} });
        let paths = json!({ "/v1/shows/{show}": { "get": show, "delete": show }, "/v1/holds": { "post": {} } });
        assert_eq!(faults(&document(&paths), &[ROUTER]), Vec::<String>::new());
    }

    #[test]
    fn whatever_differs_is_a_fault() {
        let problem = json!({ "properties": { "code": { "enum": ["seat_sold", "other"] } } });
        let responses = json!({
            "200": { "$ref": "#/components/responses/Nothing" },
            "410": { "content": { "application/problem+json": { "schema": problem } } },
        });
        let paths = json!({ "/v1/holds/{hold}": { "post": { "responses": responses } } });
        let found = faults(&document(&paths), &[r#".route("/v1/holds", get(list))"#]);
        let expected = [
            "get /v1/holds is not described",
            "post /v1/holds/{hold} is no route",
            "\"#/components/responses/Nothing\" leads nowhere",
            "post /v1/holds/{hold}: parameter hold",
            "post /v1/holds/{hold}: \"seat_sold\" is not answered with 410",
        ];
        assert_eq!(found, expected);
        assert!(faults("{", &[])[0].starts_with("the document is no JSON"));
    }
}
