//! Files of the router, made from this machine's.

use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use rustix::fs::{CWD, FileType, makedev, mknodat};

/// Those that programs expect: number of the device by name.
pub(super) fn make_devices(root: &Path) -> Result<()> {
    for (name, minor) in [("null", 3), ("zero", 5), ("full", 7), ("random", 8), ("urandom", 9)] {
        let device = makedev(1, minor);
        let (kind, mode) = (FileType::CharacterDevice, 0o666.into());
        let file = root.join("dev").join(name);
        mknodat(CWD, &file, kind, mode, device)?;
        fs::set_permissions(file, Permissions::from_mode(0o666))?;
    }
    Ok(())
}

/// Copies a file with its mode over whatever is there.
pub(super) fn copy(from: &Path, to: &Path) -> Result<()> {
    let copy = || {
        fs::create_dir_all(to.parent().unwrap_or(to))?;
        match fs::remove_file(to) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => fs::copy(from, to).map(|_| ()),
        }
    };
    copy().with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}

/// Relative to `folder`; folders end with `/`.
pub(super) fn walk(folder: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut open = vec![String::new()];
    while let Some(inner) = open.pop() {
        for entry in fs::read_dir(folder.join(&inner))? {
            let entry = entry?;
            let name = entry.file_name().into_string();
            let name = name.map_err(|name| anyhow::anyhow!("not UTF-8: {}", name.display()))?;
            let mut path = format!("{inner}{name}");
            if entry.file_type()?.is_dir() {
                path.push('/');
                open.push(path.clone());
            }
            found.push(path);
        }
    }
    Ok(found)
}
