//! Kubernetes quantities (`250m`, `1536Mi`, `2e3`) as numbers. Grammar: k8s.io/apimachinery/pkg/api/resource/quantity.go.

/// The value in its base unit: cores for CPU, bytes for memory. `None`: not a quantity.
pub(super) fn parse(text: &str) -> Option<f64> {
    let text = text.trim();
    // `E` alone is exa; `2e3` and `2E3` are exponents, which the number's own parser takes.
    let split = text.find(|c: char| c.is_ascii_alphabetic() && !exponent(text, c)).unwrap_or(text.len());
    let (number, suffix) = text.split_at(split);
    let value: f64 = number.parse().ok()?;
    let scale = match suffix {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0_f64.powi(3),
        "Ti" => 1024.0_f64.powi(4),
        "Pi" => 1024.0_f64.powi(5),
        "Ei" => 1024.0_f64.powi(6),
        _ => return None,
    };
    Some(value * scale).filter(|value| value.is_finite())
}

fn exponent(text: &str, c: char) -> bool {
    matches!(c, 'e' | 'E')
        && text.split(c).nth(1).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+'))
}

/// Whole bytes, as kept in `out`.
#[allow(clippy::cast_possible_truncation, reason = "the cast saturates, and no machine has 2^63 bytes")]
pub(super) fn bytes(text: &str) -> Option<i64> {
    parse(text).map(|value| value.round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_as_kubernetes_writes_them() {
        for (text, value) in [
            ("250m", 0.25),
            ("2", 2.0),
            ("1536Mi", 1_610_612_736.0),
            ("123456789n", 0.123_456_789),
            ("2e3", 2000.0),
            ("1E", 1e18),
            ("0.5", 0.5),
            ("1k", 1000.0),
        ] {
            assert!((parse(text).unwrap() - value).abs() <= value * 1e-12, "{text}");
        }
        for text in ["", "Mi", "1.5Xi", "1 Gi", "--1", "1e400"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
