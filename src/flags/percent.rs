//! A share of the users, exact to a hundredth of a percent.

use std::fmt;
use std::str::FromStr;

/// A share from `0%` to `100%` in steps of 0.01 %.
///
/// Written as one to three digits, at most two decimals, and a percent sign: `5%`, `12.5%`,
/// `0.01%`. Nothing is rounded: a third decimal is refused.
///
/// ```
/// use segue::Percent;
///
/// let share: Percent = "12.5%".parse()?;
/// assert_eq!(share.basis_points(), 1250);
/// assert_eq!(share.to_string(), "12.5%");
/// assert!("101%".parse::<Percent>().is_err());
/// assert!("10".parse::<Percent>().is_err());
/// # Ok::<(), segue::InvalidPercent>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Percent(u16);

impl Percent {
    /// Nobody.
    pub const ZERO: Self = Self(0);
    /// Everybody.
    pub const FULL: Self = Self(10_000);

    /// The share of so many hundredths of a percent.
    ///
    /// # Errors
    ///
    /// [`InvalidPercent`] above 10,000.
    pub const fn from_basis_points(points: u16) -> Result<Self, InvalidPercent> {
        if points > Self::FULL.0 { Err(InvalidPercent) } else { Ok(Self(points)) }
    }

    /// The share in hundredths of a percent, 0 to 10,000.
    #[must_use]
    pub const fn basis_points(self) -> u16 {
        self.0
    }
}

impl FromStr for Percent {
    type Err = InvalidPercent;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.strip_suffix('%').ok_or(InvalidPercent)?;
        let (whole, decimals) = match number.split_once('.') {
            Some((whole, decimals)) => (whole, digits(decimals, 2)?),
            None => (number, 0),
        };
        let tenths = number.split_once('.').is_some_and(|(_, decimals)| decimals.len() == 1);
        let decimals = if tenths { decimals * 10 } else { decimals };
        let points = digits(whole, 3)?.checked_mul(100).ok_or(InvalidPercent)?;
        Self::from_basis_points(points.checked_add(decimals).ok_or(InvalidPercent)?)
    }
}

fn digits(text: &str, length_max: usize) -> Result<u16, InvalidPercent> {
    let sound = (1..=length_max).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if sound { text.parse().map_err(|_| InvalidPercent) } else { Err(InvalidPercent) }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 100, self.0 % 100) {
            (whole, 0) => write!(f, "{whole}%"),
            (whole, rest) if rest % 10 == 0 => write!(f, "{whole}.{}%", rest / 10),
            (whole, rest) => write!(f, "{whole}.{rest:02}%"),
        }
    }
}

/// The text or number is not a share; see [`Percent`] for what is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct InvalidPercent;

impl fmt::Display for InvalidPercent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a share is 0% to 100% with at most two decimals, such as 5% or 12.5%")
    }
}

impl std::error::Error for InvalidPercent {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every share is read back from what it prints.
    #[test]
    fn shares_survive_a_round_trip() {
        for points in 0..=10_000 {
            let share = Percent::from_basis_points(points).unwrap();
            assert_eq!(share.to_string().parse(), Ok(share), "{share}");
        }
        assert_eq!(Percent::from_basis_points(10_001), Err(InvalidPercent));
    }

    /// Nothing is rounded, guessed or wrapped.
    #[test]
    fn other_texts_are_refused() {
        for text in [
            "", "%", "10", "-1%", "+1%", " 1%", "1 %", "1%%", "1.%", ".5%", "1.234%", "1.2.3%",
            "100.01%", "101%", "999%", "1000%", "65536%", "1e1%", "1,5%", "١%", "ten%",
        ] {
            assert_eq!(text.parse::<Percent>(), Err(InvalidPercent), "{text:?}");
        }
    }

    /// The decimals are tenths and hundredths.
    #[test]
    fn decimals_count() {
        for (text, points) in
            [("0.01%", 1), ("0.1%", 10), ("0.10%", 10), ("1%", 100), ("100%", 10_000)]
        {
            assert_eq!(text.parse::<Percent>().map(Percent::basis_points), Ok(points), "{text}");
        }
    }
}
