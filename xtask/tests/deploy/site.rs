//! A site as people reach it: two real servers behind a real proxy with TLS. Which proxy is for its test to say.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use crate::program::{Folder, Program, free_port};

/// Room names that one address may ask for at one server.
const ASKED: usize = 3;

/// The site; its name is localhost.
pub(crate) struct Site {
    fronts: Vec<Program>,
    servers: Vec<Program>,
    /// Where the servers are.
    pub(crate) backs: [u16; 2],
    /// Where people find it.
    pub(crate) port: u16,
    /// With the certificate.
    pub(crate) folder: Folder,
}

impl Site {
    /// The servers, and a port where nobody listens so far.
    pub(crate) fn begin() -> Self {
        let misses = ASKED.to_string();
        let words = ["--trusted-proxy", "127.0.0.0/8", "--misses-per-minute", &misses];
        let [(one, first), (other, second)] = [(); 2].map(|()| Program::server(&words));
        let (backs, servers) = ([first, second], vec![one, other]);
        Self { fronts: Vec::new(), servers, backs, port: free_port(), folder: Folder::new() }
    }

    /// Starts a program in front of them and waits until it listens at this port.
    pub(crate) fn front(&mut self, command: &mut Command, port: u16) {
        let mut front = Program::start(command);
        front.wait(|| TcpStream::connect(("127.0.0.1", port)).is_ok());
        self.fronts.push(front);
    }

    /// A shipped file with these words in place of others, each of which must be in it.
    pub(crate) fn adapted<'a>(
        shipped: String,
        changes: impl IntoIterator<Item = (&'a str, String)>,
    ) -> String {
        changes.into_iter().fold(shipped, |shipped, (from, to)| {
            assert!(shipped.contains(from), "{from}");
            shipped.replace(from, &to)
        })
    }

    pub(crate) fn here(&self, name: &str) -> String {
        self.folder.at(name).display().to_string()
    }

    pub(crate) fn origin(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    fn curl(&self, path: &str, words: &[&str]) -> Command {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--noproxy", "*", "--ipv4", "--max-time", "20", "--cacert"]);
        curl.arg(self.folder.at("cert.pem")).args(words).arg(format!("{}{path}", self.origin()));
        curl.stdout(Stdio::piped()).stderr(Stdio::null());
        curl
    }

    /// The answer, with its headers.
    pub(crate) fn get(&self, path: &str, words: &[&str]) -> String {
        let answer = self.curl(path, &[&["--include"], words].concat()).output().expect("curl");
        String::from_utf8(answer.stdout).unwrap()
    }

    pub(crate) fn status(&self, path: &str, words: &[&str]) -> String {
        status(&self.get(path, words))
    }

    /// Asks for a socket, as the page of `origin` does.
    pub(crate) fn upgrade(&self, origin: &str) -> String {
        self.open(origin).1
    }

    /// The same; the socket lives as long as what asked for it.
    pub(crate) fn open(&self, origin: &str) -> (Asking, String) {
        let mut openssl = Command::new("openssl");
        openssl.args(["s_client", "-quiet", "-verify_return_error", "-servername", "localhost", "-CAfile"]);
        openssl.arg(self.folder.at("cert.pem")).args(["-connect", &format!("127.0.0.1:{}", self.port)]);
        openssl.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut client = Asking(openssl.spawn().expect("openssl"));
        let request = format!(
            "GET /ws HTTP/1.1\r\nHost: localhost:{}\r\nOrigin: {origin}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
            self.port
        );
        // Its stdin stays open: openssl leaves when nobody can say anything any more.
        client.0.stdin.as_mut().unwrap().write_all(request.as_bytes()).unwrap();
        let mut line = String::new();
        BufReader::new(client.0.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        (client, status(&line))
    }

    /// Pages and sockets come through, and what is for operators does not.
    pub(crate) fn passes_on_what_it_should(&self) {
        let headers = self.get("/healthz", &[]);
        assert!(headers.starts_with("HTTP/2 200"), "{headers}");
        assert_eq!(headers.to_lowercase().matches("strict-transport-security: ").count(), 1, "{headers}");
        assert_eq!(self.upgrade(&self.origin()), "101");
        assert_eq!(self.upgrade("https://evil.example"), "403");
        for path in ["/metrics", "/readyz"] {
            assert_eq!(self.status(path, &[]), "404");
        }
    }

    /// Whoever says to be somebody else counts as who they are.
    pub(crate) fn counts_by_the_true_address(&self) {
        let ask = |number: usize, from: &str| {
            let said = format!("203.0.113.{number}");
            let (listed, standard) = (format!("X-Forwarded-For: {said}"), format!("Forwarded: for={said}"));
            let words = ["--interface", from, "--header", &listed, "--header", &standard];
            self.status(&format!("/api/rooms/room-{number}"), &words)
        };
        let answers: Vec<String> = (0..20).map(|number| ask(number, "127.0.0.1")).collect();
        let served = answers.iter().filter(|answer| *answer == "200").count();
        assert!((1..=2 * ASKED + 1).contains(&served), "{answers:?}");
        assert!(answers.iter().all(|answer| answer == "200" || answer == "429"), "{answers:?}");
        assert_eq!(ask(20, "127.0.0.2"), "200", "another address has its own share");
    }

    /// Nobody notices that one of the servers is gone.
    pub(crate) fn goes_on_with_one_server(&mut self) {
        self.servers.pop();
        for _ in 0..6 {
            assert_eq!(self.status("/healthz", &[]), "200");
            assert_eq!(self.upgrade(&self.origin()), "101");
        }
    }
}

/// A program that asks; dropping it ends it.
pub(crate) struct Asking(Child);

impl Drop for Asking {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The number in the first line.
fn status(answer: &str) -> String {
    answer.split_whitespace().nth(1).unwrap_or_default().to_owned()
}
