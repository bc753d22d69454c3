//! The shipped files for nginx, in the real nginx with TLS, before two real servers.

use std::process::{Command, Stdio};

use crate::program::{Folder, debian, free_port};
use crate::read;
use crate::site::Site;

/// Debian's package puts it there.
const STREAM: &str = "/usr/lib/nginx/modules/ngx_stream_module.so";

fn start() -> Site {
    start_with(&[])
}

/// With changes to the shipped file.
fn start_with(changes: &[(&str, &str)]) -> Site {
    let mut site = Site::begin();
    let own = [("listen 443 ", format!("listen 127.0.0.1:{} ", site.port))];
    let own = own.into_iter().chain(changes.iter().map(|(from, to)| (*from, (*to).to_owned())));
    let page = page(&site, own);
    run(&mut site, &page, "");
    site
}

/// The shipped page, at free ports, with its files here.
fn page<'a>(site: &Site, changes: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let here = |name| site.here(name);
    let paths = [
        ("/etc/letsencrypt/live/drop.example/fullchain.pem", here("cert.pem")),
        ("/etc/letsencrypt/live/drop.example/privkey.pem", here("key.pem")),
        ("/var/log/nginx/error.log", here("error.log")),
        ("listen 80;", format!("listen unix:{};", here("http.socket"))),
        ("127.0.0.1:8081", format!("127.0.0.1:{}", site.backs[0])),
        ("127.0.0.1:8082", format!("127.0.0.1:{}", site.backs[1])),
    ];
    let shipped = Site::adapted(read("deploy/nginx/privydrop.conf"), paths.into_iter().chain(changes));
    without_ipv6(&shipped)
}

/// Tests have one loopback address of IPv4 each, and perhaps none of IPv6.
fn without_ipv6(settings: &str) -> String {
    settings.lines().filter(|line| !line.contains("listen [::]")).collect::<Vec<_>>().join("\n")
}

/// Starts nginx with this page, and with more outside of it.
fn run(site: &mut Site, page: &str, outside: &str) {
    let here = |name: &str| site.here(name);
    site.folder.write("site.conf", page);
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {};\n", here(kind)))
        .concat();
    let (module, more) = outside.split_once('\n').unwrap_or_default();
    let main = format!(
        "{module}\ndaemon off;\npid {};\nevents {{}}\nhttp {{\n{temporary}include {};\n}}\n{more}\n",
        here("pid"),
        here("site.conf")
    );
    let (main, log, port) = (site.folder.write("nginx.conf", &main), site.folder.at("error.log"), site.port);
    site.front(debian("nginx").arg("-e").arg(log).arg("-c").arg(main), port);
}

#[test]
fn nginx_passes_pages_and_sockets_on_and_keeps_what_is_for_operators() {
    start().passes_on_what_it_should();
}

#[test]
fn behind_nginx_nobody_chooses_an_address_to_count_as() {
    start().counts_by_the_true_address();
}

#[test]
fn when_a_server_is_gone_nginx_asks_the_other_within_the_same_request() {
    start().goes_on_with_one_server();
}

/// The page behind the shared port, and what stands for the relay's TLS port.
fn shared() -> Site {
    let mut site = Site::begin();
    let [inner, bridge, relay] = [(); 3].map(|()| free_port());
    let mut openssl = Command::new("openssl");
    openssl.args(["s_server", "-quiet", "-www", "-accept", &format!("127.0.0.1:{relay}")]);
    openssl.arg("-cert").arg(site.folder.at("cert.pem")).arg("-key").arg(site.folder.at("key.pem"));
    site.front(openssl.stdout(Stdio::null()).stderr(Stdio::null()), relay);
    // As docs/SELF_HOSTING.md changes it.
    let own = [("listen 443 ssl http2;", format!("listen 127.0.0.1:{inner} ssl http2 proxy_protocol;"))];
    let page = page(&site, own);
    let changes = [
        ("/var/log/nginx/error.log", site.here("error.log")),
        ("listen 443;", format!("listen 127.0.0.1:{};", site.port)),
        ("127.0.0.1:8443", format!("127.0.0.1:{inner}")),
        ("127.0.0.1:5350", format!("127.0.0.1:{bridge}")),
        ("127.0.0.1:5349", format!("127.0.0.1:{relay}")),
    ];
    let outside = without_ipv6(&Site::adapted(read("deploy/nginx/shared-443.conf"), changes));
    run(&mut site, &page, &format!("load_module {STREAM};\n{outside}"));
    site
}

#[test]
fn at_the_shared_port_the_page_is_reached_by_its_name_and_the_relay_by_its_own() {
    let site = shared();
    site.passes_on_what_it_should();
    let place = format!("127.0.0.1:{}", site.port);
    let mut openssl = Command::new("sh");
    let ask = "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | openssl s_client -quiet -connect \"$0\" -servername turn.drop.example";
    let answer = openssl.args(["-c", ask, &place]).stderr(Stdio::null()).output().unwrap();
    let answer = String::from_utf8_lossy(&answer.stdout);
    assert!(answer.contains("s_server"), "{answer}");
}

#[test]
fn at_the_shared_port_nobody_chooses_an_address_to_count_as() {
    shared().counts_by_the_true_address();
}

#[test]
fn nginx_lets_one_address_have_so_many_connections() {
    let site = start_with(&[("limit_conn privydrop_addresses 2000;", "limit_conn privydrop_addresses 1;")]);
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
