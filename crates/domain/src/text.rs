//! Free text that people write and sign: reasons, tickets, comments.

use std::fmt;
use std::str::FromStr;

use unicode_normalization::is_nfc;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// Why a text was refused. Text is refused, never repaired: people sign what they see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing is there.
    #[error("the text is empty")]
    Empty,
    /// Over 1 KiB.
    #[error("the text has {0} bytes; 1024 are allowed")]
    TooLong(usize),
    /// A space at an edge would not be seen.
    #[error("the text starts or ends with a space; remove it")]
    EdgeSpace,
    /// A character that does not show, or is not assigned in Unicode.
    #[error("the text holds U+{0:04X}, which is a control, invisible or unassigned character; remove it")]
    Character(u32),
    /// The same characters could be written in other bytes.
    #[error("the text is not in Unicode normal form NFC; type its accented letters anew")]
    NotNfc,
    /// `-` alone stands for an absent value.
    #[error("`-` alone means that there is no text; write words")]
    Dash,
}

/// Visible text of 1 to 1,024 bytes in NFC, without edge spaces, on one line.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Box<str>);

impl Text {
    /// The longest text, in bytes.
    pub const MAX: usize = 1024;

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Text {
    type Err = TextError;

    fn from_str(given: &str) -> Result<Self, TextError> {
        if given.is_empty() {
            return Err(TextError::Empty);
        }
        // Length comes first: nothing below looks at ten megabytes.
        if given.len() > Self::MAX {
            return Err(TextError::TooLong(given.len()));
        }
        if let Some(bad) = given.chars().find(|c| !is_visible(*c)) {
            return Err(TextError::Character(bad.into()));
        }
        if given.starts_with(char::is_whitespace) || given.ends_with(char::is_whitespace) {
            return Err(TextError::EdgeSpace);
        }
        if !is_nfc(given) {
            return Err(TextError::NotNfc);
        }
        if given == "-" {
            return Err(TextError::Dash);
        }
        Ok(Self(given.into()))
    }
}

/// Whether a character shows as itself, as all of a [`Text`] does: not of the categories Cc, Cf, Zl, Zp, Cs, Co, Cn.
pub fn is_visible(c: char) -> bool {
    if matches!(c, ' '..='~') {
        return true;
    }
    !matches!(
        c.general_category(),
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
            | GeneralCategory::Surrogate
            | GeneralCategory::PrivateUse
            | GeneralCategory::Unassigned
    )
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({:?})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_is_kept_as_it_is() {
        for good in ["INC-42 disk full", "größer als 90 %", "ディスク", "a  b", "—", "--"] {
            assert_eq!(good.parse::<Text>().unwrap().as_str(), good);
        }
        assert!("x".repeat(1024).parse::<Text>().is_ok());
    }

    #[test]
    fn what_cannot_be_seen_is_refused_by_name() {
        let refused = |s: &str| s.parse::<Text>().unwrap_err();
        assert_eq!(refused(""), TextError::Empty);
        assert_eq!(refused("-"), TextError::Dash);
        assert_eq!(refused(&"x".repeat(1025)), TextError::TooLong(1025));
        assert_eq!(refused(" a"), TextError::EdgeSpace);
        assert_eq!(refused("a\u{3000}"), TextError::EdgeSpace);
        assert_eq!(refused("a\nb"), TextError::Character(0x0a));
        assert_eq!(refused("a\u{202e}b"), TextError::Character(0x202e));
        assert_eq!(refused("a\u{200b}b"), TextError::Character(0x200b));
        assert_eq!(refused("a\u{2028}b"), TextError::Character(0x2028));
        assert_eq!(refused("a\u{e000}b"), TextError::Character(0xe000));
        assert_eq!(refused("a\u{0378}b"), TextError::Character(0x378));
        assert_eq!(refused("e\u{301}"), TextError::NotNfc);
    }
}
