//! The rows of a node, parted in place into those of its children, each in the order they had.

use rayon::prelude::*;

use super::split::Rule;
use super::sums::CHUNK_ROWS;

/// Moves the rows that `rule` sends left to the front, and returns how many they are.
///
/// `scratch` has as many places as `rows`. Chunks of rows are parted on all threads, then brought together.
pub(in crate::learn::model) fn part(
    rows: &mut [u32],
    scratch: &mut [u32],
    codes: &[u8],
    rule: &Rule,
) -> usize {
    let mut goes_left = [false; 256];
    for (code, goes_left) in (0..=u8::MAX).zip(&mut goes_left) {
        *goes_left = rule.is_left(code);
    }
    if rows.len() <= CHUNK_ROWS {
        let left = part_chunk(rows, scratch, codes, &goes_left);
        let right = rows.len() - left;
        rows[left..].copy_from_slice(&scratch[..right]);
        return left;
    }
    let lefts: Vec<usize> = rows
        .par_chunks_mut(CHUNK_ROWS)
        .zip(scratch.par_chunks_mut(CHUNK_ROWS))
        .map(|(rows, scratch)| part_chunk(rows, scratch, codes, &goes_left))
        .collect();
    let len = rows.len();
    let mut to = 0;
    for (chunk, left) in lefts.iter().enumerate() {
        let from = chunk * CHUNK_ROWS;
        rows.copy_within(from..from + left, to);
        to += left;
    }
    let found = to;
    for (chunk, left) in lefts.iter().enumerate() {
        let from = chunk * CHUNK_ROWS;
        let right = CHUNK_ROWS.min(len - from) - left;
        rows[to..to + right].copy_from_slice(&scratch[from..from + right]);
        to += right;
    }
    found
}

/// Moves what goes left to the front of `rows`, the rest to the front of `scratch`.
fn part_chunk(
    rows: &mut [u32],
    scratch: &mut [u32],
    codes: &[u8],
    goes_left: &[bool; 256],
) -> usize {
    let (mut left, mut right) = (0usize, 0usize);
    for place in 0..rows.len() {
        let row = rows[place];
        let is_left = goes_left[usize::from(codes[row as usize])];
        // Both are written and one is kept: there is no branch to guess wrong.
        rows[left] = row;
        scratch[right] = row;
        left = left.wrapping_add(usize::from(is_left));
        right = right.wrapping_add(usize::from(!is_left));
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_keep_their_order_on_both_sides() {
        for len in [0u32, 1, 5, 16_384, 16_385, 100_003] {
            let codes: Vec<u8> = (0..len).map(|row| u8::try_from(row * 7 % 11).unwrap()).collect();
            for rule in [
                Rule::Number { cut: 4, missing_left: false },
                Rule::Number { cut: 4, missing_left: true },
                Rule::Number { cut: 255, missing_left: true },
            ] {
                let mut rows: Vec<u32> = (0..len).collect();
                let (left, right): (Vec<u32>, Vec<u32>) =
                    rows.iter().copied().partition(|row| rule.is_left(codes[*row as usize]));
                let mut scratch = vec![0; rows.len()];
                assert_eq!(part(&mut rows, &mut scratch, &codes, &rule), left.len());
                assert!(rows == [left, right].concat(), "{len} {rule:?}");
            }
        }
    }
}
