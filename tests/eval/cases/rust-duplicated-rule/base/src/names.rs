//! What users and groups may be called.

/// Whether a user may have that name: 1 to 32 letters, digits, `_` and `-`, not first a digit.
pub fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    let first = chars.next();
    first.is_some_and(|char| char.is_ascii_lowercase() || char == '_')
        && chars.all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || "_-".contains(char))
        && text.len() <= 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_does_not_begin_with_a_digit() {
        assert!(is_name("_ada-1"));
        assert!(!is_name("1ada"));
    }
}
