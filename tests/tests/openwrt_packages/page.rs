//! The package of the page for LuCI, which is one for all CPUs.

use std::os::unix::fs::symlink;

use super::*;

const LIST: &str = "openwrt/luci/contents";

/// As much of LuCI's `luci.mk` as the Makefile meets; that makes a package of its own of each
/// translation, here they are put beside the rest.
const LUCI: &str = "PKG_BUILD_DIR := $(TOPDIR)/build
all:
\techo '$(PKG_NAME) $(LUCI_NAME) $(PKG_VERSION) $(PKG_RELEASE) $(LUCI_DEPENDS) $(LUCI_PKGARCH)' >$(TOPDIR)/about
\tmkdir -p $(TOPDIR)/root/www
\tcp -pR $(CURDIR)/htdocs/* $(TOPDIR)/root/www/
\tcp -pR $(CURDIR)/root/* $(TOPDIR)/root/
";

fn name(separator: &str) -> String {
    format!("luci-app-netmonitor{separator}{}-r1", env!("CARGO_PKG_VERSION"))
}

/// The parts of the .ipk.
fn package(tree: &Tree) -> Result<TempDir> {
    told(tree.with_programs("packages").args(["--fast", "aarch64_generic"]))?;
    unpacked(&tree.path(&format!("out/packages/{}_all.ipk", name("_"))))
}

/// Path, mode and source of each row, and the bytes that belong there.
fn expected() -> Result<BTreeMap<String, (u32, Vec<u8>)>> {
    let folder = source("openwrt/luci");
    let converted = TempDir::new()?;
    let converted = converted.path().join("lmo");
    let file = |row: Vec<String>| {
        let (path, of) = (&row[0], row[2].as_str());
        let from = match of {
            "htdocs" => folder.join("htdocs").join(path.trim_start_matches("www/")),
            "root" => folder.join("root").join(path),
            translation => {
                told(
                    tool("python3")
                        .arg(folder.join("po2lmo.py"))
                        .arg(folder.join(translation))
                        .arg(&converted),
                )?;
                converted.clone()
            }
        };
        Ok((path.clone(), (u32::from_str_radix(&row[1], 8)?, fs::read(from)?)))
    };
    rows(LIST)?.into_iter().map(file).collect()
}

#[test]
fn it_holds_what_its_list_says_and_nothing_else() -> Result<()> {
    let tree = Tree::new()?;
    let parts = package(&tree)?;
    let archive = parts.path().join("data.tar.gz");
    let mut files = BTreeMap::new();
    let data = unpacked(&archive)?;
    for [mode, owner, path] in listed(&archive)? {
        assert_eq!(owner, "0/0", "{path}");
        if !path.ends_with('/') {
            let path = path.trim_start_matches("./").to_owned();
            files.insert(path.clone(), (mode, fs::read(data.path().join(path))?));
        }
    }
    let expected =
        expected()?.into_iter().map(|(path, (mode, bytes))| (path, (shown(mode), bytes)));
    assert!(files == expected.collect(), "{:?}", files.keys());

    let control = unpacked(&parts.path().join("control.tar.gz"))?;
    let text = read(&control.path().join("control"))?;
    let version = concat!(env!("CARGO_PKG_VERSION"), "-r1");
    for line in [
        "Package: luci-app-netmonitor",
        &format!("Version: {version}"),
        "Depends: luci-base, netmonitor-exporter",
        "Architecture: all",
        "Section: luci",
        "License: MIT",
        "Description: The state of the WAN line in LuCI, and the settings of netmonitor",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
    assert_eq!(read(&control.path().join("conffiles"))?, "", "UCI's file is the user's");
    let scripts =
        told(tool("find").arg(control.path()).args(["-name", "p*", "-printf", "%f %m\n"]))?;
    let mut scripts: Vec<_> = scripts.lines().collect();
    scripts.sort_unstable();
    assert_eq!(scripts, ["postinst 755", "postinst-pkg 755", "postrm 755", "prerm 755"]);
    Ok(())
}

#[test]
fn menus_and_rights_are_read_again_but_not_in_an_image() -> Result<()> {
    let tree = Tree::new()?;
    let root = root_with_scripts(&tree)?;
    let root = root.path();
    for script in ["postinst", "postrm"] {
        fs::copy(source("openwrt/luci/scripts").join(script), root.join("control").join(script))?;
        let path = format!("/control/{script}");
        for folder in ["tmp/luci-modulecache", "tmp/luci-indexcache.d"] {
            fs::create_dir_all(root.join(folder))?;
        }
        fs::write(root.join("tmp/luci-indexcache.0123.json"), "")?;
        fs::write(root.join("tmp/other"), "")?;
        let left = || told(tool("ls").arg(root.join("tmp")));
        let before = left()?;
        run_in(root, &path, &["configure"], &[("IPKG_INSTROOT", "/image")])?;
        assert_eq!(left()?, before);
        run_in(root, &path, &["configure"], &[])?;
        assert_eq!(left()?, "other\n");
    }
    Ok(())
}

#[test]
fn its_apk_is_for_all_cpus_and_names_what_it_needs() -> Result<()> {
    let tree = Tree::new()?;
    let kept = with_apk(&tree, "aarch64_generic")?.join("luci-app-netmonitor");
    let asked = read(&tree.path(&format!("out/packages/noarch/{}.apk", name("-"))))?;
    for line in [
        "name:luci-app-netmonitor",
        "arch:noarch",
        "depends:luci-base netmonitor-exporter",
        "script post-install",
        "script post-upgrade",
        "script pre-deinstall",
        "script post-deinstall",
    ] {
        assert!(asked.lines().any(|asked| asked == line), "{line}: {asked}");
    }
    assert!(!asked.contains("pre-install"), "{asked}");
    // OpenWrt's default_postinst looks there for what is to be run once.
    let list = read(&kept.join("files/lib/apk/packages/luci-app-netmonitor.list"))?;
    let paths: String = expected()?.keys().map(|path| format!("/{path}\n")).collect();
    assert_eq!(list, paths);
    Ok(())
}

#[test]
fn luci_mk_lays_down_the_same() -> Result<()> {
    let packages = TempDir::new()?;
    let link = packages.path().join("luci-app-netmonitor");
    symlink(fs::canonicalize(source("openwrt/luci"))?, &link)?;
    let top = TempDir::new()?;
    fs::create_dir_all(top.path().join("feeds/luci"))?;
    fs::write(top.path().join("rules.mk"), "")?;
    fs::write(top.path().join("feeds/luci/luci.mk"), LUCI)?;
    let mut make = tool("make");
    told(make.arg("-C").arg(&link).arg(format!("TOPDIR={}", top.path().display())))?;
    let about = read(&top.path().join("about"))?;
    let version = env!("CARGO_PKG_VERSION");
    let expected_about = format!(
        "luci-app-netmonitor luci-app-netmonitor {version} 1 +luci-base +netmonitor-exporter all\n"
    );
    assert_eq!(about, expected_about);
    let list =
        told(tool("find").arg(top.path().join("root")).args(["-type", "f", "-printf", "%P %m\n"]))?;
    let mut laid_down: Vec<_> = list.lines().map(str::to_owned).collect();
    laid_down.sort();
    let files = expected()?;
    let expected: Vec<_> = files
        .iter()
        .filter(|(path, _)| !path.ends_with(".lmo"))
        .map(|(path, (mode, _))| format!("{path} {mode:o}"))
        .collect();
    assert_eq!(laid_down, expected);
    Ok(())
}
