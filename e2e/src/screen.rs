//! The hands of a person at the screen of a [`Desk`](crate::app::Desk), and what a window manager and other programs do
//! there: real keys, real drops and a real clipboard, over the X protocol.
//!
//! Knows windows by what they say of themselves, and nothing of what the app does with what it gets.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ClientMessageEvent, ConfigureWindowAux, ConnectionExt as _, CreateWindowAux, EventMask,
    ImageFormat, InputFocus, KEY_PRESS_EVENT, KEY_RELEASE_EVENT, MapState, PropMode, SELECTION_NOTIFY_EVENT,
    SelectionNotifyEvent, SelectionRequestEvent, WindowClass,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;
use x11rb::{CURRENT_TIME, NONE};

/// Longest wait for a window, and for an answer of another program.
const PATIENCE: Duration = Duration::from_secs(45);
/// Time after which somebody says again what was not heard.
const ANSWER: Duration = Duration::from_millis(500);
/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(20);
/// A tile of a picture has this many pixels on a side, and differs by at most so many shades of 256 in a picture that looks
/// the same: a page that is drawn anew puts thin lines half a pixel elsewhere, which changes a tile by about one.
const TILE: usize = 16;
const SHADES: f64 = 8.0;
/// The protocol of drops that is spoken here.
const DROP_VERSION: u32 = 5;

/// A connection to a screen.
#[derive(Debug)]
pub struct Screen {
    connection: RustConnection,
    root: u32,
}

/// A window on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window(u32);

/// What a window shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    /// Four bytes each, row by row.
    pixels: Vec<u8>,
}

/// A key that has no letter, or one that has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Yes.
    Enter,
    /// No.
    Escape,
    /// Control and V.
    Paste,
}

/// What stands on the clipboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// What it is, as other programs ask for it.
    pub kind: &'static str,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Owns the clipboard until it is dropped.
