//! Processes under measurement: pinned to a core, ended with the benchmark, accounted by the kernel.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Outcome;

/// The core of what is measured; mock and load generator have the other.
pub const MEASURED_CORE: &str = "0";
/// The core of mock and load generator.
pub const OTHER_CORE: &str = "1";
/// The kernel's accounting on every Linux that Rust runs on: 100 ticks a second.
const TICK: Duration = Duration::from_millis(10);
const START_PATIENCE: Duration = Duration::from_secs(20);
const STOP_PATIENCE: Duration = Duration::from_secs(20);

/// A process of ours. Dropped, it is asked to end, then made to.
pub struct Process {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Process {
    /// Starts a program on a core and waits until it prints `listening on http://…`.
    pub fn listening(core: &str, program: &Path, arguments: &[&str]) -> Outcome<Self> {
        let mut child = pinned(core, program).args(arguments).stdout(Stdio::piped()).spawn()?;
        let Some(output) = child.stdout.take() else { return Err("no output".into()) };
        let mut lines = BufReader::new(output).lines();
        let address = loop {
            let Some(line) = lines.next().transpose()? else {
                child.wait()?;
                return Err(format!("{} ended before it listened", program.display()).into());
            };
            if let Some(address) = line.strip_prefix("listening on http://") {
                break address.trim().parse()?;
            }
        };
        // What else it prints must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { child, address })
    }

    /// Starts a program that prints nothing and waits until its address takes connections.
    pub fn at(core: &str, program: &Path, arguments: &[&str], address: SocketAddr) -> Outcome<Self> {
        let started = Instant::now();
        let child = pinned(core, program).args(arguments).stdout(Stdio::null()).spawn()?;
        let process = Self { child, address };
        while std::net::TcpStream::connect(address).is_err() {
            if started.elapsed() > START_PATIENCE {
                return Err(format!("{} does not listen on {address}", program.display()).into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(process)
    }

    /// Its processes: itself and its children.
    fn ids(&self) -> Outcome<Vec<u32>> {
        let id = self.child.id();
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children"))?;
        let children = children.split_whitespace().filter_map(|word| word.parse().ok());
        Ok([id].into_iter().chain(children).collect())
    }

    /// User and system time that it and its children have used.
    pub fn cpu(&self) -> Outcome<Duration> {
        let mut ticks = 0;
        for id in self.ids()? {
            let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
            let fields = stat.rsplit_once(')').ok_or("an odd stat")?.1;
            let times = fields.split_whitespace().skip(11).take(2).map(str::parse::<u32>);
            ticks += times.sum::<Result<u32, _>>()?;
        }
        Ok(TICK * ticks)
    }

    /// The same once it has come to rest: what calls leave to be done later counts too.
    pub fn cpu_at_rest(&self) -> Outcome<Duration> {
        let mut last = self.cpu()?;
        for _ in 0..100 {
            std::thread::sleep(Duration::from_millis(250));
            let now = self.cpu()?;
            if now == last {
                break;
            }
            last = now;
        }
        Ok(last)
    }

    /// Resident memory now and at most so far, in KiB.
    pub fn memory(&self) -> Outcome<(u64, u64)> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        let (now, most) = (field("VmRSS:"), field("VmHWM:"));
        Ok((now.ok_or("no VmRSS")?, most.ok_or("no VmHWM")?))
    }

    /// Asks it to end and waits.
    pub fn stop(&mut self) -> Outcome<()> {
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        Command::new("kill").arg(self.child.id().to_string()).status()?;
        let asked = Instant::now();
        while self.child.try_wait()?.is_none() {
            if asked.elapsed() > STOP_PATIENCE {
                self.child.kill()?;
                self.child.wait()?;
                return Err("a process had to be killed".into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!("bench: {error}");
        }
    }
}

/// A command on one core. `taskset` becomes the program, so that the process id is the program's.
pub fn pinned(core: &str, program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", core]).arg(program).stdin(Stdio::null());
    command
}
