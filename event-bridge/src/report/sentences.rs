//! The texts of the report that have numbers in them, in both languages. Numbers come as text
//! (`figures`).

use super::month::Month;
use crate::history::words::Language;

/// `November 2026`
pub(crate) fn month(month: Month, language: Language) -> String {
    const NAMES: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let (year, number) = (month.year(), month.number());
    match language {
        Language::English => {
            let name = usize::try_from(number - 1).ok().and_then(|at| NAMES.get(at));
            format!("{} {year}", name.copied().unwrap_or_default())
        }
        Language::Chinese => format!("{year} 年 {number} 月"),
    }
}

/// That the figures stand for a part of the period only.
pub(crate) fn barely_watched(percent: &str, language: Language) -> String {
    match language {
        Language::English => format!(
            "Only {percent} of the period was watched. The figures stand for that time; they say \
             nothing about the rest."
        ),
        Language::Chinese => format!(
            "统计时段中仅有 {percent} 处于监测之中。以下数字只代表这部分时间，不能说明其余时间的情况。"
        ),
    }
}

/// Of the outages, those of the house.
pub(crate) fn of_house(count: usize, language: Language) -> String {
    match (language, count) {
        (Language::English, 0) => "none of them of this house".to_owned(),
        (Language::English, count) => format!("{count} of them of this house"),
        (Language::Chinese, 0) => "均非用户家中原因".to_owned(),
        (Language::Chinese, count) => format!("其中用户家中原因 {count} 次"),
    }
}

/// The second figure of availability.
pub(crate) fn without_house(percent: &str, language: Language) -> String {
    match language {
        Language::English => format!("{percent} without faults of this house"),
        Language::Chinese => format!("不含用户家中原因：{percent}"),
    }
}

/// How much of the period was watched.
pub(crate) fn of_period(percent: &str, language: Language) -> String {
    match language {
        Language::English => format!("{percent} of the period"),
        Language::Chinese => format!("占统计时段的 {percent}"),
    }
}

/// That it reaches beyond the month: its whole length.
pub(crate) fn whole(duration: &str, language: Language) -> String {
    match language {
        Language::English => format!("of {duration} in all"),
        Language::Chinese => format!("全程 {duration}"),
    }
}

/// An outage of several drops.
pub(crate) fn drops(count: usize, language: Language) -> String {
    match language {
        Language::English => format!("{count} drops"),
        Language::Chinese => format!("共 {count} 次断线"),
    }
}

/// What is not listed.
pub(crate) fn unlisted(count: usize, time: &str, language: Language) -> String {
    match language {
        Language::English => format!("and {count} shorter ones, {time} together"),
        Language::Chinese => format!("另有 {count} 次较短的未列出，合计 {time}"),
    }
}

/// The total of the times that nobody watched.
pub(crate) fn unwatched(time: &str, percent: &str, language: Language) -> String {
    match language {
        Language::English => format!(
            "Together {time}, {percent} of the period. The bridge did not run, or the router \
             could not be reached. These times are in none of the figures."
        ),
        Language::Chinese => format!(
            "合计 {time}，占统计时段的 {percent}。其间监测程序未运行，或无法连接路由器。\
             这些时间不计入任何统计数字。"
        ),
    }
}

/// A time of which only sums of hours are left.
pub(crate) fn within(time: &str, language: Language) -> String {
    match language {
        Language::English => format!("{time} within these hours"),
        Language::Chinese => format!("在这几个小时内共 {time}"),
    }
}

/// What the bars are.
pub(crate) fn by_hour(tallest: &str, language: Language) -> String {
    match language {
        Language::English => format!(
            "Outage time in each hour of the local clock, of all outages; the tallest bar is \
             {tallest}. Above each bar: how many outages began in that hour."
        ),
        Language::Chinese => format!(
            "全部中断在当地时间各小时内的时长，最高的一柱为 {tallest}。柱上数字为在该小时内开始的中断次数。"
        ),
    }
}

/// An hour of the day, for those who do not see the bars.
pub(crate) fn hour(hour: usize, count: usize, time: &str, language: Language) -> String {
    match language {
        Language::English => format!("{hour:02}:00: {time}, {count} began"),
        Language::Chinese => format!("{hour} 时：{time}，开始 {count} 次"),
    }
}
