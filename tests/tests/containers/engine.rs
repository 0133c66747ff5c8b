//! A Docker engine of the test's own, and what it says of netmonitor's containers.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use anyhow::{Context, Result, ensure};
use netmonitor_tests::clock;
use tempfile::TempDir;

/// Runs until it is stopped or dropped, its containers with it.
pub(crate) struct Engine {
    folder: TempDir,
    starts: u32,
    process: Option<Child>,
}

/// The project's folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[expect(clippy::disallowed_methods, reason = "the programs under test, and tools")]
pub(crate) fn tool(name: impl AsRef<std::ffi::OsStr>) -> Command {
    Command::new(name)
}

/// What it said on both; an error, with that, if it failed.
pub(crate) fn succeed(command: &mut Command) -> Result<String> {
    let (output, said) = run(command)?;
    ensure!(output.status.success(), "{command:?} failed: {said}");
    Ok(said)
}

pub(crate) fn run(command: &mut Command) -> Result<(Output, String)> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("{command:?}"))?;
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    Ok((output, said))
}

impl Engine {
    /// With our images.
    pub(crate) fn start() -> Result<Self> {
        let routes = std::fs::read_to_string("/proc/net/route")?;
        let leads_out = routes.lines().any(|line| line.split('\t').nth(1) == Some("00000000"));
        ensure!(!leads_out, "this needs a network of its own: make test-compose");
        let folder = tempfile::tempdir()?;
        let mut engine = Self { folder, starts: 0, process: None };
        engine.start_again()?;
        engine.make_images("others")?;
        engine.make_images("ours")?;
        Ok(engine)
    }

    /// `ours`, by the programs that are built already, or those of `others`.
    pub(crate) fn make_images(&self, whose: &str) -> Result<()> {
        let mut script = tool("tests/containers/images.sh");
        script.arg(whose).current_dir(root());
        succeed(script.envs(self.environment())).map(drop)
    }

    /// After [`Self::cut_power`].
    pub(crate) fn start_again(&mut self) -> Result<()> {
        let log = std::fs::File::options().create(true).append(true).open(self.file("log"))?;
        self.starts += 1;
        let state = self.state_folder();
        let mut engine = tool("setpriv");
        engine.args(["--pdeathsig", "TERM", "dockerd", "--data-root"]).arg(self.file("data"));
        engine.arg("--exec-root").arg(&state).arg("--pidfile").arg(state.with_extension("pid"));
        engine.arg("-H").arg(self.socket()).stdout(log.try_clone()?).stderr(log);
        self.process = Some(engine.spawn().context("dockerd")?);
        clock::until("the engine answers", || {
            Ok(run(&mut self.docker(&["version"]))?.0.status.success())
        })
        .with_context(|| std::fs::read_to_string(self.file("log")).unwrap_or_default())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn socket(&self) -> String {
        format!("unix://{}", self.file("socket").display())
    }

    /// By which a client finds this engine, and Compose.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let plugins = root().join("target/containers/docker").display().to_string();
        vec![("DOCKER_HOST", self.socket()), ("DOCKER_CONFIG", plugins)]
    }

    fn docker(&self, arguments: &[&str]) -> Command {
        let mut command = tool("docker");
        command.envs(self.environment()).args(arguments);
        command
    }

    fn lines(&self, arguments: &[&str]) -> Result<Vec<String>> {
        Ok(succeed(&mut self.docker(arguments))?.lines().map(str::to_owned).collect())
    }

    pub(crate) fn containers(&self) -> Result<Vec<String>> {
        self.lines(&["ps", "-a", "--format", "{{.Names}}"])
    }

    pub(crate) fn volumes(&self) -> Result<Vec<String>> {
        self.lines(&["volume", "ls", "-q"])
    }

    /// Of all containers, as the engine shows them.
    pub(crate) fn published(&self) -> Result<BTreeSet<String>> {
        let lines = self.lines(&["ps", "--format", "{{.Ports}}"])?;
        let ports = lines.iter().flat_map(|line| line.split(", "));
        // Those without an arrow are not published.
        Ok(ports.filter(|port| port.contains("->")).map(str::to_owned).collect())
    }

    fn inspect(&self, service: &str, format: &str) -> Result<String> {
        let name = format!("netmonitor-{service}-1");
        Ok(succeed(&mut self.docker(&["inspect", "-f", format, &name]))?.trim().to_owned())
    }

    /// 0: none runs.
    pub(crate) fn process_of(&self, service: &str) -> Result<u32> {
        self.inspect(service, "{{.State.Pid}}")?.parse().context("no number")
    }

    pub(crate) fn is_healthy(&self, service: &str) -> Result<bool> {
        Ok(self.inspect(service, "{{.State.Health.Status}}")? == "healthy")
    }

