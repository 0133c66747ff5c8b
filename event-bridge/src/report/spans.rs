//! Sets of times: what they cover together, what is left of them. Pure.

use std::ops::Range;

use crate::record::Millis;

/// A time.
pub(crate) type Span = Range<Millis>;

/// The same time, by time, apart from each other, within `bounds`.
pub(crate) fn union(spans: impl IntoIterator<Item = Span>, bounds: &Span) -> Vec<Span> {
    let cut = |span: Span| span.start.max(bounds.start)..span.end.min(bounds.end);
    let mut spans: Vec<Span> = spans.into_iter().map(cut).filter(|span| !span.is_empty()).collect();
    spans.sort_by_key(|span| span.start);
    let mut apart: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match apart.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => apart.push(span),
        }
    }
    apart
}

/// What is in the first and not in the second; both as [`union`] gives them.
pub(crate) fn without(spans: &[Span], holes: &[Span]) -> Vec<Span> {
    let mut left = Vec::new();
    let mut holes = holes.iter().peekable();
    for span in spans {
        let mut from = span.start;
        while let Some(hole) = holes.peek().filter(|hole| hole.start < span.end) {
            if hole.start > from {
                left.push(from..hole.start);
            }
            from = from.max(hole.end);
            if hole.end > span.end {
                break; // it may reach into the next one
            }
            holes.next();
        }
        if from < span.end {
            left.push(from..span.end);
        }
    }
    left
}

/// How long they are together; they are apart.
pub(crate) fn length(spans: &[Span]) -> Millis {
    spans.iter().map(|span| span.end - span.start).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spans() -> impl Strategy<Value = Vec<Span>> {
        prop::collection::vec((0_i64..200, 0_i64..40).prop_map(|(at, long)| at..at + long), 0..12)
    }

    proptest! {
        #[test]
        fn every_moment_is_where_it_belongs(first in spans(), second in spans()) {
            let bounds = 20..180;
            let (a, b) = (union(first.clone(), &bounds), union(second.clone(), &bounds));
            let left = without(&a, &b);
            let has = |spans: &[Span], at: &Millis| spans.iter().any(|span| span.contains(at));
            for at in 0..250 {
                let is_within = bounds.contains(&at);
                prop_assert_eq!(has(&a, &at), is_within && has(&first, &at));
                prop_assert_eq!(has(&left, &at), has(&a, &at) && !has(&b, &at));
            }
            for spans in [&a, &left] {
                prop_assert!(spans.windows(2).all(|pair| pair[0].end < pair[1].start));
                prop_assert!(spans.iter().all(|span| span.start < span.end));
                let moments = (0..250).filter(|at| has(spans, at)).count();
                prop_assert_eq!(length(spans), moments as Millis);
            }
        }
    }
}
