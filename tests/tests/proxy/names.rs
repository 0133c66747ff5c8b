//! Names that are looked up while the proxy runs, as Docker's name server answers them.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};

use netmonitor_tests::clock;

use super::behind::StandIn;
use super::started::Place;

/// Answers every question with one address, for as long as the test runs.
fn name_server(at: Ipv4Addr, address: &Arc<Mutex<Ipv4Addr>>) {
    let socket = UdpSocket::bind((at, 53)).unwrap();
    let address = Arc::clone(address);
    std::thread::spawn(move || {
        let mut question = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut question) {
            let answer = answer(&question[..length], *address.lock().unwrap());
            socket.send_to(&answer, from).ok();
        }
    });
}

/// RFC 1035, 4.1: the question again, and one answer to it, for ten minutes as Docker's are.
fn answer(question: &[u8], address: Ipv4Addr) -> Vec<u8> {
    let mut answer = question.to_vec();
    answer[2..4].copy_from_slice(&[0x81, 0x80]);
    answer[7] = 1;
    answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 2, 88, 0, 4]);
    answer.extend(address.octets());
    answer
}

/// Addresses of loopback that no other run of this test has.
fn addresses() -> [Ipv4Addr; 3] {
    let [_, _, high, low] = std::process::id().to_be_bytes();
    [77, 78, 79].map(|second| Ipv4Addr::new(127, second, high, low))
}

#[test]
fn a_part_that_was_made_anew_is_found_at_its_new_address() {
    let [server, old, new] = addresses();
    let address = Arc::new(Mutex::new(old));
    name_server(server, &address);
    let grafana = StandIn::start(SocketAddr::from((old, 0)));
    let port = grafana.port();
    let place = Place::new()
        .with("RESOLVER", &server.to_string())
        .with("GRAFANA_ADDRESS", &format!("grafana:{port}"));
    let proxy = place.start();
    assert_eq!(proxy.get("/", &[]).status, 200);
    drop(grafana);
    let _grafana = StandIn::start(SocketAddr::from((new, port)));
    *address.lock().unwrap() = new;
    clock::until("it is found", || Ok(proxy.get("/", &[]).status == 200)).unwrap();
}
