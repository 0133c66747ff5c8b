//! From the settings to what runs, and away again.

use std::fs;
use std::net::TcpListener;

use crate::machine::{Machine, PORTS, in_each_shell};
use crate::terminal::Terminal;

const ROUTER: [&str; 3] = ["config", "--router", "192.168.1.1"];
const ALL: [&str; 4] = ["alertmanager", "bridge", "grafana", "prometheus"];

#[test]
fn one_command_does_all_of_it() {
    in_each_shell(|machine| {
        let output = machine.well(&["--router", "192.168.1.1"]);
        assert_eq!(machine.running(), ALL);
        let port = machine.port("PROMETHEUS_PORT").port();
        for part in [
            "(user admin, password in ./secrets/grafana_password)",
            &format!("http://127.0.0.1:{port}/alerts (from this computer)"),
            "home: well, netmonitor at",
        ] {
            assert!(output.stdout.contains(part), "{part} is not in {output:?}");
        }
        assert!(!output.stdout.contains("https://"), "{output:?}");
        let notes = machine.notes();
        let first = |part: &str| notes.iter().position(|note| note.contains(part)).unwrap();
        let order = [" config -q", "image inspect", "check-routers", " up -d"].map(first);
        assert!(order.is_sorted(), "{notes:#?}");
    });
}

#[test]
fn with_tls_it_says_where() {
    in_each_shell(|machine| {
        let port = machine.port("HTTPS_PORT").port();
        let output = machine.well(&["--router", "192.168.1.1", "--tls"]);
        assert!(
            output.stdout.contains(&format!(":{port}/, the bridge under /bridge/")),
            "{output:?}"
        );
    });
}

#[test]
fn images_that_are_missing_are_built_once() {
    in_each_shell(|machine| {
        machine.well(&ROUTER);
        machine.notes();
        machine.play("fail", "image inspect netmonitor-");
        machine.well(&[]);
        let builds = |notes: &[String]| notes.iter().filter(|one| one.contains(" build")).count();
        assert_eq!(builds(&machine.notes()), 1);
        machine.play("fail", "image inspect netmonitor-\n build");
        machine.refuses(1, &[], &["the images could not be built", "needs the internet"]);
        machine.play_no("fail");
        machine.notes();
        machine.well(&[]);
        assert_eq!(builds(&machine.notes()), 0);
    });
}

#[test]
fn ports_that_are_taken_are_named_before_anything_is_asked_of_the_engine() {
    in_each_shell(|machine| {
        machine.well(&ROUTER);
        let taken = ["GRAFANA_PORT", "ALERTMANAGER_PORT"].map(|name| machine.port(name));
        let listeners = taken.map(|address| TcpListener::bind(address).unwrap());
        machine.notes();
        let said = taken.map(|address| address.port().to_string());
        for command in [&[][..], &["start"], &["restart"]] {
            let parts = [
                format!("taken: {} (GRAFANA_PORT) {} (ALERTMANAGER_PORT)", said[0], said[1]),
                "choose other ports in .env".to_owned(),
            ];
            machine.refuses(1, command, &parts.each_ref().map(String::as_str));
        }
        assert!(
            !machine.notes().iter().any(|note| note.contains("inspect") || note.contains(" up "))
        );
        drop(listeners);
        machine.well(&["start"]);
        // Our own may hold theirs.
        let _ours = TcpListener::bind(machine.port("BRIDGE_PORT")).unwrap();
        machine.well(&["start"]);
    });
}

#[test]
fn ports_of_the_proxy_matter_with_tls_only() {
    in_each_shell(|machine| {
        machine.well(&ROUTER);
        let _taken = TcpListener::bind(machine.port("HTTP_PORT")).unwrap();
        machine.well(&["start"]);
        machine.well(&["config", "--tls"]);
        machine.refuses(1, &["start"], &["(HTTP_PORT)"]);
    });
}

