//! Allowances: one mechanism for every limit.

use serde::{Deserialize, Serialize};

use crate::ids::AllowanceId;
use crate::time::Timestamp;

/// What a call takes off this replica's slice of one allowance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// The allowance.
    pub allowance_id: AllowanceId,
    /// The start of the window in which the call was admitted.
    pub window_start: Timestamp,
    /// How much, in the allowance's unit.
    pub amount: i64,
}
