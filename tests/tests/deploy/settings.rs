//! `.env` and the passwords: made, changed, and kept.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};

use netmonitor_tests::small_disk::SmallDisk;

use crate::machine::{Machine, finish, in_each_shell, tool};
use crate::terminal::Terminal;

const ROUTER: [&str; 3] = ["config", "--router", "192.168.1.1"];

/// Of a user that owns nothing here.
const NOBODY: [&str; 4] = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

fn value(machine: &Machine, name: &str) -> String {
    let settings = machine.read(".env");
    let lines = settings.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    let values: Vec<_> = lines.collect();
    assert_eq!(values.len(), 1, "{name}: {settings}");
    values[0].to_owned()
}

/// What the bridge would get.
fn of_bridge(machine: &Machine, name: &str) -> String {
    let file = machine.path("compose.yaml");
    let mut compose = tool(machine.engine("compose"));
    compose.arg("-f").arg(file).args(["config", "--format", "json"]).env_clear();
    let model: serde_json::Value =
        serde_json::from_slice(&compose.output().unwrap().stdout).unwrap();
    model["services"]["bridge"]["environment"][name].as_str().unwrap().to_owned()
}

#[test]
fn the_router_is_said_in_one_of_three_ways() {
    in_each_shell(|machine| {
        let parts = ["--router ADDRESS", "ROUTER_IP", "copy .env.example to .env"];
        for arguments in [&[][..], &["config"], &["config", "--tls"]] {
            machine.refuses(2, arguments, &parts);
            assert!(!machine.path(".env").exists() && !machine.path("secrets").exists());
        }
        machine.well(&["config", "--router", "router.lan"]);
        assert_eq!(value(&machine, "ROUTER_IP"), "router.lan");
        let machine = machine.with("ROUTER_IP", "192.168.7.1");
        fs::remove_file(machine.path(".env")).unwrap();
        machine.well(&["config"]);
        assert_eq!(value(&machine, "ROUTER_IP"), "192.168.7.1");
    });
}

#[test]
fn what_is_no_address_is_refused() {
    in_each_shell(|machine| {
        for word in ["a b", "$(reboot)", "", "a;b", "../x", "`id`", "a\nb", "--tls", "\"", "a&b|c"]
        {
            let part = format!("router \"{word}\": expected an address or a name");
            machine.refuses(2, &["config", "--router", word], &[&part]);
        }
        machine.refuses(2, &["config", "--router"], &["--router: an address or a name is missing"]);
        machine.refuses(2, &["config", "--demo", "--router", "a"], &["leave --router out"]);
        let machine = machine.with("ROUTER_IP", "$(reboot)");
        machine.refuses(2, &[], &["router \"$(reboot)\""]);
        assert!(!machine.path(".env").exists());
    });
}

#[test]
fn a_second_run_changes_nothing() {
    in_each_shell(|machine| {
        for arguments in
            [&ROUTER[..], &["config", "--demo"], &["config", "--tls"], &ROUTER, &["config"]]
        {
            machine.well(arguments);
            let before = machine.read(".env");
            let output = machine.well(arguments);
            assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("", ""), "{arguments:?}");
            assert_eq!(machine.read(".env"), before, "{arguments:?}");
        }
    });
}

#[test]
fn only_what_was_asked_for_differs_from_the_example() {
    in_each_shell(|machine| {
        machine.well(&["config", "--router", "10.0.0.1", "--tls"]);
        let example = machine.read(".env.example");
        let settings = machine.read(".env");
        let changes: BTreeMap<_, _> = settings
            .lines()
            .zip(example.lines())
            .filter(|(new, old)| new != old && !new.starts_with("TZ="))
            .map(|(new, _)| new.split_once('=').unwrap())
            .collect();
        // Beside HTTPS nothing is open.
        let expected = BTreeMap::from([
            ("ROUTER_IP", "10.0.0.1"),
            ("COMPOSE_PROFILES", "tls"),
            ("GRAFANA_LISTEN", "127.0.0.1"),
            ("BRIDGE_LISTEN", "127.0.0.1"),
        ]);
        assert_eq!(changes, expected);
        assert_eq!(settings.lines().count(), example.lines().count());
        assert_eq!(machine.mode(".env"), 0o600);
    });
}

