//! A disk without space, in a mount of its own. Needs root, as the exporter's tests do.

use std::fs;
use std::io::Write;

use super::*;

/// Where the inner test has its disk.
const DISK: &str = "NETMONITOR_TEST_DISK";

/// Runs itself with a small disk for nothing else, and then does the work there.
#[test]
#[expect(clippy::disallowed_methods, reason = "the test runs itself in another namespace")]
fn a_full_disk_costs_nothing_that_was_stored_and_storing_resumes() {
    if let Ok(disk) = std::env::var(DISK) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        return runtime.block_on(inside(PathBuf::from(disk)));
    }
    let test = "store::tests::file::full_disk::\
                a_full_disk_costs_nothing_that_was_stored_and_storing_resumes";
    let disk = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=2m,mode=755 netmonitor \"$0\" && exec \"$@\"";
    let output = std::process::Command::new("unshare")
        .args(["--mount", "sh", "-euc", script])
        .arg(disk.path())
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", test])
        .env(DISK, disk.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("1 passed"), "{told}\n{error}");
}

async fn inside(disk: PathBuf) {
    let path = disk.join("netmonitor.db");
    let (store, _) = Store::open(&path, NOW).unwrap();
    let router = store.router("gw").await.unwrap();
    store.put_events(router, batch(1..11, 0), NOW).await.unwrap();

    fill(&disk);
    // What still fits into pages that are there may be stored.
    let mut next = 11;
    let error = loop {
        match store.put_events(router, batch(next..next + 20, 0), NOW).await {
            Ok(_) => next += 20,
            Err(error) => break error,
        }
        assert!(next < 100_000, "the disk is not full");
    };
    assert!(matches!(error, StoreError::NotWritable { .. }), "{error}");
    assert_eq!(store.health().writable, Err(error.to_string()));
    for _ in 0..3 {
        store.put_events(router, batch(next..next + 20, 0), NOW).await.unwrap_err();
    }
    // Reading goes on, and nothing that failed is half there.
    let found = rows(store.events(all_events())).await;
    assert_eq!(found.len() as u64, next - 1);
    assert_eq!(store.cursor(router).await.unwrap().unwrap().after, next - 1);
    assert_eq!(store.router("gw").await.unwrap(), router);

    free(&disk);
    let stored = store.put_events(router, batch(next..next + 20, 0), NOW).await.unwrap();
    assert_eq!(stored.new, 20);
    assert_eq!(store.health().writable, Ok(()));
    assert!(store.health().set_aside.is_empty(), "a full disk is no damage");
    store.close().await;
    drop(store);
    assert!(check(&path).unwrap().is_good());

    fill(&disk);
    let (store, opened) = Store::open(&path, NOW).unwrap();
    assert!(opened.notices[0].contains("cannot be written"), "{opened:?}");
    assert!(store.health().writable.is_err());
    assert!(matches!(store.router("gw").await, Err(StoreError::NotWritable { .. })));
    free(&disk);
    let router = store.router("gw").await.unwrap();
    assert_eq!(store.cursor(router).await.unwrap().unwrap().after, next + 19);
    assert_eq!(store.health().writable, Ok(()));
}

/// Until not a byte more fits.
fn fill(disk: &Path) {
    let mut file = fs::File::create(disk.join("filler")).unwrap();
    while file.write_all(&[0; 512]).is_ok() {}
}

fn free(disk: &Path) {
    fs::remove_file(disk.join("filler")).unwrap();
}