/// A connection from that port, or one in the state after its end, takes nothing.
#[test]
fn a_port_that_only_talks_is_free() {
    in_each_shell(|machine| {
        machine.well(&ROUTER);
        let listener = TcpListener::bind(machine.port("BRIDGE_PORT")).unwrap();
        let client = std::net::TcpStream::connect(machine.port("BRIDGE_PORT")).unwrap();
        let (server, _) = listener.accept().unwrap();
        drop(listener);
        machine.well(&["start"]);
        drop((client, server));
    });
}

#[test]
fn what_is_no_port_is_refused() {
    in_each_shell(|machine| {
        machine.well(&ROUTER);
        let settings = machine.read(".env");
        let words = ["http", "5000-5010", "0", "070", "99999", "-1", "127.0.0.1:80", "1e3"];
        for (word, name) in words.into_iter().zip(PORTS.into_iter().cycle()) {
            machine.write(".env", &format!("{settings}{name}={word}\n"));
            let part = format!("{name} \"{word}\": expected a port, for example");
            machine.refuses(2, &["start"], &[&part]);
        }
        let port = machine.port("BRIDGE_PORT").port();
        machine.write(".env", &format!("{settings}GRAFANA_PORT={port}\n"));
        machine.refuses(
            2,
            &["start"],
            &[&format!("GRAFANA_PORT: {port} is another one's as well")],
        );
        assert!(!machine.notes().iter().any(|note| note.contains(" up ")));
    });
}

#[test]
fn a_router_that_does_not_answer_stops_nothing() {
    in_each_shell(|machine| {
        machine.play("fail", "check-routers");
        let output = machine.well(&["--router", "192.168.1.1"]);
        let part = "a router does not answer (see above). What watches it goes on asking";
        assert!(output.stderr.contains(part), "{output:?}");
        assert_eq!(machine.running(), ALL);
        machine.refuses(1, &["check"], &["check-routers fails"]);
        machine.well(&["status"]);
    });
}

#[test]
fn a_person_is_asked_whether_to_start_all_the_same() {
    in_each_shell(|machine| {
        machine.well(&ROUTER);
        machine.play("fail", "check-routers");
        for (answer, code, running) in [("n", 1, &[][..]), ("", 0, &ALL)] {
            let mut terminal = Terminal::new(&machine, "");
            terminal.wait_for("Start all the same? [yes] ");
            terminal.type_in(&format!("{answer}\n"));
            let (ended, shown) = terminal.end();
            assert_eq!(ended, Some(code), "{shown}");
            assert_eq!(machine.running(), running);
        }
    });
}

/// Fake routers start with the rest.
#[test]
fn nobody_asks_the_routers_of_the_demo_before_they_run() {
    in_each_shell(|machine| {
        machine.play("fail", "check-routers");
        let output = machine.well(&["--demo"]);
        assert!(!output.stderr.contains("does not answer"), "{output:?}");
    });
}

#[test]
fn a_service_that_is_unwell_is_named_with_its_last_words() {
    in_each_shell(|machine| {
        machine.well(&ROUTER);
        machine.play("fail", " up -d");
        machine.play("states/prometheus", "running and unhealthy");
        machine.play("states/grafana", "exited, out of memory");
        let output = machine.refuses(
            1,
            &["start"],
            &[
                "deploy: prometheus is running and unhealthy; its last words:\n    last words of prometheus\n",
                "deploy: grafana is exited, out of memory; its last words:\n    last words of grafana\n",
                "not everything is well; ./deploy.sh logs says more",
            ],
        );
        assert!(!output.stderr.contains("bridge is"), "{output:?}");
        assert_eq!(output.stdout, "");
    });
}

