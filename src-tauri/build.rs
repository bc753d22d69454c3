//! Tells Tauri's macros where the configuration is, and the compiler when the web app has changed.

fn main() {
    // The web app is embedded from here; before its first build there is nothing to embed.
    let dist = "../dist";
    if let Err(error) = std::fs::create_dir_all(dist) {
        println!("cargo::error=cannot create {dist}: {error}");
    }
    println!("cargo::rerun-if-changed={dist}");
    let attributes = tauri_build::Attributes::new().config_path("../tauri.conf.json");
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo::error={error:#}");
    }
}
