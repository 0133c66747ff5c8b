//! Why a router's answer could not be had, in words for whoever must repair it.

use std::time::Duration;

use super::status_answer::NotAnAnswer;

/// One request that failed. Its text is complete: what, where, why, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("router \"{router}\": GET {url}: {problem}")]
pub struct FetchError {
    /// Its name in the settings.
    pub router: String,
    /// Without parameters and without what is secret.
    pub url: String,
    /// What went wrong.
    pub problem: Problem,
}

impl FetchError {
    /// Did the time run out?
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self.problem, Problem::TimedOut(_))
    }
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The settings name no URL that can be asked.
    #[error("{0}; write http://address:port, for example http://192.168.1.1:8321")]
    BadUrl(String),
    /// No header can carry it.
    #[error("the token has characters that HTTP cannot send; use letters and digits")]
    BadToken,
    /// DNS.
    #[error("the host name was not found ({0}); check the name, or write the router's address")]
    NameNotFound(String),
    /// Refused, no route, no answer to the first packet.
    #[error("cannot connect: {0}; is the router on, its agent running, and the port right?")]
    Unreachable(String),
    /// Connected, and no whole answer in time.
    #[error("no whole answer within {0:?}; the router is overloaded or the way to it is bad")]
    TimedOut(Duration),
    /// The connection ended before there was anything to save, or what came is not HTTP.
    #[error("the answer broke off or is not HTTP ({0}); is this the port of the agent?")]
    Broken(String),
    /// 401.
    #[error("401: the token is missing or wrong; set the router's TOKEN for it here")]
    TokenRefused,
    /// 403.
    #[error("403: this computer may not ask; add its address to ALLOWED_IPS on the router")]
    NotAllowed,
    /// 404 of `/net/status`.
    #[error("404: nothing there; is this the port of the agent?")]
    NotFound,
    /// 3xx; never followed, since tokens would go along.
    #[error("{0}: sent elsewhere, which is not followed; write the final address as URL")]
    Redirected(u16),
    /// 5xx.
    #[error("{0}: the agent failed; see the router's log")]
    AgentFailed(u16),
    /// Another status.
    #[error("{0}: unexpected status; is this the port of the agent?")]
    OtherStatus(u16),
    /// Larger than any answer of an agent.
    #[error("more than {0} bytes; no agent answers as much: is this the port of the agent?")]
    TooLong(usize),
    /// Compressed, which was not asked for.
    #[error("sent with Content-Encoding {0}, which was not asked for; no proxy in between?")]
    Encoded(String),
    /// Not what the agent says.
    #[error("answered {0}; is this the port of the agent, and no login page in between?")]
    NotAnAnswer(NotAnAnswer),
}

impl Problem {
    /// Did the router answer at all? If not, this is a gap in observation.
    #[must_use]
    pub fn is_silence(&self) -> bool {
        matches!(
            self,
            Self::NameNotFound(_) | Self::Unreachable(_) | Self::TimedOut(_) | Self::Broken(_)
        )
    }

    /// Of a status other than 200.
    pub(super) fn of_status(status: u16) -> Self {
        match status {
            401 => Self::TokenRefused,
            403 => Self::NotAllowed,
            404 => Self::NotFound,
            300..=399 => Self::Redirected(status),
            500..=599 => Self::AgentFailed(status),
            _ => Self::OtherStatus(status),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routers::lenient::NotJson;

    #[track_caller]
    fn check(problem: Problem, expected: &str) {
        let url = "http://192.168.1.1:8321/net/status".to_owned();
        let error = FetchError { router: "home".to_owned(), url, problem };
        let start = "router \"home\": GET http://192.168.1.1:8321/net/status: ";
        assert_eq!(error.to_string(), format!("{start}{expected}"));
    }

    #[test]
    fn messages_say_what_to_do() {
        check(
            Problem::of_status(401),
            "401: the token is missing or wrong; set the router's TOKEN for it here",
        );
        check(
            Problem::TimedOut(Duration::from_secs(10)),
            "no whole answer within 10s; the router is overloaded or the way to it is bad",
        );
        check(
            Problem::NotAnAnswer(NotAnAnswer::NotJson(NotJson::Html)),
            "answered a web page; is this the port of the agent, and no login page in between?",
        );
    }

    #[test]
    fn statuses_are_told_apart() {
        for (status, expected) in [
            (204, Problem::OtherStatus(204)),
            (302, Problem::Redirected(302)),
            (400, Problem::OtherStatus(400)),
            (401, Problem::TokenRefused),
            (403, Problem::NotAllowed),
            (404, Problem::NotFound),
            (503, Problem::AgentFailed(503)),
        ] {
            assert_eq!(Problem::of_status(status), expected);
        }
    }
}
