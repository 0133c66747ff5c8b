//! Why the internet was gone and on whose side, in plain words: for the API and for reports.
//! The causes and sides are those of `docs/outages.md`; every sentence is here and nowhere
//! else. Pure.

use super::outage::{Cause, Side};

/// Of what people read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// English.
    English,
    /// Chinese, simplified.
    Chinese,
}

impl Language {
    fn of(self, (english, chinese): (&'static str, &'static str)) -> &'static str {
        match self {
            Self::English => english,
            Self::Chinese => chinese,
        }
    }
}

/// Why, in a sentence that accuses nobody beyond `side`.
#[must_use]
pub fn why(cause: &Cause, side: &Side, language: Language) -> &'static str {
    language.of(match cause {
        Cause::OpticalSignal
        | Cause::LocalLink
        | Cause::Administrator
        | Cause::PlannedRedial
        | Cause::RouterRestart => near(cause, side),
        Cause::ProviderTerminated
        | Cause::AccessServerSilent
        | Cause::Discovery
        | Cause::AccessRefused
        | Cause::Dhcp
        | Cause::Gateway
        | Cause::BeyondGateway
        | Cause::Dns => far(cause, side),
        Cause::Unknown => unexplained(side),
        Cause::Other(_) => (
            "The router names a cause that this version does not know.",
            "路由器给出的原因，本版本尚不认识。",
        ),
    })
}

/// This router, what its WAN socket is plugged into, and the line.
fn near(cause: &Cause, side: &Side) -> (&'static str, &'static str) {
    match (cause, side) {
        (Cause::OpticalSignal, Side::Line) => (
            "The fibre brought no light or too little of it: the fault is on the line.",
            "光纤没有光信号或光信号过弱，故障在线路上。",
        ),
        (Cause::OpticalSignal, _) => {
            ("The fibre brought no light or too little of it.", "光纤没有光信号或光信号过弱。")
        }
        (Cause::LocalLink, Side::House) => (
            "The WAN port lost its link: the cable, the modem or optical terminal, or its power \
             failed in the house.",
            "WAN 口链路断开：家中的网线、光猫（调制解调器）或其电源出了问题。",
        ),
        (Cause::LocalLink, Side::Line) => (
            "The DSL line lost its synchronisation: the fault is on the line.",
            "DSL 线路失去同步，故障在线路上。",
        ),
        (Cause::LocalLink, _) => (
            "The WAN port lost its link; the evidence does not tell where the fault was.",
            "WAN 口链路断开，现有证据无法判断故障在哪里。",
        ),
        (Cause::Administrator, _) => (
            "The WAN interface was taken down on the router, by a person or a watchdog.",
            "有人或看门狗程序在路由器上关闭了 WAN 接口。",
        ),
        (Cause::PlannedRedial, _) => {
            ("The router redialled on request or on schedule.", "路由器按要求或按计划重新拨号。")
        }
        (Cause::RouterRestart, _) => ("The router started anew.", "路由器重新启动。"),
        _ => unexplained(side),
    }
}

