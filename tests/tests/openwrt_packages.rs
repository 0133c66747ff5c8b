//! What `openwrt/package.sh` makes: packages and the bundle, unpacked with the tools that
//! everybody has, and compared with the list of what belongs on a router. The programs in
//! them are stand-ins; `foreign_cpus.rs` tries the real ones.

#[path = "openwrt_packages/page.rs"]
mod page;

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

const EPOCH: &str = "1700000000";
const PROGRAM: &str = "usr/bin/netmonitor-exporter";
const AARCH64: &str = "aarch64-unknown-linux-musl";
const ARMV7: &str = "armv7-unknown-linux-musleabihf";

/// A copy of what `package.sh` reads, and a folder for what it makes.
struct Tree {
    folder: TempDir,
}

/// A row of `openwrt/contents`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Content {
    path: String,
    mode: u32,
    is_settings: bool,
}

fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| path.display().to_string())
}

#[expect(clippy::disallowed_methods, reason = "the tests' own tools")]
fn tool(name: &str) -> Command {
    let mut command = Command::new(name);
    command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    command.envs([("LC_ALL", "C"), ("TZ", "UTC")]);
    command
}

/// Standard output of what ends well.
fn told(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {said}");
    Ok(String::from_utf8(output.stdout)?)
}

/// Rows of a list without comments and blank lines.
fn rows(list: &str) -> Result<Vec<Vec<String>>> {
    let text = read(&source(list))?;
    let rows = text.lines().filter(|row| !row.is_empty() && !row.starts_with('#'));
    Ok(rows.map(|row| row.split(' ').map(str::to_owned).collect()).collect())
}

fn contents() -> Result<Vec<Content>> {
    let content = |row: Vec<String>| {
        Ok(Content {
            path: row[0].clone(),
            mode: u32::from_str_radix(&row[1], 8)?,
            is_settings: row.get(2).is_some_and(|kind| kind == "settings"),
        })
    };
    rows("openwrt/contents")?.into_iter().map(content).collect()
}

impl Tree {
    fn new() -> Result<Self> {
        let tree = Self { folder: TempDir::new()? };
        for path in ["Cargo.toml", "Cargo.lock", "LICENSE", "exporter/Cargo.toml", "openwrt"] {
            let copy = tree.path(path);
            fs::create_dir_all(copy.parent().context("no parent")?)?;
            told(tool("cp").arg("-r").arg(source(path)).arg(copy))?;
        }
        fs::write(tree.path("aarch64"), "#!/bin/sh\necho aarch64\n")?;
        fs::write(tree.path("armv7"), "#!/bin/sh\necho armv7\n")?;
        Ok(tree)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn package(&self, what: &str) -> Command {
        let mut command = tool("sh");
        command.arg(self.path("openwrt/package.sh")).arg(what);
        command.env("SOURCE_DATE_EPOCH", EPOCH);
        if what != "targets" {
            command.arg("--out").arg(self.path("out"));
        }
        command
    }

    /// With the stand-ins as programs.
    fn with_programs(&self, what: &str) -> Command {
        let mut command = self.package(what);
        for (target, file) in [(AARCH64, "aarch64"), (ARMV7, "armv7")] {
            command.arg("--binary").arg(format!("{target}={}", self.path(file).display()));
        }
        command
    }

    /// What was made, by path below the output folder.
    fn made(&self) -> Result<BTreeMap<String, Vec<u8>>> {
        let out = self.path("out");
        let list = told(tool("find").arg(&out).args(["-type", "f", "-printf", "%P\n"]))?;
        list.lines().map(|path| Ok((path.to_owned(), fs::read(out.join(path))?))).collect()
    }

    fn ipk(&self, architecture: &str) -> PathBuf {
        let version = env!("CARGO_PKG_VERSION");
        let name = format!("netmonitor-exporter_{version}-r1_{architecture}.ipk");
        self.path("out/packages").join(name)
    }
}

/// One line of `tar -tv` for each member: mode, owner, path; of directories, the path ends in
/// a slash.
fn listed(archive: &Path) -> Result<Vec<[String; 3]>> {
    let text = told(tool("tar").args(["--numeric-owner", "-tvzf"]).arg(archive))?;
    let line = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words[3..5], ["2023-11-14", "22:13"], "{line}");
        [words[0], words[1], words[5]].map(str::to_owned)
    };
    Ok(text.lines().map(line).collect())
}

