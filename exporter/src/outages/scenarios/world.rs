//! A router that does what a script says: pings go out, logs are written, counters count.

use std::collections::VecDeque;
use std::time::Duration;

use super::script::{Outcome, Scenario, Told, seconds, span};
use crate::collectors::wan::State;
use crate::events::event::{self, Moment};
use crate::events::interpreter::{Findings, Initial, Interpreter};
use crate::events::kind::Kind;
use crate::events::names::Names;
use crate::events::parse::envelope::read;
use crate::outages::detector::Detector;
use crate::outages::look::{Dns, Lcp, Light, Look, Pinged, Port, Probe, Wan};
use crate::outages::sign::Sign;

/// How long the router has been up when a scenario begins, unless it has just started.
const UP: f64 = 3600.0;
/// What is ordinary before something happens.
const BEFORE: f64 = 30.0;
/// What is looked at after the last step.
const AFTER: f64 = 30.0;
const LIGHT_PERIOD: f64 = 30.0;
const DNS_PERIOD: f64 = 10.0;
const NEEDED_DBM: f64 = -28.0;
const UNIX: f64 = 1_930_000_000.0;

/// What the line `router:` may say: words, and words with something behind them.
const WORDS: [&str; 11] = [
    "pppoe",
    "dhcp",
    "no gateway",
    "gateway in the house",
    "dns",
    "lcp",
    "light",
    "no carrier told",
    "crash record",
    "just started",
    "chatter",
];
const BEGINNINGS: [&str; 5] = ["targets ", "nobody at ", "interval ", "timeout ", "lcp interval "];

/// Something that is pinged.
struct Asked {
    host: String,
    works: bool,
    /// A route leads to it.
    leaves: bool,
    /// What it does not answer although it works, of all requests: a limit, or nobody there.
    ignored: f64,
    /// Within the interval.
    phase: f64,
    next: f64,
    /// Fates that are not known yet, by when they will be.
    open: Vec<(f64, Probe)>,
}

pub(super) struct World<'a> {
    scenario: &'a Scenario,
    detector: Option<Detector>,
    saved: serde_json::Value,
    /// What the clock showed then.
    saved_at: Option<Moment>,
    /// The program is there, and nobody lets it run.
    paused: bool,
    interpreter: Interpreter,
    names: Names,
    /// Seconds of the scenario.
    now: f64,
    /// Scenario's time of the start of the router.
    boot: f64,
    /// What the clock was set by.
    clock: f64,
    /// What it was set by when the router stopped that was running when the outage began.
    clock_before_boot: Option<f64>,
    interval: f64,
    timeout: f64,
    rtt: f64,
    jitter: f64,
    loss: f64,
    random: u64,
    targets: Vec<Asked>,
    gateway: Option<Asked>,
    probing: bool,
    dns: Option<bool>,
    lcp: Option<bool>,
    lcp_replied: f64,
    lcp_interval: f64,
    by_wan: Option<bool>,
    light: Option<f64>,
    reading: Option<Light>,
    light_read: f64,
    sending: bool,
    wan: Wan,
    port: Port,
    outcome: Outcome,
    ids: u32,
}

fn asked(host: &str, phase: f64) -> Asked {
    let (host, next) = (host.to_owned(), f64::NEG_INFINITY);
    Asked { host, works: true, leaves: true, ignored: 0.0, phase, next, open: Vec::new() }
}

fn share(percent: &str) -> f64 {
    percent.parse::<f64>().unwrap() / 100.0
}

fn moment(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds.max(0.0))
}

impl<'a> World<'a> {
    pub(super) fn play(scenario: &'a Scenario) -> Outcome {
        let mut world = Self::new(scenario);
        let mut steps: VecDeque<_> = scenario.steps.iter().collect();
        let end = scenario.steps.last().map_or(0.0, |(at, _)| *at) + AFTER;
        while world.now < end {
            while let Some((at, action)) = steps.front().filter(|(at, _)| *at < world.now + 1.0) {
                world.until(*at);
                world.act(action);
                steps.pop_front();
            }
            world.second();
        }
        world.outcome()
    }

