//! The texts of a batch, with one word for equal ones where that is cheap to see.
//!
//! polars holds a text of up to twelve bytes in a view of sixteen, and the view of a longer one says where it
//! is. Equal views of one chunk are equal texts, and most equal texts have equal views: short ones, and those
//! that come from a dictionary. A small table of views finds them without looking at a byte of text.

use polars::prelude::StringChunked;

use crate::domain::texts::Texts;

/// Places of the table, a power of two.
const PLACES: usize = 1 << PLACE_BITS;
const PLACE_BITS: u32 = 10;
/// Most views that are remembered: they leave half of the places free.
const VIEWS_MAX: usize = PLACES / 2;
/// Odd numbers with their bits well mixed: the fractions of the golden ratio and of the square root of 3.
const FACTORS: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xbb67_ae85_84ca_a73b];

/// The texts of a column.
pub(super) fn texts_of(column: &StringChunked) -> Texts<'_> {
    let mut words = Vec::new();
    let mut codes = Vec::with_capacity(column.len());
    let validity = column.rechunk_validity();
    let mut is_valid = validity.as_ref().map(|validity| validity.iter());
    for chunk in column.downcast_iter() {
        // The views of another chunk refer to other buffers.
        let mut seen = Seen::new();
        let mut code = |(row, view): (usize, u128)| {
            seen.code(view, || {
                words.push(chunk.value(row));
                u32::try_from(words.len() - 1).unwrap_or(Texts::NULL)
            })
        };
        let rows = chunk.views().iter().map(|view| view.as_u128()).enumerate();
        match &mut is_valid {
            None => codes.extend(rows.map(code)),
            Some(is_valid) => {
                let rows = rows.zip(is_valid);
                codes.extend(
                    rows.map(|(row, is_valid)| if is_valid { code(row) } else { Texts::NULL }),
                );
            }
        }
    }
    Texts::new(words, codes)
}

/// Codes by view, in an open-addressed table.
struct Seen {
    /// A view and its code; [`Texts::NULL`] marks a free place.
    places: Vec<(u128, u32)>,
    held: usize,
}

impl Seen {
    fn new() -> Self {
        Self { places: vec![(0, Texts::NULL); PLACES], held: 0 }
    }

    /// The code of a view, or that of a new word; it is remembered while there is room.
    #[inline]
    fn code(&mut self, view: u128, add_word: impl FnOnce() -> u32) -> u32 {
        let mut place = place(view);
        loop {
            let (known, code) = self.places[place % PLACES];
            if code == Texts::NULL {
                break;
            }
            if known == view {
                return code;
            }
            place += 1;
        }
        let code = add_word();
        if self.held < VIEWS_MAX {
            self.places[place % PLACES] = (view, code);
            self.held += 1;
        }
        code
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the halves of a view, and few bits of a product"
)]
fn place(view: u128) -> usize {
    let mixed =
        (view as u64).wrapping_mul(FACTORS[0]) ^ ((view >> 64) as u64).wrapping_mul(FACTORS[1]);
    (mixed >> (u64::BITS - PLACE_BITS)) as usize
}

#[cfg(test)]
mod tests {
    use polars::prelude::NewChunkedArray as _;

    use super::*;

    #[track_caller]
    fn check(values: &[Option<String>], words: usize) {
        let column = StringChunked::from_iter_options("x".into(), values.iter().cloned());
        let found = texts_of(&column);
        assert!(found.iter().eq(values.iter().map(Option::as_deref)));
        assert_eq!(found.words().len(), words);
        // Two chunks, neither of which begins at the start of its buffers.
        let mut halves = column.slice(1, values.len() / 2);
        halves.append(&column.slice(2, values.len() - 2)).unwrap();
        let wanted = values[1..].iter().take(values.len() / 2).chain(&values[2..]);
        assert!(texts_of(&halves).iter().eq(wanted.map(Option::as_deref)));
    }

    #[test]
    fn short_texts_share_words_and_nulls_have_none() {
        let text = |n: usize| (!n.is_multiple_of(5)).then(|| "x".repeat(n % 13));
        check(&(0..1000).map(text).collect::<Vec<_>>(), 13);
        check(&[None, None], 0);
    }

    #[test]
    fn more_words_than_are_remembered_are_right_all_the_same() {
        let text = |n: usize| Some(format!("{}{}", "long ".repeat(n % 4), n % 5_000));
        let values: Vec<Option<String>> = (0..10_000).map(text).collect();
        let found = StringChunked::from_iter_options("x".into(), values.iter().cloned());
        check(&values, texts_of(&found).words().len());
    }
}