/// The provider's equipment and what is behind it, as far as the evidence goes.
fn far(cause: &Cause, side: &Side) -> (&'static str, &'static str) {
    match (cause, side) {
        (Cause::ProviderTerminated, Side::Provider) => {
            ("The provider ended the session.", "运营商主动断开了拨号会话。")
        }
        (Cause::ProviderTerminated, _) => {
            ("The session was ended from outside.", "拨号会话被对端断开。")
        }
        (Cause::AccessServerSilent, Side::Provider) => (
            "The provider's access server stopped answering, while the line was fine.",
            "线路正常，但运营商的接入服务器停止应答。",
        ),
        (Cause::AccessServerSilent, _) => (
            "The access server stopped answering; the line or the provider may be at fault.",
            "接入服务器停止应答，可能是线路问题，也可能是运营商问题。",
        ),
        (Cause::Discovery, Side::Provider) => (
            "The provider's access server did not answer the dial, while the line was fine.",
            "线路正常，但拨号时运营商的接入服务器没有应答。",
        ),
        (Cause::Discovery, _) => (
            "Nobody answered the dial; the evidence does not tell whose fault it was.",
            "拨号时没有应答，现有证据无法判断是哪一方的问题。",
        ),
        (Cause::AccessRefused, Side::Provider) => (
            "The provider's access server refused the connection.",
            "运营商的接入服务器拒绝了连接。",
        ),
        (Cause::AccessRefused, _) => (
            "The access server refused the connection: account, settings or provider.",
            "接入服务器拒绝了连接，可能是账号、设置或运营商的问题。",
        ),
        (Cause::Dhcp, Side::Provider) => (
            "The provider let the address lease end, or withdrew it, while the line was fine.",
            "线路正常，但运营商没有续租或收回了 IP 地址。",
        ),
        (Cause::Dhcp, _) => (
            "The router had no address lease; the evidence does not tell whose fault it was.",
            "路由器没有获得 IP 地址，现有证据无法判断是哪一方的问题。",
        ),
        (Cause::Gateway, Side::Provider) => (
            "The provider's gateway stopped answering, while the line was fine.",
            "线路正常，但运营商的网关停止应答。",
        ),
        (Cause::Gateway, _) => (
            "The next hop stopped answering; the evidence does not tell whose fault it was.",
            "下一跳网关停止应答，现有证据无法判断是哪一方的问题。",
        ),
        (Cause::BeyondGateway, Side::Provider) => (
            "The provider's gateway answered, but nothing behind it did.",
            "运营商的网关有应答，但网关之后的网络不通。",
        ),
        (Cause::BeyondGateway, _) => (
            "The next hop answered, but nothing behind it did.",
            "下一跳网关有应答，但网关之后的网络不通。",
        ),
        (Cause::Dns, _) => ("Names could not be looked up.", "域名无法解析。"),
        _ => unexplained(side),
    }
}

/// Nothing says why, but perhaps where.
fn unexplained(side: &Side) -> (&'static str, &'static str) {
    match side {
        Side::House => (
            "The cause is not known; all signs of it are on the router itself.",
            "原因不明，但所有迹象都在路由器本身。",
        ),
        Side::Line => {
            ("The cause is not known; the fault is on the line.", "原因不明，故障在线路上。")
        }
        Side::Provider => (
            "The cause is not known; it is on the provider's side.",
            "原因不明，问题在运营商一侧。",
        ),
        Side::Unknown | Side::Other(_) => {
            ("The evidence does not tell the cause.", "现有证据无法说明原因。")
        }
    }
}

/// Whose it is, to be put into a table or behind a colon.
#[must_use]
pub fn side(side: &Side, language: Language) -> &'static str {
    language.of(match side {
        Side::House => ("this house", "用户家中"),
        Side::Line => ("the line", "线路"),
        Side::Provider => ("the provider", "运营商"),
        Side::Unknown | Side::Other(_) => ("not known", "无法判断"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_a_sentence_for_every_side_in_both_languages() {
        for cause in Cause::KNOWN.iter().chain(&[Cause::Other("new".to_owned())]) {
            for side in Side::KNOWN {
                let english = why(cause, side, Language::English);
                assert!(english.is_ascii() && english.ends_with('.'), "{cause} {side}: {english}");
                let chinese = why(cause, side, Language::Chinese);
                assert!(chinese.ends_with('。'), "{cause} {side}: {chinese}");
                assert!(!chinese.contains([',', ';', '.']), "{cause} {side}: {chinese}");
            }
        }
    }

    #[test]
    fn nobody_is_accused_beyond_the_side() {
        for cause in Cause::KNOWN {
            for accused in [Side::House, Side::Line, Side::Unknown] {
                let text = why(cause, &accused, Language::English);
                let accuses = text.starts_with("The provider");
                assert!(!accuses, "{cause} {accused}: {text}");
            }
        }
    }
}
