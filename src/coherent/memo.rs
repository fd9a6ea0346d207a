//! The access token that was last verified for a session, recognised without computing its code.

use std::sync::atomic::AtomicU16;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::sync::atomic::fence;

use subtle::ConstantTimeEq;

use crate::time::Timestamp;

/// The bytes of an access token behind its prefix.
pub(crate) const TOKEN_LENGTH_BYTES: usize = 66;

// Where the session's secret stands in the token; the row keeps it already.
const SECRET_START: usize = 4;
const SECRET_END: usize = 20;

const WORDS: usize = 7;
/// The last word ends with six bytes of expiry in place of token.
const LAST_WORD_MASK: u64 = 0xffff_0000_0000_0000;
const MILLIS_MAX: u64 = !LAST_WORD_MASK;

/// One token, replaceable while others read.
///
/// A sequence lock over atomics: readers write nothing, so that any number of threads recognise a
/// hot token without passing a cache line around (a lock word would), and the memo lies inside the
/// row (a swapped pointer would cost another allocation). Readers who meet a writer see "not
/// recognised" and verify the token the long way. Even a torn read could recognise no more than a
/// mixture of two genuine tokens of this very session.
#[derive(Debug, Default)]
pub(super) struct TokenMemo {
    words: [AtomicU64; WORDS],
    epoch: AtomicU32,
    /// Odd while somebody writes; 0 while nothing was ever written.
    sequence: AtomicU16,
}

impl TokenMemo {
    /// Whether exactly this token was verified under this keyring and is not past its end. Takes
    /// the same time wherever the tokens differ.
    pub(super) fn recognises(
        &self,
        token: &[u8; TOKEN_LENGTH_BYTES],
        secret: &[u8; 16],
        epoch: u64,
        now: Timestamp,
    ) -> bool {
        let sequence = self.sequence.load(Ordering::Acquire);
        if sequence == 0 || !sequence.is_multiple_of(2) {
            return false;
        }
        let words = self.words.each_ref().map(|word| word.load(Ordering::Relaxed));
        let known_epoch = self.epoch.load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        if self.sequence.load(Ordering::Relaxed) != sequence {
            return false;
        }
        let millis = i64::try_from(words[WORDS - 1] & MILLIS_MAX).unwrap_or(0);
        let alive = now < Timestamp::from_unix_micros(millis.saturating_mul(1_000));
        let mut difference = secret_difference(token, secret);
        for (index, (known, given)) in words.into_iter().zip(pack(token)).enumerate() {
            let mask = if index == WORDS - 1 { LAST_WORD_MASK } else { u64::MAX };
            difference |= (known & mask) ^ given;
        }
        alive && known_epoch == fold(epoch) && bool::from(difference.ct_eq(&0))
    }

    /// Keeps a token that was verified just now. Gives up if somebody else is doing the same, and
    /// if the token is not one of this session.
    pub(super) fn remember(
        &self,
        token: &[u8; TOKEN_LENGTH_BYTES],
        secret: &[u8; 16],
        expires_at: Timestamp,
        epoch: u64,
    ) {
        let sequence = self.sequence.load(Ordering::Relaxed);
        if !sequence.is_multiple_of(2) || secret_difference(token, secret) != 0 {
            return;
        }
        let claim = self.sequence.compare_exchange(
            sequence,
            sequence + 1,
            Ordering::Acquire,
            Ordering::Relaxed,
        );
        if claim.is_err() {
            return;
        }
        fence(Ordering::Release);
        let millis = u64::try_from(expires_at.as_unix_micros() / 1_000).unwrap_or(0);
        let mut words = pack(token);
        words[WORDS - 1] |= millis.min(MILLIS_MAX);
        for (place, word) in self.words.iter().zip(words) {
            place.store(word, Ordering::Relaxed);
        }
        self.epoch.store(fold(epoch), Ordering::Relaxed);
        // Never back to 0, which means that there is nothing.
        self.sequence.store(sequence.checked_add(2).unwrap_or(2), Ordering::Release);
    }

