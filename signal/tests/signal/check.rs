//! `privydrop-server check`: says what works, what does not, and what to do; its exit code says whether to go on.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use privydrop_signal::check::{Finding, Verdict, check, health};
use rcgen::{CertificateParams, KeyPair};

use crate::coturn::Coturn;
use crate::redis::{RedisCluster, RedisServer};
use crate::support::{config, server};
use crate::tls::Files;

async fn found(flags: &[&str]) -> Vec<Finding> {
    check(&config(flags)).await
}

/// The only finding of this kind about this subject.
fn only(findings: &[Finding], verdict: Verdict, subject: &str) -> String {
    let mut found =
        findings.iter().filter(|finding| finding.verdict == verdict && finding.subject == subject);
    match (found.next(), found.next()) {
        (Some(finding), None) => finding.text.clone(),
        _ => panic!("{findings:#?}"),
    }
}

fn worst(findings: &[Finding], subject: &str) -> Verdict {
    let verdicts =
        findings.iter().filter(|finding| finding.subject == subject).map(|finding| finding.verdict);
    verdicts.max().unwrap()
}

#[tokio::test]
async fn what_works_is_said_to_work() {
    let (redis, coturn) = (RedisServer::start(), Coturn::closed("relay-ip=127.0.0.1").await);
    let flags =
        ["--redis", &redis.url(), "--turn-url", &coturn.url(), "--turn-secret-file", &coturn.secret_file()];
    let stun = coturn.url().replace("turn:", "stun:");
    let findings = found(&[&flags[..], &["--stun-url", &stun]].concat()).await;
    assert_eq!(worst(&findings, "redis"), Verdict::Ok, "{findings:#?}");
    assert_eq!(worst(&findings, "turn"), Verdict::Ok, "{findings:#?}");
    assert_eq!(redis.ask::<Vec<String>>(&["KEYS", "*"]), Vec::<String>::new(), "nothing is left behind");
}

