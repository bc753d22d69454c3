//! Tells Tauri's macros where the configuration is and which doors there are, and the compiler when the page changed.

/// Every door of `src/commands.rs`: a command that is not named here could be called by any window.
const DOORS: &[&str] = &[
    "autostart",
    "choose_downloads",
    "choose_place",
    "command",
    "join",
    "news",
    "pick_files",
    "pick_folder",
    "reveal",
    "room_is_free",
    "server",
    "speak",
    "unfinished",
];

fn main() {
    // The page is embedded from here; before its first build there is nothing to embed.
    let dist = "../dist-desktop";
    if let Err(error) = std::fs::create_dir_all(dist) {
        println!("cargo::error=cannot create {dist}: {error}");
    }
    println!("cargo::rerun-if-changed={dist}");
    let doors = tauri_build::AppManifest::new().commands(DOORS);
    let attributes = tauri_build::Attributes::new().config_path("../tauri.conf.json").app_manifest(doors);
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo::error={error:#}");
    }
}
