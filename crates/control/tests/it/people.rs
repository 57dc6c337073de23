//! People: set-up, sign-in, members, invitations.

use control::accounts::set_up::{FirstAdmin, bootstrap, check_link, issue_link, set_up};
use control::accounts::sign_in::sign_in;
use control::invites::{Accepting, accept_invite, offered_invite};
use domain::access::Origin;
use domain::organizations::NewOrganization;
use domain::time::{DAY, MINUTE};
use http::Request;
use serde_json::json;

use crate::world::{PASSWORD, World, bare};

fn token(url: &str) -> &str {
    url.rsplit('/').next().unwrap()
}

#[tokio::test]
async fn bootstrap_again_adds_an_organization_for_the_same_person() {
    let world = World::new().await;
    assert!(issue_link(&world.control).await.unwrap().is_none(), "an Admin is there");
    let second = bootstrap(&world.control, "Beta", "ADMIN@example.test", PASSWORD).await.unwrap();
    assert_eq!(second.user_id, world.acme.user_id);
    assert_ne!(second.organization_id, world.acme.organization_id);
    let wrong = bootstrap(&world.control, "Gamma", "admin@example.test", "not the password").await;
    assert_eq!(wrong.unwrap_err().code(), "wrong_password");
    let read = world.call(&second.admin_key, "GET /v1/organization", &[], "").await.json();
    assert_eq!(read["name"], "Beta");
}

#[tokio::test]
async fn sign_in_answers_alike_and_stops_guessing() {
    let world = World::new().await;
    let origin = Origin::default();
    for _ in 0..10 {
        let wrong = sign_in(&world.control, "admin@example.test", "nope", &origin).await.unwrap_err();
        let unknown = sign_in(&world.control, "nobody@example.test", "nope", &origin).await.unwrap_err();
        assert_eq!((wrong.to_string(), wrong.status()), (unknown.to_string(), unknown.status()));
    }
    for email in ["admin@example.test", "nobody@example.test"] {
        let failure = sign_in(&world.control, email, PASSWORD, &origin).await.unwrap_err();
        assert_eq!(failure.code(), "too_many_attempts", "{email}");
    }
    world.wait(15 * MINUTE);
    sign_in(&world.control, "admin@example.test", PASSWORD, &origin).await.unwrap();
    assert_eq!(world.events("login.failed").await, 20);
    assert_eq!(world.events("login.succeeded").await, 1);
}

#[tokio::test]
async fn a_session_reads_and_changes_only_with_its_proof() {
    let world = World::new().await;
    let signed_in =
        sign_in(&world.control, "admin@example.test", PASSWORD, &Origin::default()).await.unwrap();
    assert!(signed_in.cookie.contains("HttpOnly; SameSite=Lax"));
    let cookie = signed_in.cookie.split(';').next().unwrap().to_owned();
    let read = world.call("", "GET /v1/organization", &[("cookie", &cookie)], "").await;
    assert_eq!(read.json()["id"], world.acme.organization_id.to_string());
    let change = "POST /v1/organization";
    let bare = world.call("", change, &[("cookie", &cookie)], "{\"name\":\"x\"}").await;
    assert_eq!(bare.refusal(), (403, "csrf_proof_missing".to_owned()));
    let sessions =
        world.control.store.sessions_of(world.acme.user_id, world.control.now(), Default::default());
    let session = sessions.await.unwrap()[0].id;
    let proof = control::session::csrf(world.control.secrets.pepper(), session);
    let headers = [("cookie", cookie.as_str()), ("x-csrf-token", proof.as_str())];
    assert_eq!(world.call("", change, &headers, "{\"name\":\"x\"}").await.status, 200);
    let evil = [headers[0], headers[1], ("sec-fetch-site", "cross-site")];
    assert_eq!(world.call("", change, &evil, "{\"name\":\"y\"}").await.refusal().0, 403);
    world.wait(13 * 60 * MINUTE);
    let idle = world.call("", "GET /v1/organization", &[("cookie", &cookie)], "").await;
    assert_eq!(idle.refusal(), (401, "not_signed_in".to_owned()));
}

#[tokio::test]
async fn an_invitation_makes_a_member_once_and_only_of_its_address() {
    let world = World::new().await;
    let body = json!({"email": "Colleague@example.test", "role": "reader", "projects": []});
    let sent = world.admin("POST /v1/organization/invites", body).await.json();
    assert_eq!(
        (sent["object"].as_str(), sent["status"].as_str()),
        (Some("organization.invite"), Some("pending"))
    );
    let token = token(sent["url"].as_str().unwrap()).to_owned();
    let listed = world.admin("GET /v1/organization/invites", json!(null)).await.json();
    assert!(listed["data"][0].get("url").is_none(), "the link is shown once");
    assert_eq!(listed["last_id"], sent["id"]);
    let new = Accepting::New { name: "Colleague", password: PASSWORD };
    let origin = Origin::default();
    let accepted = accept_invite(&world.control, &token, new, &origin).await.unwrap();
    assert_eq!(accepted.user.email, "colleague@example.test");
    let again = accept_invite(&world.control, &token, Accepting::Password(PASSWORD), &origin).await;
    assert_eq!(again.unwrap_err().code(), "invite_not_valid");
    let path = format!("DELETE /v1/organization/invites/{}", sent["id"].as_str().unwrap());
    assert_eq!(world.admin(&path, json!(null)).await.refusal(), (409, "invite_accepted".to_owned()));
    let twice = json!({"email": "colleague@example.test", "role": "owner"});
    let twice = world.admin("POST /v1/organization/invites", twice).await;
    assert_eq!(twice.refusal(), (409, "already_member".to_owned()));
}

