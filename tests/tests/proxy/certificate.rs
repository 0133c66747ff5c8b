//! The certificate that the proxy makes itself.

use std::collections::BTreeSet;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;

use netmonitor_tests::running::find_on_path;

use super::started::{Place, mode, tool};

fn openssl(arguments: &[&str]) -> String {
    let output = tool("openssl").args(arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn kept(place: &Place) -> [String; 2] {
    ["authority.pem", "server.pem"]
        .map(|name| std::fs::read_to_string(place.certificate(name)).unwrap())
}

#[test]
fn it_is_made_once_and_anew_for_other_names() {
    let mut place = Place::new();
    let proxy = place.start();
    assert_eq!(proxy.said().lines().count(), 2, "{}", proxy.said());
    assert_eq!(proxy.get("/", &[]).status, 502);
    drop(proxy);
    let first = kept(&place);
    let names: BTreeSet<_> = std::fs::read_dir(place.certificates())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names, ["authority.crt", "authority.pem", "server.pem"].map(Into::into).into());
    for (name, mode) in [("authority.crt", 0o644), ("authority.pem", 0o600), ("server.pem", 0o600)]
    {
        let metadata = std::fs::metadata(place.certificate(name)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, mode, "{name}");
        assert_eq!((metadata.uid(), metadata.gid()), (101, 101));
    }
    let public = std::fs::read_to_string(place.certificate("authority.crt")).unwrap();
    assert!(!public.contains("PRIVATE"), "{public}");

    // The same list, only written differently.
    place.set("TLS_NAMES", "  nas.lan   127.0.0.1 ");
    let proxy = place.start();
    assert_eq!((proxy.said().as_str(), kept(&place)), ("", first.clone()));
    drop(proxy);

    place.set("TLS_NAMES", "other.lan *.nas.lan nas.lan fd00::1 127.0.0.1");
    let proxy = place.start();
    assert!(kept(&place).iter().zip(&first).all(|(now, before)| now != before));
    assert_eq!(proxy.get("/", &[]).status, 502);
    let server = place.certificate("server.pem");
    let text = openssl(&["x509", "-in", server.to_str().unwrap(), "-noout", "-text"]);
    for part in [
        "DNS:other.lan, DNS:*.nas.lan, DNS:nas.lan, IP Address:FD00:0:0:0:0:0:0:1, IP Address:127.0.0.1\n",
        "prime256v1",
        "CA:FALSE",
        "TLS Web Server Authentication",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// Who steals the authority plays no other site to those who trust it.
#[test]
fn the_authority_is_good_for_its_names_only() {
    let place = Place::new().with("TLS_NAMES", "nas.lan");
    drop(place.start());
    let authority = place.certificate("authority.pem");
    let authority = authority.to_str().unwrap();
    let forged = place.secret("forged");
    let forged = forged.to_str().unwrap();
    for (name, holds) in [
        ("DNS:nas.lan", true),
        ("DNS:bank.example", false),
        ("IP:192.0.2.1", false),
        ("IP:fd00::1", false),
    ] {
        openssl(&[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-noenc",
            "-subj",
            "/CN=some site",
            "-addext",
            &format!("subjectAltName={name}"),
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-CA",
            authority,
            "-CAkey",
            authority,
            "-keyout",
            "/dev/null",
            "-out",
            forged,
        ]);
        let answer = openssl(&["verify", "-CAfile", authority, forged]);
        assert_eq!(answer.contains(": OK"), holds, "{name}: {answer}");
    }
}

/// Those who trust the authority need not do it again.
#[test]
fn one_that_ends_soon_is_renewed_and_its_authority_stays() {
    for (days, is_renewed) in [(794, false), (796, true)] {
        let mut place = Place::new();
        place.set_days_ago(Some(days));
        drop(place.start());
        let before = kept(&place);
        place.set_days_ago(None);
        let proxy = place.start();
        assert_eq!(proxy.said().lines().count(), usize::from(is_renewed), "{}", proxy.said());
        assert_eq!(proxy.get("/", &[]).status, 502);
        let now = kept(&place);
        assert_eq!(now[0], before[0]);
        assert_eq!(now[1] != before[1], is_renewed, "{days}");
    }
}

#[test]
fn what_is_damaged_is_made_anew() {
    let place = Place::new();
    drop(place.start());
    for name in ["authority.pem", "server.pem"] {
        let file = place.certificate(name);
        let whole = std::fs::read_to_string(&file).unwrap();
        for damaged in ["", &whole[..whole.len() / 2], &whole[..whole.len() - 40]] {
            std::fs::write(&file, damaged).unwrap();
            assert_eq!(place.start().get("/", &[]).status, 502, "{name}");
        }
    }
}

/// In the place of the programs that make it: the call of this number writes half of its
/// output, and then everything is killed.
const KILLER: &str = r#"#!/bin/sh
echo call >>"$WORK/calls"
if [ "$(wc -l <"$WORK/calls")" = NUMBER ]; then
  for last; do :; done
  case REAL:$last in
    *openssl:*.crt | *openssl:*.part) echo half >"$last" ;;
    *cat:*) echo half ;;
  esac
  kill -9 0
fi
exec REAL "$@"
"#;

/// Whoever reads a file of the folder finds it whole, at any time.
fn check_whole(place: &Place) {
    for entry in std::fs::read_dir(place.certificates()).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        let text = std::fs::read_to_string(entry.path()).unwrap();
        let is_whole = text.ends_with("-----END CERTIFICATE-----\n");
        assert!(name.ends_with(".part") || is_whole, "{name}: {text}");
    }
}

/// A program in the place of another.
fn put(program: &Path, text: &str) {
    std::fs::write(program, text).unwrap();
    std::fs::set_permissions(program, mode(0o755)).unwrap();
}

#[test]
fn a_kill_while_it_is_made_leaves_nothing_half() {
    let path = std::env::var_os("PATH").unwrap();
    let path = path.to_str().unwrap();
    let bin = tempfile::tempdir().unwrap();
    std::fs::set_permissions(bin.path(), mode(0o755)).unwrap();
    put(&bin.path().join("nginx"), "#!/bin/sh\n");
    let mut kills = 0;
    loop {
        let mut place = Place::new();
        let killer = KILLER.replace("NUMBER", &(kills + 1).to_string());
        for name in ["openssl", "cat", "mv"] {
            let real = find_on_path(name).unwrap();
            put(&bin.path().join(name), &killer.replace("REAL", real.to_str().unwrap()));
        }
        place.set("PATH", &format!("{}:{path}", bin.path().display()));
        // A group of its own is what the kill meets.
        let end = place.command().process_group(0).status().unwrap();
        if end.success() {
            break;
        }
        assert_eq!(end.signal(), Some(9));
        kills += 1;
        check_whole(&place);
        place.set("PATH", path);
        assert_eq!(place.start().get("/", &[]).status, 502);
    }
    // Each of the two is made, written, moved and looked at.
    assert!(kills >= 12, "only {kills} calls");
}

#[test]
fn a_folder_that_cannot_be_written_is_told() {
    let place = Place::new();
    chown(place.certificates(), Some(0), Some(0)).unwrap();
    let said = place.refuses();
    for part in ["user 101 cannot write to", "mount a volume there"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}
