//! Backup, restore and upgrade, and what goes wrong in them.

use std::fs;
use std::path::Path;

use crate::machine::{Machine, in_each_shell, tool};

const ALL: [&str; 4] = ["alertmanager", "bridge", "grafana", "prometheus"];

fn start(machine: &Machine) {
    machine.well(&["--router", "192.168.1.1"]);
    machine.notes();
}

/// What of the notes changes what runs, or its data.
fn changes(machine: &Machine) -> Vec<String> {
    let words = [" down", " stop ", " run ", " up ", " cp ", " start "];
    let is_change = |note: &String| words.iter().any(|word| note.contains(word));
    machine.notes().into_iter().filter(is_change).collect()
}

#[test]
fn a_backup_has_all_of_it_and_leaves_everything_running() {
    in_each_shell(|machine| {
        start(&machine);
        machine.write("routers/mine.toml", "");
        let output = machine.well(&["backup"]);
        let [name] = &machine.list("backups")[..] else { panic!("{output:?}") };
        assert!(output.stderr.contains(&format!(
            "everything is in {}",
            machine.path("backups").join(name).display()
        )));
        let files = [
            "SHA256SUMS",
            "alertmanager.tar.gz",
            "grafana.tar.gz",
            "netmonitor.db.gz",
            "prometheus.tar.gz",
            "settings.tar.gz",
        ];
        assert_eq!(machine.list(&format!("backups/{name}")), files);
        assert_eq!(
            (machine.mode("backups"), machine.mode(&format!("backups/{name}"))),
            (0o700, 0o700)
        );
        assert_eq!(machine.running(), ALL);
        let mut list = tool("tar");
        list.arg("-tzf").arg(machine.path(&format!("backups/{name}/settings.tar.gz")));
        let listed = String::from_utf8(list.output().unwrap().stdout).unwrap();
        for file in [".env", "secrets/api_token", "routers/mine.toml", "receivers/.gitignore"] {
            assert!(listed.lines().any(|line| line == file), "{file}: {listed}");
        }
        let stops: Vec<_> = changes(&machine)
            .into_iter()
            .filter(|note| !note.contains(" cp ") && !note.contains(" run "))
            .collect();
        let expected = [
            "stop id-alertmanager",
            "start id-alertmanager",
            "stop id-grafana",
            "start id-grafana",
        ];
        assert_eq!(stops, expected.map(|words| format!("docker {words}")));
    });
}

#[test]
fn a_backup_goes_where_the_caller_is() {
    in_each_shell(|machine| {
        start(&machine);
        let home = machine.home();
        let script = "home server/compose/deploy.sh";
        let output = machine.run_as(script, home, &["backup", "a copy/of today"]);
        assert_eq!(output.code, Some(0), "{output:?}");
        assert!(home.join("a copy/of today/SHA256SUMS").is_file());
        let output = machine.run_as(script, home, &["backup", "a copy/of today"]);
        assert!(output.code == Some(2) && output.stderr.contains("is there already"), "{output:?}");
        machine.notes();
        let output = machine.run_as(script, home, &["restore", "--yes", "a copy/of today"]);
        assert_eq!(output.code, Some(0), "{output:?}");
        assert_eq!(machine.running(), ALL);
        let restored = fs::read_to_string(machine.engine("restored")).unwrap();
        assert_eq!(restored, "the bridge, as it was\n");
        for service in ["prometheus", "alertmanager", "grafana"] {
            let unpacked = fs::read_to_string(machine.engine(&format!("unpacked-id-{service}")));
            assert!(unpacked.unwrap().starts_with(&format!("an archive of id-{service}:/")));
        }
        // What was there before is kept.
        let [before] = &machine.list("backups")[..] else { panic!() };
        assert!(before.starts_with("before-restore-"), "{before}");
    });
}

#[test]
fn settings_and_passwords_come_back_with_a_backup() {
    in_each_shell(|machine| {
        start(&machine);
        let file = machine.home().join("copy");
        machine.well(&["backup", file.to_str().unwrap()]);
        let kept = [".env", "secrets/api_token"].map(|name| machine.read(name));
        machine.well(&["uninstall", "--data", "--yes"]);
        // As on another machine, on which nothing is set up.
        machine.well(&["restore", file.to_str().unwrap(), "--yes"]);
        assert_eq!([".env", "secrets/api_token"].map(|name| machine.read(name)), kept);
        assert_eq!((machine.mode(".env"), machine.mode("secrets")), (0o600, 0o700));
        assert_eq!(machine.list("backups"), [""; 0]);
    });
}