#[test]
fn words_that_are_not_known_are_refused() {
    in_each_shell(|machine| {
        let output =
            machine.refuses(2, &["instal"], &["usage: ./deploy.sh", "\"instal\" is not known"]);
        assert_eq!(output.stdout, "");
        machine.well(&ROUTER);
        let before = machine.read(".env");
        machine.notes();
        for words in [
            &["--instal"][..],
            &["config", "--instal"],
            &["config", "192.168.1.1"],
            &["start", "bridge"],
            &["stop", "--all"],
            &["restart", "bridge"],
            &["status", "-v"],
            &["check", "home"],
            &["backup", "--all"],
            &["backup", "one", "two"],
            &["restore", "--force", "one"],
            &["restore", "one", "two"],
            &["upgrade", "--nopull"],
            &["upgrade", "--no-pull", "now"],
            &["uninstall", "--all"],
        ] {
            let output = machine.refuses(2, words, &["is not known"]);
            assert!(output.stderr.contains("./deploy.sh help"), "{output:?}");
        }
        assert_eq!(machine.read(".env"), before);
        let changes = [" up ", " down", " stop", " run ", " build", " pull"];
        let notes = machine.notes();
        assert!(
            !notes.iter().any(|note| changes.iter().any(|word| note.contains(word))),
            "{notes:?}"
        );
        machine.refuses(2, &["restore"], &["restore: which folder?"]);
        machine.refuses(2, &["import-legacy"], &["import-legacy: which file?"]);
    });
}

#[test]
fn commands_other_than_the_first_need_settings() {
    in_each_shell(|machine| {
        for command in ["start", "stop", "restart", "status", "logs", "check", "backup", "upgrade"]
        {
            machine.refuses(2, &[command], &["there is no .env yet: run ./deploy.sh config first"]);
        }
        assert!(!machine.path("secrets").exists());
    });
}

#[test]
fn two_runs_do_not_meet() {
    in_each_shell(|machine| {
        machine.well(&ROUTER);
        machine.play("pause", "check-routers");
        let first = machine.pause(&[]);
        for command in [&["config"][..], &["backup"], &[]] {
            machine.refuses(1, command, &["another ./deploy.sh is at work in", "try again"]);
        }
        // Who only looks does not disturb.
        machine.play_no("pause");
        machine.well(&["status"]);
        let output = first.go_on();
        assert_eq!(output.code, Some(0), "{output:?}");
        machine.well(&["config"]);
    });
}

#[test]
fn where_there_is_no_flock_it_goes_without() {
    in_each_shell(|machine| {
        fs::remove_file(machine.home().join("bin/flock")).unwrap();
        machine.well(&["--router", "192.168.1.1"]);
    });
}

fn is_set_up(machine: &Machine) -> bool {
    let there = [".env", "secrets/grafana_password"].map(|name| machine.path(name).exists());
    assert_eq!(there[0], there[1]);
    there[0]
}

#[test]
fn uninstalled_it_keeps_data_unless_told_otherwise() {
    in_each_shell(|machine| {
        machine.well(&["--router", "192.168.1.1"]);
        machine.notes();
        let output = machine.well(&["uninstall"]);
        assert!(output.stderr.contains("gone, but for data"), "{output:?}");
        assert!(is_set_up(&machine) && machine.running().is_empty());
        let down: Vec<_> =
            machine.notes().into_iter().filter(|one| one.contains(" down")).collect();
        assert_eq!(down, ["docker compose --profile tls --profile demo down --remove-orphans"]);

        machine.refuses(2, &["uninstall", "--data"], &["Say so with --yes"]);
        assert!(is_set_up(&machine));
        assert!(!machine.notes().iter().any(|note| note.contains(" down")));
        machine.well(&["uninstall", "--data", "--yes"]);
        assert!(!is_set_up(&machine));
        let notes = machine.notes();
        assert!(notes.iter().any(|note| note.ends_with("--remove-orphans --volumes")), "{notes:?}");
        // Also where nothing is.
        machine.well(&["uninstall", "--yes"]);
    });
}

#[test]
fn a_person_is_asked_before_data_goes() {
    in_each_shell(|machine| {
        machine.well(&ROUTER);
        for (answer, code) in [("", 1), ("no", 1), ("yes", 0)] {
            let mut terminal = Terminal::new(&machine, "uninstall --data");
            terminal.wait_for(
                "All data, .env and secrets go; backups, routers and receivers stay. Go on? [no] ",
            );
            terminal.type_in(&format!("{answer}\n"));
            let (ended, shown) = terminal.end();
            assert_eq!(ended, Some(code), "{shown}");
            assert_eq!(is_set_up(&machine), code == 1);
        }
    });
}
