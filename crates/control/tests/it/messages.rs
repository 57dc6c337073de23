//! Webhooks and mail in the console: a secret is seen once, what is refused says why, notices are one's own.

use crate::world::World;

#[tokio::test]
async fn the_console_shows_the_secret_of_a_webhook_once() {
    let world = World::new().await;
    let admin = world.admins_browser().await;
    let private =
        world.console(&admin, "POST /webhooks", "url=https://10.0.0.1/hooks&description=mine").await;
    assert!(private.text.contains("class=\"flash bad\""), "{}", private.text);
    assert!(private.text.contains("value=\"mine\""), "what was typed stays");
    let fields = "url=https://example.com/hooks&event_types=key.created&event_types=key.deleted";
    let made = world.console(&admin, "POST /webhooks", fields).await.text;
    let secret = made.split("whsec_").nth(1).unwrap().split('<').next().unwrap().to_owned();
    assert!(secret.len() > 20 && made.contains("2 kinds of events"), "{made}");
    let id = made.split("/webhooks/").nth(1).unwrap().split(['/', '"']).next().unwrap().to_owned();
    let page = world.console(&admin, &format!("GET /webhooks/{id}"), "").await.text;
    assert!(page.contains("https://example.com/hooks") && !page.contains("whsec_"), "{page}");
    let rotated =
        world.console(&admin, &format!("POST /webhooks/{id}/rotate"), "overlap_seconds=3600").await.text;
    assert!(rotated.contains("whsec_") && !rotated.contains(&secret), "another one");
    assert!(rotated.contains("Signed with the secret before too"), "{rotated}");
    assert_eq!(world.console(&admin, &format!("POST /webhooks/{id}/disable"), "").await.status, 303);
    let disabled = world.console(&admin, &format!("GET /webhooks/{id}"), "").await.text;
    assert!(disabled.contains("disabled") && !disabled.contains("Send a test event"), "{disabled}");
    let test = world.console(&admin, &format!("POST /webhooks/{id}/test"), "").await;
    assert!(test.flashed_bad(), "told to enable it first");
    assert_eq!(world.console(&admin, &format!("POST /webhooks/{id}/remove"), "").await.status, 303);
    assert_eq!(world.console(&admin, &format!("GET /webhooks/{id}"), "").await.status, 404);
    for verb in ["webhook.created", "webhook.rotated", "webhook.updated", "webhook.deleted"] {
        assert_eq!(world.events(verb).await, 1, "{verb}");
    }
}

#[tokio::test]
async fn a_notice_is_switched_off_for_oneself_and_the_outbox_is_for_admins() {
    let world = World::new().await;
    let lead = world.joined("lead@example.test").await;
    let lead = world.browser(lead, "lead@example.test").await;
    let admin = world.admins_browser().await;
    let path = "POST /notices/rights_changed";
    assert_eq!(world.console(&lead, path, "on=false").await.status, 303);
    let off = |page: &str| page.matches("<span class=\"badge\">off</span>").count();
    let theirs = world.console(&lead, "GET /mails", "").await.text;
    assert_eq!((off(&theirs), theirs.contains("What was sent")), (1, false), "{theirs}");
    let theirs = world.console(&admin, "GET /mails", "").await.text;
    assert_eq!((off(&theirs), theirs.contains("What was sent")), (0, true), "{theirs}");
    assert!(theirs.contains("No mail server is configured"), "and what to do");
    assert!(world.console(&admin, "POST /mails/test", "").await.flashed_bad());
    assert_eq!(world.console(&lead, "POST /notices/nonsense", "on=false").await.status, 404);
}
