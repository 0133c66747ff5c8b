//! The bridge on database servers, as its documents say to set it up: users, TLS, the copy from
//! one engine to another, and what is said of settings that cannot be.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context, Result, anyhow, ensure};
use netmonitor_tests::authority::Authority;
use netmonitor_tests::bridge::{Database, Place};
use netmonitor_tests::database_server::{DatabaseServer, Engine};
use netmonitor_tests::fake_router::fleet::{Fleet, Settings};
use netmonitor_tests::kept_port::KeptPort;
use netmonitor_tests::{built, clock};
use tempfile::TempDir;

#[expect(clippy::disallowed_methods, reason = "programs as people run them")]
fn run(program: &Path, arguments: &[&str]) -> Result<Output> {
    let output = Command::new(program).args(arguments).env("ROUTER_IP", "127.0.0.1").output();
    output.with_context(|| format!("cannot run {}", program.display()))
}

fn bridge(arguments: &[&str]) -> Result<(Option<i32>, String)> {
    let program = built::program("netmonitor-bridge")?;
    let output = run(&program, arguments)?;
    let text = [output.stdout, output.stderr].concat();
    Ok((output.status.code(), String::from_utf8(text)?))
}

fn must(program: &str, arguments: &[&str]) -> Result<()> {
    let output = run(Path::new(program), arguments)?;
    ensure!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// As `docs/databases.md` says, by whoever administers the server. The script has made the
/// database already, for others.
fn make_user(engine: Engine, server: &DatabaseServer) -> Result<String> {
    let socket = server.socket();
    Ok(match engine {
        Engine::Postgres => {
            let psql = |statement| must("psql", &["-h", socket, "-U", "postgres", "-c", statement]);
            psql("DROP DATABASE netmonitor")?;
            psql("CREATE ROLE netmonitor LOGIN PASSWORD 'change me'")?;
            psql("CREATE DATABASE netmonitor OWNER netmonitor")?;
            format!("postgres://netmonitor:change%20me@localhost/netmonitor?host={socket}")
        }
        Engine::MariaDb => {
            let at = format!("--socket={socket}");
            let make = "DROP DATABASE netmonitor; CREATE DATABASE netmonitor;
                        CREATE USER netmonitor IDENTIFIED BY 'change me';
                        GRANT ALL ON netmonitor.* TO netmonitor";
            must("mariadb", &["--no-defaults", &at, "--user=root", "-e", make])?;
            format!("mysql://netmonitor:change%20me@localhost/netmonitor?socket={socket}")
        }
    })
}

#[test]
fn a_history_is_copied_to_a_server_looked_at_and_copied_back() -> Result<()> {
    let folder = TempDir::new()?;
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (old, back) = (file("old.db"), file("back.db"));
    let program = built::program("netmonitor-bridge")?;
    let fleet = Fleet::start(Settings::quiet(3))?;
    let told = "event pppoe_down x5".parse().map_err(|error| anyhow!("{error}"))?;
    (0..3).for_each(|router| fleet.act(router, &told));
    let (routers, path) = (folder.path().join("routers.toml"), folder.path().join("old.db"));
    std::fs::write(&routers, fleet.routers_toml())?;
    let first = Place::of(&program, &routers, &path).start()?;
    clock::until("the events are stored", || Ok(first.events_stored()? >= 15))?;
    drop(first);
    for engine in Engine::ALL {
        let server = DatabaseServer::start(engine)?;
        let url = make_user(engine, &server)?;
        let (code, said) = bridge(&["copy", "--from", &old, "--to", &url])?;
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("/netmonitor has the ") && !said.contains("change"), "{said}");
        let (code, said) = bridge(&["check", "--database-url", &url])?;
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("schema 2") && said.contains("routers"), "{said}");
        // The program runs on it, and has not read its routers anew.
        let place = Place::of(&program, &routers, Database::Url(&url)).start()?;
        assert_eq!(place.readiness()?, Ok(()));
        assert_eq!(place.events()?.len(), 15);
        drop(place);
        std::fs::remove_file(&back).ok();
        // DATABASE_URL_FILE
        std::fs::write(file("url"), &url)?;
        let (code, said) = bridge(&["copy", "--to", &back, "--database-url-file", &file("url")])?;
        assert_eq!(code, Some(0), "{said}");
        let (code, said) = bridge(&["check", "--sqlite-db", &back])?;
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("whole"), "{said}");
        let (code, said) = bridge(&["copy", "--from", &old, "--to", &url])?;
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("has rows already; copy into an empty one"), "{said}");
        for subcommand in ["backup", "restore"] {
            let (code, said) = bridge(&[subcommand, &old, "--database-url", &url])?;
            assert_eq!(code, Some(1), "{said}");
            assert!(said.contains("is kept by a server; use the server's own tools"), "{said}");
        }
    }
    Ok(())
}

