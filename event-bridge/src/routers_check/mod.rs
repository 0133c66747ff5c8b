//! `check-routers`: asks each router once, as the program that runs would, and says what is
//! wrong and what to do about it. Opens no database and no port; the words are in `finding`.

mod finding;

use std::io::{self, Write};
use std::time::Duration;

use futures_util::{StreamExt, stream};

use self::finding::{Agent, Answered, Finding, ahead};
use crate::record::{Cursor, Millis};
use crate::routers::Router;
use crate::routers::client::{Client, EventsFetch, FetchError, shown_url};
use crate::routers::zone::parse_seconds;

/// Each needs a socket, of which a process usually may have 1024.
const AT_ONCE: usize = 256;

/// Writes a finding for each router, in their order; gives how many are not well.
///
/// # Errors
/// When nothing can be written.
pub(crate) async fn run(
    routers: &[Router],
    client: &Client,
    clock: fn() -> Millis,
    out: &mut impl Write,
) -> io::Result<usize> {
    let asked = stream::iter(routers).map(|router| async move {
        Finding { router: &router.name, outcome: ask(router, client, clock).await }
    });
    let mut findings = asked.buffered(AT_ONCE);
    let mut not_well = 0;
    while let Some(finding) = findings.next().await {
        not_well += usize::from(finding.outcome.is_err());
        writeln!(out, "{finding}")?;
    }
    Ok(not_well)
}

async fn ask(
    router: &Router,
    client: &Client,
    clock: fn() -> Millis,
) -> Result<Answered, FetchError> {
    let status = client.fetch_status(router).await?;
    // Its last event is enough: what counts is that it answers, and what time it has.
    let cursor = status.queue.as_ref().map(|queue| Cursor {
        stream: queue.stream.clone(),
        after: queue.next_seq.saturating_sub(1),
        revision: queue.revision,
    });
    let asked = clock();
    let fetched = client.fetch_events(router, cursor.as_ref(), Duration::ZERO).await?;
    let answered = clock();
    let (agent, is_whole) = match fetched {
        EventsFetch::NotThere => (Agent::WithoutEvents, true),
        EventsFetch::Answer(answer) => {
            let next = answer.batch.next_seq;
            let time = answer.time.filter(|_| answer.time_synced == Some(true));
            let agent = Agent::WithEvents {
                queued: next.saturating_sub(answer.oldest_seq.unwrap_or(next)),
                ahead: time.and_then(parse_seconds).map(|time| ahead(time, asked, answered)),
            };
            (agent, answer.skipped == 0 && !answer.is_cut)
        }
    };
    Ok(Answered {
        url: shown_url(router)?,
        wan_state: status.sample.wan_state,
        agent,
        is_whole: is_whole && status.skipped == 0 && !status.is_cut,
    })
}
