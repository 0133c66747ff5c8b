//! From OpenMetrics, which prometheus-client writes, to the text format 0.0.4. Pure.
//!
//! The samples are the same; a counter's header has the name of its samples here, and
//! there is no end mark.

/// `text` as format 0.0.4.
pub(super) fn from_open_metrics(text: &str) -> String {
    let mut older = String::with_capacity(text.len());
    let mut help = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ').map(|(_, words)| words);
        } else if let Some((name, kind)) =
            line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' '))
        {
            let name = if kind == "counter" { format!("{name}_total") } else { name.to_owned() };
            let words = help.take().unwrap_or_default();
            older.push_str(&format!("# HELP {name} {words}\n# TYPE {name} {kind}\n"));
        } else if !line.starts_with('#') {
            older.push_str(line);
            older.push('\n');
        }
    }
    older
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_named_like_its_samples() {
        let text = "# HELP polls Polls so far.\n# TYPE polls counter\npolls_total{x=\"# TYPE\"} 3\n\
                    # HELP b_bytes Size.\n# TYPE b_bytes gauge\n# UNIT b_bytes bytes\nb_bytes 1.5\n\
                    # EOF\n";
        assert_eq!(
            from_open_metrics(text),
            "# HELP polls_total Polls so far.\n# TYPE polls_total counter\n\
             polls_total{x=\"# TYPE\"} 3\n# HELP b_bytes Size.\n# TYPE b_bytes gauge\nb_bytes 1.5\n"
        );
    }
}
