//! The evidence of a drop in words. Its keys and the form of its values are those of the event
//! `outage_end` (docs/outages.md); a value in another form is shown as it came. Pure.

use serde_json::Value;

use crate::history::words::Language;

/// Of a value that is not in a form that is known here.
const LONGEST_VALUE: usize = 160;

/// Keys, in the order in which they are shown. Light is put together.
const LABELS: [(&str, &str, &str); 9] = [
    ("signs", "Logs", "日志"),
    ("carrier", "Carrier", "物理链路"),
    ("wan_down", "Interface down", "接口断开"),
    ("gateway", "Next hop", "下一跳"),
    ("lcp_echo", "LCP echo", "LCP 心跳"),
    ("dns", "Resolvers", "DNS 服务器"),
    ("unseen_seconds", "Not watched", "其间未监测"),
    ("restarted", "Router started anew within", "其间路由器重启"),
    ("crash", "Kernel crash", "内核崩溃"),
];

/// As the exporter names them (exporter/src/outages/sign.rs).
const SIGNS: [(&str, &str, &str); 26] = [
    ("carrier_lost", "carrier lost", "链路断开"),
    ("carrier_counted", "carrier lost (counter)", "链路断开（计数器）"),
    ("no_link", "no link", "接口无链路"),
    ("module_removed", "module pulled", "光模块被拔出"),
    ("dsl_down", "DSL out of sync", "DSL 失去同步"),
    ("sending_stuck", "device stopped sending", "网卡停止发送"),
    ("hangup", "session hung up", "会话挂断"),
    ("ended_by_provider", "session ended by the provider", "运营商断开会话"),
    ("ended_here", "session ended by this router", "路由器断开会话"),
    ("echo_timeout", "LCP echoes unanswered", "LCP 心跳无应答"),
    ("session_over", "session over", "会话结束"),
    ("no_access_server", "no answer to the dial (PADO)", "拨号无应答（PADO）"),
    ("no_session", "no session given (PADS)", "未获得会话（PADS）"),
    ("session_refused", "session refused", "会话被拒绝"),
    ("password_refused", "user name or password refused", "用户名或密码被拒绝"),
    ("no_agreement", "no agreement on the session", "会话协商失败"),
    ("lease_lost", "address lease lost", "地址租约失效"),
    ("lease_refused", "address lease refused", "地址租约被拒绝"),
    ("no_lease", "no address lease", "未获得地址"),
    ("wan_down", "interface down", "接口断开"),
    ("wan_lost", "session or lease ended", "会话或租约结束"),
    ("disabled", "interface disabled", "接口被禁用"),
    ("switched_off", "interface switched off", "接口被关闭"),
    ("device_off", "device switched off", "网卡被关闭"),
    ("scheduled", "scheduled command", "定时任务"),
    ("watchdog", "watchdog", "看门狗"),
];

/// A fact and what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fact {
    pub(crate) label: &'static str,
    pub(crate) text: String,
}

/// What speaks for the cause of a drop.
pub(crate) fn facts(evidence: Option<&Value>, language: Language) -> Vec<Fact> {
    let value = |key: &str| evidence?.get(key)?.as_str().filter(|text| !text.is_empty());
    let mut facts: Vec<Fact> = LABELS
        .iter()
        .filter_map(|(key, english, chinese)| {
            let label = pick(language, english, chinese);
            Some(Fact { label, text: text(key, value(key)?, language) })
        })
        .filter(|fact| !fact.text.is_empty())
        .collect();
    let times = [
        ("light_before", "before", "中断前"),
        ("light_within", "during", "中断中"),
        ("light_after", "after", "中断后"),
    ];
    let light: Vec<String> = times
        .iter()
        .filter_map(|(key, english, chinese)| {
            Some(format!("{} {}", pick(language, english, chinese), light(value(key)?, language)))
        })
        .collect();
    if !light.is_empty() {
        let label = pick(language, "Received light", "接收光功率");
        facts.push(Fact { label, text: light.join(pick(language, ", ", "，")) });
    }
    facts
}

fn pick<'a>(language: Language, english: &'a str, chinese: &'a str) -> &'a str {
    match language {
        Language::English => english,
        Language::Chinese => chinese,
    }
}

fn text(key: &str, value: &str, language: Language) -> String {
    let known = match key {
        "signs" => signs(value, language),
        "carrier" => carrier(value, language),
        "gateway" | "lcp_echo" | "dns" => witness(value, language),
        "wan_down" => offset(value, language),
        "unseen_seconds" => return unseen(value, language),
        "restarted" => (value == "yes").then(|| pick(language, "yes", "是").to_owned()),
        "crash" => Some(
            pick(language, "the kernel has left a record of one", "内核留有崩溃记录").to_owned(),
        ),
        _ => None,
    };
    known.unwrap_or_else(|| as_it_came(value))
}

fn as_it_came(value: &str) -> String {
    let mut text: String = value.chars().take(LONGEST_VALUE).collect();
    if text.len() < value.len() {
        text.push('…');
    }
    text
}