#[test]
fn demo_and_router_take_turns() {
    in_each_shell(|machine| {
        let state =
            || ["ROUTER_IP", "ROUTERS_FILE", "COMPOSE_PROFILES"].map(|n| value(&machine, n));
        machine.well(&["config", "--demo"]);
        assert_eq!(state(), ["", "demo.toml", "demo"]);
        machine.well(&["config", "--tls"]);
        assert_eq!(state(), ["", "demo.toml", "demo,tls"]);
        machine.well(&ROUTER);
        assert_eq!(state(), ["192.168.1.1", "", "tls"]);
        machine.well(&["config", "--demo"]);
        assert_eq!(state(), ["", "demo.toml", "tls,demo"]);
    });
}

/// Compose would take it from there.
#[test]
fn what_is_said_wins_over_the_environment() {
    in_each_shell(|machine| {
        let machine = machine.with("ROUTER_IP", "192.168.7.1");
        for (arguments, kept) in [(&["config", "--demo"][..], ""), (&ROUTER, "192.168.1.1")] {
            machine.well(arguments);
            assert_eq!(value(&machine, "ROUTER_IP"), kept);
            let seen = fs::read_to_string(machine.engine("environment")).unwrap();
            assert!(seen.contains("STAND_IN=") && !seen.contains("ROUTER_IP="), "{seen}");
        }
    });
}

#[test]
fn line_ends_of_windows_are_mended() {
    in_each_shell(|machine| {
        machine.well(&ROUTER);
        let settings = machine.read(".env").replace('\n', "\r\n");
        machine.write(".env", &settings);
        fs::set_permissions(machine.path(".env"), PermissionsExt::from_mode(0o640)).unwrap();
        let output = machine.well(&["config"]);
        assert_eq!(output.stderr, "deploy: .env had the line ends of Windows; they are gone\n");
        assert_eq!(machine.read(".env"), settings.replace('\r', ""));
        assert_eq!(machine.mode(".env"), 0o640);
        assert_eq!(of_bridge(&machine, "ROUTER_IP"), "192.168.1.1");
    });
}

/// As Compose reads it: `BRIDGE_PORT` is only a number without what is around it.
#[test]
fn settings_may_be_written_in_other_ways() {
    in_each_shell(|machine| {
        machine.well(&ROUTER);
        let plain = machine.read(".env");
        let port = machine.port("BRIDGE_PORT").port();
        for line in [
            format!("BRIDGE_PORT=\"{port}\""),
            format!("BRIDGE_PORT='{port}'  # ours"),
            format!("BRIDGE_PORT={port} # was 5000"),
            format!("export BRIDGE_PORT={port}"),
            format!("  BRIDGE_PORT = {port}  "),
            format!("BRIDGE_PORT: {port}"),
            format!("BRIDGE_PORT=x\nBRIDGE_PORT={port}"),
        ] {
            machine.write(".env", &plain.replace(&format!("BRIDGE_PORT={port}"), &line));
            let output = machine.well(&["start"]);
            let address = format!(":{port}/\n");
            assert!(output.stdout.contains(&address), "{line}: {output:?}");
        }
        // The last line without an end, and one that is quoted.
        machine.write(".env", &format!("{}\nROUTER_IP=\"10.9.8.7\"", plain.trim_end()));
        machine.well(&["config", "--tls"]);
        assert_eq!(of_bridge(&machine, "ROUTER_IP"), "10.9.8.7");
        machine.well(&["config", "--router", "10.1.2.3"]);
        assert_eq!(value(&machine, "ROUTER_IP"), "10.1.2.3");
        assert_eq!(of_bridge(&machine, "ROUTER_IP"), "10.1.2.3");
    });
}

