//! LuCI's pages: in a browser, and with a router that is played. Needs root.

mod browser;
mod router;

use std::path::{Path, PathBuf};

fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}
