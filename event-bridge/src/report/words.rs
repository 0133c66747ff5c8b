//! The texts of the report without numbers, in English and in simplified Chinese; those with
//! numbers are in `sentences`, causes and sides in `history::words`, the evidence in `evidence`.

use crate::history::outage::Side;
use crate::history::words::Language;

/// In the order of the page.
#[derive(Debug)]
pub(crate) struct Texts {
    /// For the attribute of the page.
    pub(crate) tag: &'static str,
    pub(crate) title: &'static str,
    pub(crate) router: &'static str,
    pub(crate) period: &'static str,
    pub(crate) zone: &'static str,
    pub(crate) made: &'static str,
    pub(crate) other_language: &'static str,
    pub(crate) previous: &'static str,
    pub(crate) next: &'static str,
    pub(crate) print_hint: &'static str,
    pub(crate) not_over: &'static str,
    pub(crate) nothing: &'static str,
    pub(crate) availability: &'static str,
    pub(crate) outages: &'static str,
    pub(crate) outage_time: &'static str,
    pub(crate) longest: &'static str,
    pub(crate) observed: &'static str,
    pub(crate) no_value: &'static str,
    pub(crate) two_ways: &'static str,
    pub(crate) counted: &'static str,
    pub(crate) all: &'static str,
    pub(crate) others: &'static str,
    pub(crate) formula: &'static str,
    pub(crate) others_explained: &'static str,
    pub(crate) by_side: &'static str,
    pub(crate) side: &'static str,
    pub(crate) list: &'static str,
    pub(crate) no_outage: &'static str,
    pub(crate) house_list: &'static str,
    pub(crate) house_explained: &'static str,
    pub(crate) no_house: &'static str,
    pub(crate) start: &'static str,
    pub(crate) end: &'static str,
    pub(crate) duration: &'static str,
    pub(crate) cause: &'static str,
    pub(crate) ongoing: &'static str,
    pub(crate) assumed: &'static str,
    pub(crate) coarse: &'static str,
    pub(crate) begun_before: &'static str,
    pub(crate) ended_after: &'static str,
    pub(crate) ten_minutes: &'static str,
    pub(crate) light: &'static str,
    pub(crate) rtt: &'static str,
    pub(crate) loss: &'static str,
    pub(crate) readings_gone: &'static str,
    pub(crate) by_hour: &'static str,
    pub(crate) gaps: &'static str,
    pub(crate) no_gaps: &'static str,
    pub(crate) gap_time: &'static str,
    pub(crate) from: &'static str,
    pub(crate) until: &'static str,
    pub(crate) method: &'static str,
    pub(crate) method_notes: &'static [&'static str],
    pub(crate) marks: &'static str,
    pub(crate) marks_explained: &'static [(&'static str, &'static str)],
    pub(crate) legend: &'static str,
}

/// Those of a language.
pub(crate) fn texts(language: Language) -> &'static Texts {
    match language {
        Language::English => &ENGLISH,
        Language::Chinese => &CHINESE,
    }
}

