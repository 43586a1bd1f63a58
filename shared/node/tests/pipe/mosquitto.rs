//! A real Mosquitto, and certificates for it.

use node::mqtt::TlsFiles;
use std::fs::File;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// On Debian it is where not everybody's search path leads.
const PROGRAMS: [&str; 2] = ["mosquitto", "/usr/sbin/mosquitto"];

pub(crate) struct Mosquitto {
    process: Child,
    port: u16,
    config: Option<PathBuf>,
    folder: TempDir,
}

impl Mosquitto {
    /// As it starts without any configuration: on the loopback address, everybody may do everything.
    pub(crate) fn without_configuration() -> Self {
        Self::start(None)
    }

    /// As without, with more lines of configuration.
    pub(crate) fn with(lines: &str) -> Self {
        Self::start(Some(format!("listener 8883\nallow_anonymous true\n{lines}\n")))
    }

    /// With `deploy/broker`, but for the port and the folder.
    pub(crate) fn deployed(certificates: &Certificates) -> Self {
        let inside = certificates.folder.path().to_str().unwrap();
        std::fs::copy(deployed("acl"), certificates.file("acl")).unwrap();
        let text = std::fs::read_to_string(deployed("mosquitto.conf")).unwrap();
        assert!(text.contains("/etc/mosquitto/usher/"), "{text}");
        Self::start(Some(text.replace("/etc/mosquitto/usher", inside)))
    }

    fn start(text: Option<String>) -> Self {
        let (port, folder) = (free_port(), tempfile::tempdir().unwrap());
        let config = text.map(|text| {
            assert!(text.contains("listener 8883\n"), "{text}");
            // As root it would give its rights away, and could not read a test's folder.
            let text = text.replace("listener 8883", &format!("user root\nlistener {port} 127.0.0.1"));
            let config = folder.path().join("mosquitto.conf");
            std::fs::write(&config, text).unwrap();
            config
        });
        Self { process: spawn(port, config.as_deref(), folder.path()), port, config, folder }
    }

    pub(crate) fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    pub(crate) fn encrypted_url(&self) -> String {
        format!("mqtts://127.0.0.1:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub(crate) fn start_again(&mut self) {
        self.process = spawn(self.port, self.config.as_deref(), self.folder.path());
    }
}

impl Drop for Mosquitto {
    #[allow(clippy::print_stdout, reason = "what it said belongs to the failed test's output")]
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            println!("{}", std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default());
        }
    }
}

fn spawn(port: u16, config: Option<&Path>, folder: &Path) -> Child {
    let log = File::options().create(true).append(true).open(folder.join("log")).unwrap();
    for program in PROGRAMS {
        let mut command = Command::new(program);
        match config {
            Some(config) => command.arg("-c").arg(config),
            None => command.arg("-p").arg(port.to_string()),
        };
        match command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log.try_clone().unwrap()).spawn() {
            Ok(child) => return child,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => panic!("start {program}: {error}"),
        }
    }
    panic!("this test needs Mosquitto, which is not installed: `./tests/run needs` or `apt-get install mosquitto`");
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

fn deployed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/broker").join(name)
}

/// Made by `deploy/broker/certify`, for a broker at 127.0.0.1.
pub(crate) struct Certificates {
    folder: TempDir,
}

impl Certificates {
    pub(crate) fn new() -> Self {
        let certificates = Self { folder: tempfile::tempdir().unwrap() };
        certificates.make(&["ca"]);
        certificates.make(&["broker", "127.0.0.1"]);
        certificates
    }

    fn make(&self, what: &[&str]) {
        let output = Command::new(deployed("certify")).arg(self.folder.path()).args(what).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "certify {what:?} failed (it needs openssl): {said}");
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The certificate of central or of a theatre's box, made if there is none yet.
    pub(crate) fn of(&self, name: &str) -> TlsFiles {
        let (cert, key) = (self.file(&format!("{name}.pem")), self.file(&format!("{name}.key")));
        if !cert.exists() {
            self.make(&[name]);
        }
        TlsFiles { ca: Some(self.file("ca.pem")), cert: Some(cert), key: Some(key) }
    }

    /// Whom to believe, and nothing to show.
    pub(crate) fn of_nobody(&self) -> TlsFiles {
        TlsFiles { ca: Some(self.file("ca.pem")), cert: None, key: None }
    }
}
