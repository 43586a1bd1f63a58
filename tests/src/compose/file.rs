//! What the files say to each other, looked at without starting anything.

use super::place::{Place, variables};
use clap::{CommandFactory, Parser};
use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

const CENTRALS: [&str; 2] = ["central-1", "central-2"];
const EDGES: [&str; 2] = ["edge-1", "edge-2"];

fn place() -> (tempfile::TempDir, Place) {
    let directory = tempfile::tempdir().expect("a folder");
    let place = Place::prepared(directory.path(), "broker");
    (directory, place)
}

/// Where a service listens in its container.
fn port(place: &Place, service: &str) -> u16 {
    place.service(service).flag("--listen").parse::<SocketAddr>().expect("an address").port()
}

#[test]
fn every_variable_is_in_the_example_and_every_one_there_is_asked_for() {
    let (_directory, place) = place();
    let example = variables(&fs::read_to_string(place.folder.join("env.example")).expect("read"));
    assert_eq!(place.asked, example.keys().cloned().collect::<BTreeSet<_>>());
    assert_eq!(place.asked, place.given.keys().cloned().collect::<BTreeSet<_>>());
    for (name, value) in &place.given {
        assert!(
            !value.is_empty() && (example[name].is_empty() || name == "USHER_USER" || example[name] == *value),
            "{name}"
        );
    }
}

#[test]
fn every_file_that_is_mounted_is_there_and_every_named_volume_is_declared() {
    let (_directory, place) = place();
    for (name, service) in &place.compose.services {
        for (_, source) in service.mounts() {
            if source.starts_with('.') {
                assert!(place.folder.join(source).exists(), "{name} mounts {source}");
            } else {
                assert!(place.compose.volumes.contains_key(source), "{name} mounts the volume {source}");
            }
        }
        for (other, after) in &service.depends_on {
            let healthy = after.condition == "service_healthy";
            assert!(healthy || after.condition == "service_started", "{name} waits for {other} {}", after.condition);
            assert!(!healthy || place.service(other).healthcheck.is_some(), "nobody looks how {other} is");
        }
    }
}

#[test]
fn every_folder_that_the_readme_mounts_is_there_and_belongs_to_whoever_prepared_it() {
    let (_directory, place) = place();
    let readme = fs::read_to_string(place.folder.join("README.md")).expect("read");
    let named: Vec<&str> =
        readme.split("\"$PWD/").skip(1).filter_map(|rest| rest.split_once(':')).map(|(folder, _)| folder).collect();
    assert!(!named.is_empty());
    for folder in named {
        assert!(place.folder.join(folder).is_dir(), "the README mounts {folder}, which Docker would make as root");
    }
}

#[test]
fn every_command_is_one_that_the_program_takes_with_files_that_are_there() {
    let (_directory, place) = place();
    for name in CENTRALS {
        let service = place.service(name);
        central::cli::Cli::try_parse_from(&service.command).unwrap_or_else(|error| panic!("{name}: {error}"));
        known_variables(name, &place, central::cli::Cli::command());
    }
    for name in EDGES {
        let service = place.service(name);
        edge::cli::Cli::try_parse_from(&service.command).unwrap_or_else(|error| panic!("{name}: {error}"));
        known_variables(name, &place, edge::cli::Cli::command());
    }
    for (name, service) in &place.compose.services {
        let said = service.command.iter().filter_map(|word| word.split_once('=')).map(|(_, value)| value);
        for path in said.chain(service.environment.values().map(String::as_str)).filter(|value| value.starts_with('/'))
        {
            let real = place.real(name, path).unwrap_or_else(|| panic!("{name} says {path}, which is not mounted"));
            let there = real.exists() || name == "payments" && real.parent().is_some_and(Path::exists);
            assert!(there, "{name} says {path}");
        }
    }
}

/// A variable that the program does not read would be a setting without effect.
fn known_variables(name: &str, place: &Place, program: clap::Command) {
    let serve = program.find_subcommand("serve").expect("it serves");
    let known: BTreeSet<&str> = serve.get_arguments().filter_map(|flag| flag.get_env()?.to_str()).collect();
    for variable in place.service(name).environment.keys() {
        assert!(known.contains(variable.as_str()), "{name}: the program does not read {variable}");
    }
}