#[test]
fn an_address_that_cannot_be_is_refused_before_anything_is_opened() -> Result<()> {
    let check = |arguments: &[&str], code: i32, part: &str| -> Result<()> {
        let (found, said) = bridge(arguments)?;
        assert_eq!(found, Some(code), "{said}");
        assert!(said.contains(part) && !said.contains("s3cret"), "{said}");
        Ok(())
    };
    let forms = "DATABASE_URL: expected postgres://user:password@host/database";
    check(&["--database-url", "oracle://nm:s3cret@db/home"], 2, forms)?;
    check(&["--database-url", "nm:s3cret@db/home"], 2, forms)?;
    let name = "DATABASE_URL: expected the name of a database at the end";
    check(&["--database-url", "postgres://nm:s3cret@db"], 2, name)?;
    let size = "MAX_DB_SIZE: a server does not give room back";
    let url = "postgres://nm:s3cret@db/home";
    check(&["--database-url", url, "--max-db-size", "2G"], 2, size)?;
    check(&["copy"], 1, "say with --to or --from what is to be copied where")?;
    check(&["copy", "--to", "oracle://nm:s3cret@db/home"], 1, "--to: expected postgres://")?;
    check(&["copy", "--from", "a.db", "--to", "a.db"], 1, "a.db cannot be copied into itself")?;
    check(&["copy", "--from", "/none/a.db", "--to", "b.db"], 1, "there is no folder /none")?;
    // Nobody listens there.
    let nobody = "postgres://nm:s3cret@127.0.0.1:9/home";
    check(
        &["check", "--database-url", nobody],
        1,
        "postgres://nm@127.0.0.1:9/home cannot be reached",
    )
}

/// `docs/databases.md`: with the certificate of who signed the server's, and not with another's.
#[test]
fn a_server_proves_who_it_is() -> Result<()> {
    let (ours, another) = (Authority::new()?, Authority::new()?);
    let signed = ours.sign(Ipv4Addr::LOCALHOST.into())?;
    for engine in Engine::ALL {
        // Kept until the end: other tests are given ports meanwhile.
        let kept = KeptPort::new()?;
        let port = kept.address.port();
        let server = DatabaseServer::start_with_tls(engine, kept.address, &signed)?;
        let url = |authority: &Authority| match engine {
            Engine::Postgres => format!(
                "postgres://postgres@127.0.0.1:{port}/netmonitor?sslmode=verify-full&sslrootcert={}",
                authority.certificate().display()
            ),
            Engine::MariaDb => format!(
                "mysql://guest:guest@127.0.0.1:{port}/netmonitor?ssl-mode=VERIFY_IDENTITY&ssl-ca={}",
                authority.certificate().display()
            ),
        };
        if engine == Engine::MariaDb {
            let at = format!("--socket={}", server.socket());
            let make = "CREATE USER guest IDENTIFIED BY 'guest' REQUIRE SSL;
                        GRANT ALL ON netmonitor.* TO guest";
            must("mariadb", &["--no-defaults", &at, "--user=root", "-e", make])?;
        }
        let (_, said) = bridge(&["check", "--database-url", &url(&ours)])?;
        assert!(said.contains("has no tables of netmonitor-bridge"), "{said}");
        let (code, said) = bridge(&["check", "--database-url", &url(&another)])?;
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("cannot be reached") && said.contains("certificate"), "{said}");
    }
    Ok(())
}
