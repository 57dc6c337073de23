//! What runs beside the doors: following the feed, draining the journal, giving slices back, ending
//! what reached its end.

pub mod deadlines;
pub mod drain;
pub mod follow;
pub mod messages;
pub mod recover;
pub mod slices;
pub mod warnings;
