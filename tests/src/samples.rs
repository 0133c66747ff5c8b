//! What a scrape says: its samples, counted and summed. Pure.

/// Lines that carry a value.
#[must_use]
pub fn count(scrape: &str) -> usize {
    scrape.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count()
}

/// Sum over all series called `name`; `None` when there is none.
#[must_use]
pub fn sum(scrape: &str, name: &str) -> Option<f64> {
    let value = |line: &str| {
        let rest = line.strip_prefix(name)?;
        if rest.starts_with(['{', ' ']) {
            rest.rsplit_once(' ')?.1.parse::<f64>().ok()
        } else {
            None
        }
    };
    scrape.lines().filter_map(value).fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRAPE: &str = "# HELP a_total A\n# TYPE a_total counter\na_total{x=\"1 2\"} 3\n\
                          a_total{x=\"2\"} 4.5\na_total_more 100\nb 7\n# EOF\n";

    #[test]
    fn headers_are_no_samples() {
        assert_eq!(count(SCRAPE), 4);
    }

    #[test]
    fn series_of_a_name_are_added() {
        assert_eq!(sum(SCRAPE, "a_total"), Some(7.5));
        assert_eq!(sum(SCRAPE, "b"), Some(7.0));
        assert_eq!(sum(SCRAPE, "a"), None);
    }
}
