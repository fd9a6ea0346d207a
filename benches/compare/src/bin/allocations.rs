//! Counts the allocations of every row, one line each; run by the comparison, not by hand.

use segue_compare::measure;
use segue_compare::rows;

fn main() {
    let runtime = measure::runtime();
    for mut row in rows::all(&runtime) {
        // Caches fill and buffers grow before anything is counted.
        let requests = row.requests / 2;
        row.run(&runtime, requests);
        let counted = allocation_counter::measure(|| row.run(&runtime, requests));
        println!(
            "{}\t{}",
            row.name,
            (counted.count_total + u64::from(requests) / 2) / u64::from(requests)
        );
    }
}
