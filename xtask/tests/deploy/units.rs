//! The shipped units, read by the real systemd, which is not asked to start anything.

use std::process::Command;

use crate::program::{Folder, debian};
use crate::read;

/// Most that systemd thinks an intruder in the server could reach, of 100.
const EXPOSURE: &str = "20";

fn analyze(words: &[&str], unit: &std::path::Path) -> (bool, String) {
    let mut command: Command = debian("systemd-analyze");
    let told = command.args(words).arg(unit).output().expect("systemd-analyze");
    let [out, err] = [&told.stdout, &told.stderr].map(|told| String::from_utf8_lossy(told).into_owned());
    (told.status.success(), format!("{out}{err}"))
}

#[test]
fn systemd_has_nothing_to_say_against_the_units_and_finds_them_closed_well() {
    let folder = Folder::new();
    for name in ["privydrop-server.service", "privydrop-server@.service"] {
        let shipped = read(&format!("deploy/systemd/{name}"));
        assert!(shipped.contains("/usr/local/bin/privydrop-server"), "{name}");
        // Any program that is there will do.
        let unit = folder.write(name, &shipped.replace("/usr/local/bin/privydrop-server", "/bin/true"));
        let (fits, said) = analyze(&["verify", "--man=no"], &unit);
        assert!(fits && said.is_empty(), "{name}: {said}");
        let (fits, said) =
            analyze(&["security", "--offline=true", "--no-pager", "--threshold", EXPOSURE], &unit);
        assert!(fits, "{name}: {said}");
    }
}