    pub(super) fn new(scenario: &'a Scenario) -> Self {
        for part in &scenario.router {
            let is_known = WORDS.contains(&part.as_str())
                || BEGINNINGS.iter().any(|beginning| part.starts_with(beginning));
            assert!(is_known, "{}: no router has \"{part}\"", scenario.name);
        }
        let has = |word: &str| scenario.router.iter().any(|part| part == word);
        let with = |word: &str| scenario.router.iter().find_map(|part| part.strip_prefix(word));
        let hosts = with("targets ").unwrap_or("192.0.2.1 198.51.100.1");
        let targets = hosts.split_whitespace().enumerate();
        let is_new = has("just started");
        let mut world = Self {
            scenario,
            detector: Some(Detector::default()),
            saved: serde_json::Value::Null,
            saved_at: None,
            paused: false,
            interpreter: Interpreter::new(if is_new { Initial::Boot } else { Initial::Up }),
            names: Names::new(
                ["wan".to_owned(), "eth1".to_owned()],
                has("pppoe").then(|| "pppoe-wan".to_owned()),
            ),
            now: if is_new { 0.0 } else { -BEFORE },
            boot: if is_new { -20.0 } else { -UP },
            clock: 0.0,
            clock_before_boot: None,
            interval: with("interval ").map_or(1.0, |text| span(text).as_secs_f64()),
            timeout: with("timeout ").map_or(1.0, |text| span(text).as_secs_f64()),
            rtt: 0.012,
            jitter: 0.0,
            loss: 0.0,
            random: 88_172_645_463_325_252,
            targets: targets.map(|(at, host)| asked(host, 0.13 + 0.31 * at as f64)).collect(),
            gateway: (!has("no gateway")).then(|| asked("203.0.113.1", 0.57)),
            probing: true,
            dns: has("dns").then_some(true),
            lcp: (has("lcp") || with("lcp interval ").is_some()).then_some(true),
            lcp_replied: -BEFORE,
            lcp_interval: with("lcp interval ").map_or(1.0, |text| span(text).as_secs_f64()),
            by_wan: None,
            light: has("light").then_some(-18.0),
            reading: None,
            light_read: -BEFORE - LIGHT_PERIOD,
            sending: true,
            wan: Wan {
                state: State::Up,
                is_switched_off: false,
                faults: Vec::new(),
                is_gateway_in_house: (!has("no gateway")).then(|| has("gateway in the house")),
            },
            port: Port { carrier: Some(true), losses: Some(2), is_on: Some(true) },
            outcome: Outcome::default(),
            ids: 0,
        };
        if has("no carrier told") {
            world.port = Port::default();
        }
        for host in with("nobody at ").unwrap_or_default().split_whitespace() {
            world.target(host).ignored = 1.0;
        }
        if is_new {
            world.everything(false);
            world.wan.state = State::Down;
        }
        while world.now < 0.0 {
            world.second();
        }
        world
    }

    pub(super) fn outcome(mut self) -> Outcome {
        self.outcome.totals = self.detector.as_ref().map(|detector| detector.totals().clone());
        self.outcome.lasted = self.now;
        self.outcome
    }

    pub(super) fn saved(&self) -> serde_json::Value {
        self.detector.as_ref().map_or(self.saved.clone(), Detector::save)
    }