/// `carrier_lost +0.0 s, wan_down +0.2 s, …`
fn signs(value: &str, language: Language) -> Option<String> {
    let sign = |part: &str| {
        if part == "…" {
            return Some(part.to_owned());
        }
        let (name, at) = part.split_once(' ')?;
        let known = SIGNS.iter().find(|(sign, ..)| *sign == name);
        let words = known.map_or(name, |(_, english, chinese)| pick(language, english, chinese));
        Some(format!("{words} {}", offset(at, language)?))
    };
    let signs: Option<Vec<String>> = value.split(", ").map(sign).collect();
    Some(signs?.join(pick(language, ", ", "，")))
}

/// `kept`, `lost +0.1 s`
fn carrier(value: &str, language: Language) -> Option<String> {
    match value.split_once(' ') {
        None if value == "kept" => Some(pick(language, "kept", "保持连接").to_owned()),
        Some(("lost", at)) => {
            Some(format!("{} {}", pick(language, "lost", "断开"), offset(at, language)?))
        }
        _ => None,
    }
}

/// `answered 3 of 10, silent +0.1 s`
fn witness(value: &str, language: Language) -> Option<String> {
    let (answers, silent) = match value.split_once(", silent ") {
        Some((answers, at)) => (answers, Some(offset(at, language)?)),
        None => (value, None),
    };
    let (answered, asked) = answers.strip_prefix("answered ")?.split_once(" of ")?;
    let (answered, asked): (u64, u64) = (answered.parse().ok()?, asked.parse().ok()?);
    Some(match (language, silent) {
        (Language::English, None) => format!("answered {answered} of {asked}"),
        (Language::English, Some(at)) => format!("answered {answered} of {asked}, silent {at}"),
        (Language::Chinese, None) => format!("{asked} 次请求应答 {answered} 次"),
        (Language::Chinese, Some(at)) => {
            format!("{asked} 次请求应答 {answered} 次，{at}起无应答")
        }
    })
}

/// `+5.6 s`
fn offset(value: &str, language: Language) -> Option<String> {
    let number = value.strip_suffix(" s")?;
    let seconds: f64 = number.parse().ok()?;
    let sign = if number.starts_with('-') { '−' } else { '+' };
    Some(format!("{sign}{:.1}\u{a0}{}", seconds.abs(), pick(language, "s", "秒")))
}

fn unseen(value: &str, language: Language) -> String {
    match value.parse::<f64>() {
        Ok(seconds) if (0.05..1e9).contains(&seconds) => {
            super::figures::duration((seconds * 1000.0) as i64, language)
        }
        Ok(_) => String::new(),
        Err(_) => as_it_came(value),
    }
}

/// `none`, `there`, `-19.87 dBm`
fn light(value: &str, language: Language) -> String {
    match value {
        "none" => pick(language, "none", "无光").to_owned(),
        "there" => pick(language, "there", "有光").to_owned(),
        _ => match value.strip_suffix(" dBm").and_then(|dbm| dbm.parse::<f64>().ok()) {
            Some(dbm) => format!("{:.2}\u{a0}dBm", dbm).replace('-', "−"),
            None => as_it_came(value),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(evidence: Value, language: Language, expected: &[&str]) {
        let found: Vec<String> = facts(Some(&evidence), language)
            .into_iter()
            .map(|fact| format!("{}: {}", fact.label, fact.text).replace('\u{a0}', " "))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_words_of_the_exporter_are_understood() {
        let all = || {
            json!({
                "outage": "a-1", "cause": "optical_signal", "duration_seconds": "31.000",
                "signs": "carrier_lost +0.1 s, session_over -0.4 s, …", "carrier": "lost +0.1 s",
                "gateway": "answered 1 of 10, silent +1.0 s", "dns": "answered 3 of 3",
                "wan_down": "+5.6 s", "unseen_seconds": "12.000",
                "light_before": "-19.87 dBm", "light_within": "none", "light_after": "there",
            })
        };
        check(
            all(),
            Language::English,
            &[
                "Logs: carrier lost +0.1 s, session over −0.4 s, …",
                "Carrier: lost +0.1 s",
                "Interface down: +5.6 s",
                "Next hop: answered 1 of 10, silent +1.0 s",
                "Resolvers: answered 3 of 3",
                "Not watched: 12.0 s",
                "Received light: before −19.87 dBm, during none, after there",
            ],
        );
        check(
            all(),
            Language::Chinese,
            &[
                "日志: 链路断开 +0.1 秒，会话结束 −0.4 秒，…",
                "物理链路: 断开 +0.1 秒",
                "接口断开: +5.6 秒",
                "下一跳: 10 次请求应答 1 次，+1.0 秒起无应答",
                "DNS 服务器: 3 次请求应答 3 次",
                "其间未监测: 12.0 秒",
                "接收光功率: 中断前 −19.87 dBm，中断中 无光，中断后 有光",
            ],
        );
    }

    #[test]
    fn what_a_later_version_says_is_shown_as_it_came() {
        check(
            json!({
                "carrier": "half", "signs": "sun_burst +0.1 s", "gateway": "answered x of y",
                "light_within": "dim", "unseen_seconds": "0.000", "more": "things", "dns": 7,
            }),
            Language::English,
            &[
                "Logs: sun_burst +0.1 s",
                "Carrier: half",
                "Next hop: answered x of y",
                "Received light: during dim",
            ],
        );
        let long = facts(Some(&json!({ "carrier": "光".repeat(1000) })), Language::English);
        assert_eq!(long[0].text.chars().count(), LONGEST_VALUE + 1);
        assert_eq!(facts(None, Language::English), []);
    }
}
