//! Links about one's own account: a password set anew, an address changed by proof of both, an invitation sent again.
//! Each works once, for a while, for one person.

use control::accounts::set_up::bootstrap;
use control::accounts::sign_in::sign_in;
use control::accounts::{mail_password_reset, reset_password};
use control::invites::{Accepting, accept_invite};
use control::{Settings, session};
use domain::access::{OrganizationRole, Origin};
use domain::ids::UserId;
use domain::messages::Letter;
use domain::time::{DAY, HOUR, SECOND};
use serde_json::{Value, json};

use crate::world::{PASSWORD, Seen, World};

const NEW_PASSWORD: &str = "another long password";

async fn with_mail() -> World {
    World::with(Settings { mail_is_on: true, ..Settings::default() }).await
}

/// A signed-in browser.
struct Browser {
    cookie: String,
    csrf: String,
}

async fn browser(world: &World, email: &str, password: &str) -> Browser {
    let signed_in = sign_in(&world.control, email, password, &Origin::default()).await.unwrap();
    let cookie = signed_in.cookie.split(';').next().unwrap().to_owned();
    let sessions =
        world.control.store.sessions_of(signed_in.user_id, world.control.now(), Default::default());
    let newest = sessions.await.unwrap()[0].id;
    Browser { cookie, csrf: session::csrf(world.control.secrets.pepper(), newest) }
}

