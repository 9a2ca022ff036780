//! The parts of rows that are summed on their own, whatever the number of threads.
//!
//! Floating-point sums depend on their order. Rows are therefore cut into lanes by their number alone;
//! threads work on whole lanes, block by block, and the results of lanes are added in order.

use std::ops::Range;

use rayon::prelude::*;

/// Rows that are worked on at a time, so that their columns stay in the cache.
const BLOCK_ROWS: usize = 2_048;

/// Sums over all rows, the same at any number of threads.
///
/// Each of at most `lanes_max` lanes starts from `zero()`, is shown its blocks of rows by `add_block`, and
/// then added to the lanes before it by `add_lane`.
pub(super) fn sum<S, Z, B, L>(
    rows: usize,
    lanes_max: usize,
    zero: Z,
    add_block: B,
    add_lane: L,
) -> S
where
    S: Send,
    Z: Fn() -> S + Sync,
    B: Fn(&mut S, Range<usize>) + Sync,
    L: Fn(&mut S, S),
{
    let lane = |rows: Range<usize>| {
        let mut out = zero();
        for from in rows.clone().step_by(BLOCK_ROWS) {
            add_block(&mut out, from..(from + BLOCK_ROWS).min(rows.end));
        }
        out
    };
    let lanes: Vec<S> = ranges(rows, lanes_max).into_par_iter().map(lane).collect();
    let mut out = zero();
    for lane in lanes {
        add_lane(&mut out, lane);
    }
    out
}

/// At most `lanes_max` ranges of whole blocks that cover all rows.
fn ranges(rows: usize, lanes_max: usize) -> Vec<Range<usize>> {
    let blocks = rows.div_ceil(BLOCK_ROWS);
    let lane_rows = blocks.div_ceil(lanes_max.max(1)).max(1) * BLOCK_ROWS;
    (0..rows).step_by(lane_rows).map(|from| from..(from + lane_rows).min(rows)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_cover_every_row_once_in_order() {
        for rows in [0, 1, 2_047, 2_048, 2_049, 1_000_003] {
            for lanes_max in [1, 3, 64] {
                let found = ranges(rows, lanes_max);
                assert!(found.len() <= lanes_max);
                let mut next = 0;
                for lane in found {
                    assert_eq!(lane.start, next);
                    next = lane.end;
                }
                assert_eq!(next, rows);
            }
        }
    }

    #[test]
    fn sums_are_the_same_at_any_number_of_threads() {
        let values: Vec<f64> = (0..300_000).map(|n| 1.0 / f64::from(n + 1)).collect();
        let total = || {
            let add = |out: &mut f64, rows: Range<usize>| *out += values[rows].iter().sum::<f64>();
            sum(values.len(), 64, || 0.0, add, |out, lane| *out += lane)
        };
        let with_threads = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(total).to_bits()
        };
        let one = with_threads(1);
        assert!([2, 3, 8].into_iter().all(|threads| with_threads(threads) == one));
        assert!((f64::from_bits(one) - values.iter().sum::<f64>()).abs() < 1e-12);
    }
}
