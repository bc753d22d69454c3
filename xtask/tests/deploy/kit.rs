//! What can be said of the files without starting anything.

use std::collections::BTreeSet;
use std::net::IpAddr;

use yaml_rust2::YamlLoader;

use crate::{at, read};

/// A setting as signal/src/config.rs has it: flag, variable, default.
fn settings() -> BTreeSet<(String, String, String)> {
    let source = read("signal/src/config.rs");
    let code = source.split("#[cfg(test)]").next().unwrap();
    let attributes = code.split("#[arg(").skip(1).map(|rest| rest.split_once(")]").unwrap().0);
    let shown = attributes.filter(|attribute| !attribute.contains("hide = true"));
    let settings = shown.map(|attribute| {
        let quoted = |name: &str| {
            let rest = attribute.split_once(&format!("{name} = \""))?.1;
            Some(rest.split_once('"')?.0.to_owned())
        };
        let variable = quoted("env").unwrap();
        let flag = variable.trim_start_matches("PRIVYDROP").to_lowercase().replace('_', "-");
        (format!("-{flag}"), variable, quoted("default_value").unwrap_or_default())
    });
    settings.collect()
}

/// The rows of the table of settings in docs/SELF_HOSTING.md.
fn told() -> BTreeSet<(String, String, String)> {
    let document = read("docs/SELF_HOSTING.md");
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `--"));
    let told = rows.map(|row| {
        let mut cells = row.split(" | ").map(|cell| cell.trim_matches('`'));
        let flag = format!("--{}", cells.next().unwrap().split(' ').next().unwrap());
        let variable = cells.next().unwrap().to_owned();
        (flag, variable, cells.next().unwrap().replace('–', ""))
    });
    told.collect()
}

#[test]
fn every_setting_of_the_server_is_explained_with_its_default() {
    assert_eq!(settings(), told());
}

#[test]
fn settings_in_the_files_are_settings_of_the_server() {
    let known: BTreeSet<String> = settings().into_iter().map(|(_, variable, _)| variable).collect();
    for file in [
        "deploy/.env.example",
        "deploy/Dockerfile",
        "deploy/compose.yaml",
        "deploy/kubernetes/settings.env",
        "deploy/systemd/server.env",
    ] {
        for word in read(file).split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_') {
            assert!(!word.starts_with("PRIVYDROP_") || known.contains(word), "{file} has {word}");
        }
    }
}