    /// Of the process and its children: without the files that the kernel keeps for it.
    pub(crate) fn resident_bytes(&self, service: &str) -> Result<u64> {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.process_of(service)?))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
        Ok(kilobytes.context("no VmRSS")?.trim().parse::<u64>()? * 1024)
    }

    /// May it write to its `/tmp`?
    pub(crate) fn owns_temporary_folder(&self, service: &str) -> Result<bool> {
        let process = format!("/proc/{}", self.process_of(service)?);
        let owner = |path: &str| Ok::<_, std::io::Error>(std::fs::metadata(path)?.uid());
        Ok(owner(&format!("{process}/root/tmp"))? == owner(&process)?)
    }

    /// As a fault would end it: not by the engine, which would take it for meant.
    pub(crate) fn kill(&self, service: &str) -> Result<()> {
        kill(self.process_of(service)?)
    }

    /// Everything ends at once, in the middle of whatever it does.
    pub(crate) fn cut_power(&mut self, services: &[&str]) -> Result<()> {
        let mut processes = vec![self.process.as_ref().context("no engine")?.id()];
        for service in services {
            processes.push(self.process_of(service)?);
        }
        processes.into_iter().try_for_each(kill)?;
        self.process.take().context("no engine")?.wait()?;
        // What the engine started to keep the containers.
        clock::until("nothing of the engine runs", || {
            let rest = self.processes()?;
            // They may end by themselves in between.
            rest.iter().for_each(|process| drop(kill(*process)));
            Ok(rest.is_empty())
        })?;
        // Else the networks of the old containers would live on, with the addresses of the new ones.
        let networks = "for network in \"$0\"/netns/*; do umount \"$network\"; done";
        succeed(tool("sh").args(["-c", networks]).arg(self.state_folder())).map(drop)
    }

    /// What is in `/run` elsewhere: lost with the power.
    fn state_folder(&self) -> PathBuf {
        self.file(&format!("run-{}", self.starts))
    }

    /// Those that have our folder in their command line, and those that hold ports in our network.
    fn processes(&self) -> Result<Vec<u32>> {
        let folder = self.folder.path().as_os_str().as_encoded_bytes();
        let network = |process: &str| std::fs::read_link(format!("/proc/{process}/ns/net")).ok();
        let ours = network("self");
        let is_ours = |number: &u32| {
            let line = std::fs::read(format!("/proc/{number}/cmdline")).unwrap_or_default();
            let is_proxy = line.split(|byte| *byte == 0).next();
            let is_proxy = is_proxy.is_some_and(|program| program.ends_with(b"docker-proxy"));
            line.windows(folder.len()).any(|part| part == folder)
                || (is_proxy && network(&number.to_string()) == ours)
        };
        let entries = std::fs::read_dir("/proc")?.flatten();
        let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        Ok(numbers.filter(is_ours).collect())
    }

    /// What our program says, by a subcommand in its container.
    pub(crate) fn says(&self, service: &str, arguments: &[&str]) -> Result<String> {
        let (name, program) = (format!("netmonitor-{service}-1"), format!("/netmonitor-{service}"));
        let command = [&["exec", &name, &program][..], arguments].concat();
        succeed(&mut self.docker(&command))
    }

    /// What a file in a container holds.
    pub(crate) fn content(&self, service: &str, path: &str) -> Result<String> {
        succeed(&mut self.docker(&["exec", &format!("netmonitor-{service}-1"), "cat", path]))
    }

    /// Of the newest image of ours.
    pub(crate) fn image_bytes(&self, name: &str) -> Result<u64> {
        let images = self.lines(&["images", "-q", &format!("netmonitor-{name}")])?;
        let image = images.first().with_context(|| format!("no image of {name}"))?;
        self.lines(&["image", "inspect", "-f", "{{.Size}}", image])?
            .concat()
            .parse()
            .context("size")
    }

    /// In RAM, with these options of mount.
    pub(crate) fn make_volume(&self, name: &str, options: &str) -> Result<()> {
        let options = format!("o={options}");
        let driver = ["--opt", "type=tmpfs", "--opt", "device=tmpfs", "--opt", &options, name];
        let command = [&["volume", "create"][..], &driver].concat();
        succeed(&mut self.docker(&command)).map(drop)
    }

    /// With all of its containers.
    pub(crate) fn stop(mut self) -> Result<()> {
        self.terminate()
    }

    fn terminate(&mut self) -> Result<()> {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        succeed(tool("kill").arg(process.id().to_string()))?;
        process.wait()?;
        Ok(())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.terminate().ok();
    }
}

fn kill(process: u32) -> Result<()> {
    ensure!(process > 1, "no process");
    succeed(tool("kill").args(["-s", "KILL", &process.to_string()])).map(drop)
}
