//! Durations as people write them: `90s`, `15m`, `1h30m`.

use std::time::Duration;

/// The duration, or None if the text is none.
pub fn parse(text: &str) -> Option<Duration> {
    let mut seconds: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|char: char| !char.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let factor = match rest.as_bytes()[digits] {
            b's' => 1,
            b'm' => 60,
            b'h' => 3600,
            _ => return None,
        };
        seconds = number.checked_mul(factor)?.checked_add(seconds)?;
        rest = &rest[digits + 1..];
    }
    (!text.is_empty()).then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_add_up() {
        assert_eq!(parse("1h30m").unwrap().as_secs(), 5400);
        assert_eq!(parse("90s").unwrap(), Duration::from_secs(90));
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", "h", "10", "1d", "-1s", "99999999999999999999s", "1é"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
