//! Numbers in profiles as JSON and as postcard, so that every f64 reads back as it was.
//!
//! JSON knows neither NaN nor infinities and `serde_json` writes them as `null`; here they are the texts
//! `nan`, `inf` and `-inf`. Binary formats hold the eight bytes as they are.

use std::fmt;

use serde::de::{Deserializer, Error, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

/// An f64 that survives JSON whatever its value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Exact(pub(super) f64);

impl Serialize for Exact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() || self.0.is_finite() {
            return serializer.serialize_f64(self.0);
        }
        serializer.serialize_str(match self.0 {
            f64::INFINITY => "inf",
            f64::NEG_INFINITY => "-inf",
            _ => "nan",
        })
    }
}

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(NumberOrName)
        } else {
            deserializer.deserialize_f64(NumberOrName)
        }
    }
}

struct NumberOrName;

impl Visitor<'_> for NumberOrName {
    type Value = Exact;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, `nan`, `inf` or `-inf`")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Exact, E> {
        Ok(Exact(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Exact, E> {
        Ok(Exact(value as f64))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Exact, E> {
        Ok(Exact(value as f64))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Exact, E> {
        match text {
            "nan" => Ok(Exact(f64::NAN)),
            "inf" => Ok(Exact(f64::INFINITY)),
            "-inf" => Ok(Exact(f64::NEG_INFINITY)),
            _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
        }
    }
}

/// Writes one field; for `#[serde(with = "float")]`.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
pub(super) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    Exact(*value).serialize(serializer)
}

/// Reads one field; for `#[serde(with = "float")]`.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Exact::deserialize(deserializer).map(|exact| exact.0)
}

/// The same for a list of numbers.
pub(super) mod list {
    use serde::de::Deserializer;
    use serde::ser::Serializer;
    use serde::{Deserialize as _, Serialize as _};

    use super::Exact;

    /// Writes one field; for `#[serde(with = "float::list")]`.
    pub(in super::super) fn serialize<S: Serializer>(
        values: &[f64],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        values.iter().copied().map(Exact).collect::<Vec<_>>().serialize(serializer)
    }

    /// Reads one field; for `#[serde(with = "float::list")]`.
    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<f64>, D::Error> {
        let values = Vec::<Exact>::deserialize(deserializer)?;
        Ok(values.into_iter().map(|exact| exact.0).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: f64) {
        let json = serde_json::to_string(&Exact(value)).unwrap();
        let from_json: Exact = serde_json::from_str(&json).unwrap();
        let bytes = postcard::to_stdvec(&Exact(value)).unwrap();
        let from_bytes: Exact = postcard::from_bytes(&bytes).unwrap();
        for found in [from_json.0, from_bytes.0] {
            assert_eq!(found.to_bits(), value.to_bits(), "{value} became {found} through {json}");
        }
    }

    #[test]
    fn every_kind_of_number_reads_back() {
        for value in [0.0, -0.0, 0.1, 5e-324, f64::MAX, -7.0, 1e300] {
            check(value);
        }
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            check(value);
        }
    }

    #[test]
    fn other_words_are_refused() {
        assert!(serde_json::from_str::<Exact>("\"infinite\"").is_err());
        assert!(serde_json::from_str::<Exact>("null").is_err());
    }
}