    /// What a script says.
    pub(super) fn act(&mut self, action: &str) {
        if let Some(late) = action.strip_prefix("log at ") {
            let (at, line) = late.split_once(' ').unwrap_or_else(|| panic!("{action}"));
            return self.log_of(line, seconds(at).unwrap_or_else(|| panic!("{action}")));
        }
        if let Some(line) = action.strip_prefix("log ") {
            return self.log(line);
        }
        let words: Vec<&str> = action.split_whitespace().collect();
        let works = |word: &str| match word {
            "works" | "work" | "answers" | "answer" => true,
            "fails" | "fail" => false,
            _ => panic!("{}: {action}", self.scenario.name),
        };
        match words[..] {
            ["line", word] => self.everything(works(word)),
            ["targets", word] => {
                let works = works(word);
                for target in &mut self.targets {
                    (target.works, target.leaves) = (works, target.leaves || works);
                }
            }
            ["target", host, word] => self.target(host).works = works(word),
            ["target", host, "ignores", percent, "%"] => {
                self.target(host).ignored = share(percent);
            }
            ["gateway", word] => self.gateway.as_mut().unwrap().works = works(word),
            ["gateway", "ignores", percent, "%"] => {
                self.gateway.as_mut().unwrap().ignored = share(percent);
            }
            ["lcp", word] => self.lcp = Some(works(word)),
            ["dns", word] => self.dns = Some(works(word)),
            ["loss", percent, "%"] => self.loss = share(percent),
            ["rtt", ref rest @ ..] => self.rtt = span(&rest.join(" ")).as_secs_f64(),
            ["jitter", ref rest @ ..] => self.jitter = span(&rest.join(" ")).as_secs_f64(),
            ["carrier", "lost"] => self.lose_carrier(),
            ["carrier", "back"] => self.port.carrier = Some(true),
            ["carrier", "bounces"] => {
                self.lose_carrier();
                self.port.carrier = Some(true);
            }
            ["device", "off"] => (self.port.is_on, self.port.carrier) = (Some(false), None),
            ["device", "on"] => (self.port.is_on, self.port.carrier) = (Some(true), Some(true)),
            ["light", "gone"] => self.light = None,
            ["light", dbm, "dBm"] => self.light = Some(dbm.parse().unwrap()),
            ["laser", word] => self.sending = works(word),
            ["targets", "cannot", "leave"] => {
                for target in &mut self.targets {
                    (target.leaves, target.works) = (false, false);
                }
            }
            ["targets", "leave", "another", "way"] => self.by_wan = Some(false),
            ["wan", "down"] => self.wan.state = State::Down,
            ["wan", "up"] => {
                (self.wan.state, self.wan.is_switched_off) = (State::Up, false);
                self.wan.faults.clear();
            }
            ["wan", "off"] => {
                (self.wan.state, self.wan.is_switched_off) = (State::Down, true);
            }
            ["wan", "unknown"] => self.wan.state = State::Unknown,
            ["fault", sign] => {
                let sign = Sign::ALL.iter().find(|known| known.name() == sign);
                self.wan.faults = vec![*sign.unwrap_or_else(|| panic!("{action}"))];
            }
            ["clock", seconds, "s"] => self.clock += seconds.parse::<f64>().unwrap(),
            ["probes", "stop"] => self.probing = false,
            ["probes", "go", "on"] => self.probing = true,
            ["program", "stops"] => {
                (self.saved, self.saved_at) = (self.saved(), Some(self.clock()));
                self.detector = None;
            }
            ["program", "pauses"] => self.paused = true,
            ["program", "goes", "on"] => self.paused = false,
            ["program", "starts"] => self.detector = Some(Detector::restore(&self.saved)),
            ["router", "starts"] => self.start_router(Detector::default()),
            ["router", "starts,", "memory", "kept"] => {
                let detector = Detector::restore_after_boot(&self.saved, self.saved_at);
                self.start_router(detector);
            }
            _ => panic!("{}: nothing known of \"{action}\"", self.scenario.name),
        }
    }

    fn target(&mut self, host: &str) -> &mut Asked {
        let target = self.targets.iter_mut().find(|target| target.host == host);
        target.unwrap_or_else(|| panic!("{}: no target {host}", self.scenario.name))
    }

    fn everything(&mut self, works: bool) {
        for asked in self.targets.iter_mut().chain(&mut self.gateway) {
            (asked.works, asked.leaves) = (works, asked.leaves || works);
        }
        self.lcp = self.lcp.map(|_| works);
        self.dns = self.dns.map(|_| works);
    }

    fn lose_carrier(&mut self) {
        self.port.carrier = Some(false);
        self.port.losses = self.port.losses.map(|losses| losses + 1);
    }

