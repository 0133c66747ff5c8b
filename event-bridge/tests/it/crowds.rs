//! Ten thousand connections at a time: idle ones, and ones that are slow to ask.

use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::program::{Bridge, NOBODY, until};

const CROWD: usize = 10_000;
/// For our own ends of the connections.
const FILES: u64 = CROWD as u64 + 200;
/// The program holds 512; the rest waits in the kernel, which has room for some thousand.
const MAX_HELD: usize = 512;
/// Connections that are just being closed, and what the program opens for its own ends after
/// its start: readers of the database, polls.
const OTHER_FILES: usize = 16 + 24;
/// As in `bad_requests.rs`: a connection costs some kB.
const MAX_MEMORY_KB: u64 = 96 << 10;

/// As many as the system allows: the program must stand them, not this test.
fn crowd() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let allowed = limit.maximum.unwrap_or(FILES).min(FILES);
    let wanted = limit.current.map_or(FILES, |current| current.max(allowed));
    setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum }).unwrap();
    (wanted - 200).min(CROWD as u64) as usize
}

#[test]
fn ten_thousand_connections_cost_little_and_leave_nothing_behind() {
    let bridge = Bridge::start(NOBODY, &[]);
    let before = bridge.open_files();
    let address = bridge.address;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let crowd = crowd();
    runtime.block_on(async {
        let mut all = JoinSet::new();
        for number in 0..crowd {
            all.spawn(async move {
                let Ok(mut stream) = TcpStream::connect(address).await else { return };
                // Every other one has begun to ask.
                if number % 2 == 0 {
                    stream.write_all(b"GET /api/events HTTP/1.1\r\nHost: ").await.ok();
                }
                std::future::pending::<()>().await;
            });
        }
        // Those that find no place keep trying; the kernel lets them wait.
        let held = tokio::time::timeout(Duration::from_secs(20), async {
            while bridge.open_files() < before + MAX_HELD {
                tokio::task::yield_now().await;
            }
        });
        held.await.expect("all places are taken");
        assert!(bridge.open_files() <= before + MAX_HELD + OTHER_FILES, "{}", bridge.open_files());
        // The place of one that keeps still goes to one that asks.
        assert_eq!(bridge.get("/health").status, 200);
    });
    drop(runtime);
    until("their places are free", || bridge.open_files() <= before + OTHER_FILES);
    assert_eq!(bridge.get("/health").status, 200);
    let peak = bridge.peak_memory_kb();
    assert!(peak < MAX_MEMORY_KB, "{peak} kB");
}

/// Each router holds a connection, and a login shell's limit is 1,024.
#[test]
fn it_takes_all_the_files_that_the_system_allows() {
    let bridge = Bridge::with_file_limit(300);
    let limits = bridge.proc("limits");
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    let [soft, hard, "files"] = line.split_whitespace().collect::<Vec<_>>()[..] else {
        panic!("{line}")
    };
    assert!(soft == hard && soft != "300", "{line}");
}
