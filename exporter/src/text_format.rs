//! From OpenMetrics 1.0 to the older text format 0.0.4. Pure.
//!
//! prometheus-client writes OpenMetrics only; many tools, and people with curl, read the
//! older one. The lines are nearly the same: a counter's header carries the name of its
//! sample (with `_total`), and there is no end mark.

/// `text` as format 0.0.4.
pub(crate) fn from_open_metrics(text: &str) -> String {
    let mut older = String::with_capacity(text.len());
    let mut help: Option<&str> = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = Some(rest);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap_or((rest, "untyped"));
            let suffix = if kind == "counter" { "_total" } else { "" };
            let words = help.take().and_then(|help| help.split_once(' '));
            if let Some((_, words)) = words {
                older.extend(["# HELP ", name, suffix, " ", words, "\n"]);
            }
            older.extend(["# TYPE ", name, suffix, " ", kind, "\n"]);
        } else if !line.starts_with('#') {
            older.extend([line, "\n"]);
        }
    }
    older
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn headers_of_counters_get_the_name_of_their_sample() {
        let text = "# HELP a_drops Drops so far\n# TYPE a_drops counter\na_drops_total{x=\"# HELP\"} 3\n\
                    # HELP b A b\n# TYPE b gauge\nb 1.5\n# EOF\n";
        assert_eq!(
            from_open_metrics(text),
            "# HELP a_drops_total Drops so far\n# TYPE a_drops_total counter\n\
             a_drops_total{x=\"# HELP\"} 3\n# HELP b A b\n# TYPE b gauge\nb 1.5\n"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_turned_and_samples_are_kept(text in "(# (HELP|TYPE) |[a-z_]{1,5}|[ 0-9\n]){0,40}") {
            let samples = |text: &str| text.lines().filter(|line| !line.starts_with('#')).count();
            prop_assert_eq!(samples(&from_open_metrics(&text)), samples(&text));
        }
    }
}