#[test]
fn settings_that_do_not_fit_are_told_before_anything_starts() {
    in_each_shell(|machine| {
        machine.well(&ROUTER);
        for (line, part) in [
            (
                "ROUTER_TOKEN_FILE=./secrets/router",
                "ROUTER_TOKEN_FILE: ./secrets/router is not there",
            ),
            (
                "DATABASE_URL_FILE=./secrets/database_url",
                "DATABASE_URL_FILE: ./secrets/database_url is not there",
            ),
            (
                "DATABASE_URL_FILE=./secrets/api_token\nMAX_DB_SIZE=2G",
                "MAX_DB_SIZE: a server gives no room back",
            ),
            ("READ_TOKEN_FILE=/nowhere/token", "READ_TOKEN_FILE: /nowhere/token is not there"),
            ("TLS_KEY_FILE=key.pem", "TLS_KEY_FILE: key.pem is not there (.env)"),
            (
                "GRAFANA_PASSWORD_FILE=/nowhere/word",
                "GRAFANA_PASSWORD_FILE: the folder of /nowhere/word",
            ),
            ("ROUTERS_FILE=mine.toml", "ROUTERS_FILE: routers/mine.toml is not there; copy it"),
            ("RECEIVER_FILE=ntfy.yml", "RECEIVER_FILE: receivers/ntfy.yml is not there"),
            ("REMOTE_WRITE_FILE=store.yml", "REMOTE_WRITE_FILE: receivers/store.yml is not there"),
            ("ROUTER_IP=", "neither ROUTER_IP nor ROUTERS_FILE is set"),
        ] {
            let settings = machine.read(".env");
            machine.write(".env", &format!("{settings}\n{line}\n"));
            machine.notes();
            for command in [&[][..], &["config"], &["start"], &["backup"]] {
                machine.refuses(2, command, &[part]);
            }
            // The engine was only asked for its version.
            for note in machine.notes() {
                assert!(note.contains("version"), "{line}: {note}");
            }
            machine.write(".env", &settings);
        }
    });
}

#[test]
fn passwords_are_made_once() {
    in_each_shell(|machine| {
        let output = machine.well(&ROUTER);
        let said: Vec<_> = output.stderr.lines().collect();
        let made = ["grafana_password", "api_token"];
        let expected = made.map(|name| format!("deploy: made ./secrets/{name}"));
        assert_eq!(said[1..], expected);
        let words = || made.map(|name| machine.read(&format!("secrets/{name}")));
        let first = words();
        for word in &first {
            let is_hex = word.chars().all(|c| c.is_ascii_hexdigit() && !c.is_uppercase());
            assert!(word.len() == 36 && is_hex, "\"{word}\"");
        }
        assert_ne!(first[0], first[1]);
        assert!(machine.mode("secrets") == 0o700 && machine.mode("secrets/api_token") == 0o644);
        machine.well(&ROUTER);
        assert_eq!(words(), first);
        // One that is lost is made again, the others stay.
        machine.write("secrets/api_token", "");
        machine.well(&["config"]);
        assert!(words()[0] == first[0] && words()[1] != first[1] && words()[1].len() == 36);
        assert_eq!(machine.list("secrets"), ["api_token", "grafana_password"]);
    });
}

#[test]
fn a_password_may_be_elsewhere() {
    in_each_shell(|machine| {
        machine.well(&ROUTER);
        let file = machine.home().join("password");
        let named = format!("GRAFANA_PASSWORD_FILE={}", file.display());
        let settings = machine.read(".env");
        machine.write(".env", &format!("{settings}{named}\n"));
        machine.well(&["config"]);
        assert_eq!(fs::read_to_string(&file).unwrap().len(), 36);
        // Grafana's user is another one.
        fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
        let part = format!("GRAFANA_PASSWORD_FILE: containers cannot read {}", file.display());
        machine.refuses(2, &["config"], &[&part, "chmod 644"]);
        chown(&file, Some(472), None).unwrap();
        machine.well(&["config"]);
        // Nor is it opened to others among the rest.
        let key = machine.path("secrets/tls_key.pem");
        fs::write(&key, "").unwrap();
        fs::set_permissions(&key, PermissionsExt::from_mode(0o400)).unwrap();
        chown(&key, Some(101), None).unwrap();
        machine.well(&["config"]);
        assert_eq!(machine.mode("secrets/tls_key.pem"), 0o400);
    });
}

#[test]
fn what_containers_read_is_readable_whatever_the_umask() {
    in_each_shell(|machine| {
        for folder in ["", "/../prometheus"] {
            let folder = format!("{}{folder}", machine.path("").display());
            let mut command = tool("chmod");
            assert!(command.args(["-R", "go-rwx", &folder]).status().unwrap().success());
        }
        let script = "umask 077; exec \"$@\"";
        let machine = machine.through(&["/bin/sh", "-c", script, "sh"]);
        machine.well(&ROUTER);
        assert_eq!(machine.mode("../prometheus/rules"), 0o755);
        assert_eq!(machine.mode("../prometheus/prometheus.yml"), 0o644);
        assert_eq!(machine.mode("../prometheus/configure.sh"), 0o755);
        assert_eq!(machine.mode("secrets/api_token"), 0o644);
        assert_eq!((machine.mode("secrets"), machine.mode(".env")), (0o700, 0o600));
        // What somebody has put there, they have to open themselves.
        let list = "routers/mine.toml";
        machine.write(list, "");
        fs::set_permissions(machine.path(list), PermissionsExt::from_mode(0o600)).unwrap();
        machine.write(".env", &format!("{}ROUTERS_FILE=mine.toml\n", machine.read(".env")));
        machine.refuses(
            2,
            &["config"],
            &["ROUTERS_FILE: containers cannot read routers/mine.toml"],
        );
    });
}

