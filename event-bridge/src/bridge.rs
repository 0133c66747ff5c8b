//! The running program: how store, pollers and answers hang together.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::api::{self, Views};
use crate::clock;
use crate::config::Config;
use crate::keeper::{ClockWitness, Keeper};
use crate::metrics::Metrics;
use crate::own_process;
use crate::record::Millis;
use crate::routers::client::{Client, Timeouts};
use crate::routers::fleet::Fleet;
use crate::routers::poller::Services;
use crate::routers::watched::Routers;
use crate::serving;
use crate::store::{self, Store, StoreError};

/// A program that is well answers at once.
const HEALTH_PATIENCE: Duration = Duration::from_secs(3);

/// Polls and answers until a signal.
///
/// # Errors
/// When the database or the port cannot be opened, or a task ends by itself.
pub(crate) async fn run(config: Config, now: Millis) -> Result<()> {
    own_process::raise_file_limit();
    let (store, opened) = Store::open(&config.database, now)?;
    opened.notices.iter().for_each(|notice| info!("{notice}"));
    if let Some(damaged) = &opened.set_aside {
        warn!("the database was damaged; it is now {}", damaged.display());
    }
    let listener = TcpListener::bind(config.listen).await.with_context(|| {
        format!("cannot listen on {}; choose another port with --bridge-port", config.listen)
    })?;
    info!("listening on http://{}", listener.local_addr()?);

    let (metrics, client) = (Metrics::new(), Client::new(Timeouts::default(), clock::now)?);
    // Before anything is stored under the clock of now.
    let witness = ClockWitness::new(newest(&store).await);
    let (routers, zone) = (Routers::default(), jiff::tz::TimeZone::system());
    let services = Services {
        client: client.clone(),
        store: store.clone(),
        metrics: metrics.clone(),
        witness: witness.clone(),
    };
    let mut fleet = Fleet::new(routers.clone(), services);
    fleet.poll(config.routers.clone());
    let keeper = Keeper {
        store: store.clone(),
        metrics: metrics.clone(),
        witness,
        retention: config.retention,
        zone: zone.clone(),
    };
    let mut tasks = JoinSet::new();
    tasks.spawn(fleet.run(config.routers_file.clone()));
    tasks.spawn(async move { Ok(keeper.run().await) });
    let views = Views { config, routers, store: store.clone(), client, metrics, zone };
    let stop = CancellationToken::new();
    let serving = serving::serve(listener, api::router(Arc::new(views)), stop.clone());
    tokio::pin!(serving);
    tokio::select! {
        signal = stop_signal() => signal?,
        ended = serving.as_mut() => return ended.context("the program stopped answering"),
        Some(ended) = tasks.join_next() => match ended.context("a part failed")?? {},
    }
    info!("stopping");
    stop.cancel();
    tasks.shutdown().await;
    serving.await?;
    store.close().await;
    Ok(())
}

/// The newest sample; a disk that cannot be read now says nothing against the clock.
async fn newest(store: &Store) -> Option<Millis> {
    store.extent().await.ok()?.newest
}

async fn stop_signal() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// Copies the database while it may be in use; says so.
///
/// # Errors
/// When either file cannot be used, or the copy is not good.
pub(crate) async fn backup(config: &Config, to: &Path) -> Result<String> {
    // Never makes or mends anything: a copy of nothing must not replace a good one.
    if config.database.file().is_none() {
        let database = config.database.clone();
        return Err(StoreError::OnlyFiles { doing: "backup", database }.into());
    }
    let report = store::check(&config.database)?;
    anyhow::ensure!(report.is_good(), "the database is damaged and was not copied; see check");
    let (store, _) = Store::open(&config.database, clock::now())?;
    store.backup(to).await?;
    Ok(format!("{} is a copy of {}\n", to.display(), config.database))
}

/// Asks the running program whether it is well.
///
/// # Errors
/// When it is not, or does not answer.
pub(crate) async fn healthcheck(config: &Config) -> Result<()> {
    let mut address = config.listen;
    if address.ip().is_unspecified() {
        let local: std::net::IpAddr = match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        };
        address.set_ip(local);
    }
    let asked = async {
        let mut stream = TcpStream::connect(address).await?;
        let request = "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.take(4096).read_to_string(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    let answer = timeout(HEALTH_PATIENCE, asked)
        .await
        .with_context(|| format!("{address} does not answer in time"))?
        .with_context(|| format!("{address} does not answer"))?;
    let first = answer.lines().next().unwrap_or_default();
    anyhow::ensure!(
        first.contains(" 200 "),
        "not well: {}",
        answer.lines().last().unwrap_or(first)
    );
    Ok(())
}
