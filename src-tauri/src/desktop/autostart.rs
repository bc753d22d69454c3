//! Starting with the system: an entry in the person's own autostart folder on Linux, what the system has elsewhere.
//!
//! The entry is all there is to it: whether it is there is whether the program starts. Writes nothing before a person says
//! so.

#[cfg(target_os = "linux")]
pub(super) use entry::{is_on, plugin, set};
#[cfg(not(target_os = "linux"))]
pub(super) use registered::{is_on, plugin, set};

/// As the desktops of Linux have it (freedesktop.org's autostart specification).
#[cfg(target_os = "linux")]
mod entry {
    use std::ffi::OsString;
    use std::io;
    use std::path::{Path, PathBuf};

    use tauri::{AppHandle, Builder, Manager, Runtime};

    use crate::desktop::HIDDEN;

    /// The entry's name; one of the same name for all users would be replaced by it.
    const ENTRY: &str = "autostart/privydrop.desktop";

    /// Nothing is needed.
    pub(in crate::desktop) fn plugin<R: Runtime>(builder: Builder<R>) -> Builder<R> {
        builder
    }

    /// Whether the program starts with the system; none without a folder for such things.
    pub(in crate::desktop) fn is_on<R: Runtime>(app: &AppHandle<R>) -> Option<bool> {
        place(app).map(|place| place.exists())
    }

    /// Starts with the system from now on, or no longer.
    pub(in crate::desktop) fn set<R: Runtime>(app: &AppHandle<R>, on: bool) -> io::Result<()> {
        let place = place(app).ok_or(io::ErrorKind::NotFound)?;
        if on { write(&place, &program()?) } else { remove(&place) }
    }

    fn place<R: Runtime>(app: &AppHandle<R>) -> Option<PathBuf> {
        app.path().config_dir().ok().map(|folder| folder.join(ENTRY))
    }

    /// The program's own file. One that unpacks itself runs elsewhere, and says where it came from.
    fn program() -> io::Result<PathBuf> {
        match std::env::var_os("APPIMAGE").filter(|path: &OsString| !path.is_empty()) {
            Some(path) => Ok(path.into()),
            None => std::env::current_exe(),
        }
    }

    fn write(place: &Path, program: &Path) -> io::Result<()> {
        let program = program.to_str().ok_or(io::ErrorKind::InvalidFilename)?;
        if program.contains(char::is_control) {
            return Err(io::ErrorKind::InvalidFilename.into());
        }
        std::fs::create_dir_all(place.parent().ok_or(io::ErrorKind::InvalidInput)?)?;
        let quoted = quoted(program);
        let entry = format!(
            "[Desktop Entry]\nType=Application\nName=PrivyDrop\nExec={quoted} {HIDDEN}\nIcon=privydrop\nTerminal=false\n"
        );
        std::fs::write(place, entry)
    }

    fn remove(place: &Path) -> io::Result<()> {
        match std::fs::remove_file(place) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// A path as one word of a command in an entry: inside of quotes a backslash keeps what has a meaning, and each
    /// backslash in an entry is written twice.
    fn quoted(path: &str) -> String {
        let mut word = String::from("\"");
        for letter in path.chars() {
            match letter {
                '\\' => word.push_str(r"\\\\"),
                '"' | '`' | '$' => word.extend([r"\\", letter.encode_utf8(&mut [0; 4])]),
                '%' => word.push_str("%%"),
                _ => word.push(letter),
            }
        }
        word.push('"');
        word
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn an_entry_names_the_program_whatever_its_folder_is_called_and_goes_again() {
            let folder = tempfile::tempdir().unwrap();
            let place = folder.path().join(ENTRY);
            write(&place, Path::new("/opt/my apps/100% $new/privydrop-app")).unwrap();
            let entry = std::fs::read_to_string(&place).unwrap();
            let exec = r#"Exec="/opt/my apps/100%% \\$new/privydrop-app" --hidden"#;
            assert!(entry.lines().any(|line| line == exec), "{entry}");
            remove(&place).unwrap();
            assert!(!place.exists());
            remove(&place).unwrap();
        }

        #[test]
        fn a_path_that_could_add_a_line_is_no_program() {
            let folder = tempfile::tempdir().unwrap();
            let place = folder.path().join(ENTRY);
            assert!(write(&place, Path::new("/opt/a\nExec=b")).is_err());
            assert!(!place.exists());
        }
    }
}

/// As the system keeps it, by a plugin.
#[cfg(not(target_os = "linux"))]
mod registered {
    use tauri::{AppHandle, Builder, Runtime};
    use tauri_plugin_autostart::{MacosLauncher, ManagerExt};

    use crate::desktop::HIDDEN;

    pub(in crate::desktop) fn plugin<R: Runtime>(builder: Builder<R>) -> Builder<R> {
        builder.plugin(tauri_plugin_autostart::init(MacosLauncher::LaunchAgent, Some(vec![HIDDEN])))
    }

    pub(in crate::desktop) fn is_on<R: Runtime>(app: &AppHandle<R>) -> Option<bool> {
        app.autolaunch().is_enabled().ok()
    }

    pub(in crate::desktop) fn set<R: Runtime>(
        app: &AppHandle<R>,
        on: bool,
    ) -> Result<(), tauri_plugin_autostart::Error> {
        if on { app.autolaunch().enable() } else { app.autolaunch().disable() }
    }
}