const ENGLISH: Texts = Texts {
    tag: "en",
    title: "Internet outages",
    router: "Router",
    period: "Period",
    zone: "Time zone",
    made: "Made",
    other_language: "中文",
    previous: "Month before",
    next: "Month after",
    print_hint: "To hand this in, print it or save it as PDF: it is laid out for A4.",
    not_over: "The month is not over: this is what is known so far.",
    nothing: "Nothing was recorded of this router in this month, so nothing can be said about \
              its line: no outage was told, and nobody watched.",
    availability: "Availability",
    outages: "Outages",
    outage_time: "Outage time",
    longest: "Longest outage",
    observed: "Time watched",
    no_value: "not known",
    two_ways: "Availability, counted in two ways",
    counted: "Counted",
    all: "All outages",
    others: "Without faults of this house",
    formula: "Availability = 1 − outage time ÷ time watched. It is cut after the third digit, \
              never rounded up. Times that nobody watched are in neither of the two: they are \
              not counted as outages, and not as availability.",
    others_explained: "In the second line the house's own faults are left out altogether: their \
                       time is neither outage time nor time watched.",
    by_side: "By side",
    side: "Side",
    list: "Outages of the line, of the provider, and unexplained ones",
    no_outage: "None in this month.",
    house_list: "Faults of this house",
    house_explained: "The router, its power, its WAN cable, the modem or optical terminal, and \
                      what was done on the router itself. They are nobody's fault but the \
                      house's, and are listed so that the count is complete.",
    no_house: "None in this month.",
    start: "Start",
    end: "End",
    duration: "Duration",
    cause: "What happened",
    ongoing: "still going on",
    assumed: "end assumed",
    coarse: "coarse",
    begun_before: "began before the month",
    ended_after: "went on after the month",
    ten_minutes: "10 min before → 10 min after",
    light: "received light",
    rtt: "latency",
    loss: "loss",
    readings_gone: "The readings before and after it are no longer kept.",
    by_hour: "By hour of the day",
    gaps: "Times that nobody watched",
    no_gaps: "None: the line was watched for the whole period.",
    gap_time: "Not watched",
    from: "From",
    until: "Until",
    method: "How this was measured",
    method_notes: &[
        "The router itself pings several targets on the internet, usually every second. It is an \
         outage when all of them, in at least two networks, have been silent for 3 seconds (or \
         three intervals, if that is longer), or when all are silent and the WAN interface is \
         down. Where all targets are in one network it takes 5 seconds and a second witness that \
         fails with them (next hop, resolvers, session, link); where no target ever answers, the \
         WAN interface alone tells. Shorter silences are not counted.",
        "An outage begins when the first unanswered request was sent, and ends with the first \
         answer of a run that lasts 5 seconds.",
        "Several drops at most three minutes apart are one outage. Its duration is that of the \
         drops; the pauses in which the internet worked are not in it. Cause and side are those \
         of its longest drop.",
        "A time counts as watched when the bridge, a program in the house, had answers of the \
         router at most ten minutes apart, or when the router recorded an outage in it. When \
         the program did not run or the router could not be reached, nobody watched: that is a \
         gap and no outage.",
        "An outage that reaches beyond the month is shown whole, and counted only as far as it \
         lies in the month.",
        "Start and end are exact to one ping interval. Local times are those of the time zone \
         above, also where the clock is changed within the month; UTC is given with each.",
        "Latency and loss are means over all ping targets, received light is what the router's \
         optical module measures; each over ten minutes before the outage, and over ten minutes \
         from one minute after its end.",
        "Cause and side are named by the first layer that failed, and a side only where the \
         evidence leaves no other.",
    ],
    marks: "Marks",
    marks_explained: &[
        ("still going on", "the outage had not ended when the report was made"),
        (
            "end assumed",
            "nobody told the end: the router started anew, a new drop began, or it was not \
             heard of any more. The time given is the latest possible, or that of its last answer",
        ),
        (
            "coarse",
            "concluded from a log and from polls of an older agent: begin and end may be off by \
             as much as the time between two polls",
        ),
        ("began before / went on after the month", "only the part within the month is counted"),
    ],
    legend: "Sides",
};