    /// Nothing is up, and only what was kept on a disk is known.
    fn start_router(&mut self, detector: Detector) {
        let is_open = self.outcome.told.last().is_some_and(|told| told.ended.is_none());
        if let Some(then) = self.saved_at.filter(|_| is_open) {
            let before = then.unix.as_secs_f64() - then.boot.unwrap().as_secs_f64();
            self.clock_before_boot.get_or_insert(before - UNIX - self.boot);
        }
        self.boot = self.now - 20.0;
        self.detector = Some(detector);
        self.interpreter = Interpreter::new(Initial::Boot);
        self.reading = None;
        self.port.losses = self.port.losses.map(|_| 0);
        self.wan.state = State::Down;
        for asked in self.targets.iter_mut().chain(&mut self.gateway) {
            asked.open.clear();
        }
    }

    pub(super) fn log(&mut self, text: &str) {
        self.log_of(text, self.now);
    }

    /// A line as logd would keep it, to a whole second; it may be read late.
    fn log_of(&mut self, text: &str, written: f64) {
        let second = written.rem_euclid(60.0) as u32;
        let line = match text.strip_prefix("kernel: ") {
            Some(text) => {
                let uptime = written - self.boot;
                format!(
                    "Tue Mar  4 05:06:{second:02} 2031 kern.info kernel: [{uptime:12.6}] {text}"
                )
            }
            None => format!("Tue Mar  4 05:06:{second:02} 2031 daemon.notice {text}"),
        };
        let mut found = Findings::default();
        let mattered = self.interpreter.interpret(&read(&line), &self.names, &mut found);
        let is_told = |word: &str| self.scenario.router.iter().any(|part| part == word);
        assert!(
            mattered || is_told("chatter") || self.scenario.file == "noise",
            "no parser knows: {text}"
        );
        let at = moment(written.floor() - self.boot);
        if let Some(detector) = &mut self.detector {
            found.signs.iter().for_each(|sign| detector.note(*sign, at));
        }
    }

    fn random(&mut self) -> f64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Goes on to the next whole second and looks.
    pub(super) fn second(&mut self) {
        self.until((self.now + 1.0).floor());
        self.look();
    }

    /// What was sent until then is on its way or lost.
    fn until(&mut self, at: f64) {
        if at <= self.now {
            return;
        }
        let (boot, interval) = (self.boot, self.interval);
        let is_down = self.wan.state == State::Down;
        let mut gateway = self.gateway.take();
        let mut targets = std::mem::take(&mut self.targets);
        for asked in targets.iter_mut().chain(&mut gateway) {
            let periods = ((self.now - asked.phase) / interval).ceil();
            asked.next = asked.next.max(asked.phase + periods * interval);
            while asked.next < at {
                let sent = asked.next;
                asked.next += interval;
                if self.detector.is_none() || self.paused || !self.probing {
                    continue;
                }
                let rtt = self.rtt + self.jitter * self.random();
                let is_ignored = asked.ignored > 0.0 && self.random() < asked.ignored;
                let is_lost =
                    !asked.works || is_ignored || self.random() < self.loss || rtt > self.timeout;
                let is_down = is_down || !asked.leaves;
                let known = match (is_lost, is_down) {
                    (false, _) => sent + rtt,
                    // Without a route nothing leaves, and that is known at once.
                    (true, true) => sent,
                    (true, false) => sent + self.timeout,
                };
                let answered = (!is_lost).then(|| moment(sent + rtt - boot));
                let was_sent = !is_down && (asked.leaves || !is_lost);
                asked.open.push((known, Probe { sent: moment(sent - boot), answered, was_sent }));
            }
        }
        (self.gateway, self.targets) = (gateway, targets);
        self.now = at;
    }

