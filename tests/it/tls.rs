//! Connections to a server that insists on TLS.

use std::path::{Path, PathBuf};
use std::process::Command;

use godwit::store::{Backend, Commit, OpenMode, Postgres, StoreError};
use godwit_tests::postgres::Server;
use tempfile::TempDir;

fn openssl(folder: &Path, arguments: &[&str]) {
    let output = Command::new("openssl")
        .current_dir(folder)
        .args(arguments)
        .output()
        .expect("openssl is installed (Debian: apt-get install openssl)");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
}

/// Makes an authority, `NAME.pem`, and its key.
fn authority(folder: &Path, name: &str) {
    let (key, certificate) = (format!("{name}.key"), format!("{name}.pem"));
    let subject = format!("/CN={name}");
    openssl(
        folder,
        &[
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "30",
            "-subj",
            &subject,
            "-keyout",
            &key,
            "-out",
            &certificate,
        ],
    );
}

/// Has an authority say that this machine is 127.0.0.1.
fn certificate(folder: &Path, authority: &str) {
    openssl(
        folder,
        &[
            "req",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            "/CN=server",
            "-keyout",
            "server.key",
            "-out",
            "server.csr",
        ],
    );
    std::fs::write(folder.join("names"), "subjectAltName=IP:127.0.0.1\n").unwrap();
    let (key, certificate) = (format!("{authority}.key"), format!("{authority}.pem"));
    openssl(
        folder,
        &[
            "x509",
            "-req",
            "-in",
            "server.csr",
            "-CA",
            &certificate,
            "-CAkey",
            &key,
            "-CAcreateserial",
            "-days",
            "30",
            "-extfile",
            "names",
            "-out",
            "server.pem",
        ],
    );
}

fn opened(url: &str) -> Result<Postgres, StoreError> {
    Postgres::open(url, OpenMode::Create)
}

#[test]
fn servers_are_known_by_their_certificates() {
    let folder = TempDir::new().unwrap();
    authority(folder.path(), "ours");
    authority(folder.path(), "theirs");
    certificate(folder.path(), "ours");
    let server = Server::start_with_tls(
        &folder.path().join("server.pem"),
        &folder.path().join("server.key"),
    );
    let file = |name: &str| -> PathBuf { folder.path().join(name) };
    let ours = file("ours.pem").display().to_string();
    let theirs = file("theirs.pem").display().to_string();
    let url = server.url();
    for trusting in [
        url.clone(),
        format!("{url}?sslmode=require"),
        format!("{url}?sslmode=verify-full&sslrootcert={ours}"),
        format!("{url}?sslrootcert={ours}"),
    ] {
        let store = opened(&trusting).unwrap_or_else(|error| panic!("{trusting}: {error:?}"));
        let mut commit = Commit::new();
        commit.put(b"key", &[trusting.as_bytes()]);
        store.commit(&commit).unwrap();
        assert_eq!(store.get(b"key").unwrap().unwrap(), trusting.as_bytes());
        let hidden = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
            WHERE application_name = 'godwit'";
        assert_eq!(server.psql(hidden), "t", "{trusting}");
    }
    let elsewhere = url.replace("127.0.0.1", "localhost");
    for (refused, reason) in [
        (format!("{url}?sslrootcert={theirs}"), "UnknownIssuer"),
        (format!("{url}?sslmode=verify-full"), "UnknownIssuer"),
        (
            format!("{elsewhere}?sslrootcert={ours}"),
            "not valid for name",
        ),
        (format!("{url}?sslmode=disable"), "no encryption"),
    ] {
        let error = opened(&refused).expect_err("it is refused");
        let told = godwit::with_causes(&error);
        assert!(told.contains(reason), "{refused}: {told}");
    }
}
