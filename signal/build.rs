//! Makes sure that `dist/` exists, so that the server builds before the web app was built.
//!
//! Never builds the web app: `cargo xtask run` does.

fn main() -> std::io::Result<()> {
    std::fs::create_dir_all("../dist")?;
    println!("cargo::rerun-if-changed=../dist");
    Ok(())
}