/// Submits a form, a second after whatever came before: letters then have an order.
async fn submit(world: &World, browser: &Browser, path: &str, fields: &[(&str, &str)]) -> Seen {
    world.wait(SECOND);
    let mut pairs = vec![("csrf", browser.csrf.as_str())];
    pairs.extend(fields);
    let body: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{name}={}", value.replace(' ', "+"))).collect();
    let headers =
        [("cookie", browser.cookie.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    world.call("", &format!("POST {path}"), &headers, body.join("&")).await
}

/// Whether the answer leads on with a good word.
fn is_done(seen: &Seen) -> bool {
    let cookies = seen.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    seen.status == 303 && cookies.into_iter().any(|cookie| cookie.starts_with("flash=good"))
}

/// The letters that wait for an address, oldest first.
async fn letters(world: &World, to: &str) -> Vec<Letter> {
    let now = world.control.now();
    let mut due = world.control.store.claim_mails(&world.control.secrets, 100, (now, now)).await.unwrap();
    due.sort_unstable_by_key(|due| due.mail.id);
    due.into_iter().filter(|due| due.mail.recipient == to).map(|due| due.letter).collect()
}

/// The path of the link in a letter.
fn path_of(letter: &Letter) -> String {
    let (Letter::PasswordReset { link, .. }
    | Letter::EmailRelease { link, .. }
    | Letter::EmailChange { link, .. }) = letter
    else {
        panic!("no link about an account: {letter:?}")
    };
    format!("/{}", link.splitn(4, '/').nth(3).unwrap())
}

fn token(url: &str) -> String {
    url.rsplit('/').next().unwrap().to_owned()
}

async fn signs_in(world: &World, email: &str, password: &str) -> bool {
    sign_in(&world.control, email, password, &Origin::default()).await.is_ok()
}

/// Somebody who joined through an invitation, so that they have a password.
async fn joined(world: &World, email: &str) -> UserId {
    let sent = world.admin("POST /v1/organization/invites", json!({"email": email})).await.json();
    let new = Accepting::New { name: "Somebody", password: PASSWORD };
    let token = token(sent["url"].as_str().unwrap());
    accept_invite(&world.control, &token, new, &Origin::default()).await.unwrap().user.id
}

#[tokio::test]
async fn a_mailed_link_sets_a_password_anew_once_within_an_hour_and_signs_out_every_browser() {
    let world = with_mail().await;
    let (email, origin) = ("admin@example.test", Origin::default());
    let before = browser(&world, email, PASSWORD).await;
    for asked in [email, "nobody@example.test"] {
        mail_password_reset(&world.control, asked, &origin).await.unwrap();
    }
    assert_eq!(letters(&world, "nobody@example.test").await, [], "no account, no mail, the same answer");
    let first = token(&path_of(&letters(&world, email).await[0]));
    world.wait(HOUR);
    let late = reset_password(&world.control, &first, NEW_PASSWORD, &origin).await.unwrap_err();
    assert_eq!(late.code(), "link_not_valid");
    mail_password_reset(&world.control, email, &origin).await.unwrap();
    world.wait(SECOND);
    mail_password_reset(&world.control, email, &origin).await.unwrap();
    let links: Vec<String> =
        letters(&world, email).await.iter().map(|letter| token(&path_of(letter))).collect();
    let (replaced, newest) = (&links[links.len() - 2], &links[links.len() - 1]);
    assert_eq!(
        reset_password(&world.control, replaced, NEW_PASSWORD, &origin).await.unwrap_err().code(),
        "link_not_valid"
    );
    assert_eq!(
        reset_password(&world.control, newest, "short", &origin).await.unwrap_err().code(),
        "weak_password"
    );
    reset_password(&world.control, newest, NEW_PASSWORD, &origin).await.unwrap();
    assert_eq!(
        reset_password(&world.control, newest, PASSWORD, &origin).await.unwrap_err().code(),
        "link_not_valid"
    );
    assert!(signs_in(&world, email, NEW_PASSWORD).await && !signs_in(&world, email, PASSWORD).await);
    let seen = world.call("", "GET /account", &[("cookie", &before.cookie)], "").await;
    assert_eq!(seen.status, 303, "signed out");
    assert_eq!((world.events("password.reset").await, world.events("password_reset.offered").await), (1, 3));
}

#[tokio::test]
async fn asking_for_a_password_link_is_answered_alike_and_not_for_ever() {
    let world = with_mail().await;
    let csrf = Browser { cookie: String::new(), csrf: String::new() };
    let mut answers = Vec::new();
    for email in ["admin@example.test", "nobody@example.test"] {
        let mut of_email = Vec::new();
        for _ in 0..12 {
            let seen = submit(&world, &csrf, "/forgot-password", &[("email", email)]).await;
            of_email.push((seen.status.as_u16(), seen.text.replace(email, "ADDRESS")));
        }
        answers.push(of_email);
    }
    let unlike = answers[0].iter().zip(&answers[1]).filter(|(known, unknown)| known.0 != unknown.0).count();
    assert_eq!(unlike, 0);
    assert_eq!((answers[0][0].0, answers[0][11].0), (200, 429));
    assert_eq!(answers[0][0].1.len(), answers[1][0].1.len());
}

#[tokio::test]
async fn without_mail_an_admin_vouches_for_whom_they_stand_above_and_who_belongs_here_alone() {
    let world = World::new().await;
    let lead = joined(&world, "lead@example.test").await;
    let offer = format!("POST /v1/organization/users/{lead}/password_reset");
    let member = world.person("member", OrganizationRole::Member).await;
    assert_eq!(world.by(&member, &offer, Value::Null).await.refusal().0, 403);
    let own = format!("POST /v1/organization/users/{}/password_reset", world.acme.user_id);
    assert_eq!(world.admin(&own, Value::Null).await.refusal().1, "own_account");
    let offered = world.admin(&offer, Value::Null).await.json();
    let link = token(offered["url"].as_str().unwrap());
    bootstrap(&world.control, "Elsewhere", "lead@example.test", PASSWORD).await.unwrap();
    let origin = Origin::default();
    let late = reset_password(&world.control, &link, NEW_PASSWORD, &origin).await.unwrap_err();
    assert_eq!(late.code(), "link_not_valid", "they belong elsewhere too by now");
    assert_eq!(world.admin(&offer, Value::Null).await.refusal().1, "cannot_vouch");
    let other = joined(&world, "other@example.test").await;
    let offer = format!("POST /v1/organization/users/{other}/password_reset");
    let offered = world.admin(&offer, Value::Null).await.json();
    reset_password(&world.control, &token(offered["url"].as_str().unwrap()), NEW_PASSWORD, &origin)
        .await
        .unwrap();
    assert!(signs_in(&world, "other@example.test", NEW_PASSWORD).await);
}

#[tokio::test]
async fn an_address_changes_by_the_password_a_link_to_the_old_address_and_one_to_the_new() {
    let world = with_mail().await;
    let (old, new) = ("admin@example.test", "moved@example.test");
    let here = browser(&world, old, PASSWORD).await;
    let there = browser(&world, old, PASSWORD).await;
    joined(&world, "lead@example.test").await;
    let lead = browser(&world, "lead@example.test", PASSWORD).await;
    let ask = |password| [("email", new), ("current_password", password)];
    assert!(!is_done(&submit(&world, &here, "/account/email", &ask("not the password")).await));
    assert!(is_done(&submit(&world, &here, "/account/email", &ask(PASSWORD)).await));
    assert_eq!(letters(&world, new).await, [], "the old address is asked first");
    let release = path_of(letters(&world, old).await.last().unwrap());
    assert!(!is_done(&submit(&world, &lead, &release, &[]).await), "somebody else");
    assert!(is_done(&submit(&world, &here, &release, &[]).await));
    assert!(!is_done(&submit(&world, &here, &release, &[]).await), "once");
    assert!(signs_in(&world, old, PASSWORD).await, "not yet");
    let confirm = path_of(letters(&world, new).await.last().unwrap());
    assert!(!is_done(&submit(&world, &lead, &confirm, &[]).await), "somebody else");
    assert!(is_done(&submit(&world, &here, &confirm, &[]).await));
    assert!(signs_in(&world, new, PASSWORD).await && !signs_in(&world, old, PASSWORD).await);
    let seen = world.call("", "GET /account", &[("cookie", &there.cookie)], "").await;
    assert_eq!(seen.status, 303, "every other browser is signed out");
    assert_eq!(world.events("email.changed").await, 1);
}

#[tokio::test]
async fn a_change_of_address_dies_with_its_time_with_a_new_password_and_with_another_account() {
    let world = with_mail().await;
    let (old, new, origin) = ("admin@example.test", "moved@example.test", Origin::default());
    let here = browser(&world, old, PASSWORD).await;
    let ask = [("email", new), ("current_password", PASSWORD)];
    submit(&world, &here, "/account/email", &ask).await;
    world.wait(SECOND);
    mail_password_reset(&world.control, old, &origin).await.unwrap();
    let waiting = letters(&world, old).await;
    let release = path_of(&waiting[0]);
    reset_password(&world.control, &token(&path_of(&waiting[1])), PASSWORD, &origin).await.unwrap();
    let here = browser(&world, old, PASSWORD).await;
    assert!(!is_done(&submit(&world, &here, &release, &[]).await), "who reset the password decides");
    submit(&world, &here, "/account/email", &ask).await;
    let release = path_of(letters(&world, old).await.last().unwrap());
    submit(&world, &here, &release, &[]).await;
    let confirm = path_of(letters(&world, new).await.last().unwrap());
    joined(&world, new).await;
    assert!(!is_done(&submit(&world, &here, &confirm, &[]).await), "the address has an account by now");
    let free = [("email", "free@example.test"), ("current_password", PASSWORD)];
    submit(&world, &here, "/account/email", &free).await;
    let release = path_of(letters(&world, old).await.last().unwrap());
    world.wait(DAY);
    let here = browser(&world, old, PASSWORD).await;
    assert!(!is_done(&submit(&world, &here, &release, &[]).await), "too late");
    assert_eq!(world.events("email.changed").await, 0);
}

#[tokio::test]
async fn an_invitation_sent_again_has_another_link_and_another_week() {
    let world = World::new().await;
    let origin = Origin::default();
    let new = Accepting::New { name: "Late", password: PASSWORD };
    let sent =
        world.admin("POST /v1/organization/invites", json!({"email": "late@example.test"})).await.json();
    let (first, id) = (token(sent["url"].as_str().unwrap()), sent["id"].as_str().unwrap().to_owned());
    let resend = format!("POST /v1/organization/invites/{id}/resend");
    world.wait(8 * DAY);
    let listed = world.admin("GET /v1/organization/invites", Value::Null).await.json();
    assert_eq!(listed["data"][0]["status"], "expired");
    let again = world.admin(&resend, Value::Null).await.json();
    assert_eq!((&again["id"], &again["status"]), (&json!(id), &json!("pending")));
    let second = token(again["url"].as_str().unwrap());
    let refused = accept_invite(&world.control, &first, new, &origin).await.unwrap_err();
    assert_eq!(refused.code(), "invite_not_valid", "the link before is worthless");
    world.wait(6 * DAY);
    accept_invite(&world.control, &second, new, &origin).await.unwrap();
    assert_eq!(world.admin(&resend, Value::Null).await.refusal(), (409, "invite_accepted".to_owned()));
    let other =
        world.admin("POST /v1/organization/invites", json!({"email": "other@example.test"})).await.json();
    let other = other["id"].as_str().unwrap().to_owned();
    world.admin(&format!("DELETE /v1/organization/invites/{other}"), Value::Null).await;
    let gone = world.admin(&format!("POST /v1/organization/invites/{other}/resend"), Value::Null).await;
    assert_eq!(gone.refusal().0, 404, "a revoked one is gone");
}
