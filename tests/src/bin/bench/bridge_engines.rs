//! The same thousand routers with the history in a file and on servers, and the old client's
//! questions meanwhile.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use netmonitor_tests::clock;
use netmonitor_tests::cores::Cores;
use netmonitor_tests::database_server::{DatabaseServer, Engine};
use netmonitor_tests::figures::{ms, percentile, short};
use netmonitor_tests::fleet_load::{Fleet, FleetLoad};
use netmonitor_tests::goals::Goal;
use netmonitor_tests::http_client::Client;
use netmonitor_tests::running::Running;
use netmonitor_tests::table::Table;

use crate::bridge::megabytes;

const FLEET: Fleet = Fleet {
    routers: 1000,
    period: Duration::from_secs(10),
    waiting: 50,
    told: 1,
    length: Duration::from_secs(60),
};
/// Of each question.
const ANSWERS: usize = 200;
const ANSWER_BELOW_MS: f64 = 25.0;
const LATE_AT_MOST_MS: f64 = 1000.0;
const NONE: Goal = Goal::Exactly(0.0);

/// As the old client puts them: about one router of the thousand, and about all of them.
const QUESTIONS: [&str; 8] = [
    "/api/history?router=router-0500",
    "/api/ping_history?router=router-0500",
    "/api/events?router=router-0500",
    "/api/stats/summary?router=router-0500",
    "/api/history",
    "/api/ping_history",
    "/api/events",
    "/api/stats/summary",
];

/// Prints the figures.
pub(super) fn measure(binary: &Path, cores: Option<&Cores>) -> Result<()> {
    println!(
        "\nbridge, engines: {} routers, polled every {} s; {} events wait in each, then each tells \
         one as\n                 often; on a server the files are in RAM, and it runs on the \
         core of the routers.\n                 {ANSWERS} answers of a kind meanwhile; ratio: to \
         the file of the same run",
        FLEET.routers,
        FLEET.period.as_secs(),
        FLEET.waiting,
    );
    let mut compared = Vec::new();
    for engine in [None, Some(Engine::Postgres), Some(Engine::MariaDb)] {
        let name = engine.map_or("sqlite", Engine::name);
        let found = figures(engine, binary, cores).context(name)?;
        let mut table = Table::new([name, "found", "ratio", "goal", ""]);
        for (index, (figure, value, goal)) in found.iter().enumerate() {
            let of_file = compared.get(index).copied();
            let ratio = of_file.map(|file: f64| short(value / file)).unwrap_or_default();
            let [goal, verdict] = goal.cells(*value);
            table.push([figure.clone(), short(*value), ratio, goal, verdict]);
        }
        if compared.is_empty() {
            compared = found.into_iter().map(|(_, value, _)| value).collect();
        }
        print!("\n{table}");
    }
    Ok(())
}

fn figures(
    engine: Option<Engine>,
    binary: &Path,
    cores: Option<&Cores>,
) -> Result<Vec<(String, f64, Goal)>> {
    let server = engine.map(DatabaseServer::start).transpose()?;
    let mut answers = Vec::new();
    let load = FleetLoad::measure_on(server.as_ref(), FLEET, binary, cores, |bridge| {
        answers = QUESTIONS
            .iter()
            .map(|question| Ok((*question, answers_to(bridge, question)?)))
            .collect::<Result<Vec<_>>>()?;
        Ok(())
    })?;
    let late = |percent| percentile(&load.lateness, percent).map_or(f64::NAN, ms);
    let differences = load.differences;
    let wrong = differences.lost + differences.doubled + differences.invented;
    let row = |figure: &str, value: f64, goal: Goal| (figure.to_owned(), value, goal);
    let mut rows = vec![
        row("CPU of the bridge, % of a core", load.cpu * 100.0, Goal::None),
        row("resident memory, MB", megabytes(load.rss_kb), Goal::None),
        row("poll late, p99, ms", late(99), Goal::AtMost(LATE_AT_MOST_MS)),
        row("poll from asking to stored, mean, ms", ms(load.poll), Goal::None),
        row("events lost, doubled or invented", wrong as f64, NONE),
        row("waiting events stored after, s", load.caught_up_in.as_secs_f64(), Goal::None),
    ];
    for (question, times) in answers {
        let p95 = percentile(&times, 95).map_or(f64::NAN, ms);
        rows.push(row(&format!("{question} p95, ms"), p95, Goal::Below(ANSWER_BELOW_MS)));
    }
    if let Some(cpu) = load.server_cpu {
        rows.push(row("CPU of the server, % of a core", cpu * 100.0, Goal::None));
    }
    Ok(rows)
}

fn answers_to(bridge: &Running, question: &str) -> Result<Vec<Duration>> {
    let mut client = Client::connect(bridge.address)?;
    let mut times = Vec::new();
    for _ in 0..ANSWERS {
        let asked = clock::now();
        client.get(question)?;
        times.push(clock::now().saturating_duration_since(asked));
    }
    Ok(times)
}
