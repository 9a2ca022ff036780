//! Names and numbers that identify things: jobs, runs, versions, attempts.
//!
//! Each is a newtype whose constructor is the only place that checks the form, so that a value of the
//! type can be used as a file name, a database key or a word in a message without looking again.

use std::fmt;

use jiff::Timestamp;

/// The name of a job and of the model it owns: `[a-z][a-z0-9_-]{0,62}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobName(String);

impl JobName {
    /// Most characters that a job name may have.
    pub const CHARS_MAX: usize = 63;

    /// Accepts `text` if it has the form of a job name.
    pub fn new(text: &str) -> Option<Self> {
        let mut chars = text.chars();
        let starts_well = chars.next().is_some_and(|c| c.is_ascii_lowercase());
        let goes_on_well =
            chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-');
        (starts_well && goes_on_well && text.len() <= Self::CHARS_MAX)
            .then(|| Self(text.to_owned()))
    }

    /// The text of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Tells the files of a project from those of every other one: 32 hexadecimal digits, drawn at random.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProjectId(String);

impl ProjectId {
    const CHARS: usize = 32;

    /// Accepts `text` if it has the form of a project id.
    pub fn parse(text: &str) -> Option<Self> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == Self::CHARS && text.bytes().all(is_digit)).then(|| Self(text.to_owned()))
    }

    /// The text of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The identity of a run: 26 characters of Crockford base 32, sortable by the time of creation (a ULID).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(String);

impl RunId {
    const ALPHABET: &'static [u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    const CHARS: usize = 26;

    /// Makes the id of a run created at `at`, from 80 bits that the caller has drawn.
    pub fn new(at: Timestamp, random: u128) -> Self {
        let millis = u128::from(at.as_millisecond().max(0).cast_unsigned()) & ((1 << 48) - 1);
        let bits = (millis << 80) | (random & ((1 << 80) - 1));
        let text = (0..Self::CHARS)
            .rev()
            .map(|place| {
                let digit = (bits >> (5 * place)) & 31;
                char::from(Self::ALPHABET[usize::try_from(digit).unwrap_or_default()])
            })
            .collect();
        Self(text)
    }

    /// When the run was made, to the millisecond; an id of no moment says the end of time.
    pub fn made_at(&self) -> Timestamp {
        let digit = |byte: u8| Self::ALPHABET.iter().position(|known| *known == byte).unwrap_or(0);
        let bits = self.0.bytes().fold(0, |bits, byte| (bits << 5) | digit(byte) as u128);
        let millis = i64::try_from(bits >> 80).unwrap_or(i64::MAX);
        Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
    }

    /// Accepts `text` if it has the form of a run id.
    pub fn parse(text: &str) -> Option<Self> {
        let well_formed =
            text.len() == Self::CHARS && text.bytes().all(|byte| Self::ALPHABET.contains(&byte));
        well_formed.then(|| Self(text.to_owned()))
    }

    /// The text of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The number of a model version within its model: 1, 2, 3, ... in order of registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u32);

impl Version {
    /// Reads `3` or `v3`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('v').unwrap_or(text);
        digits.parse().ok().filter(|number| *number > 0).map(Self)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

/// A SHA-256 digest, shown as 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256(pub [u8; 32]);

impl Sha256 {
    /// Reads 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let mut out = [0; 32];
        for (byte, pair) in out.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).ok()?;
            *byte = u8::from_str_radix(pair, 16).ok()?;
        }
        Some(Self(out))
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn job_names_have_one_form() {
        for good in ["a", "churn", "a-1_b", &"a".repeat(63)] {
            assert!(JobName::new(good).is_some(), "{good}");
        }
        for bad in ["", "A", "1a", "..", "a/b", "a.b", "ä", "a b", "con\0", &"a".repeat(64)] {
            assert!(JobName::new(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn run_ids_sort_by_time_and_read_back() {
        let early = RunId::new(Timestamp::from_second(1_000).unwrap(), u128::MAX);
        let late = RunId::new(Timestamp::from_second(1_001).unwrap(), 0);
        assert!(early < late);
        assert_eq!(early.made_at(), Timestamp::from_second(1_000).unwrap());
        let never = RunId::parse(&"z".repeat(RunId::CHARS)).map(|id| id.made_at());
        assert_eq!(never, Some(Timestamp::MAX));
        assert_eq!(RunId::parse(early.as_str()), Some(early));
        assert_eq!(RunId::parse("../../etc/passwd0000000000"), None);
    }

    #[test]
    fn versions_and_digests_read_back() {
        assert_eq!(Version::parse("v12"), Some(Version(12)));
        assert_eq!(Version::parse("0"), None);
        let digest = Sha256([0xab; 32]);
        assert_eq!(Sha256::parse(&digest.to_string()), Some(digest));
        assert_eq!(Sha256::parse("+f"), None);
    }
}
