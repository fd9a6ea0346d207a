//! Counts the allocations of every row, one line each; run by the comparison, not by hand.

use segue_compare::measure;
use segue_compare::rows;

const REQUESTS: u32 = 1_000;

fn main() {
    let runtime = measure::runtime();
    for mut row in rows::all(&runtime) {
        // Caches fill and buffers grow before anything is counted.
        row.run(&runtime, REQUESTS);
        let counted = allocation_counter::measure(|| row.run(&runtime, REQUESTS));
        println!("{}\t{}", row.name, counted.count_total / u64::from(REQUESTS));
    }
}