/// As `ls` shows the mode of a file.
fn shown(mode: u32) -> String {
    let bits = ["---", "--x", "-w-", "-wx", "r--", "r-x", "rw-", "rwx"];
    let of = |shift: u32| bits[(mode >> shift & 7) as usize];
    format!("-{}{}{}", of(6), of(3), of(0))
}

/// Unpacks into a folder of its own.
fn unpacked(archive: &Path) -> Result<TempDir> {
    let folder = TempDir::new()?;
    told(tool("tar").arg("-C").arg(folder.path()).arg("-xpzf").arg(archive))?;
    Ok(folder)
}

#[test]
fn a_package_holds_what_the_list_says_and_nothing_else() -> Result<()> {
    let tree = Tree::new()?;
    told(tree.with_programs("packages").arg("aarch64_cortex-a53"))?;
    let ipk = tree.ipk("aarch64_cortex-a53");
    let outer: Vec<_> = listed(&ipk)?.into_iter().map(|[.., path]| path).collect();
    assert_eq!(outer, ["./debian-binary", "./data.tar.gz", "./control.tar.gz"]);

    let parts = unpacked(&ipk)?;
    assert_eq!(read(&parts.path().join("debian-binary"))?, "2.0\n");
    let mut files = Vec::new();
    for [mode, owner, path] in listed(&parts.path().join("data.tar.gz"))? {
        assert_eq!(owner, "0/0", "{path}");
        if path.ends_with('/') {
            assert_eq!(mode, "drwxr-xr-x", "{path}");
        } else {
            files.push((path, mode));
        }
    }
    let mut expected: Vec<_> =
        contents()?.iter().map(|one| (format!("./{}", one.path), shown(one.mode))).collect();
    expected.sort();
    assert_eq!(files, expected);

    let data = unpacked(&parts.path().join("data.tar.gz"))?;
    for content in contents()? {
        let from = match content.path.as_str() {
            PROGRAM => tree.path("aarch64"),
            path => tree.path("openwrt/files").join(path),
        };
        let is = fs::read(data.path().join(&content.path))?;
        assert_eq!(is, fs::read(from)?, "{}", content.path);
    }
    Ok(())
}

#[test]
fn the_package_manager_is_told_what_it_needs() -> Result<()> {
    let tree = Tree::new()?;
    told(tree.with_programs("packages").arg("arm_cortex-a9_vfpv3-d16"))?;
    let parts = unpacked(&tree.ipk("arm_cortex-a9_vfpv3-d16"))?;
    let control = unpacked(&parts.path().join("control.tar.gz"))?;
    let text = read(&control.path().join("control"))?;
    let fields: BTreeMap<_, _> =
        text.lines().map(|line| line.split_once(": ").unwrap_or((line, ""))).collect();
    let version = concat!(env!("CARGO_PKG_VERSION"), "-r1");
    for (field, value) in [
        ("Package", "netmonitor-exporter"),
        ("Version", version),
        ("Architecture", "arm_cortex-a9_vfpv3-d16"),
        ("License", "MIT"),
        ("SourceDateEpoch", EPOCH),
    ] {
        assert_eq!(fields.get(field), Some(&value), "{text}");
    }
    // Static: any C library will do, and none.
    assert_eq!(fields.get("Depends"), None, "{text}");
    assert!(fields.values().all(|value| !value.is_empty()), "{text}");
    let mut data = tool("sh");
    data.args(["-c", "zcat \"$0\" | wc -c"]).arg(parts.path().join("data.tar.gz"));
    assert_eq!(fields.get("Installed-Size"), Some(&told(&mut data)?.trim()));

    let settings: String = contents()?
        .iter()
        .filter(|content| content.is_settings)
        .map(|content| format!("/{}\n", content.path))
        .collect();
    assert_eq!(read(&control.path().join("conffiles"))?, settings);
    for script in ["preinst", "postinst", "postinst-pkg", "prerm", "postrm"] {
        let mode = fs::metadata(control.path().join(script))?.permissions().mode();
        assert_eq!(mode & 0o777, 0o755, "{script}");
    }
    Ok(())
}

