//! The shipped file for coturn, in the real coturn.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use crate::at;
use crate::program::{Folder, Program, debian, free_port};

const SECRET: &str = "north";

struct Relay {
    _program: Program,
    port: u16,
    _folder: Folder,
}

impl Relay {
    /// Starts it by the script that its image starts with.
    fn start() -> Self {
        let (folder, port) = (Folder::new(), free_port());
        let shipped = crate::read("deploy/coturn/turnserver.conf");
        let adapted = shipped.replace("listening-port=3478", &format!("listening-port={port}"));
        assert_ne!(shipped, adapted);
        let settings = folder
            .write("turnserver.conf", &format!("{adapted}\nlistening-ip=127.0.0.1\nrelay-ip=127.0.0.1\n"));
        let secret = folder.write("secret", SECRET);
        let mut start = Command::new("sh");
        start.arg(at("deploy/coturn/start.sh")).env("TURN_CONF", settings).env("TURN_SECRET_FILE", secret);
        start.env("TURN_TLS", folder.at("none")).env("TMPDIR", folder.at("")).stderr(Stdio::null());
        let mut program = Program::start(&mut start);
        program.wait(|| TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { _program: program, port, _folder: folder }
    }

    /// Asks with a credential made from `secret` for a relayed end, and for a channel from there to `peer`.
    fn ask(&self, secret: &str, peer: &str) -> Outcome {
        let mut command = Command::new("timeout");
        command.arg("30").arg(debian("turnutils_uclient").get_program());
        command.args(["-v", "-c", "-n", "1", "-u", "member", "-W", secret, "-e", peer]);
        command.args(["-p", &self.port.to_string(), "127.0.0.1"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("timeout");
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let (mut asked, mut outcome) = (0, Outcome::default());
        for line in lines {
            asked += u32::from(line.contains("allocate sent"));
            outcome.allocated |= line.contains("Received relay addr");
            outcome.forbidden |= line.contains("error 403 (Forbidden IP)");
            // The client asks again without end; the first request never has a credential.
            if outcome.forbidden || (asked > 3 && !outcome.allocated) {
                break;
            }
        }
        let _ = Command::new("kill").arg(child.id().to_string()).status();
        let _ = child.wait();
        outcome
    }
}

/// What came of a request.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    allocated: bool,
    forbidden: bool,
}

#[test]
fn whoever_has_a_credential_reaches_no_host_that_is_not_public() {
    let relay = Relay::start();
    for peer in ["10.0.0.1", "127.0.0.1", "169.254.169.254", "192.168.1.1"] {
        assert_eq!(relay.ask(SECRET, peer), Outcome { allocated: true, forbidden: true }, "{peer}");
    }
}

#[test]
fn whoever_has_a_credential_of_another_relay_gets_nothing() {
    assert_eq!(Relay::start().ask("south", "10.0.0.1"), Outcome::default());
}