#[derive(Debug)]
pub struct Clipboard {
    over: Arc<AtomicBool>,
    taken: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Screen {
    /// Connects to the screen of this name, such as `:7`.
    pub fn connect(name: &str) -> Self {
        let (connection, number) = x11rb::connect(Some(name)).expect("a connection to the screen");
        let root = connection.setup().roots[number].root;
        Self { connection, root }
    }

    /// Waits until the app's window is shown.
    pub fn window(&self) -> Window {
        self.wait("the app's window", || self.windows(false).pop())
    }

    /// Waits until a dialog of the app is shown.
    pub fn dialog(&self) -> Window {
        self.wait("a dialog", || self.windows(true).pop())
    }

    /// Waits until no window of the app is shown.
    pub fn no_window(&self) {
        self.wait("no window", || self.windows(false).is_empty().then_some(()));
    }

    /// Waits until no dialog is shown.
    pub fn no_dialog(&self) {
        self.wait("no dialog", || self.windows(true).is_empty().then_some(()));
    }

    /// Waits until a window is hidden.
    pub fn hidden(&self, window: Window) {
        self.wait("a hidden window", || (!self.is_shown(window.0)).then_some(()));
    }

    /// Makes a window the one that hears keys, as a click on it does. None: no window does.
    pub fn focus(&self, window: Option<Window>) {
        let to = window.map_or(NONE, |window| window.0);
        let set = self.connection.set_input_focus(InputFocus::PARENT, to, CURRENT_TIME);
        set.expect("an open screen").check().expect("a window that can have the focus");
    }

    /// Presses a key, and lets it go.
    pub fn press(&self, key: Key) {
        let keys: &[u32] = match key {
            Key::Enter => &[0xff0d],
            Key::Escape => &[0xff1b],
            Key::Paste => &[0xffe3, u32::from(b'v')],
        };
        let codes: Vec<u8> = keys.iter().map(|symbol| self.code_of(*symbol)).collect();
        let all = codes.iter().map(|code| (KEY_PRESS_EVENT, *code));
        for (kind, code) in all.chain(codes.iter().rev().map(|code| (KEY_RELEASE_EVENT, *code))) {
            let sent = self.connection.xtest_fake_input(kind, code, CURRENT_TIME, NONE, 0, 0, 0);
            sent.expect("an open screen").check().expect("a key");
        }
    }

    /// Says yes in a dialog until it is gone: while it still looks for what was put into it, it does not listen.
    pub fn agree(&self, dialog: Window) {
        let start = Instant::now();
        while self.is_shown(dialog.0) {
            assert!(start.elapsed() < PATIENCE, "a dialog takes no answer");
            self.press(Key::Enter);
            let pressed = Instant::now();
            while pressed.elapsed() < ANSWER && self.is_shown(dialog.0) {
                thread::sleep(LOOK);
            }
        }
    }

    /// Gives a window another size, as a window manager does, and puts it into the screen's corner, where all of it is
    /// seen.
    pub fn resize(&self, window: Window, width: u32, height: u32) {
        let size = ConfigureWindowAux::new().x(0).y(0).width(width).height(height);
        let set = self.connection.configure_window(window.0, &size);
        set.expect("an open screen").check().expect("a window that changes its size");
    }

    /// What a window shows, once it has come to rest.
    pub fn picture(&self, window: Window) -> Picture {
        self.wait("a window at rest", || {
            let first = self.look(window);
            thread::sleep(LOOK);
            (first == self.look(window)).then_some(first)
        })
    }

    /// Waits until a window shows this, to the eye.
    pub fn shows(&self, window: Window, picture: &Picture) {
        self.wait("the same as before", || self.look(window).is_like(picture).then_some(()));
    }

    /// Asks a window to close, as the cross in its frame does.
    pub fn close(&self, window: Window) {
        let data = [self.atom("WM_DELETE_WINDOW"), CURRENT_TIME, 0, 0, 0];
        self.tell(window.0, "WM_PROTOCOLS", data);
    }

    /// Drags files from another program over the middle of a window, and lets go there.
    ///
    /// Panics when the window takes no files.
    pub fn drop_files(&self, window: Window, paths: &[&Path]) {
        let own = self.own_window();
        let list = files(paths);
        self.own_selection(own, "XdndSelection");
        let kind = self.atom(list.kind);
        let spot = self.connection.get_geometry(window.0).expect("an open screen").reply().expect("a window");
        let (x, y) = (spot.x + spot.width as i16 / 2, spot.y + spot.height as i16 / 2);
        let position = (u32::from(x as u16) << 16) | u32::from(y as u16);
        self.tell(window.0, "XdndEnter", [own, DROP_VERSION << 24, kind, 0, 0]);
        let (status, finished) = (self.atom("XdndStatus"), self.atom("XdndFinished"));
        let copy = self.atom("XdndActionCopy");
        let (mut moves, mut dropped) = (true, false);
        let start = Instant::now();
        loop {
            if moves {
                self.tell(window.0, "XdndPosition", [own, 0, position, CURRENT_TIME, copy]);
                moves = false;
            }
            match self.connection.poll_for_event().expect("an open screen") {
                Some(Event::SelectionRequest(request)) => {
                    self.hand_over(&request, std::slice::from_ref(&list));
                }
                Some(Event::ClientMessage(event)) if event.type_ == status && !dropped => {
                    // It looks at what is dragged before it takes it.
                    if event.data.as_data32()[1] & 1 == 1 {
                        dropped = true;
                        self.tell(window.0, "XdndDrop", [own, 0, CURRENT_TIME, 0, 0]);
                    } else {
                        moves = true;
                        thread::sleep(LOOK);
                    }
                }
                Some(Event::ClientMessage(event)) if event.type_ == finished => return,
                Some(_) => {}
                None => thread::sleep(LOOK),
            }
            assert!(start.elapsed() < PATIENCE, "the window took no files; dropped: {dropped}");
        }
    }

    fn look(&self, window: Window) -> Picture {
        let size = self.connection.get_geometry(window.0).expect("an open screen").reply().expect("a window");
        let (width, height) = (size.width, size.height);
        let asked = self.connection.get_image(ImageFormat::Z_PIXMAP, window.0, 0, 0, width, height, !0);
        let pixels = asked.expect("an open screen").reply().expect("a window that is shown").data;
        Picture { width: width.into(), pixels }
    }

    fn own_window(&self) -> u32 {
        let id = self.connection.generate_id().expect("a window's number");
        let made = self.connection.create_window(
            0,
            id,
            self.root,
            0,
            0,
            1,
            1,
            0,
            WindowClass::INPUT_ONLY,
            x11rb::COPY_FROM_PARENT,
            &CreateWindowAux::new(),
        );
        made.expect("an open screen").check().expect("a window");
        id
    }

    fn own_selection(&self, window: u32, name: &str) {
        let set = self.connection.set_selection_owner(window, self.atom(name), CURRENT_TIME);
        set.expect("an open screen").check().expect("a selection");
    }

    /// Answers a program that asks for what is selected; true when it is handed over, and not only what there is.
    fn hand_over(&self, request: &SelectionRequestEvent, contents: &[Content]) -> bool {
        let property = if request.property == NONE { request.target } else { request.property };
        let found = contents.iter().find(|content| self.atom(content.kind) == request.target);
        let targets = self.atom("TARGETS");
        let handed = if let Some(content) = found {
            let (to, kind) = (request.requestor, request.target);
            self.connection.change_property8(PropMode::REPLACE, to, property, kind, &content.bytes)
        } else if request.target == targets {
            let kinds: Vec<Atom> =
                contents.iter().map(|content| self.atom(content.kind)).chain([targets]).collect();
            let (to, kind) = (request.requestor, AtomEnum::ATOM);
            self.connection.change_property32(PropMode::REPLACE, to, property, kind, &kinds)
        } else {
            self.answer(request, NONE);
            return false;
        };
        handed.expect("an open screen").check().expect("a program that takes it");
        self.answer(request, property);
        found.is_some()
    }

    fn answer(&self, request: &SelectionRequestEvent, property: Atom) {
        let event = SelectionNotifyEvent {
            response_type: SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: request.time,
            requestor: request.requestor,
            selection: request.selection,
            target: request.target,
            property,
        };
        let sent = self.connection.send_event(false, request.requestor, EventMask::NO_EVENT, event);
        sent.expect("an open screen").check().expect("a program that listens");
    }

    fn tell(&self, window: u32, kind: &str, data: [u32; 5]) {
        let event = ClientMessageEvent::new(32, window, self.atom(kind), data);
        let sent = self.connection.send_event(false, window, EventMask::NO_EVENT, event);
        sent.expect("an open screen").check().expect("a window that listens");
    }

    /// Windows of programs that are shown: dialogs, or all others.
    fn windows(&self, dialogs: bool) -> Vec<Window> {
        let tree = self.connection.query_tree(self.root).expect("an open screen").reply();
        let all = tree.map(|tree| tree.children).unwrap_or_default();
        let dialog = self.atom("_NET_WM_WINDOW_TYPE_DIALOG");
        let is_wanted = |id: &u32| {
            let named = !self.values(*id, "WM_CLASS", AtomEnum::STRING.into()).is_empty();
            let kinds = self.values(*id, "_NET_WM_WINDOW_TYPE", AtomEnum::ATOM.into());
            let kinds =
                kinds.chunks_exact(4).map(|kind| u32::from_ne_bytes([kind[0], kind[1], kind[2], kind[3]]));
            named && self.is_shown(*id) && kinds.into_iter().any(|kind| kind == dialog) == dialogs
        };
        all.into_iter().filter(is_wanted).map(Window).collect()
    }

    /// The bytes of a window's property; none when it has no such, or is gone.
    fn values(&self, window: u32, name: &str, kind: Atom) -> Vec<u8> {
        let asked = self.connection.get_property(false, window, self.atom(name), kind, 0, 64);
        asked.expect("an open screen").reply().map(|reply| reply.value).unwrap_or_default()
    }

    fn is_shown(&self, window: u32) -> bool {
        let asked = self.connection.get_window_attributes(window).expect("an open screen");
        asked.reply().is_ok_and(|attributes| attributes.map_state == MapState::VIEWABLE)
    }

    fn atom(&self, name: &str) -> Atom {
        let asked = self.connection.intern_atom(false, name.as_bytes()).expect("an open screen");
        asked.reply().expect("an atom").atom
    }

    fn code_of(&self, symbol: u32) -> u8 {
        let setup = self.connection.setup();
        let (first, count) = (setup.min_keycode, setup.max_keycode - setup.min_keycode + 1);
        let asked = self.connection.get_keyboard_mapping(first, count).expect("an open screen");
        let mapping = asked.reply().expect("a keyboard");
        let mut keys = mapping.keysyms.chunks(usize::from(mapping.keysyms_per_keycode));
        let at = keys.position(|symbols| symbols.contains(&symbol)).expect("a keyboard with this key");
        first + u8::try_from(at).expect("a key's number")
    }

    fn wait<T>(&self, what: &str, look: impl Fn() -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(found) = look() {
                return found;
            }
            assert!(start.elapsed() < PATIENCE, "the screen shows something else than {what}");
            thread::sleep(LOOK);
        }
    }
}

