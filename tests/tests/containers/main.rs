//! The containers as people get them: `compose/deploy.sh` with a real engine, the real Compose, and
//! images of our own programs. `make test-compose` starts this in a network of its own, where the
//! router is an address outside of the containers' network, as at home.
//!
//! What cannot be had without a registry is stood in for by `tests/containers/images.sh`: so this
//! proves what is started with which rights, files, ports and settings, not the images of others.

mod engine;
mod home;
mod kept;
mod on_server;

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use netmonitor_tests::clock;
use netmonitor_tests::fake_router::fleet::{Fleet, Settings};
use netmonitor_tests::stored_events::{Differences, Stored};

use engine::Engine;
use home::Home;
use kept::Kept;

/// Where the router is: an address of this network, and of no container's.
const ROUTER: [u8; 4] = [192, 0, 2, 1];
const TOKEN: &str = "a-router's-token";
const SERVICES: [&str; 4] = ["alertmanager", "bridge", "grafana", "prometheus"];
/// All but Grafana's, with one router.
const MOST_BYTES: u64 = 200_000_000;
/// Of the bridge's image, as it is released.
const MOST_IMAGE_BYTES: u64 = 15_000_000;

/// One router that does nothing by itself.
fn router(token: Option<&str>) -> Result<Fleet> {
    let token = token.map(str::to_owned);
    // As the bridge calls it.
    let names = vec!["192.0.2.1".to_owned()];
    let quiet = Settings::quiet(1);
    Fleet::start(Settings { listen: ROUTER.into(), first_port: 8321, names, token, ..quiet })
}

/// The internet is gone for a while, and the router can say so.
fn have_outage(router: &Fleet) -> Result<()> {
    for action in ["outage 4s access_server_silent provider", "drop 4s"] {
        router.act(0, &action.parse().map_err(|error| anyhow!("{action}: {error}"))?);
    }
    Ok(())
}

/// Has the bridge all that the router told, each event once?
fn has_all(home: &Home, router: &Fleet) -> Result<bool> {
    let records = home.bridge("/api/events?limit=10000")?["records"].take();
    let stored: Vec<Stored> = serde_json::from_value(records)?;
    Ok(Differences::between(&router.ledger(), &stored) == Differences::default())
}

/// Until its drop is over, it tells.
fn is_still(router: &Fleet) -> bool {
    let last = router.ledger().into_iter().rfind(|row| row.kind.starts_with("pppoe"));
    last.is_none_or(|row| row.kind == "pppoe_up")
}

/// One after the other, for they have the same ports; and with one engine, for images take time.
#[test]
fn containers_do_what_deploy_sh_says() -> Result<()> {
    let mut engine = Engine::start()?;
    check_sizes(&engine)?;
    let began = clock::now();
    let took = |what: &str| println!("{what}: after {:.0} s", began.elapsed().as_secs_f64());
    a_home_is_kept(&mut engine).context("a home is kept")?;
    took("a home was kept");
    on_server::a_history_moves_to_a_server(&engine).context("a history moves to a server")?;
    took("a history was moved to a server");
    what_is_wrong_is_said(&engine).context("what is wrong is said")?;
    took("what is wrong was said");
    profiles_add_https_and_a_demo(&engine).context("profiles add HTTPS and a demo")?;
    took("profiles did what they add");
    engine.stop()
}

