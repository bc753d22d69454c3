//! The shipped files for Caddy, in the real Caddy with TLS, before two real servers.

use std::process::Stdio;

use crate::program::debian;
use crate::read;
use crate::site::Site;

/// Runs Caddy with this file, adapted, in a home of its own.
fn run(site: &mut Site, settings: &str) {
    let file = site.folder.write("Caddyfile", settings);
    let mut caddy = debian("caddy");
    caddy.args(["run", "--adapter", "caddyfile", "--config"]).arg(file);
    for home in ["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"] {
        caddy.env(home, site.folder.at("caddy"));
    }
    let certificate = format!("{} {}", site.here("cert.pem"), site.here("key.pem"));
    caddy.env("TLS", certificate).stdout(Stdio::null()).stderr(Stdio::null());
    let port = site.port;
    site.front(&mut caddy, port);
}

/// The file for one machine.
fn alone() -> Site {
    let mut site = Site::begin();
    let certificate = format!("tls {} {}", site.here("cert.pem"), site.here("key.pem"));
    let changes = [
        (
            "\ndrop.example {",
            format!(
                "\n{{\nadmin off\nauto_https disable_redirects\n}}\nhttps://localhost:{} {{\n{certificate}",
                site.port
            ),
        ),
        ("127.0.0.1:8081", format!("127.0.0.1:{}", site.backs[0])),
        ("127.0.0.1:8082", format!("127.0.0.1:{}", site.backs[1])),
    ];
    let settings = Site::adapted(read("deploy/caddy/Caddyfile"), changes);
    run(&mut site, &settings);
    site
}

/// The file of compose.yaml.
fn composed() -> Site {
    let mut site = Site::begin();
    let changes = [
        (
            "default_sni {$SITE_NAME}",
            "default_sni localhost\nadmin off\nauto_https disable_redirects".to_owned(),
        ),
        ("https://{$SITE_NAME} {", format!("https://localhost:{} {{", site.port)),
        ("server-1:8080", format!("127.0.0.1:{}", site.backs[0])),
        ("server-2:8080", format!("127.0.0.1:{}", site.backs[1])),
    ];
    let settings = Site::adapted(read("deploy/caddy/Caddyfile.compose"), changes);
    run(&mut site, &settings);
    site
}

#[test]
fn caddy_passes_pages_and_sockets_on_and_keeps_what_is_for_operators() {
    [alone(), composed()].iter().for_each(Site::passes_on_what_it_should);
}

#[test]
fn behind_caddy_nobody_chooses_an_address_to_count_as() {
    [alone(), composed()].iter().for_each(Site::counts_by_the_true_address);
}

#[test]
fn when_a_server_is_gone_caddy_asks_the_other_within_the_same_request() {
    [alone(), composed()].iter_mut().for_each(Site::goes_on_with_one_server);
}
