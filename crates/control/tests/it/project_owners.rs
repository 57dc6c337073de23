//! A project keeps an owner, also when roles are taken one by one.

use serde_json::json;

use crate::roles::{owned, refusal};
use crate::world::World;

#[tokio::test]
async fn a_project_keeps_its_owners_when_roles_are_taken() {
    let world = World::new().await;
    let (place, owner) = owned(&world, "place").await;
    let take = |id: &str| format!("DELETE /v1/projects/{place}/users/{id}/roles/role-api-project-owner");
    let first = world.acme.user_id.to_string();
    let kept = world.admin(&take(&first), json!(null)).await;
    assert_eq!(kept.refusal(), refusal(409, "accountable_owner_kept"));
    let higher = world.by(&owner, &take(&first), json!(null)).await;
    assert_eq!(higher.refusal(), refusal(403, "higher_rank"), "an Admin is above a Project Owner");
    assert_eq!(world.by(&owner, &take(&owner.id), json!(null)).await.status, 200);
    assert_eq!(world.by(&owner, &take(&first), json!(null)).await.refusal().0, 404);
}