    /// The same content in a place of its own, for a row that is read again.
    pub(super) fn copy(&self) -> Self {
        let copy = Self::default();
        let sequence = self.sequence.load(Ordering::Acquire);
        for (place, word) in copy.words.iter().zip(&self.words) {
            place.store(word.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        copy.epoch.store(self.epoch.load(Ordering::Relaxed), Ordering::Relaxed);
        fence(Ordering::Acquire);
        let whole = sequence.is_multiple_of(2) && self.sequence.load(Ordering::Relaxed) == sequence;
        copy.sequence.store(if whole { sequence } else { 0 }, Ordering::Relaxed);
        copy
    }
}

/// Everything but the secret, in words; the space for the expiry is zero.
fn pack(token: &[u8; TOKEN_LENGTH_BYTES]) -> [u64; WORDS] {
    let mut bytes = [0; WORDS * 8];
    bytes[..SECRET_START].copy_from_slice(&token[..SECRET_START]);
    bytes[SECRET_START..TOKEN_LENGTH_BYTES - 16].copy_from_slice(&token[SECRET_END..]);
    let mut words = [0; WORDS];
    for (word, chunk) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *word = u64::from_be_bytes(*chunk);
    }
    words
}

fn secret_difference(token: &[u8; TOKEN_LENGTH_BYTES], secret: &[u8; 16]) -> u64 {
    let given = token[SECRET_START..SECRET_END].as_chunks::<8>().0;
    let known = secret.as_chunks::<8>().0;
    given.iter().zip(known).fold(0, |difference, (given, known)| {
        difference | (u64::from_be_bytes(*given) ^ u64::from_be_bytes(*known))
    })
}

/// Epochs are counted one by one, so their low half tells neighbours apart.
fn fold(epoch: u64) -> u32 {
    u32::try_from(epoch & u64::from(u32::MAX)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: [u8; 16] = [9; 16];
    const END: Timestamp = Timestamp::from_unix_seconds(2_000_000_000);
    const BEFORE: Timestamp = Timestamp::from_unix_seconds(1_999_999_999);

    fn token(fill: u8) -> [u8; TOKEN_LENGTH_BYTES] {
        let mut token = [fill; TOKEN_LENGTH_BYTES];
        token[SECRET_START..SECRET_END].copy_from_slice(&SECRET);
        token
    }

    /// A fresh memo recognises nothing, not even zeros.
    #[test]
    fn nothing_is_recognised_at_first() {
        let memo = TokenMemo::default();
        let zeros = [0; TOKEN_LENGTH_BYTES];
        assert!(!memo.recognises(&zeros, &[0; 16], 0, Timestamp::EPOCH));
    }

    /// Every bit of the token, the keyring's epoch and the token's end count.
    #[test]
    fn every_bit_counts() {
        let memo = TokenMemo::default();
        memo.remember(&token(5), &SECRET, END, 3);
        assert!(memo.recognises(&token(5), &SECRET, 3, BEFORE));
        assert!(!memo.recognises(&token(5), &SECRET, 4, BEFORE));
        assert!(!memo.recognises(&token(5), &SECRET, 3, END));
        for bit in 0..TOKEN_LENGTH_BYTES * 8 {
            let mut other = token(5);
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(!memo.recognises(&other, &SECRET, 3, BEFORE), "bit {bit}");
        }
    }

    /// A newer token takes the place of the older one, and a copy knows it too.
    #[test]
    fn the_last_token_counts() {
        let memo = TokenMemo::default();
        memo.remember(&token(5), &SECRET, END, 3);
        memo.remember(&token(6), &SECRET, END, 3);
        assert!(!memo.recognises(&token(5), &SECRET, 3, BEFORE));
        assert!(memo.copy().recognises(&token(6), &SECRET, 3, BEFORE));
    }

    /// A token of another session is not kept.
    #[test]
    fn foreign_tokens_are_not_kept() {
        let memo = TokenMemo::default();
        let foreign = [5; TOKEN_LENGTH_BYTES];
        memo.remember(&foreign, &SECRET, END, 3);
        assert!(!memo.recognises(&foreign, &SECRET, 3, BEFORE));
    }

    /// The lock's counter never returns to "nothing was written".
    #[test]
    fn the_counter_wraps_over_zero() {
        let memo = TokenMemo::default();
        memo.sequence.store(u16::MAX - 1, Ordering::Relaxed);
        memo.remember(&token(5), &SECRET, END, 3);
        assert!(memo.recognises(&token(5), &SECRET, 3, BEFORE));
    }
}
