//! Everything that listens, put together: which sources there are on this device, and
//! the loop that writes what they tell.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tracing::{error, info, warn};

use super::event::{Moment, Told};
use super::intake::{self, Intake};
use super::kind::Kind;
use super::names::Names;
use super::queue::{Outcome, Queue, Settings, Snapshot};
use super::sources::{Health, KernelLog, LogFile, Logread, Source, Ubus, keep_open};
use crate::clock;
use crate::collectors::sensor::Latest;
use crate::collectors::wan::{self, PPPOE};
use crate::config::{Config, Live, LogSource};
use crate::roots::Roots;

/// Between two writes: under load, what comes meanwhile is written together.
const WRITE_GAP: Duration = Duration::from_millis(20);
/// Writing takes at most one part of the time in so many.
const WRITE_SHARE: u32 = 5;
const TICK: Duration = Duration::from_secs(1);
/// How far was read is written this often, if nothing else is, and what could not be
/// written is tried again.
const SETTLE_TICKS: u32 = 30;
/// The WAN's devices are asked for before the first line is read.
const FIRST_READING: Duration = Duration::from_secs(5);
const CHOOSE_AGAIN: Duration = Duration::from_secs(60);
/// Where syslog daemons write, where there is no log daemon.
const LOG_FILES: [&str; 2] = ["/var/log/messages", "/var/log/syslog"];
const KMSG: &str = "/dev/kmsg";

/// A source as chosen for this device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Chosen {
    Logread(PathBuf),
    File(PathBuf),
    Kmsg(PathBuf),
    Ubus(PathBuf),
}

/// Which sources are followed.
pub(crate) fn chosen(config: &Config, roots: &Roots) -> Vec<Chosen> {
    let logread = || roots.program("logread");
    let mut sources = Vec::new();
    for source in &config.log_sources {
        match source {
            LogSource::Auto => match logread() {
                // It carries the kernel's lines as well.
                Some(program) => sources.push(Chosen::Logread(program)),
                None => {
                    let file = LOG_FILES.into_iter().find(|file| roots.has(file));
                    sources.extend(file.map(|file| Chosen::File(roots.resolve(file))));
                    sources.push(Chosen::Kmsg(roots.resolve(KMSG)));
                }
            },
            LogSource::Logread => {
                let program = logread().unwrap_or_else(|| roots.resolve("/sbin/logread"));
                sources.push(Chosen::Logread(program));
            }
            LogSource::File(path) => {
                sources.push(Chosen::File(roots.resolve(&path.to_string_lossy())));
            }
            LogSource::Kmsg => sources.push(Chosen::Kmsg(roots.resolve(KMSG))),
            LogSource::None => {}
        }
    }
    if config.log_sources.iter().any(|source| *source != LogSource::None) {
        sources.extend(roots.program("ubus").map(Chosen::Ubus));
    }
    sources.retain(|chosen| !config.is_disabled(chosen.source().name()));
    // Two readers of one log would tell everything twice.
    let mut once: Vec<Chosen> = Vec::new();
    for chosen in sources {
        if !once.contains(&chosen) {
            once.push(chosen);
        }
    }
    once
}

impl Chosen {
    /// The program or file.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Logread(path) | Self::File(path) | Self::Kmsg(path) | Self::Ubus(path) => path,
        }
    }

    pub(crate) fn source(&self) -> Source {
        match self {
            Self::Logread(_) => Source::Logread,
            Self::File(_) => Source::File,
            Self::Kmsg(_) => Source::Kmsg,
            Self::Ubus(_) => Source::Ubus,
        }
    }
}

/// How each kind of source is doing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Healths([Arc<Health>; Source::ALL.len()]);

impl Healths {
    pub(crate) fn of(&self, source: Source) -> &Arc<Health> {
        &self.0[source as usize]
    }

    /// Does a log work, which tells what netifd announces?
    fn is_logged(&self) -> bool {
        [Source::Logread, Source::File].iter().any(|source| {
            let health = self.of(*source);
            health.is_wanted() && health.is_up()
        })
    }
}

/// Listens to everything.
pub(crate) struct Listener {
    roots: Roots,
    config: Live,
    wan: Arc<Latest<wan::Sample>>,
    intake: Arc<Intake>,
    healths: Healths,
}

impl Listener {
    /// Opens the queue. `wan_changed` is notified when the WAN should be looked at.
    pub(crate) fn open(
        roots: &Roots,
        config: &Live,
        wan: &Arc<Latest<wan::Sample>>,
        wan_changed: Arc<Notify>,
        boot_id: Option<&str>,
    ) -> Self {
        let settings = config.now();
        let file = settings.queue_file.clone();
        let zone = clock::local_zone(roots);
        let queue_settings = Settings { file, capacity: settings.max_events };
        let (queue, opened) = Queue::open(queue_settings, boot_id, zone.clone(), random_name);
        for notice in &opened.notices {
            warn!("{notice}");
        }
        let memo = opened.memo.as_ref();
        let intake = Intake::new(queue, memo, opened.same_boot, zone, wan_changed);
        if !opened.same_boot {
            tell_boot(&intake);
        }
        // Known from the first answer on.
        intake.commit().map(report);
        Self {
            roots: roots.clone(),
            config: config.clone(),
            wan: Arc::clone(wan),
            intake: Arc::new(intake),
            healths: Healths::default(),
        }
    }

