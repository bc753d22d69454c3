//! A link as a QR code: one SVG path for the page, squares for a picture.
//!
//! Draws shapes only; it never touches the document.

use qrcode::{Color, EcLevel, QrCode};

/// Light modules around the code, as the standard asks for.
pub const QUIET: usize = 4;

/// The dark modules of a code as horizontal runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Qr {
    /// Modules a side, the quiet zone included.
    pub side: usize,
    /// `(x, y, length)` of each run, in modules.
    pub runs: Vec<(usize, usize, usize)>,
}

impl Qr {
    /// Encodes a text; `None` when it is too long for any code.
    pub fn of(text: &str) -> Option<Self> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
        let width = code.width();
        let colors = code.to_colors();
        let mut runs = Vec::new();
        for (y, row) in colors.chunks(width).enumerate() {
            let mut x = 0;
            for run in row.chunk_by(|a, b| a == b) {
                if run[0] == Color::Dark {
                    runs.push((x + QUIET, y + QUIET, run.len()));
                }
                x += run.len();
            }
        }
        Some(Self { side: width + 2 * QUIET, runs })
    }

    /// The dark modules as the `d` of an SVG path, one unit a module.
    pub fn path(&self) -> String {
        self.runs.iter().map(|(x, y, length)| format!("M{x} {y}h{length}v1h-{length}z")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "https://example.org/#123456.AAAAAAAAAAAAAAAAAAAAAA";

    #[test]
    fn runs_stay_inside_the_quiet_zone_and_do_not_touch() {
        let qr = Qr::of(LINK).unwrap();
        for pair in qr.runs.windows(2) {
            let [(x, y, length), (next_x, next_y, _)] = pair else { unreachable!() };
            assert!(y < next_y || x + length < *next_x);
        }
        assert!(
            qr.runs.iter().all(|(x, y, length)| *x >= QUIET && *y >= QUIET && x + length <= qr.side - QUIET)
        );
        assert_eq!(qr.runs[0], (QUIET, QUIET, 7), "the first run is the top of a finder pattern");
    }

    #[test]
    fn the_path_draws_every_run() {
        let qr = Qr::of(LINK).unwrap();
        assert_eq!(qr.path().matches('M').count(), qr.runs.len());
    }

    #[test]
    fn a_text_too_long_for_a_code_is_told_apart() {
        assert_eq!(Qr::of(&"x".repeat(5000)), None);
    }
}
