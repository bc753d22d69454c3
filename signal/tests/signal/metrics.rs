//! What `/metrics` says, read as strictly as OpenMetrics has it: a scraper may be stricter than the one at hand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use privydrop_common::signaling::{ClientMessage, Refusal};
use privydrop_signal::store::memory::Memory;

use crate::faulty::{Faults, faulty_node};
use crate::support::{Client, eventually, server};
use crate::web::get;

type Labels = BTreeMap<String, String>;

/// What is said of one name.
#[derive(Debug, Default)]
struct Family {
    kind: Option<String>,
    unit: Option<String>,
    help: Option<String>,
    /// What stands behind the family's name, labels, value.
    samples: Vec<(String, Labels, f64)>,
}

fn is_name(text: &str, more: &str) -> bool {
    let may = |char: char| char.is_ascii_alphanumeric() || char == '_' || more.contains(char);
    text.chars().all(may) && text.starts_with(|char: char| may(char) && !char.is_ascii_digit())
}

/// `{name="value",…}` without its braces.
fn labels(mut text: &str) -> Result<Labels, String> {
    let mut labels = Labels::new();
    while !text.is_empty() {
        let (name, rest) = text.split_once("=\"").ok_or("a label without a value")?;
        if !is_name(name, "") || name.starts_with("__") {
            return Err(format!("{name} is no name of a label"));
        }
        let (mut value, mut chars) = (String::new(), rest.char_indices());
        let end = loop {
            match chars.next().ok_or("a value without an end")? {
                (at, '"') => break at,
                (_, '\\') => match chars.next() {
                    Some((_, char @ ('\\' | '"'))) => value.push(char),
                    Some((_, 'n')) => value.push('\n'),
                    _ => return Err("a wrong escape".into()),
                },
                (_, char) => value.push(char),
            }
        };
        if labels.insert(name.into(), value).is_some() {
            return Err(format!("{name} twice"));
        }
        text = &rest[end + 1..];
        text = match text.strip_prefix(',') {
            Some("") => return Err("a comma at the end".into()),
            Some(more) => more,
            None if text.is_empty() => text,
            None => return Err("something behind a value".into()),
        };
    }
    Ok(labels)
}

/// Reads all, or says what is wrong.
fn parse(text: &str) -> Result<BTreeMap<String, Family>, String> {
    let body = text.strip_suffix("# EOF\n").ok_or("it does not end with # EOF")?;
    if !body.is_empty() && !body.ends_with('\n') {
        return Err("a line without an end".into());
    }
    let (mut families, mut current) = (BTreeMap::<String, Family>::new(), String::new());
    for line in body.lines() {
        if let Some(told) = line.strip_prefix("# ") {
            let parts: Vec<_> = told.splitn(3, ' ').collect();
            let [what, name, told] = parts[..] else { return Err(format!("{line}: too short")) };
            if !is_name(name, ":") {
                return Err(format!("{line}: no name"));
            }
            if name != current && families.contains_key(name) {
                return Err(format!("{line}: apart from the others of its name"));
            }
            current = name.to_owned();
            let family = families.entry(current.clone()).or_default();
            if !family.samples.is_empty() {
                return Err(format!("{line}: behind a sample"));
            }
            let place = match what {
                "TYPE" => &mut family.kind,
                "UNIT" => &mut family.unit,
                "HELP" => &mut family.help,
                _ => return Err(format!("{line}: neither type nor unit nor help")),
            };
            if place.replace(told.to_owned()).is_some() {
                return Err(format!("{line}: said twice"));
            }
            continue;
        }
        let (series, value) = line.rsplit_once(' ').ok_or_else(|| format!("{line}: no sample"))?;
        let (name, labelled) = match series.split_once('{') {
            Some((name, rest)) => {
                (name, labels(rest.strip_suffix('}').ok_or_else(|| format!("{line}: no brace"))?)?)
            }
            None => (series, Labels::new()),
        };
        let value: f64 = value.parse().map_err(|_| format!("{line}: no number"))?;
        let suffix = name.strip_prefix(&*current).filter(|_| is_name(name, ":") && !current.is_empty());
        let suffix = suffix.ok_or_else(|| format!("{line}: not of what was announced"))?;
        let family = families.entry(current.clone()).or_default();
        if family.samples.iter().any(|(other, labels, _)| other == suffix && *labels == labelled) {
            return Err(format!("{line}: twice"));
        }
        family.samples.push((suffix.to_owned(), labelled, value));
    }
    let mut names = BTreeSet::new();
    for (name, family) in &families {
        family.check(name).map_err(|reason| format!("{name}: {reason}"))?;
        for suffix in family.samples.iter().map(|(suffix, ..)| suffix).collect::<BTreeSet<_>>() {
            if !names.insert(format!("{name}{suffix}")) {
                return Err(format!("{name}{suffix}: of two families"));
            }
        }
    }
    Ok(families)
}

