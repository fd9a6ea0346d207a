//! Attacks by crowds and by patience: many at once, and one who waits.

use segue::RefreshCause;
use segue::SessionPolicy;

use crate::harness::World;
use crate::harness::either;

either! {
    /// A crowd of honest tabs on several nodes gets its successor, and nobody a fault, although only
    /// one grace answer a time can be counted.
    attack_64_a_crowd_is_answered, world => {
        let policy = SessionPolicy { grace_uses_max: 1_000, ..SessionPolicy::default() };
        let mut nodes = Vec::new();
        for _ in 0..4 {
            nodes.push(world.node_with(|builder| builder.policy(policy.clone())).await);
        }
        let token = world.node().await.login("alice").await.refresh.expose().to_owned();
        let mut tasks = tokio::task::JoinSet::new();
        for index in 0..128 {
            let (node, token) = (nodes[index % 4].clone(), token.clone());
            tasks.spawn(async move { node.refresh(&token).await });
        }
        let answers = tasks.join_all().await;
        let refused = answers.iter().filter_map(|answer| answer.as_ref().err());
        assert_eq!(refused.collect::<Vec<_>>(), [&segue::AuthErrorKind::CrossOrigin; 0]);
        let rotated = |cause: Option<RefreshCause>| cause == Some(RefreshCause::Rotated);
        let rotations = answers.iter().flatten().filter(|pair| rotated(pair.cause));
        assert_eq!(rotations.count(), 1);
        assert_eq!(nodes[0].store.row("alice").await.revoked, None);
    }
}