#[tokio::test]
async fn a_cluster_is_looked_at_node_by_node() {
    let cluster = RedisCluster::start();
    cluster.nodes[2].ask::<()>(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    cluster.nodes[2].ask::<()>(&["CONFIG", "SET", "maxmemory", "100mb"]);
    let findings = found(&["--redis", &cluster.url()]).await;
    let text = only(&findings, Verdict::Wrong, "redis");
    assert!(text.contains("allkeys-lru") && text.contains("noeviction"), "{text}");
}

#[tokio::test]
async fn a_redis_that_cannot_be_used_is_said_with_what_to_do_and_without_its_password() {
    let redis = RedisServer::start();
    redis.ask::<()>(&["CONFIG", "SET", "requirepass", "right"]);
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("password");
    std::fs::write(&file, "hunter2").unwrap();
    let flags = ["--redis", &redis.url(), "--redis-password-file", file.to_str().unwrap()];
    let text = only(&found(&flags).await, Verdict::Wrong, "redis");
    assert!(text.contains("password") && !text.contains("hunter2"), "{text}");
    std::fs::write(&file, "right\n").unwrap();
    assert_eq!(worst(&found(&flags).await, "redis"), Verdict::Ok);
}

#[tokio::test]
async fn a_turn_server_with_another_secret_and_one_that_leads_inside_are_told_apart() {
    let coturn = Coturn::open().await;
    let home = tempfile::tempdir().unwrap();
    let other = home.path().join("other");
    std::fs::write(&other, "south").unwrap();
    let flags =
        |file: &str| ["--turn-url".into(), coturn.url(), "--turn-secret-file".into(), file.to_owned()];
    let ask = async |file: &str| {
        let flags: [String; 4] = flags(file);
        found(&flags.each_ref().map(String::as_str)).await
    };
    let text = only(&ask(other.to_str().unwrap()).await, Verdict::Wrong, "turn");
    assert!(text.contains("401") && text.contains("static-auth-secret"), "{text}");
    let text = only(&ask(&coturn.secret_file()).await, Verdict::Wrong, "turn");
    assert!(text.contains("127.0.0.1") && text.contains("denied-peer-ip"), "{text}");
}

#[tokio::test]
async fn a_certificate_is_looked_at_for_its_key_its_name_and_its_end() {
    let home = tempfile::tempdir().unwrap();
    let file = |name: &str, content: String| {
        let path = home.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let make = |year: i32| {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["drop.example".to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(year, 1, 1);
        let chain = params.self_signed(&key).unwrap().pem();
        (file(&format!("{year}.pem"), chain), file(&format!("{year}.key"), key.serialize_pem()))
    };
    let (good, old) = (make(4000), make(2020));
    let ask = async |chain: &str, key: &str, url: &str| {
        found(&["--tls-cert", chain, "--tls-key", key, "--public-url", url]).await
    };
    let findings = ask(&good.0, &good.1, "https://drop.example:8443").await;
    assert_eq!(worst(&findings, "tls"), Verdict::Ok, "{findings:#?}");
    for (findings, word) in [
        (ask(&good.0, &good.1, "https://other.example").await, "other.example"),
        (ask(&old.0, &old.1, "https://drop.example").await, "not valid now"),
        (ask(&good.0, &old.1, "https://drop.example").await, "belong together"),
    ] {
        let text = only(&findings, Verdict::Wrong, "tls");
        assert!(text.contains(word), "{text}");
    }
}

#[tokio::test]
async fn a_port_at_which_the_server_itself_runs_is_fine_and_one_that_another_program_has_is_not() {
    let (files, other) = (Files::new(), TcpListener::bind("127.0.0.1:0").unwrap());
    files.renew();
    let tls = files.flags();
    for flags in [&[][..], &tls.each_ref().map(String::as_str)] {
        let running = server(&[flags, &["--metrics-listen", "127.0.0.1:0"]].concat()).await;
        let mut config = config(flags);
        (config.listen, config.metrics_listen) = (running.address, running.metrics);
        let findings = check(&config).await;
        let is_well = findings.iter().filter(|finding| finding.text.contains("runs there and is well"));
        assert_eq!(is_well.count(), 2, "{findings:#?}");
        assert_eq!(health(&config).await[0].verdict, Verdict::Ok);

        // Something else with the same port: it takes connections, and never says a word.
        config.metrics_listen = Some(other.local_addr().unwrap());
        let text = only(&check(&config).await, Verdict::Wrong, "settings");
        assert!(text.contains("--metrics-listen") && text.contains("another port"), "{text}");
        // What answers at the one port is no server of the other kind.
        (config.listen, config.metrics_listen) = (running.metrics.unwrap(), None);
        let text = only(&check(&config).await, Verdict::Wrong, "settings");
        assert!(text.contains("--listen"), "{text}");
        config.listen = running.address;
        running.stop().await;
        assert_eq!(health(&config).await[0].verdict, Verdict::Wrong, "nobody is there any more");
    }
    // One with another certificate is not believed.
    let running = server(&tls.each_ref().map(String::as_str)).await;
    // Not its own files anew: it reads those again by itself.
    let others = Files::new();
    others.renew();
    let mut config = config(&others.flags().each_ref().map(String::as_str));
    config.listen = running.address;
    assert_eq!(health(&config).await[0].verdict, Verdict::Wrong);
}

#[tokio::test]
async fn settings_that_cannot_work_together_are_named() {
    let findings = found(&["--public-url", "https://drop.example"]).await;
    assert!(only(&findings, Verdict::Wrong, "settings").contains("--trusted-proxy"));
    let findings = found(&["--trusted-proxy", "0.0.0.0/0"]).await;
    assert!(only(&findings, Verdict::Wrong, "settings").contains("everybody"));

    let home = tempfile::tempdir().unwrap();
    let key = home.path().join("key");
    std::fs::write(&key, "0123456789abcdef0123456789abcdef").unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let findings = found(&["--ticket-key-file", key.to_str().unwrap()]).await;
    assert!(findings.iter().any(|finding| finding.text.contains("can be read by everybody")));
}