#[tokio::test]
async fn an_invitation_falls_with_its_time_and_with_its_inviter() {
    let world = World::new().await;
    let invite = |email: &'static str, role: &'static str| {
        let (world, body) = (&world, json!({"email": email, "role": role}));
        async move {
            let sent = world.admin("POST /v1/organization/invites", body).await.json();
            token(sent["url"].as_str().unwrap()).to_owned()
        }
    };
    let late = invite("late@example.test", "reader").await;
    world.wait(7 * DAY);
    assert_eq!(offered_invite(&world.control, &late).await.unwrap_err().code(), "invite_not_valid");
    let orphan = invite("orphan@example.test", "owner").await;
    let second = invite("second@example.test", "owner").await;
    let new = Accepting::New { name: "Second", password: PASSWORD };
    accept_invite(&world.control, &second, new, &Origin::default()).await.unwrap();
    let me = format!("POST /v1/organization/users/{}", world.acme.user_id);
    assert_eq!(world.admin(&me, json!({"role": "reader"})).await.json()["bailiwick_role"], "member");
    let refused = accept_invite(&world.control, &orphan, new, &Origin::default()).await;
    assert_eq!(refused.unwrap_err().code(), "invite_not_valid", "the inviter may not invite any more");
    assert_eq!(world.admin(&me, json!({"role": "owner"})).await.refusal().0, 403, "nor promote themselves");
}

#[tokio::test]
async fn the_last_admin_stays_and_a_removed_members_key_is_dead() {
    let world = World::new().await;
    let me = format!("/v1/organization/users/{}", world.acme.user_id);
    let gone = world.admin(&format!("DELETE {me}"), json!(null)).await;
    assert_eq!(gone.refusal(), (409, "last_admin".to_owned()));
    assert_eq!(gone.headers["x-should-retry"], "false");
    let demoted = world.admin(&format!("POST {me}"), json!({"bailiwick_role": "finance"})).await;
    assert_eq!(demoted.refusal(), (409, "last_admin".to_owned()));
    let sent = json!({"email": "second@example.test", "bailiwick_role": "admin"});
    let sent = world.admin("POST /v1/organization/invites", sent).await.json();
    let new = Accepting::New { name: "Second", password: PASSWORD };
    let link = token(sent["url"].as_str().unwrap());
    accept_invite(&world.control, link, new, &Origin::default()).await.unwrap();
    let gone = world.admin(&format!("DELETE {me}"), json!(null)).await.json();
    assert_eq!(
        (gone["object"].as_str(), gone["deleted"].as_bool()),
        (Some("organization.user.deleted"), Some(true))
    );
    let after = world.admin("GET /v1/organization", json!(null)).await;
    assert_eq!(after.refusal(), (401, "invalid_api_key".to_owned()));
}

#[tokio::test]
async fn the_set_up_link_makes_one_admin() {
    let (control, _clock, _folder) = bare().await;
    let first = issue_link(&control).await.unwrap().unwrap();
    let link = issue_link(&control).await.unwrap().unwrap();
    assert!(check_link(&control, first.reveal()).await.is_err(), "a newer link replaces it");
    let admin = |email: &str| FirstAdmin {
        name: String::new(),
        email: email.to_owned(),
        password: PASSWORD.to_owned(),
    };
    let new = || NewOrganization::checked("Acme", Some("Europe/Berlin")).unwrap();
    let (one, two) = tokio::join!(
        set_up(&control, link.reveal(), new(), admin("one@example.test")),
        set_up(&control, link.reveal(), new(), admin("two@example.test")),
    );
    assert!(one.is_ok() != two.is_ok(), "the link works once");
    let late = one.and(two).unwrap_err();
    assert_eq!(late.code(), "set_up_link_not_valid");
    assert!(issue_link(&control).await.unwrap().is_none());
}

#[tokio::test]
async fn pages_that_are_not_there_are_told_as_pages() {
    let world = World::new().await;
    let page = Request::builder().uri("/nowhere").body(axum::body::Body::empty()).unwrap();
    let seen = world.send(page).await;
    assert_eq!(seen.status, 404);
    assert!(seen.headers["content-type"].to_str().unwrap().starts_with("text/html"));
}
