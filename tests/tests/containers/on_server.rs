//! The bridge's history on a database server in the home network.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use netmonitor_tests::authority::Authority;
use netmonitor_tests::clock;
use netmonitor_tests::database_server::{DatabaseServer, Engine as Database};

use super::engine::{Engine, succeed, tool};
use super::home::Home;
use super::{ROUTER, has_all, have_outage, is_still, router};

/// It moves there, outlives the server's power cut, and is left alone by a backup and a restore.
pub(crate) fn a_history_moves_to_a_server(engine: &Engine) -> Result<()> {
    let home = Home::new(engine)?;
    home.deploy(&["config", "--router", "192.0.2.1"])?;
    home.set("POLL_INTERVAL", "1")?;
    let router = router(None)?;
    home.deploy(&[])?;
    let all_is_there = |home: &Home, when: &str| {
        clock::until(when, || Ok(is_still(&router) && has_all(home, &router)?))
    };
    have_outage(&router)?;
    all_is_there(&home, "the file has it")?;

    let address = SocketAddr::new(IpAddr::from(ROUTER), 5432);
    let authority = Authority::new()?;
    let signed = authority.sign(address.ip())?;
    let mut server = DatabaseServer::start_with_tls(Database::Postgres, address, &signed)?;
    for statement in
        ["CREATE ROLE guest LOGIN PASSWORD 'change me'", "ALTER DATABASE netmonitor OWNER TO guest"]
    {
        let client = ["-h", server.socket(), "-U", "postgres", "-c", statement];
        succeed(tool("psql").args(client))?;
    }
    share(&authority.certificate(), &home.path("routers/ca.pem"))?;
    std::fs::write(
        home.path("secrets/database_url"),
        "postgres://guest:change%20me@192.0.2.1/netmonitor\
         ?sslmode=verify-full&sslrootcert=/routers/ca.pem\n",
    )?;
    home.deploy(&["stop"])?;
    home.set("DATABASE_URL_FILE", "./secrets/database_url")?;
    home.compose(&["run", "--rm", "bridge", "copy", "--from", "/data/netmonitor.db"])?;
    home.deploy(&["start"])?;
    ensure!(has_all(&home, &router)?, "the copy has not all of it");
    have_outage(&router)?;
    all_is_there(&home, "the server has it")?;
    server.cut_power()?;
    have_outage(&router)?;
    all_is_there(&home, "nothing was lost by the server's power cut")?;

    let said = home.deploy(&["backup", "kept"])?;
    ensure!(said.contains("in a database of a server, and not in this backup"), "{said}");
    home.deploy(&["uninstall", "--data", "--yes"])?;
    engine.make_images("ours")?;
    let elsewhere = Home::new(engine)?;
    let backup = home.path("kept");
    let backup = backup.to_str().context("not UTF-8")?;
    let said = elsewhere.deploy(&["restore", backup, "--yes"])?;
    ensure!(said.contains("and stays as it is"), "{said}");
    have_outage(&router)?;
    all_is_there(&elsewhere, "it goes on with what is there")?;
    elsewhere.deploy(&["uninstall", "--data", "--yes"])?;
    engine.make_images("ours")
}

/// Readable for the user of a container.
fn share(from: &Path, to: &Path) -> Result<()> {
    std::fs::copy(from, to)?;
    Ok(std::fs::set_permissions(to, std::os::unix::fs::PermissionsExt::from_mode(0o644))?)
}