/// Whose server it is copies it; what is there is neither replaced nor missed.
#[test]
fn a_history_on_a_server_stays_there() {
    in_each_shell(|machine| {
        start(&machine);
        let copy = |name: &str| machine.home().join(name).display().to_string();
        machine.well(&["backup", &copy("of a file")]);
        machine.write("secrets/database_url", "postgres://u:p@192.0.2.1/netmonitor");
        let settings = machine.read(".env");
        let empty = "DATABASE_URL_FILE=\n";
        let named = "export DATABASE_URL_FILE='./secrets/database_url' # ours\n";
        machine.write(".env", &settings.replace(empty, named));
        let other = "backup: .env names another database than that of the running bridge";
        machine.refuses(1, &["backup", &copy("between")], &[other]);
        machine.well(&["start"]);
        let said = "the bridge's history is in a database of a server";
        let output = machine.well(&["backup", &copy("of a server")]);
        assert!(output.stderr.contains(&format!("{said}, and not in this backup")), "{output:?}");
        assert!(!fs::exists(machine.home().join("of a server/netmonitor.db.gz")).unwrap());
        machine.well(&["upgrade", "--no-pull"]);

        machine.write(".env", &settings);
        machine.refuses(1, &["backup", &copy("between")], &[other]);
        machine.well(&["start"]);
        let output = machine.well(&["restore", &copy("of a server"), "--yes"]);
        assert!(output.stderr.contains(&format!("{said}, and stays as it is")), "{output:?}");
        assert!(machine.read(".env").contains(named));
        assert!(!fs::exists(machine.engine("restored")).unwrap());
        // What was kept before it has the name of a second, and this is quicker than a person.
        fs::remove_dir_all(machine.path("backups")).unwrap();
        let output = machine.well(&["restore", &copy("of a file"), "--yes"]);
        assert!(!output.stderr.contains("stays as it is"), "{output:?}");
        assert!(machine.read(".env").contains(empty));
        assert!(fs::exists(machine.engine("restored")).unwrap());
    });
}

#[test]
fn nothing_is_copied_while_something_does_not_run() {
    in_each_shell(|machine| {
        start(&machine);
        for service in ALL {
            fs::remove_file(machine.engine(&format!("running/{service}"))).unwrap();
            for command in ["backup", "upgrade"] {
                let part = format!("backup: {service} does not run; ./deploy.sh start first");
                machine.refuses(1, &[command], &[&part]);
            }
            machine.play(&format!("running/{service}"), "");
        }
        assert_eq!(changes(&machine), [""; 0]);
        assert_eq!(machine.list("backups"), [""; 0]);
    });
}

/// A copy of `good` with one thing wrong.
fn damaged(machine: &Machine, good: &Path, damage: impl Fn(&Path)) -> String {
    let bad = machine.home().join("bad");
    fs::remove_dir_all(&bad).ok();
    assert!(tool("cp").arg("-a").args([good, &bad]).status().unwrap().success());
    damage(&bad);
    bad.display().to_string()
}

#[test]
fn a_backup_that_is_not_whole_is_refused_before_anything_stops() {
    in_each_shell(|machine| {
        start(&machine);
        let good = machine.home().join("good");
        machine.well(&["backup", good.to_str().unwrap()]);
        machine.notes();
        let sums = |folder: &Path| fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
        let refused = |damage: &dyn Fn(&Path), part: &str| {
            let bad = damaged(&machine, &good, damage);
            let output = machine.run(&["restore", &bad, "--yes"]);
            assert_ne!(output.code, Some(0), "{part}");
            assert!(output.stderr.contains(part), "{part} is not in {output:?}");
        };
        refused(&|bad| fs::remove_dir_all(bad).unwrap(), "SHA256SUMS is missing");
        refused(&|bad| fs::remove_file(bad.join("SHA256SUMS")).unwrap(), "is no backup");
        refused(&|bad| fs::write(bad.join("SHA256SUMS"), "").unwrap(), "is not whole");
        let archives =
            ["netmonitor.db", "prometheus.tar", "alertmanager.tar", "grafana.tar", "settings.tar"];
        for name in archives.map(|name| format!("{name}.gz")) {
            let cut = |bad: &Path| {
                let file = fs::OpenOptions::new().write(true).open(bad.join(&name)).unwrap();
                file.set_len(file.metadata().unwrap().len() - 1).unwrap();
            };
            refused(&cut, "is damaged; take another one");
            refused(&|bad| fs::remove_file(bad.join(&name)).unwrap(), "is damaged");
            let unlist = |bad: &Path| {
                let kept: String = sums(bad)
                    .lines()
                    .filter(|line| !line.ends_with(&name))
                    .map(|line| format!("{line}\n"))
                    .collect();
                fs::write(bad.join("SHA256SUMS"), kept).unwrap();
            };
            refused(&unlist, &format!("is not whole: SHA256SUMS has no {name}"));
        }
        assert_eq!(changes(&machine), [""; 0]);
        // Nobody there to be asked.
        machine.refuses(2, &["restore", good.to_str().unwrap()], &["Say so with --yes"]);
        assert_eq!(changes(&machine), [""; 0]);
        machine.well(&["restore", good.to_str().unwrap(), "--yes"]);
    });
}

