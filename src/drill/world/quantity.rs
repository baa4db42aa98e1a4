//! Kubernetes quantities: `250m`, `1Gi`.

/// A quantity as a plain number: cores, bytes.
pub fn parse(text: &str) -> Option<f64> {
    let split = text.find(|letter: char| !(letter.is_ascii_digit() || letter == '.' || letter == '-')).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor = match unit {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "Ki" => 1024.0,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        "Ti" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    number.parse::<f64>().ok().map(|number| number * factor)
}

/// Cores, in thousandths.
pub fn cpu(cores: f64) -> String {
    format!("{:.0}m", cores * 1000.0)
}

/// As the metrics API gives cores.
pub fn nano(cores: f64) -> String {
    format!("{:.0}n", cores * 1e9)
}

/// Bytes, in kibibytes.
pub fn bytes(bytes: f64) -> String {
    format!("{:.0}Ki", bytes / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units() {
        assert_eq!(parse("250m"), Some(0.25));
        assert_eq!(parse("1Gi"), Some(1_073_741_824.0));
        assert_eq!(parse("1x"), None);
        assert_eq!(parse(""), None);
    }
}