    fn look(&mut self) {
        let (now, boot) = (self.now, self.boot);
        if self.lcp == Some(true) {
            self.lcp_replied = ((now - 0.4) / self.lcp_interval).floor() * self.lcp_interval;
        }
        if self.paused {
            return;
        }
        if now - self.light_read >= LIGHT_PERIOD {
            self.read_light();
        }
        let known = |asked: &mut Asked| {
            let (known, open) = asked.open.drain(..).partition(|(at, _)| *at <= now);
            asked.open = open;
            let known: Vec<(f64, Probe)> = known;
            Pinged {
                host: asked.host.clone(),
                address: asked.host.parse().ok(),
                probes: known.into_iter().map(|(_, probe)| probe).collect(),
            }
        };
        let look = Look {
            at: moment(now - boot),
            interval: moment(self.interval),
            timeout: moment(self.timeout),
            is_by_wan: self.by_wan,
            targets: self.targets.iter_mut().map(known).collect(),
            gateway: self.gateway.as_mut().map(known),
            dns: self.dns.map(|is_answered| Dns {
                at: moment((now / DNS_PERIOD).floor() * DNS_PERIOD - boot),
                is_answered,
            }),
            lcp: self.lcp.filter(|_| self.wan.state == State::Up).map(|_| Lcp {
                replied: Some(moment(self.lcp_replied - boot)),
                interval: moment(self.lcp_interval),
            }),
            wan: self.wan.clone(),
            port: self.port,
            light: self.reading,
            has_crash_record: self.scenario.router.iter().any(|part| part == "crash record"),
        };
        let clock = self.clock();
        let id = self.ids;
        let Some(detector) = &mut self.detector else { return };
        let told = detector.look(look, clock, || format!("stream-{id}"));
        for kind in detector.degradations() {
            if !self.outcome.degraded.contains(kind) {
                self.outcome.degraded.push(*kind);
            }
        }
        if let Some((told, at)) = told {
            self.ids += 1;
            self.hear(&told, at);
            // The program wants to know the light of this moment.
            self.read_light();
        }
    }

    /// The moment on both clocks.
    fn clock(&self) -> Moment {
        let unix = moment(UNIX + self.now + self.clock);
        Moment { unix, boot: Some(moment(self.now - self.boot)) }
    }

    fn read_light(&mut self) {
        if self.scenario.router.iter().any(|part| part == "light") {
            self.light_read = self.now;
            self.reading = Some(Light {
                read: moment(self.now - self.boot),
                received_dbm: self.light,
                is_there: self.light.is_some(),
                is_sending: Some(self.sending),
                needed_dbm: NEEDED_DBM,
            });
        }
    }

    /// Takes in an event.
    fn hear(&mut self, told: &event::Told, at: Moment) {
        let details: Vec<(String, String)> =
            told.detail.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
        // By the clock as it goes now.
        let at = match at.boot {
            Some(since_boot) => since_boot.as_secs_f64() + self.boot,
            None => at.unix.as_secs_f64() - UNIX - self.clock,
        };
        let mut outage = Told {
            id: String::new(),
            began: at,
            ended: None,
            cause: String::new(),
            side: String::new(),
            continues: None,
            details,
        };
        let detail = |name: &str| outage.detail(name).map(str::to_owned);
        let (id, cause, side) = (detail("outage"), detail("cause"), detail("side"));
        let continues = detail("continues");
        (outage.id, outage.cause) = (id.unwrap(), cause.unwrap());
        (outage.side, outage.continues) = (side.unwrap(), continues);
        if told.kind == Kind::OutageStart {
            self.outcome.told.push(outage);
            return;
        }
        let began = self.outcome.told.last_mut().filter(|began| began.id == outage.id);
        let began = began.expect("an end belongs to the begin before it");
        outage.ended = Some(at);
        outage.began = began.began;
        *began = outage;
        let restarted = began.detail("restarted").and(self.clock_before_boot);
        self.clock_before_boot = None;
        // By the clock as it goes now, or went before the router was started anew.
        let start = UNIX + began.began + restarted.unwrap_or(self.clock);
        let agrees = |name: &str, expected: f64| {
            let told: f64 = began.detail(name).and_then(|told| told.parse().ok()).unwrap_or(-1.0);
            let slip = || format!("{}: {name} is {told}, not {expected}", began.id);
            ((told - expected).abs() > 1.0).then(slip)
        };
        let slip = agrees("start_timestamp_seconds", start).or_else(|| {
            let is_told = began.detail("restarted").is_none();
            is_told.then(|| agrees("duration_seconds", at - began.began)).flatten()
        });
        self.outcome.slips.extend(slip);
    }
}