#[test]
fn the_same_input_gives_the_same_bytes() -> Result<()> {
    let [one, two] = [Tree::new()?, Tree::new()?];
    // Other times, other rights, another mask, another order of making.
    told(tool("find").arg(two.folder.path()).args([
        "-exec",
        "touch",
        "-d",
        "2001-02-03 04:05:06",
        "{}",
        "+",
    ]))?;
    for folder in ["openwrt/files", "openwrt/luci"] {
        told(tool("chmod").args(["-R", "go-rwx,u-x,u+X"]).arg(two.path(folder)))?;
    }
    for what in ["bundle", "packages"] {
        told(&mut one.with_programs(what))?;
        let mut wrapped = tool("sh");
        wrapped.args(["-c", "umask 077 && exec \"$@\"", "sh", "sh"]);
        let command = two.with_programs(what);
        wrapped.args(command.get_args()).env("SOURCE_DATE_EPOCH", EPOCH).env("TZ", "Asia/Tokyo");
        told(wrapped.current_dir("/"))?;
    }
    let [one, two] = [one.made()?, two.made()?];
    assert_eq!(one.keys().collect::<Vec<_>>(), two.keys().collect::<Vec<_>>());
    for (path, bytes) in one {
        assert!(bytes == two[&path], "{path} differs");
    }
    Ok(())
}

#[test]
fn every_architecture_with_a_program_gets_its_package() -> Result<()> {
    let tree = Tree::new()?;
    told(&mut tree.with_programs("packages"))?;
    let made = tree.made()?;
    let rows = rows("openwrt/architectures")?;
    let expected: Vec<_> = rows.iter().filter(|row| row[1] == AARCH64 || row[1] == ARMV7).collect();
    assert_eq!(made.len(), expected.len() + 1, "and the page: {:?}", made.keys());
    for row in expected {
        let data = unpacked(&tree.ipk(&row[0]))?;
        let data = unpacked(&data.path().join("data.tar.gz"))?;
        let family = row[1].split('-').next().unwrap_or_default();
        let program = read(&data.path().join(PROGRAM))?;
        assert!(program.contains(&format!("echo {family}")), "{row:?}");
    }
    let targets = told(&mut tree.package("targets"))?;
    let mut known: Vec<_> =
        rows.iter().filter(|row| row[1] != "refused").map(|row| row[1].clone()).collect();
    known.sort();
    known.dedup();
    assert_eq!(targets.lines().collect::<Vec<_>>(), known);
    Ok(())
}

fn refusal(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn an_architecture_without_a_program_is_refused_with_the_reason() -> Result<()> {
    let tree = Tree::new()?;
    let rows = rows("openwrt/architectures")?;
    let mut names: Vec<_> = rows.iter().map(|row| &row[0]).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), rows.len(), "each name once");
    let refused: Vec<_> = rows.iter().filter(|row| row[1] == "refused").collect();
    assert!(!refused.is_empty());
    for row in refused {
        let said = refusal(&tree.with_programs("packages").arg(&row[0]).output()?);
        let reason = row[2..].join(" ");
        assert!(said.contains(&format!("{}: {reason}. openwrt/Makefile", row[0])), "{said}");
    }
    let said = refusal(&tree.with_programs("packages").arg("toaster").output()?);
    assert!(said.contains("no package architecture 'toaster'"), "{said}");
    let said = refusal(&tree.with_programs("packages").arg("x86_64").output()?);
    assert!(said.contains("run openwrt/build-static.sh x86_64-unknown-linux-musl"), "{said}");
    let said = refusal(&tree.package("packages").output()?);
    assert!(said.contains("no program is built yet"), "{said}");
    assert!(tree.made()?.is_empty());
    Ok(())
}

#[test]
fn a_package_that_is_too_large_is_refused() -> Result<()> {
    let tree = Tree::new()?;
    // Nothing that gzip could make smaller.
    let mut noise = 1_u64;
    let bytes = std::iter::repeat_with(|| {
        noise =
            noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        noise.to_be_bytes()[0]
    });
    fs::write(tree.path("aarch64"), bytes.take(1_100_000).collect::<Vec<_>>())?;
    let said = refusal(&tree.with_programs("packages").arg("aarch64_cortex-a53").output()?);
    assert!(said.contains("more than 900000"), "{said}");
    Ok(())
}

