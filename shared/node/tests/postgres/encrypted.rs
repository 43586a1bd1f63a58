//! TLS to a server with a certificate, as `sslmode` and `sslrootcert` say.

use crate::server::{Server, is_root, program, run};
use node::postgres::Connection;
use node::store::Sql;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const START_WAIT: Duration = Duration::from_secs(60);

/// A server at 127.0.0.1, with more settings.
struct Listening {
    server: Server,
    process: Child,
    port: u16,
}

impl Listening {
    fn start(settings: &[String]) -> Self {
        let mut server = Server::start();
        server.stop_at_once();
        let home = server.directory.path().join("pg");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
        let mut postgres = program("postgres", &home);
        postgres.arg("-D").arg(home.join("data")).arg("-k").arg(&home);
        postgres.args(["-c", "listen_addresses=127.0.0.1", "-c", &format!("port={port}")]);
        postgres.args(settings.iter().flat_map(|setting| ["-c", setting]));
        let log = std::fs::File::create(server.directory.path().join("listening.log")).expect("a log file");
        let process =
            postgres.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().expect("start PostgreSQL");
        let listening = Self { server, process, port };
        let since = Instant::now();
        while let Err(error) = listening.connect("127.0.0.1", "sslmode=disable") {
            let log = std::fs::read_to_string(listening.server.directory.path().join("listening.log"));
            assert!(since.elapsed() < START_WAIT, "PostgreSQL does not answer: {error}, {log:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
        listening
    }

    /// Whether the connection is encrypted, or why there is none.
    fn connect(&self, host: &str, query: &str) -> Result<bool, String> {
        let url = format!("postgres://usher@{host}:{}/postgres?{query}", self.port);
        let connection = Connection::open(&url).map_err(|error| format!("{error:#}"))?;
        let sql: &dyn Sql = &connection;
        let select = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        sql.only(select, &[], |row| row.get(0)).map_err(|error| error.to_string())
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        run(Command::new("kill").arg("-QUIT").arg(self.process.id().to_string()));
        self.process.wait().expect("PostgreSQL ends");
    }
}

/// A CA with a certificate for a server at 127.0.0.1, made as those of the broker are.
struct Authority {
    folder: tempfile::TempDir,
}

impl Authority {
    fn new() -> Self {
        let authority = Self { folder: tempfile::tempdir().expect("a folder") };
        let certify = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/broker/certify");
        for what in [&["ca"][..], &["broker", "127.0.0.1"]] {
            run(Command::new(&certify).arg(authority.folder.path()).args(what));
        }
        run(Command::new("chmod").arg("0711").arg(authority.folder.path()));
        if is_root() {
            // The server reads them as another user, and insists that the key is its own.
            run(Command::new("chown")
                .arg("postgres")
                .args([authority.file("broker.pem"), authority.file("broker.key")]));
        }
        authority
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn settings(&self) -> Vec<String> {
        let file = |setting, name| format!("{setting}={}", self.file(name).display());
        vec!["ssl=on".to_owned(), file("ssl_cert_file", "broker.pem"), file("ssl_key_file", "broker.key")]
    }

    fn believed(&self) -> String {
        format!("sslrootcert={}", self.file("ca.pem").display())
    }
}

#[test]
fn a_server_with_a_certificate_is_believed_as_far_as_the_address_says() {
    let (authority, other) = (Authority::new(), Authority::new());
    let server = Listening::start(&authority.settings());
    let (right, wrong) = (authority.believed(), other.believed());
    assert_eq!(server.connect("127.0.0.1", ""), Ok(true));
    assert_eq!(server.connect("127.0.0.1", "sslmode=prefer"), Ok(true));
    assert_eq!(server.connect("127.0.0.1", "sslmode=disable"), Ok(false));
    assert_eq!(server.connect("127.0.0.1", "sslmode=require"), Ok(true));
    for mode in ["require", "verify-ca", "verify-full"] {
        assert_eq!(server.connect("127.0.0.1", &format!("sslmode={mode}&{right}")), Ok(true), "{mode}");
        let refused = server.connect("127.0.0.1", &format!("sslmode={mode}&{wrong}")).expect_err(mode);
        assert!(refused.contains("connect to the database"), "{mode}: {refused}");
        assert!(refused.contains("invalid peer certificate"), "{mode}: {refused}");
    }
    assert_eq!(server.connect("127.0.0.1", &right), Ok(true));
    // The certificate has another name.
    assert_eq!(server.connect("localhost", &format!("sslmode=verify-ca&{right}")), Ok(true));
    let refused = server.connect("localhost", &right).expect_err("another name");
    assert!(refused.contains("not valid for name"), "{refused}");
    let missing = server.connect("127.0.0.1", "sslrootcert=/nowhere/ca.pem").expect_err("no file");
    assert!(missing.contains("/nowhere/ca.pem"), "{missing}");
}

#[test]
fn a_server_that_does_not_encrypt_is_spoken_to_only_where_that_is_allowed() {
    let server = Listening::start(&[]);
    assert_eq!(server.connect("127.0.0.1", ""), Ok(false));
    assert_eq!(server.connect("127.0.0.1", "sslmode=prefer"), Ok(false));
    let refused = server.connect("127.0.0.1", "sslmode=require").expect_err("no encryption");
    assert!(refused.contains("server does not support TLS"), "{refused}");
}

#[test]
fn encryption_that_does_not_come_about_is_done_without_only_where_that_is_allowed() {
    let authority = Authority::new();
    let mut settings = authority.settings();
    // Too old for anybody to speak it today.
    settings.extend(["ssl_min_protocol_version=TLSv1".to_owned(), "ssl_max_protocol_version=TLSv1.1".to_owned()]);
    let server = Listening::start(&settings);
    assert_eq!(server.connect("127.0.0.1", "sslmode=prefer"), Ok(false));
    let refused = server.connect("127.0.0.1", "sslmode=require").expect_err("no encryption");
    assert!(refused.contains("TLS handshake"), "{refused}");
}
