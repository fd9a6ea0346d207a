//! What a hit is, and what bounds the table.

use super::*;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);
const END: Timestamp = Timestamp::from_unix_seconds(1_800_000_060);
const MANY: usize = 1 << 20;

fn hit(
    cache: &TokenCache<u32>,
    source: usize,
    text: &str,
    epoch: u64,
    now: Timestamp,
) -> Option<u32> {
    cache.get(source, text, epoch, now).and_then(Result::ok).map(|value| *value)
}

/// A hit is the same text, the same source, the same keys, before the end.
#[test]
fn what_a_hit_is() {
    let cache = TokenCache::<u32>::default();
    cache.insert(0, "a.b.c", 1, Some(END), Arc::new(7));
    assert_eq!(hit(&cache, 0, "a.b.c", 1, NOW), Some(7));
    assert_eq!(hit(&cache, 0, "a.b.d", 1, NOW), None);
    assert_eq!(hit(&cache, 0, "a.b.c ", 1, NOW), None);
    assert_eq!(hit(&cache, 1, "a.b.c", 1, NOW), None);
    assert_eq!(hit(&cache, 0, "a.b.c", 2, NOW), None);
    assert_eq!(hit(&cache, 0, "a.b.c", 1, END), None);
    assert_eq!(
        hit(&cache, 0, "a.b.c", 1, Timestamp::from_unix_micros(END.as_unix_micros() - 1)),
        Some(7)
    );
}

/// A text whose hash is that of another is a miss: the whole text decides.
#[test]
fn the_whole_text_decides() {
    let cache = TokenCache::<u32>::default();
    cache.insert(0, "a.b.c", 1, None, Arc::new(7));
    let hash = cache.hasher.hash_one((0_usize, "a.b.c"));
    let mut shard = cache.shard(hash).write().unwrap();
    shard.entries.get_mut(&hash).unwrap().text = "x.y.z".into();
    drop(shard);
    assert_eq!(hit(&cache, 0, "a.b.c", 1, NOW), None);
}

/// The number of entries is bounded, and a token in use outlives those that are not.
#[test]
fn entries_are_bounded() {
    let cache = TokenCache::<u32>::new(SHARDS * 4, MANY);
    cache.insert(0, "hot", 1, None, Arc::new(0));
    for number in 0..1000 {
        assert_eq!(hit(&cache, 0, "hot", 1, NOW), Some(0), "after {number}");
        cache.insert(0, &number.to_string(), 1, None, Arc::new(number));
    }
    assert!(cache.len() <= SHARDS * 4, "{}", cache.len());
}

/// A shard full of tokens in use still takes a new one.
#[test]
fn eviction_ends() {
    let cache = TokenCache::<u32>::new(SHARDS * 16, MANY * 16);
    for number in 0..2000 {
        cache.insert(0, &number.to_string(), 1, None, Arc::new(number));
        for seen in 0..number {
            let _ = hit(&cache, 0, &seen.to_string(), 1, NOW);
        }
        if number > 400 {
            break;
        }
    }
    assert!(cache.len() <= SHARDS * 16);
    assert_eq!(hit(&cache, 0, "401", 1, NOW), Some(401));
}

/// Bytes are bounded too: a few long tokens push out many short ones, the longest never enter.
#[test]
fn bytes_are_bounded() {
    let cache = TokenCache::<u32>::new(MANY, SHARDS * 8192);
    for number in 0..200 {
        cache.insert(0, &format!("{number}{}", "x".repeat(1000)), 1, None, Arc::new(number));
    }
    for shard in &cache.shards {
        let shard = shard.read().unwrap();
        assert!(shard.bytes <= 8192);
        assert_eq!(shard.bytes, shard.entries.values().map(Entry::bytes).sum::<usize>());
        assert_eq!(shard.order.len(), shard.entries.len());
    }
    assert!(cache.len() > 0);
    let long = "x".repeat(10_000);
    cache.insert(0, &long, 1, None, Arc::new(1));
    assert_eq!(hit(&cache, 0, &long, 1, NOW), None);
}

/// A token that is verified again replaces what was known, and is counted once.
#[test]
fn replacing() {
    let cache = TokenCache::<u32>::default();
    cache.insert(0, "a.b.c", 1, None, Arc::new(1));
    cache.insert(0, "a.b.c", 2, None, Arc::new(2));
    assert_eq!(hit(&cache, 0, "a.b.c", 2, NOW), Some(2));
    assert_eq!(cache.len(), 1);
}

/// Forgetting by predicate forgets those and no others.
#[test]
fn forgetting() {
    let cache = TokenCache::<u32>::default();
    for number in 0..100 {
        cache.insert(0, &number.to_string(), 1, None, Arc::new(number));
    }
    cache.retain(|source, value| source == 0 && value % 2 == 0);
    assert_eq!(cache.len(), 50);
    assert_eq!(hit(&cache, 0, "8", 1, NOW), Some(8));
    assert_eq!(hit(&cache, 0, "9", 1, NOW), None);
}

/// A verified token is found before a refusal of it from a moment ago.
#[test]
fn acceptance_wins() {
    let cache = TokenCache::<u32>::default();
    cache.insert_refusal(0, "a.b.c", 1, NOW, AuthErrorKind::InvalidToken);
    assert_eq!(cache.get(0, "a.b.c", 1, NOW), Some(Err(AuthErrorKind::InvalidToken)));
    cache.insert(0, "a.b.c", 1, None, Arc::new(7));
    assert_eq!(hit(&cache, 0, "a.b.c", 1, NOW), Some(7));
}