#[test]
fn the_bundle_has_everything_for_install_sh() -> Result<()> {
    let tree = Tree::new()?;
    told(&mut tree.with_programs("bundle"))?;
    let version = env!("CARGO_PKG_VERSION");
    let archive = tree.path(&format!("out/netmonitor-{version}-openwrt.tar.gz"));
    // Without the version: README's commands name it.
    let name = "netmonitor";
    let mut expected: BTreeMap<String, u32> = [
        ("LICENSE", 0o644),
        ("architectures", 0o644),
        ("contents", 0o644),
        ("install.sh", 0o755),
        ("uninstall.sh", 0o755),
        ("shell-version.sh", 0o755),
        ("bin/SHA256SUMS", 0o644),
        ("bin/aarch64-unknown-linux-musl.gz", 0o644),
        ("bin/armv7-unknown-linux-musleabihf.gz", 0o644),
    ]
    .map(|(path, mode)| (path.to_owned(), mode))
    .into();
    for content in contents()?.into_iter().filter(|content| content.path != PROGRAM) {
        expected.insert(format!("files/{}", content.path), content.mode);
    }
    let files: BTreeMap<String, String> = listed(&archive)?
        .into_iter()
        .filter(|[_, owner, path]| {
            assert_eq!(owner, "0/0", "{path}");
            assert!(path.starts_with(&format!("{name}/")), "{path}");
            !path.ends_with('/')
        })
        .map(|[mode, _, path]| (path[name.len() + 1..].to_owned(), mode))
        .collect();
    let expected: BTreeMap<_, _> =
        expected.into_iter().map(|(path, mode)| (path, shown(mode))).collect();
    assert_eq!(files, expected);

    let folder = unpacked(&archive)?;
    let bin = folder.path().join(name).join("bin");
    told(tool("busybox").args(["sha256sum", "-c", "SHA256SUMS"]).current_dir(&bin))?;
    let program = told(tool("busybox").arg("zcat").arg(bin.join(format!("{ARMV7}.gz"))))?;
    assert_eq!(program, read(&tree.path("armv7"))?);
    Ok(())
}

/// A root for the scripts, with OpenWrt's functions as far as they are asked for: they say
/// what they are called with.
fn functions(root: &Path) -> Result<()> {
    fs::create_dir_all(root.join("lib"))?;
    fs::write(
        root.join("lib/functions.sh"),
        "default_postinst() { echo \"postinst ${1##*/} $2 pkgname=$pkgname upgrade=$PKG_UPGRADE\"; }\n\
         default_prerm() { echo \"prerm ${1##*/} $2 pkgname=$pkgname upgrade=$PKG_UPGRADE\"; }\n",
    )?;
    Ok(())
}

