//! Who may pass the doors: the app's own page in its one window, and nobody else. The permissions are the real ones,
//! as they are built into the program.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use privydrop_app_lib::{COMMANDS, context, with_doors};
use tauri::ipc::{CallbackFn, InvokeBody};
use tauri::test::{INVOKE_KEY, MockRuntime, get_ipc_response, mock_builder};
use tauri::webview::InvokeRequest;
use tauri::{App, WebviewUrl, WebviewWindow, WebviewWindowBuilder};

fn app() -> App<MockRuntime> {
    with_doors(mock_builder()).build(context()).unwrap()
}

fn window(app: &App<MockRuntime>, label: &str) -> WebviewWindow<MockRuntime> {
    WebviewWindowBuilder::new(app, label, WebviewUrl::default()).build().unwrap()
}

/// What a page at this address hears when it calls a door.
fn call(window: &WebviewWindow<MockRuntime>, door: &str, address: &str) -> Result<String, String> {
    let request = InvokeRequest {
        cmd: door.into(),
        callback: CallbackFn(0),
        error: CallbackFn(1),
        url: address.parse().unwrap(),
        body: InvokeBody::default(),
        headers: tauri::http::HeaderMap::default(),
        invoke_key: INVOKE_KEY.to_owned(),
    };
    let answer = get_ipc_response(window, request);
    answer.map(|answer| format!("{answer:?}")).map_err(|refusal| refusal.to_string())
}

fn is_forbidden(answer: &Result<String, String>) -> bool {
    answer.as_ref().is_err_and(|refusal| refusal.contains("not allowed"))
}

/// The page's own address, as each system has it.
const OWN: &str =
    if cfg!(any(windows, target_os = "android")) { "http://tauri.localhost" } else { "tauri://localhost" };

#[test]
fn the_apps_own_page_passes_every_door() {
    let app = app();
    let window = window(&app, "main");
    for door in COMMANDS.iter().filter(|door| !asks_a_person(door)) {
        let answer = call(&window, door, OWN);
        assert!(!is_forbidden(&answer), "{door}: {answer:?}");
    }
}

#[test]
fn a_page_from_elsewhere_passes_none() {
    let app = app();
    let window = window(&app, "main");
    for address in [
        "https://drop.example",
        "http://127.0.0.1:8080",
        "http://localhost",
        "https://tauri.localhost.evil.example",
    ] {
        for door in COMMANDS {
            let answer = call(&window, door, address);
            assert!(is_forbidden(&answer), "{door} from {address}: {answer:?}");
        }
    }
}

#[test]
fn another_window_passes_none_even_with_the_apps_own_page() {
    let app = app();
    let window = window(&app, "other");
    for door in COMMANDS {
        let answer = call(&window, door, OWN);
        assert!(is_forbidden(&answer), "{door}: {answer:?}");
    }
}

#[test]
fn no_plugin_is_open_to_the_page() {
    let app = app();
    let window = window(&app, "main");
    for door in [
        "plugin:dialog|open",
        "plugin:opener|open_path",
        "plugin:opener|open_url",
        "plugin:notification|notify",
        "plugin:deep-link|get_current",
        "plugin:autostart|enable",
        "plugin:updater|check",
        "plugin:window-state|save_window_state",
        "plugin:event|listen",
        "plugin:event|emit",
        "plugin:window|create",
        "plugin:webview|create_webview_window",
        "plugin:path|resolve_directory",
        "plugin:app|version",
    ] {
        let answer = call(&window, door, OWN);
        assert!(is_forbidden(&answer), "{door}: {answer:?}");
    }
}

/// These open a dialog of the system.
fn asks_a_person(door: &str) -> bool {
    matches!(door, "choose_downloads" | "choose_place" | "pick_files" | "pick_folder")
}
