//! The kernel's lines, and what others wrote among them, come once more through the log
//! daemon: each counts once. Pure.

use std::collections::VecDeque;
use std::time::Duration;

use super::parse::envelope::Line;

/// Lines of the kernel that mattered and may still come again: the other source is a
/// second behind at most.
const REMEMBERED: usize = 64;

/// The last lines of the kernel that mattered, by time and text.
#[derive(Debug, Default)]
pub(crate) struct KernelEchoes(VecDeque<(Duration, String)>);

impl KernelEchoes {
    /// Has the kernel said this at this very microsecond, and was it heard?
    pub(crate) fn has_heard(&self, line: &Line<'_>) -> bool {
        let Some(uptime) = line.uptime else { return false };
        self.0.iter().any(|(time, text)| *time == uptime && text == line.text)
    }

    pub(crate) fn remember(&mut self, line: &Line<'_>) {
        let Some(uptime) = line.uptime else { return };
        if self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back((uptime, line.text.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::parse::envelope;

    #[test]
    fn the_same_line_through_two_sources_is_one() {
        let mut echoes = KernelEchoes::default();
        let kmsg = envelope::read("6,700,5021337004,-;eth1: link down");
        assert!(!echoes.has_heard(&kmsg));
        echoes.remember(&kmsg);
        let logd = "Tue May  6 09:08:07 2025 kern.info kernel: [ 5021.337004] eth1: link down";
        assert!(echoes.has_heard(&envelope::read(logd)));
        let later = "Tue May  6 09:08:07 2025 kern.info kernel: [ 5021.337005] eth1: link down";
        assert!(!echoes.has_heard(&envelope::read(later)));
        let other = "Tue May  6 09:08:07 2025 kern.info kernel: [ 5021.337004] eth1: link up";
        assert!(!echoes.has_heard(&envelope::read(other)));
    }
}