impl Picture {
    /// True when an eye tells no difference.
    fn is_like(&self, other: &Self) -> bool {
        let alike = |(a, b): (f64, f64)| (a - b).abs() <= SHADES;
        self.width == other.width
            && self.pixels.len() == other.pixels.len()
            && self.tiles().into_iter().zip(other.tiles()).all(alike)
    }

    /// The mean shade of each tile.
    fn tiles(&self) -> Vec<f64> {
        let band = self.width * 4 * TILE;
        let tiles_of = |band: &[u8]| -> Vec<f64> {
            let mut sums = vec![(0.0, 0.0); self.width.div_ceil(TILE)];
            for row in band.chunks(self.width * 4) {
                for (sum, part) in sums.iter_mut().zip(row.chunks(TILE * 4)) {
                    *sum =
                        part.iter().fold(*sum, |(sum, count), shade| (sum + f64::from(*shade), count + 1.0));
                }
            }
            sums.into_iter().map(|(sum, count)| sum / count).collect()
        };
        self.pixels.chunks(band).flat_map(tiles_of).collect()
    }
}

impl Clipboard {
    /// Puts this on the clipboard of the screen with this name.
    pub fn put(name: &str, contents: Vec<Content>) -> Self {
        let screen = Screen::connect(name);
        let own = screen.own_window();
        screen.own_selection(own, "CLIPBOARD");
        let (over, taken) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (ends, takes) = (Arc::clone(&over), Arc::clone(&taken));
        let thread = thread::spawn(move || {
            while !ends.load(Ordering::Relaxed) {
                match screen.connection.poll_for_event() {
                    Ok(Some(Event::SelectionRequest(request))) => {
                        if screen.hand_over(&request, &contents) {
                            takes.store(true, Ordering::Relaxed);
                        }
                    }
                    Ok(Some(_)) => {}
                    Ok(None) => thread::sleep(LOOK),
                    Err(_) => return,
                }
            }
        });
        Self { over, taken, thread: Some(thread) }
    }

    /// Waits until some program has what stands on it. A key that is pressed then comes after it.
    pub fn taken(&self) {
        let start = Instant::now();
        while !self.taken.load(Ordering::Relaxed) {
            assert!(start.elapsed() < PATIENCE, "nobody takes what stands on the clipboard");
            thread::sleep(LOOK);
        }
    }
}

impl Drop for Clipboard {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// A line as whoever types it would hand it over.
pub fn text(line: &str) -> Content {
    Content { kind: "UTF8_STRING", bytes: line.into() }
}

/// Files as file managers hand them over.
pub fn files(paths: &[&Path]) -> Content {
    let list: String = paths.iter().map(|path| format!("file://{}\r\n", path.display())).collect();
    Content { kind: "text/uri-list", bytes: list.into_bytes() }
}
