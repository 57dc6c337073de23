//! The record of a call: what is written when it is admitted, and when it has ended.

use std::sync::Arc;

use domain::allowances::Charge;
use domain::ids::RecordId;
use domain::money::NanoUsd;
use domain::pricing::Quantities;
use domain::usage::{Attribution, OpenCall, Opened};

use crate::call::{Call, Caller, Choice};

/// The most that a call may use and cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound {
    pub(crate) quantities: Quantities,
    pub(crate) cost: NanoUsd,
}

/// What the journal keeps of a call before it leaves.
pub(crate) fn open_call(
    id: RecordId,
    (call, caller, choice): (&Call, &Caller, &Choice),
    bound: Bound,
    holds: Vec<Charge>,
) -> Opened {
    let call = OpenCall {
        id,
        admitted_at: call.at,
        attribution: Arc::new(attribution(caller)),
        endpoint: call.endpoint,
        model: choice.model.clone(),
        provider_id: choice.provider.connection.id,
        is_stream: call.peek.is_stream,
        price_id: choice.price.id.clone(),
        held: bound.cost,
        client_address: call.client.address,
        user_agent: call.client.user_agent.clone(),
        end_user: call.peek.end_user.as_ref().map(|user| user.chars().take(256).collect()),
        secret_id: caller.key.view.secret_id,
    };
    Opened { call, worst: bound.quantities, holds }
}

fn attribution(caller: &Caller) -> Attribution {
    let project = &caller.project;
    Attribution {
        organization_id: caller.organization.organization.id,
        project_id: project.id,
        key_id: caller.key.view.id,
        key_owner: caller.key.view.owner,
        accountable_owner_id: project.accountable_owner_id,
        environment: project.environment,
        workload: project.workload,
        labels: project.labels.clone(),
    }
}
