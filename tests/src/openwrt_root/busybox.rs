//! A BusyBox with no more applets than OpenWrt's.
//!
//! Debian's has twice as many, and its shell takes its own applets before programs on `PATH`,
//! so that a script would find `timeout` here and not on a router. Applets are found by name in
//! a sorted table within the program: in our copy, the names that a router does not have end
//! with a byte that nobody types.

use anyhow::{Context, Result, ensure};

/// Applets of OpenWrt's default BusyBox, from 21.02 to 25.12
/// (`package/utils/busybox/Config-defaults.in`). Debian's has all of them but those of
/// [`super::BORROWED`] and `lock`, `nice` and `ntpd`.
const APPLETS: &str = "[ [[ ash awk basename brctl busybox cat chgrp chmod chown chroot clear cmp \
    cp crond crontab cut dd df dirname dmesg du echo egrep env expr false fgrep free \
    grep gunzip gzip halt head hexdump hwclock id ifconfig ip kill killall less \
    ln login ls md5sum mkdir mkfifo mknod mkswap mktemp mount mv nc netstat nslookup \
    passwd pidof ping ping6 pivot_root poweroff printf ps pwd readlink reboot reset \
    rm rmdir route sed seq sh sha256sum start-stop-daemon strings \
    swapoff swapon switch_root sync sysctl tail taskset tee test time top touch \
    traceroute traceroute6 true udhcpc umount uniq uptime vi wc which xargs yes zcat";

/// Applets that take fewer options on a router: `router/fewer-options` stands in for them.
pub(super) const FEWER_OPTIONS: [&str; 6] = ["date", "find", "sleep", "sort", "tar", "tr"];

/// How the table of names begins.
const TABLE: &[u8] = b"[\0[[\0";

/// Takes the names away; gives those that are left.
pub(super) fn reduce(program: &mut [u8]) -> Result<Vec<String>> {
    let start = program.windows(TABLE.len()).position(|window| window == TABLE);
    let start = start.context("this busybox has no table of applets")?;
    let mut left = Vec::new();
    let mut at = start;
    while program[at] != 0 {
        let length = program[at..].iter().position(|byte| *byte == 0).context("no end")?;
        let name = &mut program[at..at + length];
        let text = std::str::from_utf8(name)?.to_owned();
        if APPLETS.split(' ').any(|known| known == text) {
            left.push(text);
        } else {
            // Lower than every letter: the order of the table stays as it is.
            name[length - 1] = 1;
        }
        at += length + 1;
    }
    ensure!(left.len() > 100, "only {left:?} are left of its applets");
    Ok(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_router_lacks_loses_its_name() {
        let others = (0..100).map(|_| "sed\0").collect::<String>();
        let mut program = format!("code[\0[[\0stat\0timeout\0{others}\0more").into_bytes();
        let left = reduce(&mut program).unwrap();
        assert_eq!(&left[..3], ["[", "[[", "sed"]);
        assert!(program.starts_with(b"code[\0[[\0sta\x01\0timeou\x01\0sed\0"));
        assert!(program.ends_with(b"sed\0\0more"));
        assert!(reduce(&mut Vec::from("no table")).is_err());
    }
}
