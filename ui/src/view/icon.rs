//! The page's icons, drawn as strokes on a grid of 24; the style sheet gives them size and colour.
//!
//! An icon never carries meaning alone: a label stands beside it or on its button.

use yew::prelude::*;

/// A picture of what something is or does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    /// Done, copied.
    Check,
    /// Close, cancel.
    Cross,
    /// Copy.
    Copy,
    /// Another device.
    Device,
    /// Take, save.
    Down,
    /// A file.
    File,
    /// A folder.
    Folder,
    /// Settings.
    Gear,
    /// A language.
    Globe,
    /// A message to know of.
    Info,
    /// Leave a room.
    Leave,
    /// A link.
    Link,
    /// A list.
    List,
    /// Dark colours.
    Moon,
    /// Hold.
    Pause,
    /// Go on.
    Play,
    /// Protection.
    Shield,
    /// Light colours.
    Sun,
    /// Colours as the system has them.
    System,
    /// A text.
    Text,
    /// Remove.
    Trash,
    /// Offer.
    Up,
    /// A message that needs an act.
    Warning,
}

impl Icon {
    fn path(self) -> &'static str {
        match self {
            Self::Check => "M5 12.5l4.5 4.5L19 7.5",
            Self::Cross => "M6.5 6.5l11 11m0-11l-11 11",
            Self::Copy => "M9 9h10v11H9zM5.5 15.5H5V4h10v1.5",
            Self::Device => "M4 5h16v10.5H4zM9 19.5h6M12 15.5v4",
            Self::Down => "M12 4v11.5m-5-4.8l5 5 5-5M5 20h14",
            Self::File => "M6.5 3.5h7l4.5 4.6v12.4H6.5zM13.3 3.7v4.6h4.5",
            Self::Folder => "M3.5 6h6l2 2.5h9V19h-17z",
            Self::Gear => {
                "M4 7h9m5 0h2M4 12h2m5 0h9M4 17h8m5 0h3M15.500 4.800v4.400M8.500 9.800v4.400M14.500 14.800v4.400"
            }
            Self::Globe => {
                "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM3.5 12h17M12 3.5c5 5.2 5 11.8 0 17-5-5.2-5-11.8 0-17z"
            }
            Self::Info => "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 11v5.2M12 7.8v.2",
            Self::Leave => "M13.5 4.5h-8v15h8M10 12h10m-3.7-3.8L20 12l-3.7 3.8",
            Self::Link => {
                "M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.7l1-1"
            }
            Self::List => "M9.5 6.5h10M9.5 12h10M9.5 17.5h10M5 6.5v.1M5 12v.1M5 17.5v.1",
            Self::Moon => "M19.8 14.5A8.3 8.3 0 0 1 9.5 4.2a8.3 8.3 0 1 0 10.3 10.3z",
            Self::Pause => "M8.5 5.5v13M15.5 5.5v13",
            Self::Play => "M8 5.5v13l10.5-6.5z",
            Self::Shield => "M12 3.5l7 2.6v5.4c0 4.2-2.8 7.3-7 9-4.2-1.7-7-4.8-7-9V6.1zM9 12l2.2 2.2L15.2 10",
            Self::Sun => {
                "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2.8v2M12 19.2v2M2.8 12h2M19.2 12h2M5.5 5.5l1.4 1.4M17.1 17.1l1.4 1.4M18.5 5.5l-1.4 1.4M6.9 17.1l-1.4 1.4"
            }
            Self::System => {
                "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 3.5v17M12 8.5l5.5-3M12 13.5l8-4.5M12 18.5l7-4"
            }
            Self::Text => "M5 6.5h14M5 12h14M5 17.5h8.5",
            Self::Trash => "M5 7h14M9.5 7V4.5h5V7M7 7l.8 12.5h8.4L17 7M10.3 10.5v5.5M13.7 10.5v5.5",
            Self::Up => "M12 15.5V4m-5 4.8l5-5 5 5M4.5 14v5.5h15V14",
            Self::Warning => "M12 4l9 15.5H3zM12 10v4.3M12 16.8v.2",
        }
    }
}

/// Draws an icon, hidden from screen readers.
pub fn icon(icon: Icon) -> Html {
    html! {
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d={icon.path()} /></svg>
    }
}

/// The page's own mark: a drop with a keyhole.
pub fn logo() -> Html {
    html! {
        <svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
            <path class="drop" d="M16 2.5c5.2 6 9.5 10.7 9.5 16.2a9.5 9.5 0 0 1-19 0C6.5 13.2 10.8 8.5 16 2.5z" />
            <path class="keyhole" d="M16 14.6a3 3 0 0 1 1.5 5.6l.9 4.2h-4.8l.9-4.2a3 3 0 0 1 1.5-5.6z" />
        </svg>
    }
}
