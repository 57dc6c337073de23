//! The rounds: direct, nginx, pass-through and gateway in turn, each against the same upstream in the same minute.

use std::fs::{File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::figures::Bound::{AtLeast, AtMost, Told};
use crate::figures::{Figures, quantile};
use crate::load::{Taken, Target, closed_loop, paced};
use crate::mock::STEP;
use crate::process::Process;
use crate::scene::Scene;
use crate::{Only, Outcome, Run, report};

const WARM_UP: Duration = Duration::from_millis(500);
const FEW: usize = 32;
const MANY: usize = 128;
/// Calls and streams at a constant rate, a second and in all.
const CALL_RATE: (u32, u32) = (100, 600);
const STREAM_RATE: (u32, u32) = (5, 50);

/// Sets up, measures, reports, and fails when a figure does not hold.
pub fn run(run: &Run) -> Outcome<()> {
    let scene = Scene::set(&run.bailiwick, &run.folder)?;
    let mut bench = Bench { run, figures: Figures::default(), sent: 0 };
    for number in 1..=run.rounds {
        eprintln!("round {number} of {}", run.rounds);
        bench.round(&scene, number)?;
    }
    let (sides, calls) = scene.no_delay_sides()?;
    bench.sent += calls;
    bench.figures.add("sides of a call with TCP_NODELAY", AtLeast(2.0), f64::from(sides));
    let (recorded, differences) = scene.verified()?;
    bench.figures.add("calls without a usage record", AtMost(0.0), bench.sent.abs_diff(recorded) as f64);
    bench.figures.add("differences found by `verify`", AtMost(0.0), differences as f64);
    let failed = report::print(&bench.figures);
    if let Some(page) = &run.write {
        report::write(&bench.figures, page)?;
    }
    if failed > 0 { Err(format!("{failed} figures do not hold").into()) } else { Ok(()) }
}

struct Bench<'a> {
    run: &'a Run,
    figures: Figures,
    /// Calls that the gateway answered, in all rounds.
    sent: u64,
}

/// What a closed loop showed.
struct Loop {
    per_second: f64,
    /// CPU of the process under load for each call, what it does later included.
    cpu_us: f64,
    calls: u64,
}

