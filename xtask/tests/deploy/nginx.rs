//! The shipped file for nginx, in the real nginx with TLS, before two real servers.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use crate::program::{Folder, Program, debian, free_port};
use crate::read;

/// Room names that one address may ask for at one server.
const ASKED: usize = 3;

struct Site {
    _nginx: Program,
    servers: Vec<Program>,
    port: u16,
    folder: Folder,
}

impl Site {
    fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with changes to the shipped file.
    fn start_with(changes: &[(&str, &str)]) -> Self {
        let misses = ASKED.to_string();
        let words = ["--trusted-proxy", "127.0.0.0/8", "--misses-per-minute", &misses];
        let (servers, ports): (Vec<_>, Vec<_>) = (0..2).map(|_| Program::server(&words)).unzip();
        let (folder, port) = (Folder::new(), free_port());
        let here = |name: &str| folder.at(name).display().to_string();
        let mut shipped = read("deploy/nginx/privydrop.conf");
        let changes = changes.iter().map(|(from, to)| (*from, (*to).to_owned()));
        let adapted = [
            ("/etc/letsencrypt/live/drop.example/fullchain.pem", here("cert.pem")),
            ("/etc/letsencrypt/live/drop.example/privkey.pem", here("key.pem")),
            ("/var/log/nginx/error.log", here("error.log")),
            ("listen 443 ", format!("listen 127.0.0.1:{port} ")),
            ("listen 80;", format!("listen unix:{};", here("http.socket"))),
            ("127.0.0.1:8081", format!("127.0.0.1:{}", ports[0])),
            ("127.0.0.1:8082", format!("127.0.0.1:{}", ports[1])),
        ];
        for (from, to) in adapted.into_iter().chain(changes) {
            assert!(shipped.contains(from), "{from}");
            shipped = shipped.replace(from, &to);
        }
        let lines: Vec<&str> = shipped.lines().filter(|line| !line.contains("listen [::]")).collect();
        folder.write("site.conf", &lines.join("\n"));
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {};\n", here(kind)))
            .concat();
        let main = folder.write(
            "nginx.conf",
            &format!(
                "daemon off;\npid {};\nevents {{}}\nhttp {{\n{temporary}include {};\n}}\n",
                here("pid"),
                here("site.conf")
            ),
        );
        let log = folder.at("error.log");
        let mut nginx = Program::start(debian("nginx").arg("-e").arg(log).arg("-c").arg(main));
        nginx.wait(|| std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { _nginx: nginx, servers, port, folder }
    }

    fn origin(&self) -> String {
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
    fn get(&self, path: &str, words: &[&str]) -> String {
        let answer = self.curl(path, &[&["--include"], words].concat()).output().expect("curl");
        String::from_utf8(answer.stdout).unwrap()
    }

    fn status(&self, path: &str, words: &[&str]) -> String {
        status(&self.get(path, words))
    }

    /// Asks for a socket, as the page of `origin` does.
    fn upgrade(&self, origin: &str) -> String {
        self.open(origin).1
    }

    /// The same; the socket lives as long as what asked for it.
    fn open(&self, origin: &str) -> (Asking, String) {
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
}

/// A program that asks; dropping it ends it.
struct Asking(Child);

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

#[test]
fn nginx_passes_pages_and_sockets_on_and_keeps_what_is_for_operators() {
    let site = Site::start();
    let headers = site.get("/healthz", &[]);
    assert!(headers.starts_with("HTTP/2 200"), "{headers}");
    assert_eq!(headers.to_lowercase().matches("strict-transport-security: ").count(), 1, "{headers}");
    assert_eq!(site.upgrade(&site.origin()), "101");
    assert_eq!(site.upgrade("https://evil.example"), "403");
    for path in ["/metrics", "/readyz"] {
        assert_eq!(site.status(path, &[]), "404");
    }
}

#[test]
fn behind_nginx_nobody_chooses_an_address_to_count_as() {
    let site = Site::start();
    let ask = |number: usize, from: &str| {
        let said = format!("203.0.113.{number}");
        let (listed, standard) = (format!("X-Forwarded-For: {said}"), format!("Forwarded: for={said}"));
        let words = ["--interface", from, "--header", &listed, "--header", &standard];
        site.status(&format!("/api/rooms/room-{number}"), &words)
    };
    let answers: Vec<String> = (0..20).map(|number| ask(number, "127.0.0.1")).collect();
    let served = answers.iter().filter(|answer| *answer == "200").count();
    assert!((1..=2 * ASKED + 1).contains(&served), "{answers:?}");
    assert!(answers.iter().all(|answer| answer == "200" || answer == "429"), "{answers:?}");
    assert_eq!(ask(20, "127.0.0.2"), "200", "another address has its own share");
}

#[test]
fn nginx_lets_one_address_have_so_many_connections() {
    let site =
        Site::start_with(&[("limit_conn privydrop_addresses 2000;", "limit_conn privydrop_addresses 1;")]);
    let (asking, answer) = site.open(&site.origin());
    assert_eq!((answer.as_str(), site.status("/healthz", &[]).as_str()), ("101", "429"));
    assert_eq!(site.status("/healthz", &["--interface", "127.0.0.2"]), "200");
    drop(asking);
}

#[test]
fn the_guide_lets_nginx_hold_more_pages_than_it_comes_with() {
    let guide = read("docs/SELF_HOSTING.md");
    let line =
        guide.lines().find(|line| line.contains("worker_connections") && line.starts_with("sed ")).unwrap();
    let folder = Folder::new();
    let (pid, log) = (folder.at("pid"), folder.at("error.log"));
    // As Debian has it, but for where it writes.
    let (pid, log) = (pid.display(), log.display());
    let debians = format!(
        "user www-data;\nworker_processes auto;\npid {pid};\nerror_log {log};\n\nevents {{\n\tworker_connections 768;\n}}\n"
    );
    let main = folder.write("nginx.conf", &debians);
    let here = line.replace("/etc/nginx/nginx.conf", &main.display().to_string());
    assert!(Command::new("sh").args(["-c", &here]).status().unwrap().success());
    let changed = std::fs::read_to_string(&main).unwrap();
    assert!(changed.starts_with("worker_rlimit_nofile 131072;\n"), "{changed}");
    assert!(changed.contains("\tworker_connections 65536;\n"), "{changed}");
    let tested = debian("nginx").arg("-t").arg("-c").arg(&main).stderr(Stdio::null()).status();
    assert!(tested.unwrap().success());
}

#[test]
fn when_a_server_is_gone_nginx_asks_the_other_within_the_same_request() {
    let mut site = Site::start();
    site.servers.pop();
    for _ in 0..6 {
        assert_eq!(site.status("/healthz", &[]), "200");
        assert_eq!(site.upgrade(&site.origin()), "101");
    }
}
