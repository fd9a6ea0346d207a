//! Which users a share takes in: the same on every node, after every restart, for ever.

use sha2::Digest;
use sha2::Sha256;

use crate::id::UserId;

/// How many buckets there are; a user's is one of `0..ROLLOUT_BUCKETS`.
pub const ROLLOUT_BUCKETS: u16 = 10_000;

/// The salt where neither `SEGUE_ROLLOUT_SALT` nor the code sets one.
pub const ROLLOUT_SALT_DEFAULT: &str = "segue";

/// The bucket of a user, `0..10_000`: a share of `n` hundredths of a percent takes in the users
/// whose bucket is below `n`, so that raising it only adds users.
///
/// The first eight bytes, big-endian, of
/// SHA-256(`"segue/rollout"` ‖ `0x00` ‖ salt ‖ `0x00` ‖ user id), modulo 10,000. A user id holds no
/// NUL, so no two pairs of salt and id hash the same text. Nothing else goes in: no process, node,
/// clock or byte order. Published vectors are under `tests/vectors/rollout.json`.
///
/// The salt need not be secret, but must be the same on all nodes. Two rollouts with different
/// salts begin with different users. A user who can choose their id can choose their bucket, which
/// gains them nothing but to be early or late.
///
/// ```
/// use segue::{UserId, rollout_bucket};
///
/// let alice = UserId::new("1")?;
/// assert_eq!(rollout_bucket("segue", &alice), rollout_bucket("segue", &alice));
/// assert!(rollout_bucket("segue", &alice) < 10_000);
/// # Ok::<(), segue::InvalidUserId>(())
/// ```
#[must_use]
pub fn rollout_bucket(salt: &str, user: &UserId) -> u16 {
    let mut hash = Sha256::new();
    hash.update(b"segue/rollout\0");
    hash.update(salt.as_bytes());
    hash.update([0]);
    hash.update(user.as_str().as_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    let [a, b, c, d, e, f, g, h, ..] = digest;
    let drawn = u64::from_be_bytes([a, b, c, d, e, f, g, h]) % u64::from(ROLLOUT_BUCKETS);
    u16::try_from(drawn).unwrap_or(0)
}
