//! The health check of the image and of compose: its words, said to the real program.

use std::process::Stdio;

use crate::program::Program;
use crate::read;

/// The words of the list that begins behind `mark`, without those that are Docker's.
fn words(file: &str, mark: &str) -> Vec<String> {
    let text = read(file);
    let list = text.split_once(mark).unwrap_or_else(|| panic!("{file} has no {mark}")).1;
    let list = format!("[{}]", list.split_once('[').unwrap().1.split_once(']').unwrap().0);
    let words: Vec<String> = serde_json::from_str(&list).unwrap();
    words.into_iter().skip_while(|word| word == "CMD").collect()
}

#[test]
fn the_health_check_of_the_image_and_of_compose_says_whether_the_server_lives() {
    let (server, port) = Program::server(&[]);
    let image = words("deploy/Dockerfile", "HEALTHCHECK");
    assert_eq!(image, words("deploy/compose.yaml", "healthcheck:"));
    assert_eq!(image[0], "/privydrop-server", "the program that the image has");
    let lives = || {
        let mut asking = Program::server_command();
        // As the image has it: every address, of which this machine's own is asked.
        asking.args(&image[1..]).env("PRIVYDROP_LISTEN", format!("0.0.0.0:{port}"));
        asking.stdout(Stdio::null()).status().expect("the server").code()
    };
    assert_eq!(lives(), Some(0));
    drop(server);
    assert_eq!(lives(), Some(1));
}