    pub(crate) fn published(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.intake.published()
    }

    pub(crate) fn healths(&self) -> Healths {
        self.healths.clone()
    }

    pub(crate) fn intake(&self) -> Arc<Intake> {
        Arc::clone(&self.intake)
    }

    /// Listens for ever.
    pub(crate) async fn run(self) {
        timeout(FIRST_READING, self.wan.begun()).await.ok();
        self.look_around();
        tokio::join!(follow_all(&self), write_all(&self));
    }

    /// The names of the WAN may change with the settings and with what netifd says.
    fn look_around(&self) {
        let config = self.config.now();
        let wan = self.wan.last_known();
        self.intake.set_names(names(&config, wan.as_deref()));
        self.intake.set_capacity(config.max_events);
        self.intake.tick(self.healths.is_logged(), clock::local_zone(&self.roots));
    }
}

/// Together with the first write of this boot.
fn tell_boot(intake: &Intake) {
    let now = intake::now();
    // By a clock that was never set, in 1970.
    let unix = now.unix.saturating_sub(now.boot.unwrap_or_default());
    let at = Moment { unix, boot: now.boot.map(|_| Duration::ZERO) };
    intake.tell_at(Told::new(Kind::RouterBoot, "The router started"), at);
}

/// Sixteen hexadecimal digits that no other stream has.
fn random_name() -> String {
    // Without random numbers the time must do: streams begin seconds apart at least.
    let number = getrandom::u64().unwrap_or_else(|_| clock::unix_time().as_nanos() as u64);
    format!("{number:016x}")
}

/// The WAN's names: as configured, and as netifd says.
fn names(config: &Config, wan: Option<&wan::Sample>) -> Names {
    let mut names =
        Names::new(config.wan_names.iter().cloned(), config.pppoe_device.iter().cloned());
    let Some(wan) = wan else { return names };
    names.add_interface(wan.interface.clone());
    wan.device.iter().for_each(|device| names.add_device(device.clone()));
    let is_ppp = wan.proto.as_deref() == Some(PPPOE);
    if let Some(device) = wan.l3_device.clone() {
        if is_ppp { names.add_ppp(device) } else { names.add_device(device) }
    }
    names
}

/// Follows the sources of the settings in force.
async fn follow_all(listener: &Listener) {
    let mut config = listener.config.clone();
    loop {
        let sources = chosen(&config.now(), &listener.roots);
        let is_read = |path: &Path| {
            sources.iter().any(|chosen| matches!(chosen, Chosen::File(file) if file == path))
        };
        listener.intake.keep_files(is_read);
        let mut tasks = JoinSet::new();
        for chosen in &sources {
            let (intake, health) =
                (listener.intake(), Arc::clone(listener.healths.of(chosen.source())));
            match chosen.clone() {
                Chosen::Logread(program) => {
                    tasks.spawn(keep_open(Logread::new(program), intake, health))
                }
                Chosen::File(path) => tasks.spawn(keep_open(LogFile::new(path), intake, health)),
                Chosen::Kmsg(path) => tasks.spawn(keep_open(KernelLog::new(path), intake, health)),
                Chosen::Ubus(program) => tasks.spawn(keep_open(Ubus::new(program), intake, health)),
            };
        }
        loop {
            tokio::select! {
                Some(ended) = tasks.join_next() => if let Err(error) = ended {
                    // A source never ends by itself.
                    std::panic::resume_unwind(Box::new(error.to_string()));
                },
                () = config.changed() => {}
                // A log that a device has late, such as a file that its daemon makes.
                () = sleep(CHOOSE_AGAIN) => {}
            }
            if chosen(&config.now(), &listener.roots) != sources {
                info!("the logs are opened anew");
                break;
            }
        }
    }
}

/// Writes what comes: at once, but not more often than every [`WRITE_GAP`].
async fn write_all(listener: &Listener) {
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut ticks = 0_u32;
    let mut is_failing = false;
    loop {
        let is_tick = tokio::select! {
            () = listener.intake.is_due() => false,
            _ = tick.tick() => true,
        };
        if is_tick {
            listener.look_around();
            ticks = ticks.wrapping_add(1);
        }
        let began = clock::monotonic();
        if let Some(outcome) = listener.intake.commit() {
            is_failing = report(outcome);
            let took = clock::monotonic().saturating_duration_since(began);
            sleep(WRITE_GAP.max(took * WRITE_SHARE)).await;
        } else if is_tick && (ticks.is_multiple_of(SETTLE_TICKS) || !is_failing) {
            let settled = listener.intake.settle(ticks.is_multiple_of(SETTLE_TICKS));
            is_failing = settled.map_or(is_failing, report);
        }
    }
}

/// The last write, when the program stops.
pub(crate) fn finish(intake: &Intake) {
    intake.commit().map(report);
    intake.settle(true).map(report);
}

/// Says what has changed; `true`: it could not be written.
fn report(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Durable => false,
        Outcome::DurableAgain => {
            info!("events are kept in their file again");
            false
        }
        Outcome::MemoryOnly { reason } => {
            if let Some(reason) = reason {
                error!("{reason}; events are kept in memory until it can be written");
            }
            true
        }
    }
}