/// Runs a script below `root` with BusyBox's shell, as `chroot` sees it.
fn run_in(
    root: &Path,
    script: &str,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> Result<String> {
    let mut command = tool("chroot");
    command.arg(root).args(["/busybox", "sh", script]).args(arguments);
    command.envs(variables.iter().copied());
    told(&mut command)
}

/// A root with BusyBox and the scripts of the package in `/control`.
fn root_with_scripts(tree: &Tree) -> Result<TempDir> {
    told(tree.with_programs("packages").arg("aarch64_generic"))?;
    let parts = unpacked(&tree.ipk("aarch64_generic"))?;
    let root = TempDir::new()?;
    let control = root.path().join("control");
    for folder in ["control", "tmp", "var/run", "etc/init.d", "image"] {
        fs::create_dir_all(root.path().join(folder))?;
    }
    told(tool("tar").arg("-C").arg(&control).arg("-xzf").arg(parts.path().join("control.tar.gz")))?;
    let busybox = told(tool("sh").args(["-c", "command -v busybox"]))?;
    fs::copy(busybox.trim(), root.path().join("busybox"))?;
    functions(root.path())?;
    Ok(root)
}

#[test]
fn scripts_leave_the_service_to_openwrt() -> Result<()> {
    let tree = Tree::new()?;
    let root = root_with_scripts(&tree)?;
    let root = root.path();
    let told = run_in(root, "/control/postinst", &["configure"], &[("PKG_UPGRADE", "1")])?;
    assert_eq!(told, "postinst postinst configure pkgname= upgrade=1\n");
    let told = run_in(root, "/control/prerm", &["remove"], &[])?;
    assert_eq!(told, "prerm prerm remove pkgname= upgrade=\n");
    // Into an image: the functions of that root, and when they are not there yet, nothing.
    functions(&root.join("image"))?;
    let into_image = [("IPKG_INSTROOT", "/image")];
    let told = run_in(root, "/control/postinst", &["configure"], &into_image)?;
    assert_eq!(told, "postinst postinst configure pkgname= upgrade=\n");
    for variables in [[("IPKG_INSTROOT", "/nowhere")], [("IPKG_NO_SCRIPT", "1")]] {
        assert_eq!(run_in(root, "/control/postinst", &["configure"], &variables)?, "");
    }
    Ok(())
}

#[test]
fn an_update_stops_the_old_program_first() -> Result<()> {
    let tree = Tree::new()?;
    let root = root_with_scripts(&tree)?;
    let root = root.path();
    assert_eq!(run_in(root, "/control/preinst", &["install"], &[])?, "", "nothing to stop");
    let service = root.join("etc/init.d/netmonitor");
    fs::write(&service, "#!/busybox sh\necho \"service $1\"\n")?;
    fs::set_permissions(&service, Permissions::from_mode(0o755))?;
    assert_eq!(run_in(root, "/control/preinst", &["upgrade", "0.0.1"], &[])?, "service stop\n");
    let into_image = [("IPKG_INSTROOT", "/image")];
    assert_eq!(run_in(root, "/control/preinst", &["install"], &into_image)?, "");
    Ok(())
}

#[test]
fn the_old_agent_is_pointed_out() -> Result<()> {
    let tree = Tree::new()?;
    let root = root_with_scripts(&tree)?;
    let root = root.path();
    assert_eq!(run_in(root, "/control/postinst-pkg", &[], &[])?, "");
    fs::write(root.join("etc/init.d/netmonitor-api-socat"), "")?;
    let told = run_in(root, "/control/postinst-pkg", &[], &[])?;
    assert!(told.contains("/etc/init.d/netmonitor-api-socat stop"), "{told}");
    let into_image = [("IPKG_INSTROOT", "/image")];
    assert_eq!(run_in(root, "/control/postinst-pkg", &[], &into_image)?, "");
    Ok(())
}

#[test]
fn only_removal_takes_away_what_the_program_wrote() -> Result<()> {
    let tree = Tree::new()?;
    let root = root_with_scripts(&tree)?;
    let root = root.path();
    let written = ["tmp/net_events.json", "tmp/net_events.json.state", "var/run/netmonitor.conf"];
    for path in written.iter().chain(&["etc/netmonitor.conf"]) {
        fs::write(root.join(path), "")?;
    }
    run_in(root, "/control/postrm", &["upgrade", "9.9.9-r1"], &[])?;
    run_in(root, "/control/postrm", &["remove"], &[("PKG_UPGRADE", "1")])?;
    run_in(root, "/control/postrm", &["remove"], &[("IPKG_INSTROOT", "/image")])?;
    assert!(written.iter().all(|path| root.join(path).exists()));
    run_in(root, "/control/postrm", &["remove"], &[])?;
    assert!(!written.iter().any(|path| root.join(path).exists()));
    assert!(root.join("etc/netmonitor.conf").exists(), "the package manager's, as settings");
    Ok(())
}

/// Plays `apk mkpkg` of apk-tools 3: writes its arguments into the output, each on a line,
/// with what the files in them say. No registry that this can install from has the real one.
const APK: &str = r#"#!/bin/sh
[ "$1" = mkpkg ] || exit 99
if [ "$2" = --help ]; then echo "  -I, --info NAME:VALUE"; exit; fi
shift
set -e
told=''
while [ $# -gt 0 ]; do
    case $1 in
        --info) told="$told
$2"
        case $2 in
            name:*) kept=$APK_KEPT/${2#name:}; mkdir -p "$kept" ;;
        esac ;;
        --script) told="$told
script $2"
        cp "${2#*:}" "$kept/${2%%:*}" ;;
        --files) cp -a "$2" "$kept/files" ;;
        --output) output=$2 ;;
        *) exit 98 ;;
    esac
    shift 2
done
echo "$told" | sed '/^$/d; s/^\(script [^:]*\):.*/\1/' >"$output"
"#;

