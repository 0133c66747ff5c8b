//! Who may ask: address list and token.

use std::net::IpAddr;

use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ipnet::IpNet;
use subtle::ConstantTimeEq;

use super::failure;
use super::request_counts::Path;
use crate::config::Live;

/// Where a request comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Lets a request pass, or says why not.
pub(super) async fn check(
    State(config): State<Live>,
    Extension(Peer(peer)): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let config = config.now();
    // The device itself, when it answers on none of its loopback addresses.
    let is_ours = config.listen.contains(&peer.to_canonical());
    if !is_ours && !is_allowed(&config.allowed, peer) {
        return failure(StatusCode::FORBIDDEN, "this address is not in ALLOWED_IPS");
    }
    let open = Path::of(request.uri().path()) == Path::Health;
    let known = match &config.token {
        Some(token) if !open => carries(request.headers(), token.reveal()),
        _ => true,
    };
    if known { next.run(request).await } else { ask_for_token() }
}

/// An empty list allows everyone, and loopback is always allowed.
fn is_allowed(allowed: &[IpNet], peer: IpAddr) -> bool {
    // A dual-stack socket shows IPv4 clients as ::ffff:192.0.2.1.
    let peer = peer.to_canonical();
    allowed.is_empty() || peer.is_loopback() || allowed.iter().any(|net| net.contains(&peer))
}

/// `Authorization: Bearer TOKEN`, or Basic with the token as password.
pub(super) fn carries(headers: &HeaderMap, token: &str) -> bool {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some((scheme, rest)) = given.and_then(|given| given.split_once(' ')) else {
        return false;
    };
    let rest = rest.trim();
    let is_token = |given: &[u8]| bool::from(given.ct_eq(token.as_bytes()));
    if scheme.eq_ignore_ascii_case("bearer") {
        is_token(rest.as_bytes())
    } else if scheme.eq_ignore_ascii_case("basic") {
        let decoded = STANDARD.decode(rest).unwrap_or_default();
        let colon = decoded.iter().position(|byte| *byte == b':');
        colon.is_some_and(|colon| is_token(&decoded[colon + 1..]))
    } else {
        false
    }
}

fn ask_for_token() -> Response {
    let mut response = failure(StatusCode::UNAUTHORIZED, "a token is needed: Bearer, or Basic");
    for offer in ["Bearer realm=\"netmonitor\"", "Basic realm=\"netmonitor\""] {
        response.headers_mut().append(header::WWW_AUTHENTICATE, HeaderValue::from_static(offer));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn allowed(list: &[&str], peer: &str) -> bool {
        let list: Vec<IpNet> = list
            .iter()
            .map(|net| net.parse().unwrap_or_else(|_| net.parse::<IpAddr>().unwrap().into()))
            .collect();
        is_allowed(&list, peer.parse().unwrap())
    }

    #[test]
    fn addresses_and_networks() {
        assert!(allowed(&[], "198.51.100.7"));
        assert!(allowed(&["192.0.2.0/24"], "192.0.2.9"));
        assert!(!allowed(&["192.0.2.0/24"], "192.0.3.9"));
        assert!(allowed(&["192.0.2.9"], "::ffff:192.0.2.9"));
        assert!(!allowed(&["192.0.2.9"], "2001:db8::1"));
        assert!(allowed(&["2001:db8::/32"], "2001:db8::1"));
        assert!(allowed(&["192.0.2.9"], "127.0.0.1") && allowed(&["192.0.2.9"], "::1"));
    }

    fn with_header(value: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        carries(&headers, "hunter2")
    }

    #[test]
    fn a_token_comes_as_bearer_or_as_password() {
        assert!(with_header("Bearer hunter2") && with_header("bearer  hunter2"));
        assert!(with_header(&format!("Basic {}", STANDARD.encode("me:hunter2"))));
        assert!(with_header(&format!("Basic {}", STANDARD.encode(":hunter2"))));
        for wrong in
            ["Bearer hunter", "Bearer hunter22", "hunter2", "Basic hunter2", "Digest hunter2"]
        {
            assert!(!with_header(wrong), "{wrong}");
        }
        assert!(!with_header(&format!("Basic {}", STANDARD.encode("hunter2"))));
        assert!(!carries(&HeaderMap::new(), "hunter2"));
    }

    proptest! {
        #[test]
        fn no_other_header_opens(value in "[ -~]{0,40}") {
            prop_assume!(!value.contains("hunter2") && !value.contains("aHVudGVyM"));
            prop_assert!(!with_header(&value));
        }
    }
}