#[test]
fn what_compose_asks_of_the_environment_is_explained_and_nothing_else_is() {
    let compose = read("deploy/compose.yaml");
    let by_dollar = compose.split("${").skip(1).map(|rest| rest.split([':', '}']).next().unwrap());
    let passed_on = compose.lines().filter_map(|line| line.trim().strip_suffix(':'));
    let passed_on = passed_on.filter(|name| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'));
    let asked: BTreeSet<&str> = by_dollar.chain(passed_on).collect();
    let example = read("deploy/.env.example");
    let names = example.lines().filter_map(|line| line.trim_start_matches('#').split_once('='));
    let names = names.map(|(name, _)| name).filter(|name| !name.contains(' '));
    let told: BTreeSet<&str> = names.filter(|name| *name != "COMPOSE_PROFILES").collect();
    assert_eq!(asked, told);
}

#[test]
fn every_file_of_yaml_and_json_can_be_read() {
    let mut count = 0;
    for folder in ["deploy", "deploy/grafana", "deploy/kubernetes", "deploy/prometheus"] {
        for entry in std::fs::read_dir(at(folder)).unwrap() {
            let path = entry.unwrap().path();
            let kind = path.extension().unwrap_or_default().to_owned();
            if kind == "yaml" || kind == "yml" {
                let documents = YamlLoader::load_from_str(&std::fs::read_to_string(&path).unwrap());
                assert!(!documents.expect("YAML").is_empty(), "{}", path.display());
            } else if kind == "json" {
                let text = std::fs::read_to_string(&path).unwrap();
                serde_json::from_str::<serde_json::Value>(&text).expect("JSON");
            } else {
                continue;
            }
            count += 1;
        }
    }
    assert!(count >= 9, "{count}");
}

#[test]
fn every_value_that_is_watched_is_one_that_the_server_tells() {
    let source = read("signal/src/metrics.rs");
    for file in ["deploy/grafana/privydrop.json", "deploy/prometheus/privydrop-alerts.yml"] {
        let text = read(file);
        let names: BTreeSet<&str> = text
            .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
            .filter_map(|word| word.strip_prefix("privydrop_"))
            .collect();
        assert!(names.len() > 3);
        for name in names {
            let bare = ["_total", "_bucket", "_count", "_sum"].iter().find_map(|end| name.strip_suffix(end));
            let bare = bare.unwrap_or(name).trim_end_matches("_seconds");
            assert!(source.contains(&format!("\"{bare}\"")), "{file} has privydrop_{name}");
        }
    }
}

#[test]
fn the_time_that_requests_and_the_store_take_is_drawn() {
    let dashboard = read("deploy/grafana/privydrop.json");
    for name in ["privydrop_request_latency_seconds_bucket", "privydrop_store_latency_seconds_bucket"] {
        assert!(dashboard.contains(name), "{name}");
    }
}

#[test]
fn a_server_may_have_a_thread_for_each_core_of_a_large_machine() {
    for (file, mark) in [
        ("deploy/systemd/privydrop-server.service", "TasksMax="),
        ("deploy/systemd/privydrop-server@.service", "TasksMax="),
        ("deploy/compose.yaml", "pids_limit: "),
    ] {
        let text = read(file);
        let limit = text.split_once(mark).unwrap().1.lines().next().unwrap();
        assert!(limit.parse::<u32>().unwrap() >= 512, "{file} has {limit}");
    }
}

#[test]
fn files_that_stand_twice_are_the_same() {
    assert_eq!(read("deploy/redis/redis.conf"), read("deploy/kubernetes/redis.conf"));
    let differ = |text: String| -> String {
        let lines = text.lines().filter(|line| {
            !["Description=", "ExecStart=", "AmbientCapabilities=", "CapabilityBoundingSet=", "# Several"]
                .iter()
                .any(|start| line.starts_with(start))
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    let [one, many] =
        ["", "@"].map(|at| differ(read(&format!("deploy/systemd/privydrop-server{at}.service"))));
    assert_eq!(one, many);
}

#[test]
fn what_the_document_leads_to_is_there() {
    let document = read("docs/SELF_HOSTING.md");
    for link in document.split("](../").skip(1).map(|rest| rest.split(')').next().unwrap()) {
        assert!(at(link).exists(), "{link}");
    }
    for word in document.split_whitespace().filter_map(|word| word.trim_matches('`').strip_prefix("deploy/"))
    {
        let first = word.split(['/', '`', ';', ',']).next().unwrap();
        assert!(at("deploy").join(first).exists(), "{word}");
    }
}

/// Whether one of the ranges has `peer` in it.
fn denies(ranges: &[(IpAddr, IpAddr)], peer: &str) -> bool {
    let peer: IpAddr = peer.parse().unwrap();
    ranges.iter().any(|(first, last)| *first <= peer && peer <= *last)
}

#[test]
fn the_relay_denies_all_that_is_not_a_public_host_and_no_more() {
    let settings = read("deploy/coturn/turnserver.conf");
    let ranges = settings.lines().filter_map(|line| line.strip_prefix("denied-peer-ip=")).map(|range| {
        let (first, last) = range.split_once('-').unwrap();
        (first.parse().unwrap(), last.parse().unwrap())
    });
    let ranges: Vec<(IpAddr, IpAddr)> = ranges.collect();
    assert!(ranges.iter().all(|(first, last)| first <= last && first.is_ipv4() == last.is_ipv4()));
    // coturn takes such a range for one that has all of IPv4 in it.
    assert!(ranges.iter().all(|(first, _)| first.is_ipv4() || !first.is_unspecified()));
    let denied = "0.0.0.1 10.0.0.1 100.64.0.1 127.0.0.1 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.2.1 \
        192.88.99.1 192.168.0.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 \
        255.255.255.255 ::1 ::10.0.0.1 ::ffff:10.0.0.1 ::ffff:0:10.0.0.1 64:ff9b::a00:1 64:ff9b:1::1 100::1 2001::1 2001:10::1 \
        2001:db8::1 2002:a00:1::1 3fff::1 5f00::1 fc00::1 fd00::1 fe80::1 fec0::1 ff02::1";
    assert_eq!(denied.split_whitespace().find(|peer| !denies(&ranges, peer)), None);
    let public = "1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 128.0.0.0 172.15.255.255 172.32.0.0 \
        192.0.1.0 198.20.0.0 223.255.255.255 2001:200::1 2001:db7::1 2003::1 2606:4700::1111 2a00::1";
    assert_eq!(public.split_whitespace().find(|peer| denies(&ranges, peer)), None);
}
