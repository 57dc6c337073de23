//! The form of a project: filled from a project or from what was typed, and read back.

use domain::Error;
use domain::access::{Permission, Target, authorize};
use domain::ids::UserId;
use domain::page::{Order, PageRequest};
use domain::projects::{Environment, Labels, NewProject, Risk, Workload};
use domain::text::Tags;

use super::pages::ProjectForm;
use super::{OwnedProject, ProjectChanges};
use crate::http::shell::{Choice, Person};
use crate::{Call, Failure, Query};

/// How many people a form offers at most.
const PEOPLE_AT_MOST: i64 = 500;

/// The choices of a closed list of words, with the word that people read made from each.
pub(crate) fn words(values: impl Iterator<Item = &'static str>, selected: &str) -> Vec<Choice> {
    let pairs: Vec<(&str, String)> = values.map(|value| (value, title(value))).collect();
    Choice::list(&pairs, selected)
}

/// `media_generation` as people read it: `Media generation`.
pub(crate) fn title(word: &str) -> String {
    let text = word.replace('_', " ");
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Who can be chosen on forms: the organization's members for those who may see them, otherwise the viewer alone.
///
/// # Errors
/// When the store is away.
pub(crate) async fn people(call: &Call) -> Result<Vec<(String, Person)>, Failure> {
    let (actor, organization) = (call.actor()?, call.organization_id()?);
    let Ok(grant) = authorize(actor, Permission::MemberRead, Target::Organization(organization)) else {
        let own = call.control.store.member(&call.grant, actor.user_id).await?.user;
        return Ok(vec![(own.id.to_string(), Person { name: own.name, email: own.email })]);
    };
    let page = PageRequest::first(PEOPLE_AT_MOST, Order::Ascending);
    let members = call.control.store.members(&grant, Vec::new(), &page).await?;
    let person = |member: domain::members::Member| {
        let user = member.user;
        (user.id.to_string(), Person { name: user.name, email: user.email })
    };
    Ok(members.items.into_iter().map(person).collect())
}

/// The form as it stands for a project.
pub(crate) fn filled(owned: &OwnedProject, people: &[(String, Person)]) -> ProjectForm {
    let project = &owned.project;
    let owners: Vec<String> = owned.owner_ids.iter().map(ToString::to_string).collect();
    let accountable = project.accountable_owner_id.map(|id| id.to_string()).unwrap_or_default();
    let label = |value: &Option<String>| value.clone().unwrap_or_default();
    let tags: Vec<String> = project.tags.iter().map(|(name, value)| format!("{name}={value}")).collect();
    ProjectForm {
        name: project.name.clone(),
        description: project.description.clone(),
        team: label(&project.labels.team),
        product_line: label(&project.labels.product_line),
        cost_center: label(&project.labels.cost_center),
        client: label(&project.labels.client),
        tags: tags.join("\n"),
        ..choices(
            (project.environment.name(), project.workload.name(), project.risk.name()),
            (&owners, &accountable),
            people,
        )
    }
}

/// The form as it was typed.
pub(crate) fn typed(form: &Query, people: &[(String, Person)]) -> ProjectForm {
    let field = |name: &str| form.text(name).to_owned();
    ProjectForm {
        name: field("name"),
        description: field("description"),
        team: field("team"),
        product_line: field("product_line"),
        cost_center: field("cost_center"),
        client: field("client"),
        tags: field("tags"),
        ..choices(
            (form.text("environment"), form.text("workload"), form.text("risk")),
            (&form.many("owner_ids"), form.text("accountable_owner_id")),
            people,
        )
    }
}

fn choices(
    (environment, workload, risk): (&str, &str, &str),
    (owners, accountable): (&[String], &str),
    people: &[(String, Person)],
) -> ProjectForm {
    let choice = |(id, person): &(String, Person), is_selected| Choice {
        value: id.clone(),
        label: person.name.clone(),
        is_selected,
    };
    let workload = if workload.is_empty() { "other" } else { workload };
    ProjectForm {
        environments: words(Environment::ALL.iter().map(|value| value.name()), environment),
        workloads: words(Workload::ALL.iter().map(|value| value.name()), workload),
        risks: words(Risk::ALL.iter().map(|value| value.name()), risk),
        owners: people.iter().map(|one| choice(one, owners.contains(&one.0))).collect(),
        accountable_owners: people.iter().map(|one| choice(one, one.0 == accountable)).collect(),
        ..ProjectForm::default()
    }
}

/// A new project out of the form; without an owner it is the caller's.
///
/// # Errors
/// Those of the words, ids and tags.
pub(crate) fn new_project(form: &Query, caller: UserId) -> Result<NewProject, Error> {
    let mut owner_ids = user_ids(form)?;
    let accountable_owner_id = accountable(form)?;
    if owner_ids.is_empty() {
        owner_ids.push(accountable_owner_id.unwrap_or(caller));
    }
    Ok(NewProject {
        description: form.text("description").to_owned(),
        environment: form.one("environment").map_or(Ok(Environment::Development), Environment::parse)?,
        workload: form.one("workload").map_or(Ok(Workload::Other), Workload::parse)?,
        risk: form.one("risk").map_or(Ok(Risk::Standard), Risk::parse)?,
        labels: Labels {
            team: label(form, "team"),
            product_line: label(form, "product_line"),
            cost_center: label(form, "cost_center"),
            client: label(form, "client"),
        },
        tags: tags(form.text("tags"))?,
        owner_ids,
        accountable_owner_id,
        ..NewProject::named(form.text("name"), caller)
    })
}

/// What the form changes: every field of it, the owners only where some are chosen.
///
/// # Errors
/// Those of the words, ids and tags.
pub(crate) fn changes(form: &Query) -> Result<ProjectChanges, Error> {
    let owner_ids = user_ids(form)?;
    Ok(ProjectChanges {
        name: Some(form.text("name").to_owned()),
        description: Some(form.text("description").to_owned()),
        environment: form.one("environment").map(Environment::parse).transpose()?,
        workload: form.one("workload").map(Workload::parse).transpose()?,
        risk: form.one("risk").map(Risk::parse).transpose()?,
        team: Some(label(form, "team")),
        product_line: Some(label(form, "product_line")),
        cost_center: Some(label(form, "cost_center")),
        client: Some(label(form, "client")),
        tags: Some(tags(form.text("tags"))?),
        owner_ids: (!owner_ids.is_empty()).then_some(owner_ids),
        accountable_owner_id: accountable(form)?,
    })
}

fn label(form: &Query, name: &str) -> Option<String> {
    form.one(name).map(str::to_owned)
}

fn user_ids(form: &Query) -> Result<Vec<UserId>, Error> {
    let bad = |_| Error::invalid_param("owner_not_member", "owner_ids", "Choose owners from the list.");
    form.many("owner_ids").iter().map(|id| id.parse().map_err(bad)).collect()
}

fn accountable(form: &Query) -> Result<Option<UserId>, Error> {
    let sentence = "Choose the accountable owner from the list.";
    let bad = |_| Error::invalid_param("owner_not_member", "accountable_owner_id", sentence);
    form.one("accountable_owner_id").map(|id| id.parse().map_err(bad)).transpose()
}

/// Pairs, one `name=value` per line; empty lines are let be.
fn tags(text: &str) -> Result<Tags, Error> {
    let pair = |line: &str| {
        let (name, value) = line.split_once('=').ok_or_else(|| {
            Error::invalid_param("invalid_tags", "tags", "Write tags as name=value, one per line.")
        })?;
        Ok((name.trim().to_owned(), value.trim().to_owned()))
    };
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_one_pair_per_line() {
        assert_eq!(
            tags(" a = 1 \r\n\r\nb=2=3").unwrap(),
            Tags::from([("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2=3".to_owned()),])
        );
        assert_eq!(tags("a").unwrap_err().code(), "invalid_tags");
    }

    #[test]
    fn words_are_told_with_a_capital() {
        assert_eq!(title("media_generation"), "Media generation");
    }
}