/// The story of a home, from the first start to another machine.
fn a_home_is_kept(engine: &mut Engine) -> Result<()> {
    let home = Home::new(engine)?;

    // Nobody answers yet: that is said, and is no reason not to start.
    std::fs::copy(home.path(".env.example"), home.path(".env"))?;
    home.set("ROUTER_IP", "192.0.2.1")?;
    home.set("POLL_INTERVAL", "1")?;
    let began = clock::now();
    let said = home.deploy(&[])?;
    println!("first start: {:.0} s", began.elapsed().as_secs_f64());
    ensure!(said.contains("Connection refused") && said.contains("does the agent run"), "{said}");
    ensure!(said.contains("http://192.0.2.1:3000/"), "the addresses are not told: {said}");
    check_ports(engine)?;

    let router = router(None)?;
    let said = home.deploy(&["check"])?;
    ensure!(said.contains("well, netmonitor at http://192.0.2.1:8321"), "{said}");

    // An outage is known everywhere.
    clock::until("Prometheus scrapes the router", || {
        home.has_sample("up{job=\"netmonitor\"} == 1")
    })?;
    have_outage(&router)?;
    clock::until("SQLite has the outage", || {
        let page = home.bridge("/api/v1/outages")?;
        Ok(page["items"][0]["cause"] == "access_server_silent"
            && page["items"][0]["ongoing"] == false)
    })?;
    clock::until("Prometheus has the outage", || {
        home.has_sample("netmonitor_outage_duration_seconds{cause=\"access_server_silent\"}")
    })?;
    clock::until("Alertmanager has the alert", || {
        let alerts = home.alertmanager("/api/v2/alerts")?;
        let mut alerts = alerts.as_array().context("no list")?.iter();
        Ok(alerts.any(|alert| alert["labels"]["alertname"] == "OutageEnded"))
    })?;
    clock::until_within(Duration::from_secs(90), "the bridge was told the alert", || {
        let page = home.bridge("/api/v1/alerts")?;
        let mut alerts = page["items"].as_array().context("no items")?.iter();
        Ok(alerts.any(|alert| alert["name"] == "OutageEnded"))
    })?;
    check_memory(engine)?;

    // Each is killed in turn, and then all of them with the engine, as by a power cut.
    for service in SERVICES {
        let before = engine.process_of(service)?;
        engine.kill(service)?;
        clock::until(&format!("{service} is back"), || {
            Ok(engine.process_of(service)? != before && engine.is_healthy(service)?)
        })?;
        have_outage(&router)?;
    }
    clock::until("nothing was lost by kills", || has_all(&home, &router))?;
    engine.cut_power(&SERVICES)?;
    have_outage(&router)?;
    engine.start_again()?;
    for service in SERVICES {
        clock::until(&format!("{service} is back with the engine"), || engine.is_healthy(service))?;
        ensure!(engine.owns_temporary_folder(service)?, "{service} cannot write to its /tmp");
    }
    clock::until("nothing was lost by the power cut", || {
        Ok(is_still(&router) && has_all(&home, &router)?)
    })?;
    ensure!(
        engine.says("bridge", &["check"])?.contains(": whole, schema"),
        "the database is damaged"
    );

    // Safe to run twice: the containers stay.
    let before = engine.process_of("bridge")?;
    home.deploy(&["start"])?;
    ensure!(engine.process_of("bridge")? == before, "a second start replaced the bridge");

    // What is there after backup, loss of everything and restore is what was there before. (The
    // router is still: what happens after the backup is not in it.)
    home.set("RETENTION_DAYS", "31")?;
    home.silence("kept")?;
    let before = Kept::of(&home, engine).context("before the backup")?;
    let said = home.deploy(&["backup", "kept"])?;
    ensure!(said.contains("everything is in"), "{said}");
    home.deploy(&["uninstall", "--data", "--yes"])?;
    ensure!(engine.containers()?.is_empty(), "{:?}", engine.containers()?);
    ensure!(engine.volumes()?.is_empty(), "{:?}", engine.volumes()?);
    ensure!(!home.path(".env").exists() && !home.path("secrets").exists(), "settings are there");
    let elsewhere = Home::new(engine)?;
    engine.make_images("ours")?;
    let backup = home.path("kept");
    elsewhere.deploy(&["restore", backup.to_str().context("not UTF-8")?, "--yes"])?;
    before.is_all_in(&elsewhere, engine).context("after the restore")?;
    ensure!(elsewhere.value("RETENTION_DAYS")? == "31", "the settings are others");

    // And an upgrade goes on with it, with a backup of its own.
    let said = elsewhere.deploy(&["upgrade", "--no-pull"])?;
    ensure!(said.contains("everything is in"), "{said}");
    before.is_all_in(&elsewhere, engine).context("after the upgrade")?;
    elsewhere.deploy(&["uninstall"])?;
    ensure!(engine.volumes()?.len() == 4, "{:?}", engine.volumes()?);
    elsewhere.deploy(&["uninstall", "--data", "--yes"])?;
    engine.make_images("ours")
}

/// Ports are reached from where compose.yaml says, and there are no others.
fn check_ports(engine: &Engine) -> Result<()> {
    let expected = [
        "0.0.0.0:3000->3000/tcp",
        "0.0.0.0:5000->5000/tcp",
        "127.0.0.1:9090->9090/tcp",
        "127.0.0.1:9093->9093/tcp",
    ];
    let found = engine.published()?;
    let expected = expected.into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
    ensure!(found == expected, "published: {found:?}");
    Ok(())
}

fn check_sizes(engine: &Engine) -> Result<()> {
    for name in ["bridge", "exporter"] {
        println!("image of the {name}: {:.1} MB", engine.image_bytes(name)? as f64 / 1e6);
    }
    let is_release = std::env::var_os("PROFILE").is_some_and(|profile| profile == "release");
    ensure!(!is_release || engine.image_bytes("bridge")? < MOST_IMAGE_BYTES, "too large");
    Ok(())
}

fn check_memory(engine: &Engine) -> Result<()> {
    let mut sum = 0;
    for service in ["alertmanager", "bridge", "prometheus"] {
        let bytes = engine.resident_bytes(service)?;
        println!("{service}: {:.1} MB resident", bytes as f64 / 1e6);
        sum += bytes;
    }
    ensure!(sum < MOST_BYTES, "{sum} bytes resident without Grafana");
    Ok(())
}