impl Family {
    fn check(&self, name: &str) -> Result<(), String> {
        if self.help.as_ref().is_none_or(|help| help.trim().is_empty()) {
            return Err("no help".into());
        }
        if self.unit.as_ref().is_some_and(|unit| !name.ends_with(&format!("_{unit}"))) {
            return Err("its unit is not in its name".into());
        }
        let suffixes: &[&str] = match self.kind.as_deref() {
            Some("counter") => &["_total"],
            Some("gauge") => &[""],
            Some("histogram") => &["_bucket", "_sum", "_count"],
            _ => return Err("no type that is used here".into()),
        };
        for (suffix, labels, value) in &self.samples {
            if !suffixes.contains(&suffix.as_str()) {
                return Err(format!("{suffix} does not belong to its type"));
            }
            if (suffix == "_bucket") != labels.contains_key("le") {
                return Err("le where there is no bucket, or none where there is one".into());
            }
            if !value.is_finite() || *value < 0.0 {
                return Err(format!("{value} is nothing that is counted here"));
            }
        }
        if suffixes.len() > 1 { self.check_buckets() } else { Ok(()) }
    }

    fn check_buckets(&self) -> Result<(), String> {
        let mut series = BTreeMap::<Labels, Vec<(f64, f64)>>::new();
        for (suffix, labels, value) in &self.samples {
            let mut labels = labels.clone();
            let bound = labels.remove("le");
            let buckets = series.entry(labels).or_default();
            if suffix == "_bucket" {
                let bound = bound.as_deref().unwrap_or_default().trim_start_matches('+').parse();
                buckets.push((bound.map_err(|_| "no bound")?, *value));
            }
        }
        for (labels, buckets) in series {
            let sole = |wanted: &str| {
                let mut found =
                    self.samples.iter().filter(|(suffix, of, _)| suffix == wanted && *of == labels);
                found.next().map(|(.., value)| *value).ok_or(format!("no {wanted}"))
            };
            if !buckets.is_sorted_by(|one, next| one.0 < next.0 && one.1 <= next.1) {
                return Err("its buckets do not grow".into());
            }
            if buckets.last() != Some(&(f64::INFINITY, sole("_count")?)) {
                return Err("its last bucket does not hold all".into());
            }
            sole("_sum")?;
        }
        Ok(())
    }
}

#[tokio::test]
async fn metrics_are_what_the_strictest_scraper_reads() {
    let server = server(&["--metrics-listen", "127.0.0.1:0"]).await;
    let at_once = async || {
        let own = tokio::net::TcpStream::connect(server.metrics.unwrap()).await.unwrap();
        crate::web::ask(own, "/metrics", &[]).await.body
    };
    // A family without a sample is one as well.
    parse(&at_once().await).unwrap();
    let mut host = Client::hello(&server).await.create(None).await;
    let mut guest = host.admit_from(&server).await;
    guest.client.say(ClientMessage::Admit { member: host.member }).await;
    guest.client.hear_refused(Refusal::NotHost).await;
    guest.client.hear_nothing().await;
    assert!(Client::open_with(&server, &[("origin", "https://elsewhere.example")]).await.is_err());
    let families = parse(&at_once().await).unwrap();
    let of = |name: &str| &families[name].samples;
    assert_eq!(of("privydrop_sockets")[..], [(String::new(), Labels::new(), 2.0)]);
    let labelled = |name: &str, label: &str| -> BTreeSet<String> {
        of(name).iter().map(|(_, labels, _)| labels[label].clone()).collect()
    };
    assert_eq!(
        labelled("privydrop_refusals", "code"),
        ["not-host", "out-of-place"].map(str::to_owned).into()
    );
    assert_eq!(labelled("privydrop_turned_away", "reason"), ["origin".to_owned()].into());
    let requests = labelled("privydrop_request_latency_seconds", "request");
    assert_eq!(requests, ["admit", "create", "knock"].map(str::to_owned).into());
    assert_eq!(get(&server, "/metrics", &[]).await.status, 404);
}

