//! What the engine must be before anything is asked of it.

use std::fs;

use crate::machine::{Machine, in_each_shell};

#[track_caller]
fn nothing_was_made(machine: &Machine) {
    for name in [".env", "secrets", "backups"] {
        assert!(!machine.path(name).exists(), "{name}");
    }
}

#[test]
fn without_docker_it_says_where_it_is_had() {
    in_each_shell(|machine| {
        fs::remove_file(machine.home().join("bin/docker")).unwrap();
        machine.refuses(1, &[], &["docker: there is no such program", "apt-get install docker.io"]);
        nothing_was_made(&machine);
    });
}

#[test]
fn an_engine_that_does_not_answer_is_to_be_started() {
    in_each_shell(|machine| {
        machine.play_no("engine");
        let cause = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?";
        machine.play("engine.error", cause);
        machine.refuses(1, &[], &["sudo systemctl start docker", cause]);
        nothing_was_made(&machine);
    });
}

#[test]
fn who_may_not_use_the_engine_is_told_how_to() {
    in_each_shell(|machine| {
        machine.play_no("engine");
        machine.play(
            "engine.error",
            "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock",
        );
        machine.refuses(1, &["status"], &["no permission", "sudo usermod -aG docker root"]);
        nothing_was_made(&machine);
    });
}

#[test]
fn an_engine_that_is_too_old_is_refused() {
    in_each_shell(|machine| {
        for (version, is_enough) in
            [("19.03.15", false), ("20.9.0", false), ("20.10.0", true), ("28.0.1+dfsg1", true)]
        {
            machine.play("engine", version);
            if is_enough {
                machine.well(&["config", "--router", "192.168.1.1"]);
            } else {
                let parts = [&format!("Docker Engine {version} is too old"), "20.10 or later"];
                machine.refuses(1, &[], &parts);
                nothing_was_made(&machine);
            }
        }
    });
}

/// Such as after `sudo`, which keeps HOME.
#[test]
fn what_docker_warns_of_is_no_version() {
    in_each_shell(|machine| {
        let warning = "WARNING: Error loading config file: open /home/nas/.docker/config.json";
        machine.play("engine.warning", warning);
        machine.well(&["config", "--router", "192.168.1.1"]);
    });
}

#[test]
fn without_compose_it_names_the_packages() {
    in_each_shell(|machine| {
        machine.play_no("plugin");
        machine.refuses(1, &[], &["Docker Compose is missing", "docker-compose-plugin"]);
        nothing_was_made(&machine);
    });
}

#[test]
fn a_compose_that_is_too_old_is_refused() {
    in_each_shell(|machine| {
        for version in ["2.19.1", "v2.2.3"] {
            machine.play("plugin", version);
            machine.refuses(1, &[], &[&format!("Docker Compose {version} is too old"), "2.20"]);
        }
        // The one in Python.
        machine.play_no("plugin");
        machine.give_docker_compose("1.29.2");
        machine.refuses(1, &[], &["Docker Compose 1.29.2 is too old", "install its plugin"]);
        nothing_was_made(&machine);
    });
}

#[test]
fn a_compose_without_docker_in_its_name_will_do() {
    in_each_shell(|machine| {
        machine.play_no("plugin");
        machine.give_docker_compose("v2.20.0");
        machine.well(&["config", "--router", "192.168.1.1"]);
        machine.well(&["start"]);
        let notes = machine.notes();
        assert!(notes.iter().any(|note| note.starts_with("docker-compose up ")), "{notes:?}");
        assert!(!notes.iter().any(|note| note.starts_with("docker compose up")), "{notes:?}");
    });
}

/// The plug-in of old installations comes first on nobody's machine.
#[test]
fn an_old_docker_compose_beside_the_plugin_does_not_matter() {
    in_each_shell(|machine| {
        machine.give_docker_compose("1.29.2");
        machine.well(&["config", "--router", "192.168.1.1"]);
    });
}

#[test]
fn help_needs_no_engine() {
    in_each_shell(|machine| {
        fs::remove_file(machine.home().join("bin/docker")).unwrap();
        for word in ["help", "-h", "--help"] {
            let output = machine.well(&[word]);
            assert!(output.stdout.starts_with("usage: ./deploy.sh [COMMAND]"), "{output:?}");
            assert_eq!(output.stderr, "");
        }
    });
}