#[test]
fn images_are_there_before_data_goes() {
    in_each_shell(|machine| {
        start(&machine);
        let good = machine.home().join("good");
        machine.well(&["backup", good.to_str().unwrap()]);
        machine.play("fail", "image inspect\n build");
        machine.refuses(1, &["restore", good.to_str().unwrap(), "--yes"], &["could not be built"]);
        assert!(!machine.notes().iter().any(|note| note.contains(" down")));
        assert_eq!(machine.running(), ALL);
    });
}

/// Whatever step fails: what was stopped runs again, and nothing is left.
#[test]
fn a_backup_that_fails_leaves_nothing_and_stops_nothing() {
    in_each_shell(|machine| {
        start(&machine);
        for step in [
            "backup /backup/netmonitor.db",
            "exec -T prometheus wget",
            "cp id-prometheus",
            "cp id-alertmanager",
            "cp id-grafana",
            "stop id-grafana",
        ] {
            machine.play("fail", step);
            machine.refuses(1, &["backup"], &["no backup was made, see above"]);
            assert_eq!(machine.list("backups"), [""; 0], "{step}");
            assert_eq!(machine.running(), ALL, "{step}");
            let notes = machine.notes();
            let was_made = step.contains("cp ") || step.contains("stop ");
            let is_removed =
                notes.iter().any(|note| note.contains("rm -r /prometheus/snapshots/2026"));
            assert_eq!(is_removed, was_made, "{step}: {notes:#?}");
        }
    });
}

#[test]
fn interrupted_it_starts_again_what_it_has_stopped() {
    in_each_shell(|machine| {
        start(&machine);
        for (step, signal) in
            [("cp id-grafana", "INT"), ("cp id-alertmanager", "TERM"), ("backup /backup", "HUP")]
        {
            machine.play("pause", step);
            let run = machine.pause(&["backup"]);
            run.signal(signal);
            let output = run.end();
            assert_eq!(output.code, Some(1), "{step}: {output:?}");
            assert_eq!(machine.running(), ALL, "{step}");
            assert_eq!(machine.list("backups"), [""; 0], "{step}");
        }
    });
}

#[test]
fn a_second_ctrl_c_does_not_keep_it_from_that() {
    in_each_shell(|machine| {
        start(&machine);
        machine.play("pause", "cp id-grafana");
        let mut run = machine.pause(&["backup"]);
        machine.play("pause", "start id-grafana");
        run.signal("INT");
        run.wait_for_pause(&machine);
        run.signal("INT");
        let output = run.go_on();
        assert_eq!(output.code, Some(1), "{output:?}");
        assert_eq!(machine.running(), ALL);
        assert_eq!(machine.list("backups"), [""; 0]);
    });
}

#[test]
fn an_upgrade_begins_with_a_backup() {
    in_each_shell(|machine| {
        start(&machine);
        machine.well(&["upgrade"]);
        let notes = machine.notes();
        let first = |part: &str| notes.iter().position(|note| note.contains(part)).unwrap();
        let order =
            ["backup /backup/netmonitor.db", " pull --ignore-buildable", " build --pull", " up -d"];
        assert!(order.map(first).is_sorted(), "{notes:#?}");
        assert_eq!(machine.list("backups").len(), 1);
        // Two in the same second would have the same name.
        let no_backup = || fs::remove_dir_all(machine.path("backups")).unwrap();

        no_backup();
        machine.play("fail", " pull ");
        machine.refuses(1, &["upgrade"], &["new images cannot be had", "nothing was changed"]);
        assert_eq!(machine.list("backups").len(), 1);
        no_backup();
        machine.notes();
        machine.well(&["upgrade", "--no-pull"]);
        assert!(
            !machine.notes().iter().any(|note| note.contains(" pull") || note.contains(" build"))
        );
    });
}