impl Bench<'_> {
    fn round(&mut self, scene: &Scene, number: u32) -> Outcome<()> {
        let fresh = format!("new-{number}");
        let (_, new) = scene.gateway_on_new_folder(&fresh)?;
        self.figures.add("start on a new folder, to the first answer, s", AtMost(0.5), new.as_secs_f64());
        let (mut gateway, start) = scene.gateway()?;
        self.figures.add(
            "start on an existing folder, to the first answer, s",
            AtMost(0.1),
            start.as_secs_f64(),
        );
        std::thread::sleep(WARM_UP);
        self.figures.add("resident memory, idle, MiB", AtMost(40.0), mebibytes(gateway.memory()?.0));
        match self.run.only {
            Some(Only::Calls) => return self.calls(scene, &gateway),
            Some(Only::Streams) => return self.streams(scene, &gateway),
            None => {}
        }
        self.calls(scene, &gateway)?;
        self.figures.add("resident memory, most so far, MiB", AtMost(64.0), mebibytes(gateway.memory()?.1));
        self.streams(scene, &gateway)?;
        self.latencies(scene, &gateway)?;
        self.first_chunks(scene, &gateway)?;
        gateway.stop()
    }

    /// Plain calls as fast as they go.
    fn calls(&mut self, scene: &Scene, gateway: &Process) -> Outcome<()> {
        let target = |address| Target::chat(address, &scene.key, false, false);
        let direct = self.closed(&target(scene.mock.address), MANY, &scene.mock)?;
        for connections in [FEW, MANY] {
            let nginx = self.closed(&target(scene.nginx.address), connections, &scene.nginx)?;
            let bare = self.closed(&target(scene.passthrough.address), connections, &scene.passthrough)?;
            let own = self.closed(&target(gateway.address), connections, gateway)?;
            self.sent += own.calls;
            let share = own.per_second / bare.per_second;
            if connections == FEW {
                self.figures.add("calls a second of the pass-through's, 32 connections", AtLeast(0.5), share);
                continue;
            }
            self.figures.add("calls a second of the pass-through's, 128 connections", AtLeast(0.5), share);
            self.figures.add("CPU per call, times nginx's", AtMost(6.0), own.cpu_us / nginx.cpu_us);
            self.figures.add("  CPU per call, times the pass-through's", Told, own.cpu_us / bare.cpu_us);
            self.figures.add("  CPU per call, gateway, us", Told, own.cpu_us);
            self.figures.add("  CPU per call, pass-through, us", Told, bare.cpu_us);
            self.figures.add("  CPU per call, nginx, us", Told, nginx.cpu_us);
            self.figures.add("  calls a second, gateway", Told, own.per_second);
            self.figures.add("  calls a second, pass-through", Told, bare.per_second);
            self.figures.add("  calls a second, nginx", Told, nginx.per_second);
            self.figures.add("  calls a second, direct", Told, direct.per_second);
        }
        Ok(())
    }

    /// Streams as fast as they go.
    fn streams(&mut self, scene: &Scene, gateway: &Process) -> Outcome<()> {
        let target = |address| Target::chat(address, &scene.key, true, false);
        let nginx = self.closed(&target(scene.nginx_streams), FEW, &scene.nginx)?;
        let bare = self.closed(&target(scene.passthrough.address), FEW, &scene.passthrough)?;
        let own = self.closed(&target(gateway.address), FEW, gateway)?;
        self.sent += own.calls;
        self.figures.add(
            "CPU per stream of 50 chunks, times nginx's",
            AtMost(2.0),
            own.cpu_us / nginx.cpu_us,
        );
        self.figures.add("  CPU per stream, gateway, us", Told, own.cpu_us);
        self.figures.add("  CPU per stream, pass-through, us", Told, bare.cpu_us);
        self.figures.add("  CPU per stream, nginx, us", Told, nginx.cpu_us);
        self.figures.add("  streams a second, gateway", Told, own.per_second);
        Ok(())
    }

    fn closed(&self, target: &Target, connections: usize, under_load: &Process) -> Outcome<Loop> {
        let (warm, _) = closed_loop(target, connections, WARM_UP)?;
        let before = under_load.cpu_at_rest()?;
        let (calls, took) = closed_loop(target, connections, Duration::from_millis(self.run.loop_ms))?;
        let used = under_load.cpu_at_rest()?.saturating_sub(before);
        Ok(Loop {
            per_second: calls as f64 / took.as_secs_f64(),
            cpu_us: used.as_secs_f64() * 1e6 / calls.max(1) as f64,
            calls: calls + warm,
        })
    }

    /// Plain calls at a constant rate, each set against a direct one and a sync of the same disk.
    fn latencies(&mut self, scene: &Scene, gateway: &Process) -> Outcome<()> {
        let mut probe = Probe::new(&self.run.folder.join("probe"))?;
        let (rate, calls) = CALL_RATE;
        let target = |address: SocketAddr| Target::chat(address, &scene.key, false, false);
        let direct = paced(&target(scene.mock.address), rate, calls, || probe.sync())?;
        let own = paced(&target(gateway.address), rate, calls, || Ok(Duration::ZERO))?;
        self.sent += u64::from(calls);
        let syncs = sorted(direct.iter().map(|(_, sync)| *sync));
        let beside = sorted(direct.iter().map(|(taken, sync)| taken.whole + *sync));
        let own = sorted(own.iter().map(|(taken, _)| taken.whole));
        let added = |part| quantile(&own, part) - quantile(&beside, part);
        self.figures.add("added at 100 calls a second beyond one sync, p50, ms", AtMost(0.3), added(0.5));
        self.figures.add("added at 100 calls a second beyond one sync, p99, ms", AtMost(1.2), added(0.99));
        self.figures.add("  call through the gateway, p50, ms", Told, quantile(&own, 0.5));
        self.figures.add("  call through the gateway, p99, ms", Told, quantile(&own, 0.99));
        self.figures.add("  direct call and one sync, p50, ms", Told, quantile(&beside, 0.5));
        self.figures.add("  direct call and one sync, p99, ms", Told, quantile(&beside, 0.99));
        self.figures.add("  fdatasync of 600 bytes, p50, ms", Told, quantile(&syncs, 0.5));
        self.figures.add("  fdatasync of 600 bytes, p99, ms", Told, quantile(&syncs, 0.99));
        Ok(())
    }

    /// Streams whose chunks come slowly, so that each chunk's way can be told from the next one's.
    fn first_chunks(&mut self, scene: &Scene, gateway: &Process) -> Outcome<()> {
        let (rate, calls) = STREAM_RATE;
        let measure = |address: SocketAddr| {
            paced(&Target::chat(address, &scene.key, true, true), rate, calls, || Ok(Duration::ZERO))
        };
        let (direct, own) = (measure(scene.mock.address)?, measure(gateway.address)?);
        self.sent += u64::from(calls);
        let first = |all: &[(Taken, Duration)]| sorted(all.iter().map(|(taken, _)| taken.first));
        let (direct, first) = (first(&direct), first(&own));
        let added = |part| quantile(&first, part) - quantile(&direct, part);
        self.figures.add("first chunk delayed, p50, ms", AtMost(0.5), added(0.5));
        self.figures.add("  first chunk delayed, p99, ms", Told, added(0.99));
        let gaps = sorted(own.iter().map(|(taken, _)| taken.longest_gap));
        let step = STEP.as_secs_f64() * 1e3;
        self.figures.add(
            "  longest wait between chunks sent every 2 ms, p99, ms",
            Told,
            quantile(&gaps, 0.99) - step,
        );
        Ok(())
    }
}

fn sorted(times: impl Iterator<Item = Duration>) -> Vec<f64> {
    let mut all: Vec<f64> = times.map(|time| time.as_secs_f64() * 1e3).collect();
    all.sort_by(f64::total_cmp);
    all
}

fn mebibytes(kibibytes: u64) -> f64 {
    kibibytes as f64 / 1024.0
}

/// A file on the journal's disk, made whole beforehand as the journal's files are.
struct Probe {
    file: File,
    written: u64,
}

const PROBE_BYTES: u64 = 4 << 20;
const RECORD: [u8; 600] = [7; 600];

impl Probe {
    fn new(path: &Path) -> Outcome<Self> {
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).open(path)?;
        file.write_all(&vec![0; PROBE_BYTES as usize])?;
        file.sync_all()?;
        file.seek(SeekFrom::Start(0))?;
        Ok(Self { file, written: 0 })
    }

    /// Writes as much as a usage record and syncs it.
    fn sync(&mut self) -> Outcome<Duration> {
        if self.written + RECORD.len() as u64 > PROBE_BYTES {
            self.file.seek(SeekFrom::Start(0))?;
            self.written = 0;
        }
        let started = Instant::now();
        self.file.write_all(&RECORD)?;
        self.file.sync_data()?;
        self.written += RECORD.len() as u64;
        Ok(started.elapsed())
    }
}
