//! A command as a list of titled steps: shows which one runs, how many there are, and how long each took.

use std::time::{Duration, Instant};

use crate::failure::Failure;

/// One step: what it does, in words, and the doing. `S` is what steps hand on to later ones.
pub(crate) type Step<S> = (&'static str, fn(&mut S) -> Result<(), Failure>);

/// Does `steps` in order and stops at the first that fails.
pub(crate) fn all<S>(steps: &[Step<S>], state: &mut S) -> Result<(), Failure> {
    for (number, (title, act)) in steps.iter().enumerate() {
        let start = Instant::now();
        println!("[{}/{}] {title}", number + 1, steps.len());
        act(state)?;
        println!("      done in {}\n", spoken(start.elapsed()));
    }
    Ok(())
}

fn spoken(span: Duration) -> String {
    match span.as_secs() {
        seconds @ 60.. => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{:.1} s", span.as_secs_f32()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_step_stops_those_after_it() {
        let steps: [Step<Vec<u8>>; 3] = [
            ("first", |seen| {
                seen.push(1);
                Ok(())
            }),
            ("second", |_| Err(Failure::Tests)),
            ("third", |seen| {
                seen.push(3);
                Ok(())
            }),
        ];
        let mut seen = Vec::new();
        assert!(all(&steps, &mut seen).is_err());
        assert_eq!(seen, [1]);
    }

    #[test]
    fn long_spans_are_told_in_minutes() {
        assert_eq!(spoken(Duration::from_millis(1_250)), "1.2 s");
        assert_eq!(spoken(Duration::from_secs(125)), "2 min 5 s");
    }
}
