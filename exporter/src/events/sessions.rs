//! Whose words a PPP daemon's are, and why its session ended.
//!
//! A line of pppd names no interface, and L2TP, PPTP, modems and a server on this router
//! speak the same words; the process is all there is to go by. Used by the interpreter;
//! pure, and saved with it.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::event::Told;
use super::kind::Kind;
use super::names::Names;
use super::parse::{Cause, Over, Said};
use crate::outages::Sign;

/// More than a router runs at once; one dial is one process, and old ones may leave
/// without a word.
const MAX_SESSIONS: usize = 32;
/// As long as a detail of an event may be.
const MAX_REMOTE_MESSAGE_CHARS: usize = 120;

/// What is known of PPP daemons, the one heard last at the end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Sessions {
    known: Vec<Session>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Session {
    pid: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    whose: Option<Whose>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<Cause>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_message: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Whose {
    ours: bool,
    by: Evidence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Evidence {
    /// The plugin says what is dialled, before pppd says that it starts.
    Plugin,
    /// The device is certain.
    Device,
    /// netifd's word for any process of an interface.
    Child,
}

/// What came of a line of a PPP daemon.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) told: Option<Told>,
    /// What it says about why the line is down.
    pub(crate) sign: Option<Sign>,
    /// The address of a session that is up.
    pub(crate) address: Option<IpAddr>,
    /// Something was remembered or forgotten.
    pub(crate) changed: bool,
}

impl Sessions {
    /// Takes in what a daemon says.
    pub(crate) fn hear(&mut self, pid: Option<u32>, said: Said<'_>, names: &Names) -> Heard {
        let changed = match (&said, pid) {
            (Said::DialsPppoe, Some(pid)) => self.dial(pid),
            (Said::DialsOther, Some(pid)) => self.dial_other(pid),
            (Said::Discovered | Said::End(Cause::NoDiscovery, _), Some(pid)) => self.discover(pid),
            (Said::Started, Some(pid)) => self.start(pid),
            (Said::Device(name), Some(pid)) => self.bind(pid, names.is_ppp(name), Evidence::Device),
            _ => false,
        };
        let ours = pid.is_none_or(|pid| self.is_ours(pid));
        let mut heard = match (ours, said, pid) {
            (true, said, _) => self.hear_ours(pid, said),
            // The number is free for another process.
            (false, Said::Exit, Some(pid)) => {
                Heard { changed: self.forget(pid), ..Heard::default() }
            }
            (false, ..) => Heard::default(),
        };
        heard.changed |= changed;
        heard
    }

    /// Notes for which interface netifd runs a process; returns whether that is news.
    pub(crate) fn hear_netifd(&mut self, pid: u32, of_wan: bool) -> bool {
        // A process nothing is known of counts as the WAN's anyway.
        let is_known = self.known.iter().any(|session| session.pid == pid);
        (is_known || !of_wan) && self.bind(pid, of_wan, Evidence::Child)
    }

    fn hear_ours(&mut self, pid: Option<u32>, said: Said<'_>) -> Heard {
        let mut heard = Heard::default();
        match said {
            Said::RemoteMessage(words) => {
                let words = words.chars().take(MAX_REMOTE_MESSAGE_CHARS).collect();
                heard.changed = self.change(pid, |session| session.remote_message = Some(words));
            }
            Said::Up(address, told) => {
                heard.changed = self.change(pid, |session| {
                    (session.cause, session.remote_message) = (None, None);
                });
                heard.sign = Some(Sign::SessionUp);
                (heard.told, heard.address) = (Some(told), Some(address));
            }
            Said::Fact(told) => {
                heard.sign = Sign::of(told.kind);
                heard.told = Some(told);
            }
            Said::End(cause, told) => {
                // The first cause is the true one: the others follow from it.
                heard.changed = self.change(pid, |session| {
                    session.cause.get_or_insert(cause);
                });
                // Either side may end a session by LCP.
                heard.sign = match cause {
                    Cause::ThisRouter => Some(Sign::EndedHere),
                    _ => Sign::of(told.kind),
                };
                heard.told = Some(self.with_remote_message(pid, told));
            }
            Said::Over(over) => {
                let cause = self.session(pid).and_then(|session| session.cause);
                heard.sign = Some(match (over, cause) {
                    (Over::Hangup, None) => Sign::Hangup,
                    (Over::Disconnected, None) => Sign::EchoTimeout,
                    _ => Sign::SessionOver,
                });
                heard.told = Some(down(over_message(over, cause)));
            }
            Said::Exit => {
                let cause = self.session(pid).and_then(|session| session.cause);
                let message = cause.map_or("PPPoE session is down: pppd ended", cause_message);
                heard.sign = Some(Sign::SessionOver);
                heard.told = Some(down(message));
                heard.changed = pid.is_some_and(|pid| self.forget(pid));
            }
            // Without netifd nobody else says that this router dials again.
            Said::DialsPppoe => heard.sign = Some(Sign::SetUp),
            Said::DialsOther | Said::Discovered | Said::Started | Said::Device(_) => {}
        }
        heard
    }

    /// The provider's own reason for a refusal, unless the line had one.
    fn with_remote_message(&self, pid: Option<u32>, told: Told) -> Told {
        let has_reason = told.detail.iter().any(|(name, _)| name == "reason");
        let words = self.session(pid).and_then(|session| session.remote_message.as_deref());
        match words.filter(|_| told.kind == Kind::PppoeAuthFail && !has_reason) {
            Some(words) => told.with("reason", words),
            None => told,
        }
    }

    fn session(&self, pid: Option<u32>) -> Option<&Session> {
        let pid = pid?;
        self.known.iter().find(|session| session.pid == pid)
    }

    /// Until something says otherwise, a PPP daemon on a router that dials serves the WAN.
    fn is_ours(&self, pid: u32) -> bool {
        self.session(Some(pid)).and_then(|session| session.whose).is_none_or(|whose| whose.ours)
    }

    fn forget(&mut self, pid: u32) -> bool {
        let before = self.known.len();
        self.known.retain(|session| session.pid != pid);
        self.known.len() < before
    }

    /// A new session under a number that may have been another's. What its plugin or netifd
    /// said comes before pppd's first words and stays.
    fn start(&mut self, pid: u32) -> bool {
        let is_of_before = |whose: Whose| whose.by == Evidence::Device;
        match self.session(Some(pid)).map(|session| session.whose) {
            None => false,
            Some(whose) if whose.is_none_or(is_of_before) => self.forget(pid),
            Some(whose) => self.change(Some(pid), |session| {
                *session = Session { pid, whose, ..Session::default() };
            }),
        }
    }

    /// A process that dials PPPoE anew; whose it is, netifd may have said before.
    fn dial(&mut self, pid: u32) -> bool {
        let is_child = self.is_by(pid, Evidence::Child);
        if is_child { self.start(pid) } else { self.forget(pid) }
    }

    /// netifd knows better than a plugin whose a process is.
    fn dial_other(&mut self, pid: u32) -> bool {
        !self.is_by(pid, Evidence::Child) && self.bind(pid, false, Evidence::Plugin)
    }

    /// What looks for an access server dials PPPoE, whatever the number did before. The
    /// device may be that of another PPPoE session.
    fn discover(&mut self, pid: u32) -> bool {
        self.is_by(pid, Evidence::Plugin) && self.forget(pid)
    }

    fn is_by(&self, pid: u32, by: Evidence) -> bool {
        self.session(Some(pid))
            .and_then(|session| session.whose)
            .is_some_and(|whose| whose.by == by)
    }

    fn bind(&mut self, pid: u32, ours: bool, by: Evidence) -> bool {
        self.change(Some(pid), |session| session.whose = Some(Whose { ours, by }))
    }

    /// Changes what is known of a process and makes it the last one heard; returns whether
    /// anything is different now.
    fn change(&mut self, pid: Option<u32>, change: impl FnOnce(&mut Session)) -> bool {
        let Some(pid) = pid else { return false };
        let at = self.known.iter().position(|session| session.pid == pid);
        let before = at.map(|at| self.known.remove(at));
        let fresh = Session { pid, ..Session::default() };
        let mut session = before.clone().unwrap_or_else(|| fresh.clone());
        change(&mut session);
        let changed = session != before.unwrap_or_else(|| fresh.clone());
        if session != fresh {
            self.make_room();
            self.known.push(session);
        }
        changed
    }

    /// netifd's words are many and say least.
    fn make_room(&mut self) {
        if self.known.len() >= MAX_SESSIONS {
            let is_child =
                |session: &Session| session.whose.is_some_and(|whose| whose.by == Evidence::Child);
            self.known.remove(self.known.iter().position(is_child).unwrap_or(0));
        }
    }

    /// As restored from a file: no more than there may be.
    pub(crate) fn bounded(mut self) -> Self {
        self.known.truncate(MAX_SESSIONS);
        self
    }
}

fn down(message: &'static str) -> Told {
    Told::new(Kind::PppoeDown, message)
}

fn over_message(over: Over, cause: Option<Cause>) -> &'static str {
    match (over, cause) {
        (Over::Disconnected, _) => cause_message(Cause::NoEcho),
        (_, Some(cause)) => cause_message(cause),
        (Over::Hangup, None) => {
            "PPPoE session was cut: closed by the provider (PADT), or the line lost its carrier"
        }
        (Over::Terminated, None) => "PPPoE session is down",
    }
}

