//! Raises of allowances for a time, and approvals in force, on both engines.

use domain::allowances::{Allowance, Level, Unit};
use domain::approvals::{
    AllowanceRaise, Approval, Asked, ChangeKind, Decider, GuardedChange, Kind, MOST_WAITING, State,
};
use domain::audit::{AuditEntry, Verb};
use domain::ids::ApprovalId;
use domain::time::{DAY, Timestamp, Window};
use store::allowance_raises::{
    end_raise, lock_allowance, no_raise_in_force, raise_allowance, supersede_raise,
};
use store::allowances::allowance;
use store::{Change, Store};

use crate::calls::{allow, organization, project, user, whole};
use crate::engines::{both_engines, noon};

fn approved(n: u128, asked: Asked, subject: String, ends_at: Option<Timestamp>) -> Approval {
    Approval {
        id: ApprovalId::from_parts(noon(), n),
        organization_id: organization(),
        asked,
        reason: "x".to_owned(),
        requested_by: user(1),
        subject_id: subject,
        decider: Decider::OF_ORGANIZATION,
        created_at: noon(),
        expires_at: noon().plus_micros(DAY),
        state: State::Approved,
        decided_by: None,
        decided_at: Some(noon()),
        note: String::new(),
        ends_at,
        ended_at: None,
    }
}

fn raise(n: u128, of: &Allowance, amount: i64, ends_at: Option<Timestamp>) -> Approval {
    let asked = Asked::AllowanceRaise(AllowanceRaise {
        allowance_id: of.id,
        project_id: None,
        scope_type: "organization".to_owned(),
        scope_name: "The organization".to_owned(),
        unit: of.unit,
        window: of.window.name().to_owned(),
        amount,
        ends_at: ends_at.map(Timestamp::unix_seconds),
    });
    approved(n, asked, of.id.to_string(), ends_at)
}

async fn keep(change: Change) {
    let _ = change.commit(AuditEntry::new(Verb::ApprovalGiven, "x")).await.unwrap();
}

/// Carries an approval out as the control plane does; the code of a refusal.
async fn carry_out(store: &Store, approval: &Approval, of: &Allowance, amount: i64) -> Result<(), String> {
    let mut change = store.change(&whole(), noon()).await.unwrap();
    change.insert_approval(approval).await.unwrap();
    change.write_approval(approval).await.unwrap();
    no_raise_in_force(&mut change, of.id).await.map_err(|error| error.to_string())?;
    let before = lock_allowance(&mut change, &whole(), of.id).await.unwrap();
    raise_allowance(&mut change, approval, &before, amount).await.map_err(|error| error.to_string())?;
    keep(change).await;
    Ok(())
}

async fn end(store: &Store, approval: &Approval) -> Option<(i64, i64)> {
    let mut change = store.change(&whole(), noon()).await.unwrap();
    let ended = end_raise(&mut change, approval).await.unwrap();
    keep(change).await;
    ended
}

async fn amount(store: &Store, of: &Allowance) -> i64 {
    allowance(store, &whole(), of.id).await.unwrap().amount
}

#[test]
fn a_raise_goes_back_once_and_never_over_a_later_word() {
    both_engines(|store| async move {
        let of = allow(&store, 1, Level::Organization, Unit::Requests, Window::Day, 100).await;
        let until = Some(noon().plus_micros(DAY));
        let first = raise(1, &of, 200, until);
        carry_out(&store, &first, &of, 200).await.unwrap();
        let second = carry_out(&store, &raise(2, &of, 300, until), &of, 300).await;
        assert!(second.unwrap_err().contains("already"), "one at a time");
        assert_eq!(amount(&store, &of).await, 200);
        assert_eq!((end(&store, &first).await, end(&store, &first).await), (Some((200, 100)), None));
        assert_eq!(amount(&store, &of).await, 100);

        let third = raise(3, &of, 400, until);
        carry_out(&store, &third, &of, 400).await.unwrap();
        let mut change = store.change(&whole(), noon()).await.unwrap();
        supersede_raise(&mut change, of.id).await.unwrap();
        keep(change).await;
        assert_eq!(written(&store, &third).await.ended_at, Some(noon()));
        assert_eq!((end(&store, &third).await, amount(&store, &of).await), (None, 400));

        carry_out(&store, &raise(4, &of, 500, None), &of, 500).await.unwrap();
        carry_out(&store, &raise(5, &of, 600, until), &of, 600).await.unwrap();
        let mut change = store.change(&whole(), noon()).await.unwrap();
        store::allowances::delete_allowance(&mut change, &of).await.unwrap();
        keep(change).await;
        assert!(is_gone(&store, &of).await, "and nothing is left of the raise");
    });
}

/// Whether the allowance is away and nothing says that it is raised.
async fn is_gone(store: &Store, of: &Allowance) -> bool {
    let mut change = store.change(&whole(), noon()).await.unwrap();
    let is_free = no_raise_in_force(&mut change, of.id).await.is_ok();
    is_free && lock_allowance(&mut change, &whole(), of.id).await.is_err()
}

async fn written(store: &Store, approval: &Approval) -> Approval {
    let mut change = store.change(&whole(), noon()).await.unwrap();
    change.lock_approval(&whole(), approval.id).await.unwrap()
}

#[test]
fn what_is_in_force_is_found_by_person_kind_and_subject_until_it_ends() {
    both_engines(|store| async move {
        let place = project(1);
        let asked = Asked::Change(GuardedChange {
            project_id: place,
            project_name: "Pilot".to_owned(),
            change: ChangeKind::KeyCreation,
            environment: None,
            risk: None,
        });
        let given = approved(1, asked, place.to_string(), Some(noon().plus_micros(DAY)));
        let mut change = store.change(&whole(), noon()).await.unwrap();
        change.insert_approval(&given).await.unwrap();
        change.write_approval(&given).await.unwrap();
        keep(change).await;
        let found = async |at, person, subject: String| {
            let mut change = store.change(&whole(), at).await.unwrap();
            let of = (Kind::Change, subject);
            change.lock_approvals_in_force(&whole(), user(person), of).await.unwrap().len()
        };
        assert_eq!(found(noon(), 1, place.to_string()).await, 1);
        assert_eq!(found(noon(), 2, place.to_string()).await, 0, "of somebody else");
        assert_eq!(found(noon(), 1, project(2).to_string()).await, 0, "elsewhere");
        assert_eq!(found(noon().plus_micros(DAY), 1, place.to_string()).await, 0, "over");
    });
}

#[test]
fn nobody_lets_more_than_a_few_requests_wait() {
    both_engines(|store| async move {
        let mut change = store.change(&whole(), noon()).await.unwrap();
        let most = u128::try_from(MOST_WAITING).unwrap();
        for n in 0..=most {
            let subject = format!("subject {n}");
            let asked = Asked::Change(GuardedChange {
                project_id: project(1),
                project_name: "Pilot".to_owned(),
                change: ChangeKind::KeyCreation,
                environment: None,
                risk: None,
            });
            let request = Approval { state: State::Pending, ..approved(n, asked, subject, None) };
            let inserted = change.insert_approval(&request).await;
            assert_eq!(inserted.is_ok(), n < most, "{n}: {inserted:?}");
        }
    });
}