#[test]
fn settings_of_another_user_are_not_taken_for_none() {
    in_each_shell(|machine| {
        machine.well(&ROUTER);
        let settings = machine.read(".env");
        machine.notes();
        fs::remove_file(machine.engine("environment")).unwrap();
        open_to_everybody(&machine, &["engine", "home server", "home server/compose"]);
        let machine = machine.through(&NOBODY);
        machine.refuses(1, &["status"], &[".env belongs to another user: run this with sudo"]);
        fs::set_permissions(machine.path(".env"), PermissionsExt::from_mode(0o644)).unwrap();
        machine.refuses(1, &["status"], &["secrets belongs to another user", "chown -R nobody"]);
        assert_eq!(machine.read(".env"), settings);
    });
}

fn open_to_everybody(machine: &Machine, names: &[&str]) {
    for name in names {
        let place = machine.home().join(name);
        fs::set_permissions(place, PermissionsExt::from_mode(0o777)).unwrap();
    }
}

/// As root, with sudo, and then without.
#[test]
fn settings_stay_with_their_owner() {
    in_each_shell(|machine| {
        machine.well(&ROUTER);
        chown(machine.path(".env"), Some(65534), Some(65534)).unwrap();
        machine.well(&["config", "--router", "10.0.0.1"]);
        let kept = fs::metadata(machine.path(".env")).unwrap();
        assert_eq!(std::os::unix::fs::MetadataExt::uid(&kept), 65534);
        assert_eq!(kept.permissions().mode() & 0o777, 0o600);
    });
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    in_each_shell(|machine| {
        let script = "mount --bind \"$PWD\" \"$PWD\" && mount -o remount,ro,bind \"$PWD\" && cd \"$PWD\" && exec \"$@\"";
        let read_only = ["/usr/bin/unshare", "--mount", "/usr/bin/dash", "-c", script, "sh"];
        let path = paths(&machine);
        let machine = machine.with("PATH", &path).through(&read_only);
        let folder = machine.path("").display().to_string();
        let part = format!("{} cannot be written: read-only, full", folder.trim_end_matches('/'));
        machine.refuses(1, &ROUTER, &[&part]);
        assert!(!machine.path(".env").exists());
        // What only looks goes on looking.
        let machine = machine.through(&[]);
        machine.well(&ROUTER);
        machine.well(&["start"]);
        let machine = machine.through(&read_only);
        machine.well(&["status"]);
        machine.well(&["stop"]);
    });
}

/// Programs of this machine that only what stands before the shell needs.
fn paths(machine: &Machine) -> String {
    format!("{}:/usr/bin:/bin", machine.home().join("bin").display())
}

/// A program that sees the disk.
fn on(disk: &SmallDisk, program: &str) -> std::process::Command {
    let entrance = disk.entrance();
    let mut command = tool(&entrance[0]);
    command.args(&entrance[1..]).arg(program);
    command
}

#[test]
fn a_full_disk_costs_no_settings() {
    in_each_shell(|machine| {
        machine.well(&ROUTER);
        let disk = SmallDisk::new("1m").unwrap();
        let copy = "cp -a \"$1\" \"$2\"";
        let place = disk.folder().join("home");
        let mut command = on(&disk, "sh");
        command.args(["-euc", copy, "sh"]).arg(machine.home().join("home server")).arg(&place);
        assert!(command.status().unwrap().success());
        disk.fill().unwrap();
        let script = place.join("compose/deploy.sh").display().to_string();
        let entrance = disk.entrance().into_iter().map(|word| word.into_string().unwrap());
        let words = [entrance.collect(), machine.words(&script), vec!["config".into()]].concat();
        let run = |more: &[&str]| {
            let more: Vec<_> = more.iter().map(|word| (*word).to_owned()).collect();
            let mut command = machine.command(&[&words[..], &more].concat());
            finish(command.env("PATH", paths(&machine)).spawn().unwrap())
        };
        let output = run(&["--router", "10.0.0.1"]);
        assert_eq!(output.code, Some(1), "{output:?}");
        let parts = ["cannot be written", "full"];
        assert!(parts.iter().all(|part| output.stderr.contains(part)), "{output:?}");
        disk.free().unwrap();
        let kept = on(&disk, "cat").arg(place.join("compose/.env")).output().unwrap().stdout;
        assert_eq!(String::from_utf8(kept).unwrap(), machine.read(".env"));
        assert_eq!(run(&["--router", "10.0.0.1"]).code, Some(0));
    });
}