#[test]
fn a_scraper_that_is_strict_refuses_whatever_is_not_as_it_must_be() {
    let histogram = |samples: &str| format!("# HELP a b\n# TYPE a histogram\n{samples}# EOF\n");
    let good = [
        "# EOF\n".to_owned(),
        "# HELP a b\n# TYPE a counter\na_total{c=\"d\\\"\\n\\\\\",e=\"\"} 1\na_total{c=\"d\"} 1\n# EOF\n"
            .into(),
        "# HELP a_seconds b\n# TYPE a_seconds gauge\n# UNIT a_seconds seconds\na_seconds 1.5e3\n# EOF\n"
            .into(),
        histogram("a_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 3\na_sum 4\na_count 3\n"),
    ];
    for text in good {
        assert!(parse(&text).is_ok(), "{text}{:?}", parse(&text));
    }
    let head = "# HELP a b\n# TYPE a counter\n";
    let of_a = |rest: &str| format!("{head}{rest}# EOF\n");
    let bad = [
        format!("{head}a_total 1\n"),
        of_a("a 1\n"),
        of_a("a_total 1\na_total 2\n"),
        of_a("a_total{b=\"c\"} 1\na_total{b=\"c\"} 2\n"),
        of_a("a_total{b=\"c\",b=\"d\"} 1\n"),
        of_a("a_total{1b=\"c\"} 1\n"),
        of_a("a_total{b=\"c\\d\"} 1\n"),
        of_a("a_total{b=\"c} 1\n"),
        of_a("a_total NaN\n"),
        of_a("a_total -1\n"),
        of_a("a_total\n"),
        of_a("a_total x\n"),
        of_a("\n"),
        of_a("b_total 1\n"),
        of_a("a_total 1\n# UNIT a x\n"),
        of_a("# TYPE a counter\n"),
        of_a("a_total 1\n# HELP c d\n# TYPE c gauge\nc 1\n# HELP a b\n"),
        of_a("# UNIT a seconds\na_total 1\n"),
        of_a("a_total 1\n# HELP a_total b\n# TYPE a_total gauge\na_total 1\n"),
        "# TYPE a counter\na_total 1\n# EOF\n".into(),
        "# HELP a b\na 1\n# EOF\n".into(),
        "a_total 1\n# EOF\n".into(),
        "# HELP a-b c\n# TYPE a-b gauge\na-b 1\n# EOF\n".into(),
        histogram("a_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\na_sum 4\na_count 1\n"),
        histogram(
            "a_bucket{le=\"2\"} 1\na_bucket{le=\"1\"} 1\na_bucket{le=\"+Inf\"} 1\na_sum 4\na_count 1\n",
        ),
        histogram("a_bucket{le=\"1\"} 2\na_sum 4\na_count 2\n"),
        histogram("a_bucket{le=\"+Inf\"} 2\na_sum 4\na_count 3\n"),
        histogram("a_bucket{le=\"+Inf\"} 2\na_count 2\n"),
        histogram("a_bucket 2\na_sum 4\na_count 2\n"),
    ];
    for text in bad {
        assert!(parse(&text).is_err(), "{text}");
    }
}

#[tokio::test]
async fn a_lease_that_the_store_does_not_take_is_a_request_that_failed() {
    let (node, faults) = faulty_node(Arc::new(Memory::default()), |_| {}).await;
    let errors = async || {
        let families = parse(&get(&node, "/metrics", &[]).await.body).unwrap();
        families["privydrop_store_errors"].samples[0].2
    };
    assert_eq!(errors().await, 0.0);
    Faults::begin(&faults.takes_no_lease);
    eventually(async || errors().await > 0.0).await;
}