#[test]
fn ports_and_names_agree_among_all_files() {
    let (_directory, place) = place();
    let read = |file: &str| fs::read_to_string(place.folder.join(file)).expect("read");
    let (nginx, mosquitto) = (read("nginx.conf"), read("../broker/mosquitto.conf"));
    let listener = mosquitto.lines().find_map(|line| line.strip_prefix("listener ")).expect("a listener");
    let broker = format!("mqtts://broker:{listener}");
    assert_eq!(place.service("broker").ports, [format!("{listener}:{listener}")]);
    let mut upstream: Vec<&str> = nginx.lines().filter_map(|line| line.trim().strip_prefix("server ")).collect();
    upstream.retain(|line| *line != "{");
    assert_eq!(upstream.len(), CENTRALS.len());
    for (name, line) in CENTRALS.iter().zip(upstream) {
        let (service, address) = (place.service(name), format!("{name}:{}", port(&place, name)));
        assert!(line.starts_with(&format!("{address} ")), "{line}");
        assert_eq!(service.environment["USHER_NODE_URL"], format!("http://{address}"));
        assert_eq!(service.flag("--mqtt"), broker);
        assert_eq!((service.flag("--behind-proxies"), nginx.contains("$proxy_add_x_forwarded_for")), ("1", true));
        assert_eq!(service.flag("--gateway"), format!("simulator:http://payments:{}", port(&place, "payments")));
        let database = &place.service("database").environment;
        let (user, password) = (&database["POSTGRES_USER"], &database["POSTGRES_PASSWORD"]);
        assert_eq!(service.environment["USHER_STORE"], format!("postgres://{user}:{password}@database/{user}"));
        assert_eq!(service.environment["USHER_GATEWAY_SECRET"], place.given["USHER_GATEWAY_SECRET"]);
    }
    for name in EDGES {
        let service = place.service(name);
        assert_eq!(service.flag("--mqtt"), broker);
        assert!(service.ports[0].ends_with(&format!(":{}", port(&place, name))), "{name}: {:?}", service.ports);
    }
    let listens = nginx.lines().find_map(|line| line.trim().strip_prefix("listen ")?.strip_suffix(';'));
    assert_eq!(place.service("balancer").ports, [format!("8080:{}", listens.expect("nginx listens"))]);
    assert!(place.given["USHER_PUBLIC_URL"].ends_with(":8080"));
    // Each port of this machine is taken once.
    let outer = place.compose.services.values().flat_map(|service| &service.ports);
    let outer: Vec<&str> = outer.filter_map(|port| Some(port.split_once(':')?.0)).collect();
    assert_eq!(outer.iter().collect::<BTreeSet<_>>().len(), outer.len(), "{outer:?}");
}

#[test]
fn the_image_holds_every_program_that_is_started_and_is_built_from_the_workspace() {
    let (_directory, place) = place();
    let built = place.compose.services.values().find(|service| service.build.is_some()).expect("an image is built");
    let build = built.build.as_ref().expect("it is built");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/compose").join(&build.context);
    let dockerfile = fs::read_to_string(root.join(&build.dockerfile)).expect("the Dockerfile is there");
    let workspace = fs::read_to_string(root.join("Cargo.toml")).expect("the context is the workspace");
    let rust = workspace.lines().find_map(|line| line.strip_prefix("rust-version = \"")?.strip_suffix('"'));
    assert!(
        dockerfile.contains(&format!("FROM rust:{}-", rust.expect("a version"))),
        "another Rust than the workspace's"
    );
    let database = place.compose.services.values().filter_map(|service| service.image.strip_prefix("postgres:"));
    let database: Vec<&str> = database.collect();
    assert_eq!(database.len(), 1, "{database:?}");
    // An older `pg_dump` refuses a newer server.
    assert!(dockerfile.contains(&format!("postgresql-client-{} ", database[0])), "no backup of {database:?}");
    for service in place.compose.services.values().filter(|service| service.image == built.image) {
        let program = &service.command[0];
        assert!(dockerfile.contains(&format!("/usher/target/release/{program} ")), "{program} is not in the image");
        // Nobody else's image of that name is ever taken.
        assert!(service.build.is_some() || service.pull_policy.as_deref() == Some("never"), "{program}");
    }
}