const CHINESE: Texts = Texts {
    tag: "zh-Hans",
    title: "网络中断报告",
    router: "路由器",
    period: "统计时段",
    zone: "时区",
    made: "生成时间",
    other_language: "English",
    previous: "上个月",
    next: "下个月",
    print_hint: "如需提交，可直接打印或另存为 PDF，版面按 A4 纸编排。",
    not_over: "本月尚未结束，以下为截至目前的情况。",
    nothing: "本月没有该路由器的任何记录：既没有中断记录，也没有进行监测，因此无法对线路情况作出\
              任何判断。",
    availability: "可用率",
    outages: "中断次数",
    outage_time: "中断总时长",
    longest: "最长一次",
    observed: "监测时长",
    no_value: "无法计算",
    two_ways: "可用率：两种统计口径",
    counted: "统计范围",
    all: "全部中断",
    others: "不含用户家中原因",
    formula: "可用率 = 1 − 中断时长 ÷ 监测时长，小数点后第三位以下直接舍去，不向上取整。未监测的时段\
              不计入中断时长，也不计入监测时长。",
    others_explained: "第二行完全剔除用户家中原因造成的中断：这部分时间既不算中断时长，也不算监测时长。",
    by_side: "按责任方统计",
    side: "责任方",
    list: "线路、运营商及原因不明的中断",
    no_outage: "本月没有。",
    house_list: "用户家中原因造成的中断",
    house_explained: "包括路由器及其电源、WAN 口网线、光猫（调制解调器），以及在路由器上进行的操作。\
                      这些中断属于用户自身原因，在此列出以保证统计完整。",
    no_house: "本月没有。",
    start: "开始",
    end: "结束",
    duration: "时长",
    cause: "情况说明",
    ongoing: "仍在持续",
    assumed: "结束时间为推定",
    coarse: "粗略",
    begun_before: "开始于本月之前",
    ended_after: "持续到本月之后",
    ten_minutes: "中断前 10 分钟 → 中断后 10 分钟",
    light: "接收光功率",
    rtt: "延迟",
    loss: "丢包率",
    readings_gone: "中断前后的测量数据已超过保存期限。",
    by_hour: "按一天中的时段统计",
    gaps: "未监测的时段",
    no_gaps: "没有，整个统计时段均在监测之中。",
    gap_time: "未监测时长",
    from: "从",
    until: "到",
    method: "测量与统计方法",
    method_notes: &[
        "由路由器自身向互联网上的多个目标发送 ping，通常每秒一次。分布在至少两个网络中的所有目标连续 \
         3 秒（若三个发送间隔更长，则按三个间隔）无应答，或所有目标无应答且 WAN 接口已断开，即记为\
         中断。若所有目标都在同一网络，则须连续 5 秒无应答，且有另一项证据（下一跳、DNS 服务器、拨号\
         会话或物理链路）同时失效；若目标从不应答，则只以 WAN 接口状态为准。更短的无应答不计。",
        "中断从第一个未获应答的请求发出时开始，到恢复应答并至少保持 5 秒时结束，以恢复后的第一个应答\
         为准。",
        "相隔不超过三分钟的多次断线合并为一次中断，时长为各次断线时长之和，其间网络正常的时间不计在内。\
         原因和责任方以其中最长的一次断线为准。",
        "家中的监测程序（bridge）每隔不超过十分钟就收到路由器应答的时段，以及路由器自身记录到中断的\
         时段，均视为已监测。程序未运行或无法连接路由器的时段视为未监测，不算中断。",
        "跨越月初或月末的中断按完整起止时间列出，但只统计落在本月内的部分。",
        "起止时间的精度为一个 ping 间隔。当地时间以上述时区为准，月内调整夏令时时亦然，每次中断均同时\
         给出 UTC 时间。",
        "延迟和丢包率为全部 ping 目标的平均值，接收光功率由路由器的光模块测得；分别取中断前十分钟，以及\
         中断结束一分钟后起十分钟的平均值。",
        "原因以最先失效的一层为准；只有在证据排除其他可能时，才认定责任方。",
    ],
    marks: "标记说明",
    marks_explained: &[
        ("仍在持续", "生成报告时中断尚未结束"),
        (
            "结束时间为推定",
            "没有收到结束记录：路由器重新启动、又发生新的断线，或此后再无路由器的消息。所列时间为可能的\
             最晚时间，或路由器最后一次应答的时间",
        ),
        ("粗略", "根据旧版程序的日志和轮询结果推断，起止时间的误差可达一个轮询间隔"),
        ("开始于本月之前 / 持续到本月之后", "只统计落在本月内的部分"),
    ],
    legend: "责任方说明",
};

/// What a side is, for the legend.
pub(crate) fn side_explained(side: &Side, language: Language) -> &'static str {
    let (english, chinese) = match side {
        Side::House => (
            "the router and what its WAN socket is plugged into: cable, modem or optical \
             terminal, and their power",
            "路由器及其 WAN 口所接的设备：网线、光猫（调制解调器）及其电源",
        ),
        Side::Line => (
            "the cable or fibre from there to the provider's equipment",
            "从上述设备到运营商设备之间的线缆或光纤",
        ),
        Side::Provider => {
            ("the provider's equipment and what is behind it", "运营商的设备及其后的网络")
        }
        Side::Unknown | Side::Other(_) => {
            ("the evidence leaves more than one of them open", "现有证据不足以在以上各方中作出判断")
        }
    };
    match language {
        Language::English => english,
        Language::Chinese => chinese,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_is_written_with_its_own_marks() {
        let of = |texts: &Texts| format!("{texts:?}");
        let chinese = of(&CHINESE);
        let is_han = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
        let chars: Vec<char> = chinese.chars().collect();
        for three in chars.windows(3) {
            let is_plain = [',', ';', ':', '(', ')', '?'].contains(&three[1]);
            assert!(!(is_plain && is_han(three[0]) && is_han(three[2])), "{three:?}");
            // A line that was broken in the source must not leave a space.
            assert!(!(three[1] == ' ' && is_han(three[0]) && is_han(three[2])), "{three:?}");
        }
        let count = |texts: &Texts| (texts.method_notes.len(), texts.marks_explained.len());
        assert_eq!(count(&ENGLISH), count(&CHINESE));
    }
}