/// Makes packages with it; returns where it keeps what it was given, by package.
fn with_apk(tree: &Tree, architecture: &str) -> Result<PathBuf> {
    let (bin, kept) = (tree.path("bin"), tree.path("kept"));
    fs::create_dir_all(&bin)?;
    fs::write(bin.join("apk"), APK)?;
    fs::set_permissions(bin.join("apk"), Permissions::from_mode(0o755))?;
    let path =
        format!("{}:{}", bin.display(), std::env::var_os("PATH").unwrap_or_default().display());
    let mut command = tree.with_programs("packages");
    told(command.arg(architecture).env("PATH", path).env("APK_KEPT", &kept))?;
    Ok(kept)
}

#[test]
fn an_apk_is_asked_for_as_openwrt_does() -> Result<()> {
    let tree = Tree::new()?;
    let kept = with_apk(&tree, "aarch64_cortex-a72")?.join("netmonitor-exporter");

    let version = env!("CARGO_PKG_VERSION");
    let apk = format!("out/packages/aarch64_cortex-a72/netmonitor-exporter-{version}-r1.apk");
    let asked = read(&tree.path(&apk))?;
    for line in [
        "name:netmonitor-exporter",
        &format!("version:{version}-r1"),
        "arch:aarch64_cortex-a72",
        "license:MIT",
        "script pre-install",
        "script pre-upgrade",
        "script post-install",
        "script post-upgrade",
        "script pre-deinstall",
        "script post-deinstall",
    ] {
        assert!(asked.lines().any(|asked| asked == line), "{line}: {asked}");
    }

    // The lists that OpenWrt's functions and sysupgrade read.
    let lists = kept.join("files/lib/apk/packages");
    let mut paths: Vec<_> = contents()?.iter().map(|one| format!("/{}\n", one.path)).collect();
    paths.sort();
    assert_eq!(read(&lists.join("netmonitor-exporter.list"))?, paths.concat());
    assert_eq!(read(&lists.join("netmonitor-exporter.conffiles"))?, "/etc/netmonitor.conf\n");
    let settings = source("openwrt/files/etc/netmonitor.conf");
    let sum = told(tool("sha256sum").arg(settings))?;
    let sum = sum.split(' ').next().unwrap_or_default();
    assert_eq!(
        read(&lists.join("netmonitor-exporter.conffiles_static"))?,
        format!("/etc/netmonitor.conf {sum}\n")
    );

    // The scripts know whose they are; apk does not tell them.
    let root = root_with_scripts(&tree)?;
    let control = root.path().join("control");
    for script in ["post-install", "post-upgrade", "pre-deinstall"] {
        fs::copy(kept.join(script), control.join(script))?;
    }
    for (script, said) in [
        ("post-install", "postinst post-install  pkgname=netmonitor-exporter upgrade=\n"),
        ("post-upgrade", "postinst post-upgrade  pkgname=netmonitor-exporter upgrade=1\n"),
        ("pre-deinstall", "prerm pre-deinstall  pkgname=netmonitor-exporter upgrade=\n"),
    ] {
        assert_eq!(run_in(root.path(), &format!("/control/{script}"), &[], &[])?, said);
    }
    for (script, of) in [("preinst", "pre-install"), ("postrm", "post-deinstall")] {
        assert_eq!(read(&kept.join(of))?, read(&source("openwrt/scripts").join(script))?);
    }
    Ok(())
}

/// Plays as much of OpenWrt's build system as a package's Makefile meets: the words that it
/// uses, and what happens to its parts.
const RULES: &str = "INCLUDE_DIR := $(TOPDIR)/include
INSTALL_DIR := install -d -m 0755
INSTALL_BIN := install -m 0755
INSTALL_DATA := install -m 0644
INSTALL_CONF := install -m 0600
RUST_ARCH_DEPENDS := @(aarch64||arm)
";
const PACKAGE: &str = "PKG_BUILD_DIR := $(TOPDIR)/build
PKG_INSTALL_DIR := $(TOPDIR)/installed
define BuildPackage
$(eval $(Package/$(1)))
$(foreach part,conffiles preinst postinst postrm,$(file >$(TOPDIR)/$(part),$(Package/$(1)/$(part))))
$(file >$(TOPDIR)/about,$(PKG_NAME) $(PKG_VERSION) $(PKG_RELEASE) $(PKG_BUILD_DEPENDS) $(DEPENDS))
all:
\tmkdir -p $(PKG_BUILD_DIR) $(PKG_INSTALL_DIR)/bin $(TOPDIR)/root
\t$(Build/Prepare)
\t$(Build/Compile)
\t$(call Package/$(1)/install,$(TOPDIR)/root)
endef
";
const RUST: &str = "Build/Compile/Cargo = cp $(PKG_BUILD_DIR)/$(1)/Cargo.toml $(PKG_INSTALL_DIR)/bin/netmonitor-exporter
RustBinPackage :=
";

