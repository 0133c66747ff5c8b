//! What was found out about a router, in words for whoever starts the program at night. Pure.

use std::fmt;

use crate::history::trust::STEP;
use crate::history::words::Language;
use crate::record::{Millis, WanState};
use crate::report::duration_in_short;
use crate::routers::client::FetchError;

/// A line, or two where a clock is wrong.
pub(super) struct Finding<'a> {
    /// Its name in the settings.
    pub(super) router: &'a str,
    pub(super) outcome: Result<Answered, FetchError>,
}

/// Of a router that is well.
pub(super) struct Answered {
    /// Without what is secret.
    pub(super) url: String,
    pub(super) wan_state: WanState,
    pub(super) agent: Agent,
    /// Could all of it be read?
    pub(super) is_whole: bool,
}

/// What answers.
pub(super) enum Agent {
    /// Ours.
    WithEvents {
        /// Events that it still has.
        queued: u64,
        /// Of its clock before ours; `None`: no time service keeps it, so it proves nothing.
        ahead: Option<Millis>,
    },
    /// The old shell agent.
    WithoutEvents,
}

/// By how much a router's clock that said `time` is ahead of ours, which was `asked` before
/// that and `answered` after it: an answer that took its time makes no difference.
pub(super) fn ahead(time: Millis, asked: Millis, answered: Millis) -> Millis {
    if time < asked { time.saturating_sub(asked) } else { time.saturating_sub(answered).max(0) }
}

impl fmt::Display for Finding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let router = self.router;
        let answered = match &self.outcome {
            Ok(answered) => answered,
            Err(error) => {
                return write!(f, "{router}: not well, GET {}: {}", error.url, error.problem);
            }
        };
        let wan = match answered.wan_state {
            WanState::Up => "WAN up",
            WanState::Down => "WAN down",
            WanState::Unknown => "WAN unknown",
        };
        let url = &answered.url;
        match &answered.agent {
            Agent::WithEvents { queued, .. } => {
                let s = if *queued == 1 { "" } else { "s" };
                write!(f, "{router}: well, netmonitor at {url}, {wan}, {queued} event{s} waiting")?;
            }
            Agent::WithoutEvents => write!(
                f,
                "{router}: well, an old agent without /net/events at {url}, {wan}; its events are \
                 read from /net/status"
            )?,
        }
        if !answered.is_whole {
            f.write_str("; a part of its answer cannot be read and is left out")?;
        }
        match answered.agent {
            Agent::WithEvents { ahead: Some(ahead), .. } if ahead.abs() > STEP => {
                let by = duration_in_short(ahead.abs(), Language::English).replace('\u{a0}', " ");
                let is = if ahead > 0 { "behind" } else { "ahead of" };
                write!(
                    f,
                    "\n{router}: this computer's clock is {by} {is} the router's, which a time \
                     service keeps: probably this computer's is wrong; compare `date -u` with the \
                     true time, and switch a time service on (`timedatectl set-ntp true`)"
                )
            }
            Agent::WithEvents { .. } | Agent::WithoutEvents => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routers::client::Problem;

    const NOW: Millis = 1_739_327_640_000;
    const URL: &str = "http://192.168.1.1:8321";

    #[track_caller]
    fn check(outcome: Result<Answered, FetchError>, expected: &str) {
        assert_eq!(Finding { router: "home", outcome }.to_string(), expected);
    }

    fn answered(wan_state: WanState, agent: Agent) -> Result<Answered, FetchError> {
        Ok(Answered { url: URL.to_owned(), wan_state, agent, is_whole: true })
    }

    fn ours(queued: u64, ahead: Option<Millis>) -> Result<Answered, FetchError> {
        answered(WanState::Up, Agent::WithEvents { queued, ahead })
    }

    #[test]
    fn who_is_well_says_what_it_is() {
        let well = format!("home: well, netmonitor at {URL}, WAN up");
        check(ours(41, Some(0)), &format!("{well}, 41 events waiting"));
        check(ours(1, None), &format!("{well}, 1 event waiting"));
        let down = answered(WanState::Down, Agent::WithEvents { queued: 0, ahead: None });
        check(down, &format!("home: well, netmonitor at {URL}, WAN down, 0 events waiting"));
        check(
            answered(WanState::Unknown, Agent::WithoutEvents),
            &format!(
                "home: well, an old agent without /net/events at {URL}, WAN unknown; its events \
                 are read from /net/status"
            ),
        );
        let odd = ours(2, None).map(|answered| Answered { is_whole: false, ..answered });
        check(
            odd,
            &format!(
                "{well}, 2 events waiting; a part of its answer cannot be read and is left out"
            ),
        );
    }

    #[test]
    fn who_is_not_says_why_and_what_to_do() {
        let (router, url) = ("home".to_owned(), format!("{URL}/net/status"));
        check(
            Err(FetchError { router, url, problem: Problem::NotAllowed }),
            &format!(
                "home: not well, GET {URL}/net/status: 403: this computer may not ask; add its \
                 address to ALLOWED_IPS on the router"
            ),
        );
    }

    #[test]
    fn a_clock_that_is_far_off_is_this_computers() {
        for (ahead, expected) in [
            (None, None),
            (Some(0), None),
            (Some(10_000), None),
            (Some(-10_000), None),
            (Some(10_001), Some("10.0 s behind the")),
            (Some(-12_300), Some("12.3 s ahead of the")),
            (Some(11_525_000), Some("3 h 12 min behind the")),
            (Some(-183_840_000), Some("2 d 3 h ahead of the")),
        ] {
            let text = Finding { router: "home", outcome: ours(0, ahead) }.to_string();
            let (_, second) = text.split_once('\n').unzip();
            let expected = expected.map(|clock| {
                format!(
                    "home: this computer's clock is {clock} router's, which a time service keeps: \
                     probably this computer's is wrong; compare `date -u` with the true time, and \
                     switch a time service on (`timedatectl set-ntp true`)"
                )
            });
            assert_eq!(second, expected.as_deref(), "{ahead:?}");
        }
    }

    #[test]
    fn the_time_that_an_answer_takes_is_no_difference() {
        for (time, asked, answered, expected) in [
            (NOW, NOW, NOW, 0),
            (NOW + 4000, NOW, NOW + 9000, 0),
            (NOW + 20_000, NOW, NOW + 9000, 11_000),
            (NOW - 11_000, NOW, NOW + 9000, -11_000),
            (0, NOW, NOW, -NOW),
            // This computer's clock was set back meanwhile.
            (NOW, NOW + 20_000, NOW - 20_000, -20_000),
        ] {
            assert_eq!(ahead(time, asked, answered), expected, "{time} {asked} {answered}");
        }
    }
}
