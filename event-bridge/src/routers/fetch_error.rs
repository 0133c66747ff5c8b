//! Why a router's answer could not be had, in words for whoever must repair it.

use std::time::Duration;

use super::Secret;
use super::status_answer::NotAnAnswer;

/// What to look at when something else answers. `url` is that of `ROUTERS_FILE`.
const PORT: &str = "is this the port of the agent (ROUTER_PORT or url)?";

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
    /// Did the time run out, once it was connected?
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
    /// Nobody listens, or a firewall says so.
    #[error(
        "cannot connect: {0}; does the agent run on the router, with this address in its LISTEN, \
         and is the port right (ROUTER_PORT or url)?"
    )]
    Refused(String),
    /// No way there, or nobody at its end.
    #[error(
        "cannot connect: {0}; is this computer's network up, the router on, and its address right \
         (ROUTER_IP or url)?"
    )]
    NoRoute(String),
    /// Not even to the first packet.
    #[error(
        "cannot connect: no answer within {0:?}; is the router on, its address right (ROUTER_IP \
         or url), and no firewall in between, nor on the router?"
    )]
    NoAnswer(Duration),
    /// Not connected for another reason.
    #[error("cannot connect: {0}; is the router on, its agent running, and the port right?")]
    Unreachable(String),
    /// Connected, and no whole answer in time.
    #[error(
        "no whole answer within {0:?}; the router is overloaded, the way to it is bad, or \
         something else listens there (ROUTER_PORT or url)"
    )]
    TimedOut(Duration),
    /// The connection ended before there was anything to save, or what came is not HTTP.
    #[error("the answer broke off or is not HTTP ({0}); {port}", port = PORT)]
    Broken(String),
    /// 401 to a question without a token.
    #[error(
        "401: it asks for a token, and none is set here; put the router's TOKEN into a file, and \
         name that in ROUTER_TOKEN_FILE (token_file in ROUTERS_FILE)"
    )]
    TokenMissing,
    /// 401 to one with a token.
    #[error(
        "401: the token is wrong; put the router's TOKEN into the file of ROUTER_TOKEN_FILE \
         (token_file in ROUTERS_FILE)"
    )]
    TokenWrong,
    /// 403.
    #[error("403: this computer may not ask; add its address to ALLOWED_IPS on the router")]
    NotAllowed,
    /// 404 of `/net/status`.
    #[error("404: something else than an agent answers there; {port}", port = PORT)]
    NotFound,
    /// 3xx; never followed, since tokens would go along.
    #[error("{0}: sent elsewhere, which is not followed; write the final address as URL")]
    Redirected(u16),
    /// 5xx.
    #[error("{0}: the agent failed; see the router's log")]
    AgentFailed(u16),
    /// Another status.
    #[error("{0}: unexpected status; {port}", port = PORT)]
    OtherStatus(u16),
    /// Larger than any answer of an agent.
    #[error("more than {0} bytes, which no agent sends; {port}", port = PORT)]
    TooLong(usize),
    /// Compressed, which was not asked for.
    #[error("sent with Content-Encoding {0}, which was not asked for; no proxy in between?")]
    Encoded(String),
    /// Not what the agent says.
    #[error("answered {0}; {port} Is a login page in between?", port = PORT)]
    NotAnAnswer(NotAnAnswer),
}

impl Problem {
    /// Did the router answer at all? If not, this is a gap in observation.
    #[must_use]
    pub fn is_silence(&self) -> bool {
        matches!(
            self,
            Self::NameNotFound(_)
                | Self::Refused(_)
                | Self::NoRoute(_)
                | Self::NoAnswer(_)
                | Self::Unreachable(_)
                | Self::TimedOut(_)
                | Self::Broken(_)
        )
    }

    /// Of a status other than 200, to a question with this token.
    pub(super) fn of_status(status: u16, token: Option<&Secret>) -> Self {
        match status {
            401 if token.is_none() => Self::TokenMissing,
            401 => Self::TokenWrong,
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
            Problem::NameNotFound("Name or service not known".to_owned()),
            "the host name was not found (Name or service not known); check the name, or write \
             the router's address",
        );
        check(
            Problem::Refused("Connection refused".to_owned()),
            "cannot connect: Connection refused; does the agent run on the router, with this \
             address in its LISTEN, and is the port right (ROUTER_PORT or url)?",
        );
        check(
            Problem::NoRoute("No route to host".to_owned()),
            "cannot connect: No route to host; is this computer's network up, the router on, and \
             its address right (ROUTER_IP or url)?",
        );
        check(
            Problem::NoAnswer(Duration::from_secs(5)),
            "cannot connect: no answer within 5s; is the router on, its address right (ROUTER_IP \
             or url), and no firewall in between, nor on the router?",
        );
        check(
            Problem::TimedOut(Duration::from_secs(10)),
            "no whole answer within 10s; the router is overloaded, the way to it is bad, or \
             something else listens there (ROUTER_PORT or url)",
        );
        check(
            Problem::of_status(401, None),
            "401: it asks for a token, and none is set here; put the router's TOKEN into a file, \
             and name that in ROUTER_TOKEN_FILE (token_file in ROUTERS_FILE)",
        );
        check(
            Problem::of_status(401, Some(&token())),
            "401: the token is wrong; put the router's TOKEN into the file of ROUTER_TOKEN_FILE \
             (token_file in ROUTERS_FILE)",
        );
        check(
            Problem::of_status(403, None),
            "403: this computer may not ask; add its address to ALLOWED_IPS on the router",
        );
        check(
            Problem::of_status(404, None),
            "404: something else than an agent answers there; is this the port of the agent \
             (ROUTER_PORT or url)?",
        );
        check(
            Problem::NotAnAnswer(NotAnAnswer::NotJson(NotJson::Html)),
            "answered a web page; is this the port of the agent (ROUTER_PORT or url)? Is a login \
             page in between?",
        );
    }

    #[test]
    fn statuses_are_told_apart() {
        for (status, expected) in [
            (204, Problem::OtherStatus(204)),
            (302, Problem::Redirected(302)),
            (400, Problem::OtherStatus(400)),
            (401, Problem::TokenMissing),
            (403, Problem::NotAllowed),
            (404, Problem::NotFound),
            (503, Problem::AgentFailed(503)),
        ] {
            assert_eq!(Problem::of_status(status, None), expected);
        }
        assert_eq!(Problem::of_status(401, Some(&token())), Problem::TokenWrong);
    }

    fn token() -> Secret {
        Secret::new("hunter2".to_owned())
    }
}