fn make(makefile: &Path) -> Result<(TempDir, Output)> {
    let top = TempDir::new()?;
    for (path, text) in [
        ("rules.mk", RULES),
        ("include/package.mk", PACKAGE),
        ("feeds/packages/lang/rust/rust-package.mk", RUST),
    ] {
        let file = top.path().join(path);
        fs::create_dir_all(file.parent().context("no parent")?)?;
        fs::write(file, text)?;
    }
    let folder = makefile.parent().context("no parent")?;
    let mut make = tool("make");
    make.arg("-C").arg(folder).arg(format!("TOPDIR={}", top.path().display()));
    Ok((top, make.output().context("make")?))
}

#[test]
fn the_makefile_lays_down_the_same_files_with_the_same_scripts() -> Result<()> {
    // As a user of the SDK has it: a link in its folder of packages.
    let packages = TempDir::new()?;
    let link = packages.path().join("netmonitor-exporter");
    symlink(fs::canonicalize(source("openwrt"))?, &link)?;
    let (top, output) = make(&link.join("Makefile"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let top = top.path();

    let version = env!("CARGO_PKG_VERSION");
    let about = read(&top.join("about"))?;
    assert_eq!(about.trim(), format!("netmonitor-exporter {version} 1 rust/host @(aarch64||arm)"));
    let mut list = tool("find");
    list.arg(top.join("root")).args(["-type", "f", "-printf", "%P %m\n"]);
    let list = told(&mut list)?;
    let mut laid_down: Vec<_> = list.lines().map(str::to_owned).collect();
    laid_down.sort();
    let mut expected: Vec<_> =
        contents()?.iter().map(|one| format!("{} {:o}", one.path, one.mode)).collect();
    expected.sort();
    assert_eq!(laid_down, expected);
    for content in contents()? {
        let from = match content.path.as_str() {
            // Cargo was asked for this member of the workspace.
            PROGRAM => source("exporter/Cargo.toml"),
            path => source("openwrt/files").join(path),
        };
        assert_eq!(fs::read(top.join("root").join(&content.path))?, fs::read(from)?);
    }
    let settings: String = contents()?
        .iter()
        .filter(|content| content.is_settings)
        .map(|content| format!("/{}\n", content.path))
        .collect();
    assert_eq!(read(&top.join("conffiles"))?, settings);
    for script in ["preinst", "postinst", "postrm"] {
        let ours = read(&source("openwrt/scripts").join(script))?;
        let without_comments: String = ours
            .lines()
            .filter(|line| !line.starts_with('#') || line.starts_with("#!"))
            .map(|line| format!("{line}\n"))
            .collect();
        assert_eq!(read(&top.join(script))?, without_comments, "{script}");
    }

    // What is prepared is a workspace that cargo takes, and not what was built here.
    assert!(!top.join("build/target").exists());
    let mut cargo = tool("cargo");
    cargo.envs(
        ["HOME", "CARGO_HOME", "RUSTUP_HOME"]
            .map(|name| (name, std::env::var_os(name).unwrap_or_default()))
            .into_iter()
            .filter(|(_, value)| !value.is_empty()),
    );
    cargo.args(["metadata", "--locked", "--offline", "--no-deps", "--format-version", "1"]);
    told(cargo.arg("--manifest-path").arg(top.join("build/exporter/Cargo.toml")))?;
    Ok(())
}

#[test]
fn a_copy_of_the_makefile_asks_for_the_address_of_the_source() -> Result<()> {
    let folder = TempDir::new()?;
    let copy = folder.path().join("net/netmonitor-exporter/Makefile");
    fs::create_dir_all(copy.parent().context("no parent")?)?;
    fs::copy(source("openwrt/Makefile"), &copy)?;
    let (_top, output) = make(&copy)?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains("needs a PKG_SOURCE_URL"), "{said}");
    Ok(())
}
