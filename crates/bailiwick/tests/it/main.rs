//! The executable, tested at its doors, and the shape of its source.

mod tidy;
