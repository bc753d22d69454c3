//! The shipped files for Redis, in the real Redis, with secrets as `make-secrets.sh` draws them.

use std::process::{Command, Stdio};

use crate::program::{Folder, Program, debian, free_port};
use crate::{at, read};

struct Store {
    redis: Program,
    port: u16,
    folder: Folder,
}

impl Store {
    fn start() -> Self {
        let (folder, port) = (Folder::new(), free_port());
        let mut secrets = Command::new("sh");
        secrets.arg(at("deploy/make-secrets.sh")).arg(folder.at("secrets")).stdout(Stdio::null());
        assert!(secrets.status().expect("sh").success());
        let users = folder.at("secrets/users.acl").display().to_string();
        let shipped = read("deploy/redis/redis.conf");
        let adapted = shipped.replace("port 6379", &format!("port {port}"));
        let settings = folder.write("redis.conf", &adapted.replace("/etc/redis/users.acl", &users));
        let mut redis = Program::start(debian("redis-server").arg(settings).stdout(Stdio::null()));
        redis.wait(|| ask(port, &["ping"]).starts_with("NOAUTH"));
        Self { redis, port, folder }
    }

    /// What a server is told to use it.
    fn words(&self) -> [String; 6] {
        let at = |name: &str| self.folder.at("secrets").join(name).display().to_string();
        let url = format!("redis://privydrop@127.0.0.1:{}/", self.port);
        let words = ["--redis", &url, "--redis-password-file", &at("redis-password"), "--ticket-key-file"];
        let [a, b, c, d, e] = words.map(str::to_owned);
        [a, b, c, d, e, at("ticket-key")]
    }
}

/// What Redis answers to somebody without a password.
fn ask(port: u16, words: &[&str]) -> String {
    let mut client = debian("redis-cli");
    let answer = client.args(["-p", &port.to_string()]).args(words).output().expect("redis-cli");
    String::from_utf8_lossy(&answer.stdout).into_owned()
}

#[test]
fn redis_lets_servers_do_all_they_need_and_strangers_nothing() {
    let mut store = Store::start();
    let words = store.words();
    let words = words.each_ref().map(|word| &**word);
    let servers = [Program::server(&words), Program::server(&words)];
    let check = Program::server_command().arg("check").args(words).output().expect("the server");
    let said = String::from_utf8(check.stdout).unwrap();
    assert!(check.status.success() && !said.contains("ACL"), "{said}");
    for words in [&["dbsize"][..], &["config", "get", "*"], &["get", "privydrop:ticket-key"]] {
        assert!(ask(store.port, words).starts_with("NOAUTH"), "{words:?}");
    }
    drop(servers);
    store.redis.wait(|| true);
}
