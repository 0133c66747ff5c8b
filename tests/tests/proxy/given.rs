//! The certificate that somebody has given: used, or refused with what to do.

use std::os::unix::fs::{chown, symlink};

use super::started::{Place, mode, tool};

/// A certificate for 30 days and its key in the place of the secrets, as files of the host.
fn give(place: &Place, more: &[&str]) {
    give_some_days_ago(0, place, more);
}

fn give_some_days_ago(days: u32, place: &Place, more: &[&str]) {
    let mut command = tool("faketime");
    command.args([
        "-f",
        &format!("-{days}d"),
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
    ]);
    command.args(["-subj", "/CN=given", "-addext", "subjectAltName=DNS:nas.lan"]);
    command.args(more).args(["-keyout".as_ref(), place.secret("tls_key").as_os_str()]);
    let command = command.args(["-out".as_ref(), place.secret("tls_certificate").as_os_str()]);
    assert!(command.output().unwrap().status.success());
    for name in ["tls_key", "tls_certificate"] {
        chown(place.secret(name), Some(101), Some(101)).unwrap();
        std::fs::set_permissions(place.secret(name), mode(0o400)).unwrap();
    }
}

#[test]
fn it_is_used_and_none_is_made() {
    let place = Place::new();
    give(&place, &["-noenc"]);
    let proxy = place.start();
    let url = format!("https://nas.lan:{}/", place.https().port());
    assert_eq!(proxy.ask(&url, &place.secret("tls_certificate"), &[]).status, 502);
    assert_eq!(proxy.said().lines().filter(|line| line.starts_with("proxy:")).count(), 0);
    assert_eq!(std::fs::read_dir(place.certificates()).unwrap().count(), 0);
}

#[test]
fn dev_null_is_none() {
    let place = Place::new();
    for name in ["tls_key", "tls_certificate"] {
        symlink("/dev/null", place.secret(name)).unwrap();
    }
    assert_eq!(place.start().get("/", &[]).status, 502);
}

#[test]
fn one_that_has_expired_is_used_with_a_warning() {
    let place = Place::new();
    give_some_days_ago(31, &place, &["-noenc"]);
    assert!(place.start().said().contains("has expired, and browsers will refuse it: renew it"));
}

/// `spoil` makes of a good pair what is to be refused.
#[track_caller]
fn refused(spoil: impl Fn(&Place), parts: &[&str]) {
    let place = Place::new();
    give(&place, &["-noenc"]);
    spoil(&place);
    let said = place.refuses();
    for part in parts {
        assert!(said.contains(part), "{part} is not in: {said}");
    }
    // Never one that is made here instead.
    assert_eq!(std::fs::read_dir(place.certificates()).unwrap().count(), 0);
}

#[test]
fn one_that_cannot_work_is_refused() {
    for (name, other) in [("tls_key", "tls_certificate"), ("tls_certificate", "tls_key")] {
        refused(
            |place| std::fs::remove_file(place.secret(name)).unwrap(),
            &[&format!("secrets/{other}, but"), &format!("secrets/{name} is missing or empty")],
        );
        refused(
            |place| std::fs::write(place.secret(name), "").unwrap(),
            &[&format!("secrets/{name} is missing or empty: give the certificate and its key")],
        );
        refused(
            |place| chown(place.secret(name), Some(0), Some(0)).unwrap(),
            &[name, "cannot be read by user 101", "compose/secrets/", "sudo chown 101 FILE"],
        );
        refused(
            |place| {
                std::fs::remove_file(place.secret(name)).unwrap();
                std::fs::create_dir(place.secret(name)).unwrap();
            },
            &[name, "is no file: Docker makes a folder", "put the file there"],
        );
    }
    let exchanged = |place: &Place| {
        std::fs::rename(place.secret("tls_key"), place.secret("other")).unwrap();
        std::fs::rename(place.secret("tls_certificate"), place.secret("tls_key")).unwrap();
        std::fs::rename(place.secret("other"), place.secret("tls_certificate")).unwrap();
    };
    refused(exchanged, &["tls_certificate is no certificate in PEM form"]);
    let no_key = |place: &Place| std::fs::write(place.secret("tls_key"), "s3cret").unwrap();
    refused(no_key, &["tls_key is no key in PEM form"]);
    let locked = |place: &Place| give(place, &["-passout", "pass:s3cret"]);
    refused(locked, &["tls_key is locked by a passphrase", "openssl pkey -in FILE"]);
    let strange = |place: &Place| {
        let certificate = std::fs::read(place.secret("tls_certificate")).unwrap();
        give(place, &["-noenc"]);
        std::fs::write(place.secret("tls_certificate"), certificate).unwrap();
    };
    refused(strange, &["do not belong together", "server's certificate first"]);
}