fn cause_message(cause: Cause) -> &'static str {
    match cause {
        Cause::Provider => "PPPoE session is down: ended by the provider",
        Cause::NoEcho => "PPPoE session is down: the provider's access server stopped answering",
        Cause::ThisRouter => "PPPoE session is down: ended by this router",
        Cause::Refused => "PPPoE session is down: the provider refused user name or password",
        Cause::NoNegotiation => "PPPoE dial failed: no agreement with the access server",
        Cause::NoDiscovery => "PPPoE dial failed: no access server gave a session",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        Names::new(["wan".to_owned(), "eth1".to_owned()], ["pppoe-wan".to_owned()])
    }

    /// Says a few things and shows what was told: `-` or the type.
    fn heard(sessions: &mut Sessions, pid: u32, said: Said<'_>) -> &'static str {
        let told = sessions.hear(Some(pid), said, &names()).told;
        told.map_or("-", |told| told.kind.name())
    }

    fn over() -> Said<'static> {
        Said::Over(Over::Hangup)
    }

    fn no_answer() -> Said<'static> {
        Said::End(Cause::NoDiscovery, Told::new(Kind::PppoePadiTimeout, "x"))
    }

    #[test]
    fn an_unknown_process_is_the_wans_until_its_device_is_named() {
        let mut sessions = Sessions::default();
        assert_eq!(heard(&mut sessions, 7, over()), "pppoe_down");
        heard(&mut sessions, 7, Said::Device("l2tp-office"));
        assert_eq!(heard(&mut sessions, 7, over()), "-");
        heard(&mut sessions, 7, Said::Device("pppoe-wan"));
        assert_eq!(heard(&mut sessions, 7, over()), "pppoe_down", "the last name counts");
        heard(&mut sessions, 8, Said::Device("pppoe-wanb"));
        assert_eq!(heard(&mut sessions, 8, over()), "-");
    }

    #[test]
    fn a_plugin_tells_before_the_device_does() {
        let mut sessions = Sessions::default();
        heard(&mut sessions, 7, Said::DialsOther);
        heard(&mut sessions, 7, Said::Started);
        assert_eq!(heard(&mut sessions, 7, over()), "-");
        heard(&mut sessions, 7, Said::DialsPppoe);
        assert_eq!(heard(&mut sessions, 7, Said::Exit), "pppoe_down", "the number came again");
    }

    #[test]
    fn netifd_tells_whose_child_a_process_is() {
        let mut sessions = Sessions::default();
        assert!(!sessions.hear_netifd(7, true), "as assumed");
        assert!(sessions.hear_netifd(8, false));
        assert!(!sessions.hear_netifd(8, false), "said before");
        assert_eq!(heard(&mut sessions, 8, Said::Started), "-");
        assert_eq!(heard(&mut sessions, 8, over()), "-");
    }

    #[test]
    fn a_plugin_does_not_overrule_netifd() {
        let mut sessions = Sessions::default();
        sessions.hear_netifd(21, false);
        for said in [Said::DialsPppoe, Said::Started, Said::DialsPppoe, Said::Discovered] {
            heard(&mut sessions, 21, said);
            assert_eq!(heard(&mut sessions, 21, over()), "-");
        }
        assert_eq!(heard(&mut sessions, 21, no_answer()), "-");
        heard(&mut sessions, 21, Said::Device("pppoe-wan"));
        assert_eq!(heard(&mut sessions, 21, over()), "pppoe_down", "a device is certain");
        sessions.hear_netifd(21, true);
        heard(&mut sessions, 21, Said::DialsOther);
        assert_eq!(heard(&mut sessions, 21, over()), "pppoe_down");
    }

    #[test]
    fn a_process_that_ends_frees_its_number() {
        let mut sessions = Sessions::default();
        sessions.hear_netifd(21, false);
        let exit = sessions.hear(Some(21), Said::Exit, &names());
        assert_eq!(exit, Heard { changed: true, ..Heard::default() });
        assert_eq!(heard(&mut sessions, 21, over()), "pppoe_down");
    }

    #[test]
    fn who_looks_for_an_access_server_dials_pppoe() {
        let mut sessions = Sessions::default();
        heard(&mut sessions, 7, Said::DialsOther);
        assert_eq!(heard(&mut sessions, 7, no_answer()), "pppoe_padi_timeout");
        heard(&mut sessions, 8, Said::DialsOther);
        heard(&mut sessions, 8, Said::Discovered);
        assert_eq!(heard(&mut sessions, 8, over()), "pppoe_down");
        heard(&mut sessions, 9, Said::Device("pppoe-wanb"));
        assert_eq!(heard(&mut sessions, 9, no_answer()), "-", "another one's PPPoE dials again");
    }

    #[test]
    fn a_hangup_names_the_cause_before_it() {
        let message = |before: Option<Cause>| {
            let mut sessions = Sessions::default();
            if let Some(cause) = before {
                heard(&mut sessions, 7, Said::End(cause, down("")));
                heard(&mut sessions, 7, Said::End(Cause::Refused, down("")));
            }
            sessions.hear(Some(7), over(), &names()).told.unwrap().message
        };
        assert!(message(None).contains("PADT"));
        assert!(message(Some(Cause::NoEcho)).contains("stopped answering"));
        assert!(message(Some(Cause::Provider)).contains("by the provider"));
        assert!(message(Some(Cause::ThisRouter)).contains("by this router"));
    }

    #[test]
    fn a_refusal_carries_the_providers_words() {
        let mut sessions = Sessions::default();
        let refused = || Said::End(Cause::Refused, Told::new(Kind::PppoeAuthFail, "x"));
        heard(&mut sessions, 7, Said::RemoteMessage("no such user"));
        let told = sessions.hear(Some(7), refused(), &names()).told.unwrap();
        assert_eq!(told.detail, [("reason".into(), "no such user".to_owned())]);
        let other = sessions.hear(Some(8), refused(), &names()).told.unwrap();
        assert_eq!(other.detail, [], "another process was told");
        assert_eq!(heard(&mut sessions, 7, Said::Exit), "pppoe_down");
        assert!(sessions.known.iter().all(|session| session.pid != 7), "gone with its process");
    }

    #[test]
    fn sessions_are_bounded_and_netifds_words_go_first() {
        let mut sessions = Sessions::default();
        heard(&mut sessions, 1, Said::Device("l2tp-office"));
        for pid in 100..1000 {
            sessions.hear_netifd(pid, false);
        }
        assert_eq!(sessions.known.len(), MAX_SESSIONS);
        assert_eq!(heard(&mut sessions, 1, over()), "-");
        for pid in 2000..3000 {
            heard(&mut sessions, pid, Said::RemoteMessage("welcome"));
        }
        assert_eq!(sessions.known.len(), MAX_SESSIONS);
    }
}
