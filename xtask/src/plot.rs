//! Curves as a picture, side by side, in SVG. Knows nothing of what it draws.

/// A curve with its axes.
pub(crate) struct Panel {
    pub(crate) title: &'static str,
    /// What grows to the right, from zero.
    pub(crate) across: &'static str,
    /// What grows upwards, from zero.
    pub(crate) up: &'static str,
    /// The curve, from left to right.
    pub(crate) points: Vec<(f64, f64)>,
}

/// Size of a panel, in pixels.
const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 320.0;
/// Space around its axes, for what is written there.
const LEFT: f64 = 60.0;
const RIGHT: f64 = 40.0;
const TOP: f64 = 60.0;
const BOTTOM: f64 = 50.0;
/// Parts into which each axis is divided.
const PARTS: u32 = 5;
const COLOUR: &str = "#0072b2";

/// The picture. What is written in it is not escaped.
pub(crate) fn svg(panels: &[Panel]) -> String {
    let width = WIDTH * panels.len() as f64;
    let drawn: String = panels.iter().enumerate().map(|(number, panel)| panel.drawn(number)).collect();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{drawn}</svg>\n"
    )
}

impl Panel {
    fn drawn(&self, number: usize) -> String {
        let right = end(self.points.iter().map(|point| point.0));
        let top = end(self.points.iter().map(|point| point.1));
        let x = |value: f64| LEFT + value / right * (WIDTH - LEFT - RIGHT);
        let y = |value: f64| HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM);
        let mut lines = vec![
            format!("<g transform=\"translate({} 0)\">", WIDTH * number as f64),
            text(LEFT, 20.0, "start", self.title),
            text(LEFT, 45.0, "start", self.up),
            text(x(right), HEIGHT - 12.0, "end", self.across),
        ];
        for part in 0..=PARTS {
            let share = f64::from(part) / f64::from(PARTS);
            let (across, up) = (right * share, top * share);
            let line = (x(0.0), y(up), x(right));
            lines.push(format!("<path d=\"M{:.1} {:.1}H{:.1}\" stroke=\"#ddd\"/>", line.0, line.1, line.2));
            lines.push(text(x(0.0) - 6.0, y(up) + 4.0, "end", &short(up)));
            lines.push(text(x(across), y(0.0) + 18.0, "middle", &short(across)));
        }
        let way: Vec<_> =
            self.points.iter().map(|&(across, up)| format!("{:.1},{:.1}", x(across), y(up))).collect();
        let way = way.join(" ");
        lines.push(format!("<polyline points=\"{way}\" fill=\"none\" stroke=\"{COLOUR}\"/>"));
        for &(across, up) in &self.points {
            let (x, y) = (x(across), y(up));
            lines.push(format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{COLOUR}\"/>"));
            lines.push(text(x, y - 8.0, "middle", &short(up)));
        }
        lines.push("</g>\n".to_owned());
        lines.join("\n")
    }
}

fn text(x: f64, y: f64, anchor: &str, text: &str) -> String {
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>")
}

/// Where an axis ends: the next of 1, 2, 2.5, 5 and 10 times a power of ten that all values fit below.
fn end(values: impl Iterator<Item = f64>) -> f64 {
    let most = values.fold(f64::MIN_POSITIVE, f64::max);
    let power = 10_f64.powf(most.log10().floor());
    let fits = [1.0, 2.0, 2.5, 5.0].into_iter().map(|times| times * power).find(|end| *end >= most);
    fits.unwrap_or(10.0 * power)
}

/// A number in three digits or so.
fn short(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        value if value >= 10.0 => format!("{value:.0}"),
        value if value.fract() == 0.0 => format!("{value:.0}"),
        value => format!("{value:.1}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_begin_at_zero_and_end_where_all_values_fit() {
        let ends = [0.7, 1.0, 1.2, 2.1, 3.0, 6.0, 16_000.0].map(|most| end([most, 0.5].into_iter()));
        assert_eq!(ends, [1.0, 1.0, 2.0, 2.5, 5.0, 10.0, 20_000.0]);
    }

    #[test]
    fn a_flat_curve_is_drawn_flat_and_a_rising_one_rises() {
        let drawn = |points: &[(f64, f64)]| {
            svg(&[Panel { title: "t", across: "a", up: "u", points: points.to_vec() }])
        };
        // The axes reach from 60 to 420 and from 270 up to 60.
        let flat = drawn(&[(0.0, 5.0), (50.0, 5.0), (100.0, 5.0)]);
        assert!(flat.contains("points=\"60.0,60.0 240.0,60.0 420.0,60.0\""), "{flat}");
        let rising = drawn(&[(0.0, 0.0), (100.0, 10.0)]);
        assert!(rising.contains("points=\"60.0,270.0 420.0,60.0\""), "{rising}");
    }

    #[test]
    fn curves_stand_side_by_side() {
        let panel = |title| Panel { title, across: "a", up: "u", points: vec![(1.0, 1.0)] };
        let drawn = svg(&[panel("one"), panel("two")]);
        assert!(drawn.contains("viewBox=\"0 0 920 320\"") && drawn.contains("translate(460 0)"));
        assert_eq!((drawn.matches("<g ").count(), drawn.matches("</g>").count()), (2, 2));
    }
}
