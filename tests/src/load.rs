//! Requests at a fixed rate, whether the server keeps up or not.
//!
//! Each request has its moment on a timetable and its latency counts from that moment. So
//! a server that stalls for a second shows hundreds of slow requests, not one.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::clock;
use crate::http_client::Client;

/// A timetable.
pub struct Load {
    /// Whom to ask.
    pub address: SocketAddr,
    /// For what.
    pub path: &'static str,
    /// How often, over all connections.
    pub per_second: u32,
    /// In all; a multiple of `connections`.
    pub requests: u32,
    /// Which take turns.
    pub connections: u32,
}

/// How it went.
#[derive(Debug, Default)]
pub struct Outcome {
    /// From the planned moment to the end of the body, of each request.
    pub latencies: Vec<Duration>,
    /// Of that, what the generator itself lost by waking up late.
    pub lateness: Vec<Duration>,
}

impl Load {
    /// Asks until all requests are answered.
    ///
    /// # Errors
    /// When one of them is not.
    pub fn run(&self) -> Result<Outcome> {
        let start = clock::now() + Duration::from_millis(10);
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..self.connections)
                .map(|lane| scope.spawn(move || self.run_lane(start, lane)))
                .collect();
            let mut all = Outcome::default();
            for thread in threads {
                let lane = thread.join().ok().context("a thread of the load failed")??;
                all.latencies.extend(lane.latencies);
                all.lateness.extend(lane.lateness);
            }
            Ok(all)
        })
    }

    /// One connection: takes every so many-th request of the timetable.
    fn run_lane(&self, start: Instant, lane: u32) -> Result<Outcome> {
        let mut client = Client::connect(self.address)?;
        let mut outcome = Outcome::default();
        for number in (lane..self.requests).step_by(self.connections as usize) {
            let planned = start + planned_after(number, self.per_second);
            let waits = clock::now() < planned;
            clock::wait_until(planned);
            if waits {
                outcome.lateness.push(clock::now().saturating_duration_since(planned));
            }
            client.get(self.path)?;
            outcome.latencies.push(clock::now().saturating_duration_since(planned));
        }
        Ok(outcome)
    }
}

fn planned_after(number: u32, per_second: u32) -> Duration {
    Duration::from_secs(number.into()) / per_second
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;

    #[test]
    fn the_timetable_does_not_drift() {
        assert_eq!(planned_after(0, 500), Duration::ZERO);
        assert_eq!(planned_after(1, 500), Duration::from_millis(2));
        assert_eq!(planned_after(10_000, 500), Duration::from_secs(20));
    }

    #[test]
    fn requests_that_wait_for_a_slow_one_count_as_slow() {
        const STALL: Duration = Duration::from_millis(100);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let ends = BufReader::new(&stream).lines().map(Result::unwrap).filter(String::is_empty);
            for (number, _end) in ends.enumerate() {
                if number == 0 {
                    clock::wait_until(clock::now() + STALL);
                }
                (&stream).write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
            }
        });
        let load = Load { address, path: "/", per_second: 1000, requests: 10, connections: 1 };
        let outcome = load.run().unwrap();
        server.join().unwrap();
        assert_eq!(outcome.latencies.len(), 10);
        assert!(
            outcome.latencies.iter().all(|latency| *latency > STALL - Duration::from_millis(10))
        );
        assert_eq!(outcome.lateness.len(), 1, "the others were already due");
    }
}
