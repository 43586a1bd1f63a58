//! The text of the protocol: its pointers into the code name files and functions that are there.

use std::fs;
use std::path::{Path, PathBuf};

const TEXT: &str = include_str!("../../sync-protocol/PROTOCOL.md");

/// The file that a pointer names, from the sources of `sync-protocol` or from the workspace.
fn file(named: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    [root.join("sync-protocol/src").join(named), root.join(named)].into_iter().find(|path| path.is_file())
}

fn missing(pointer: &str) -> Vec<String> {
    let (named, functions) = pointer.split_once(": ").unwrap_or((pointer, ""));
    let Some(path) = file(named) else { return vec![named.to_owned()] };
    let text = fs::read_to_string(path).expect("a source file");
    let functions = functions.split(", ").filter(|function| !function.is_empty());
    let is_there =
        |function: &&str| text.contains(&format!("fn {function}(")) || text.contains(&format!("fn {function}<"));
    functions.filter(|function| !is_there(function)).map(|function| format!("{named}: {function}")).collect()
}

#[test]
fn every_pointer_into_the_code_names_a_function_that_is_there() {
    let quoted = TEXT.split('`').skip(1).step_by(2);
    let pointers: Vec<&str> = quoted.filter(|quoted| quoted.contains(".rs") && !quoted.contains('\n')).collect();
    assert!(pointers.len() > 60, "{} pointers", pointers.len());
    let missing: Vec<String> = pointers.into_iter().flat_map(missing).collect();
    assert!(missing.is_empty(), "not there: {missing:?}");
}

#[test]
fn every_exchange_has_a_diagram_and_numbered_steps() {
    let exchanges: Vec<&str> =
        TEXT.split("\n### ").skip(1).map(|part| part.split("\n## ").next().unwrap_or(part)).collect();
    assert_eq!(exchanges.len(), 12);
    for exchange in exchanges {
        let title = exchange.lines().next().unwrap_or_default();
        assert!(exchange.contains("\n```\n"), "no diagram: {title}");
        assert!(exchange.contains("\n1. ") && exchange.contains("\n2. "), "no steps: {title}");
    }
}
