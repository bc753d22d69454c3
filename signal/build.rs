//! Makes sure that `dist/` exists, so that the server builds before the web app was built.
//!
//! Never builds the web app: `cargo xtask run` does.

fn main() -> std::io::Result<()> {
    std::fs::create_dir_all("../dist")?;
    // A release embeds the files; other builds read them when they start and need not be built again.
    let embeds = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    println!("cargo::rerun-if-changed={}", if embeds { "../dist" } else { "build.rs" });
    Ok(())
}