#[test]
fn it_is_called_from_anywhere_and_by_any_name() {
    in_each_shell(|machine| {
        let home = machine.home().to_owned();
        symlink("home server/compose/deploy.sh", home.join("link")).unwrap();
        fs::create_dir(home.join("elsewhere")).unwrap();
        symlink("../link", home.join("elsewhere/link of a link")).unwrap();
        for (script, from) in [
            (home.join("home server/compose/deploy.sh").display().to_string(), "/"),
            ("../deploy.sh".to_owned(), "home server/compose/routers"),
            ("home server/compose/deploy.sh".to_owned(), ""),
            ("./link".to_owned(), ""),
            ("elsewhere/link of a link".to_owned(), ""),
        ] {
            fs::remove_file(machine.path(".env")).ok();
            let output = machine.run_as(&script, &home.join(from), &ROUTER);
            assert_eq!(output.code, Some(0), "{script}: {output:?}");
            assert_eq!(value(&machine, "ROUTER_IP"), "192.168.1.1");
        }
        assert!(!home.join("elsewhere/.env").exists() && !home.join(".env").exists());
        // `cd` would go there, and say so.
        let machine = machine.with("CDPATH", home.to_str().unwrap());
        let output = machine.run_as("home server/compose/deploy.sh", &home, &["config"]);
        assert_eq!(output.code, Some(0), "{output:?}");
    });
}

#[test]
fn a_person_is_asked_for_router_and_token() {
    in_each_shell(|machine| {
        let mut terminal = Terminal::new(&machine, "config");
        terminal.wait_for("Address or name of your router: [");
        terminal.wait_for("] ");
        terminal.type_in("192.168.9.1\n");
        terminal.wait_for("(not shown): ");
        terminal.type_in("s3cret word\n");
        let (code, shown) = terminal.end();
        assert_eq!(code, Some(0), "{shown}");
        assert!(shown.contains("192.168.9.1") && !shown.contains("s3cret"), "{shown}");
        assert_eq!(value(&machine, "ROUTER_IP"), "192.168.9.1");
        assert_eq!(value(&machine, "ROUTER_TOKEN_FILE"), "./secrets/router_token");
        assert_eq!(machine.read("secrets/router_token"), "s3cret word\n");
        assert_eq!(of_bridge(&machine, "ROUTER_TOKEN_FILE"), "/run/secrets/router_token");
        assert!(!machine.read(".env").contains("s3cret"));
    });
}

#[test]
fn a_bad_answer_leaves_nothing_behind() {
    in_each_shell(|machine| {
        let mut terminal = Terminal::new(&machine, "config");
        terminal.wait_for("] ");
        terminal.type_in("no way\n");
        let (code, shown) = terminal.end();
        assert!(code == Some(2) && shown.contains("router \"no way\""), "{shown}");
        assert!(!machine.path(".env").exists() && !machine.path("secrets").exists());
    });
}

#[test]
fn who_gives_up_gets_the_terminal_back() {
    in_each_shell(|machine| {
        // At the address, and at the token.
        for answers in [&[][..], &["192.168.9.1\n"]] {
            let after = "config; echo \"code $?\"; stty -a";
            let mut terminal = Terminal::after("trap : INT;", &machine, after);
            for answer in answers {
                terminal.wait_for("] ");
                terminal.type_in(answer);
            }
            terminal.wait_for(if answers.is_empty() { "] " } else { "(not shown): " });
            terminal.type_in("\u{3}");
            let (_, shown) = terminal.end();
            assert!(!machine.path(".env").exists() && !machine.path("secrets").exists());
            if !answers.is_empty() {
                assert!(shown.contains("code 130"), "{shown}");
                assert!(shown.contains(" echo ") && !shown.contains("-echo "), "{shown}");
            }
        }
    });
}