/// Bad beginnings, each said by what starts it.
fn what_is_wrong_is_said(engine: &Engine) -> Result<()> {
    let home = Home::new(engine)?;
    let env = home.path(".env");
    let refused = |arguments: &[&str], words: &[&str]| -> Result<()> {
        let said = home.deploy_refused(arguments)?;
        ensure!(words.iter().all(|word| said.contains(word)), "{words:?} not in: {said}");
        Ok(())
    };

    // Nobody may use the socket but root.
    let said = home.deploy_as_nobody(&["status"])?;
    ensure!(said.contains("no permission to use the Docker engine"), "{said}");

    // Compose itself, before there are settings.
    let said = home.compose_refused(&["up", "-d"])?;
    ensure!(said.contains("there is no .env yet"), "{said}");

    // With a token, and asked with another one.
    let _router = router(Some(TOKEN))?;
    home.deploy(&["config", "--router", "192.0.2.1"])?;
    std::fs::write(home.path("secrets/router_token"), "another\n")?;
    home.set("ROUTER_TOKEN_FILE", "./secrets/router_token")?;
    refused(&["check"], &["token is wrong", "ROUTER_TOKEN_FILE"])?;
    home.set("ROUTER_TOKEN_FILE", "")?;
    refused(&["check"], &["it asks for a token"])?;
    std::fs::write(home.path("secrets/router_token"), format!("{TOKEN}\n"))?;
    // As an editor on Windows leaves it.
    home.set("ROUTER_TOKEN_FILE", "./secrets/router_token")?;
    std::fs::write(&env, std::fs::read_to_string(&env)?.replace('\n', "\r\n"))?;
    home.deploy(&["check"])?;
    ensure!(!std::fs::read_to_string(&env)?.contains('\r'), ".env still has returns");

    // A port that somebody has.
    let taken = std::net::TcpListener::bind("0.0.0.0:5000")?;
    refused(&["start"], &["taken: 5000 (BRIDGE_PORT)"])?;
    drop(taken);

    // Data that cannot be written, and none left to write to.
    for (options, reason) in [("ro,size=8m", "read-only"), ("size=64k", "full")] {
        home.compose(&["down", "--volumes"])?;
        engine.make_volume("netmonitor_bridge", &format!("{options},uid=65532,gid=65532"))?;
        let said = home.deploy_refused(&["start"])?;
        ensure!(said.contains("bridge is") && said.contains(reason), "{reason} not in: {said}");
    }
    home.compose(&["down", "--volumes"])?;

    // And with all of it mended it starts.
    home.deploy(&["start"])?;
    clock::until("the router is polled", || {
        let page = home.bridge("/api/v1/routers")?;
        Ok(page["items"][0]["last_sample"].is_string())
    })?;
    home.deploy(&["uninstall", "--data", "--yes"])?;
    engine.make_images("ours")
}

/// HTTPS in front of three made-up homes.
fn profiles_add_https_and_a_demo(engine: &Engine) -> Result<()> {
    let home = Home::new(engine)?;
    home.deploy(&["config", "--demo", "--tls"])?;
    home.set("TLS_NAMES", "nas.example 192.0.2.1")?;
    home.deploy(&[])?;
    clock::until("all three homes tell", || {
        let page = home.bridge("/api/v1/routers")?;
        let names = page["items"].as_array().context("no items")?;
        Ok(["home", "parents", "cabin"].iter().all(|name| {
            names.iter().any(|router| router["name"] == *name && router["last_event"].is_string())
        }))
    })?;

    let answer = home.curl(&["-D-", "-o/dev/null", "http://192.0.2.1/d/x?y=1"])?;
    ensure!(answer.contains("https://192.0.2.1/d/x?y=1"), "{answer}");
    let head = home.curl(&["-kD-", "-o/dev/null", "https://192.0.2.1/bridge/health"])?;
    for header in ["strict-transport-security:", "x-content-type-options: nosniff"] {
        let found = head.to_lowercase().matches(header).count();
        ensure!(found == 1, "{header} {found} times in {head}");
    }
    ensure!(head.starts_with("HTTP/2 200"), "{head}");
    let body = home.curl(&["-k", "https://192.0.2.1/bridge/health"])?;
    ensure!(body.contains("\"healthy\""), "{body}");
    let body = home.curl(&["-k", "https://192.0.2.1/api/health"])?;
    ensure!(body.contains("\"database\""), "{body}");

    // Phones trust its authority: it outlives containers and volumes.
    let certificate = || home.certificate("192.0.2.1:443");
    let before = certificate()?;
    ensure!(before.contains("DNS:nas.example") && before.contains("192.0.2.1"), "{before}");
    home.deploy(&["backup", "kept"])?;
    home.deploy(&["uninstall", "--data", "--yes"])?;
    engine.make_images("ours")?;
    home.deploy(&["restore", "kept", "--yes"])?;
    ensure!(certificate()? == before, "another certificate after a restore");
    home.deploy(&["uninstall", "--data", "--yes"])?;
    ensure!(engine.containers()?.is_empty() && engine.volumes()?.is_empty(), "something is left");
    engine.make_images("ours")
}
