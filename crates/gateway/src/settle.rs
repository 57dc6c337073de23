//! Sixth phase: the hold is replaced by the truth, exactly once, whatever ended the call. Settling neither waits nor
//! fails; dropping an `Admission` settles it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use domain::allowances::{Amounts, Hold, Purse};
use domain::money::NanoUsd;
use domain::pricing::{Quantities, Rates};
use domain::usage::{CallStatus, Settlement};
use futures_util::FutureExt;

use crate::admit::lock;
use crate::dialect::sse::Scanner;
use crate::ports::{JournalSlot, Ports, Synced};
use crate::tokens;

/// What an admitted call keeps until it is settled.
pub(crate) struct Admitted {
    /// What the call costs at most.
    pub(crate) held: NanoUsd,
    pub(crate) slot: Box<dyn JournalSlot>,
    pub(crate) hold: Hold,
    pub(crate) purse: Arc<Mutex<Purse>>,
}

/// The right to forward one call, and the duty to settle it.
pub(crate) struct Admission {
    ports: Arc<dyn Ports>,
    admitted: Option<Admitted>,
    rates: Rates,
    /// The request, for an estimate.
    body: Bytes,
    pub(crate) facts: Facts,
    /// Set when the client hung up.
    is_client_gone: Arc<AtomicBool>,
}

/// What is learned of the call on its way.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// Whether the call left for the provider.
    pub(crate) is_sent: bool,
    /// How it ended; until that is known, a drop means that it was cut off.
    pub(crate) end: Option<CallStatus>,
    pub(crate) upstream_status: Option<u16>,
    /// The provider's word.
    pub(crate) usage: Option<Quantities>,
    /// The reader of a streamed answer.
    pub(crate) scanner: Option<Scanner>,
}

impl Admission {
    /// Made in `admit` alone.
    pub(crate) fn new(ports: Arc<dyn Ports>, admitted: Admitted, rates: Rates, body: Bytes) -> Self {
        let is_client_gone = Arc::default();
        Self { ports, admitted: Some(admitted), rates, body, facts: Facts::default(), is_client_gone }
    }

    /// The flag by which the waiting side tells that the client hung up.
    pub(crate) fn client_gone(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_client_gone)
    }

    /// Settles as ended so.
    pub(crate) fn settle(mut self, end: CallStatus) -> Synced {
        self.facts.end.get_or_insert(end);
        self.settle_now().unwrap_or_else(|| std::future::ready(Ok(())).boxed())
    }

    fn settle_now(&mut self) -> Option<Synced> {
        let Admitted { held, slot, hold, purse } = self.admitted.take()?;
        let (quantities, is_estimated) = self.quantities();
        let cost = self.rates.cost(&quantities).unwrap_or(held);
        let actual = Amounts::of_call(cost.nano(), quantities.input_tokens(), quantities.output);
        let charges = lock(&purse).settle(hold, &actual);
        let settlement = Settlement {
            settled_at: self.ports.ambient().now(),
            status: self.status(),
            quantities,
            cost,
            is_estimated,
            upstream_status: self.facts.upstream_status,
        };
        Some(slot.settle(&settlement, &charges))
    }

    fn status(&self) -> CallStatus {
        match self.facts.end {
            _ if self.is_client_gone.load(Ordering::Acquire) => CallStatus::ClientClosed,
            Some(end) => end,
            None => CallStatus::UpstreamClosed,
        }
    }

    /// What the call used, and whether that is our own count.
    fn quantities(&self) -> (Quantities, bool) {
        let told = self.facts.scanner.as_ref().map(|scanner| &scanner.told);
        if let Some(usage) = self.facts.usage.or_else(|| told.and_then(|told| told.usage)) {
            return (usage, false);
        }
        let is_error = self.facts.upstream_status.is_some_and(|status| !(200..300).contains(&status));
        if !self.facts.is_sent || is_error {
            return (Quantities::default(), false);
        }
        let output = told.map_or(0, |told| tokens::count(&told.delivered));
        let input = tokens::count_request(&self.body);
        (Quantities { input, output, requests: 1, ..Quantities::default() }, true)
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        drop(self.settle_now());
    }
}
