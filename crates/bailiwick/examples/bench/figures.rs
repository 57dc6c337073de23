//! The figures: what each is, what it has to be, and what every round measured.

/// Which way a figure has to be from its target.
#[derive(Clone, Copy, PartialEq)]
pub enum Bound {
    /// At least this.
    AtLeast(f64),
    /// At most this.
    AtMost(f64),
    /// Told for orientation.
    Told,
}

/// One figure over all rounds.
pub struct Figure {
    /// What it is, with its unit.
    pub name: &'static str,
    /// What it has to be.
    pub bound: Bound,
    /// What each round measured.
    pub measured: Vec<f64>,
}

/// A figure's summary.
pub struct Summary {
    /// The middle one.
    pub median: f64,
    /// The smallest.
    pub least: f64,
    /// The largest.
    pub most: f64,
}

impl Figure {
    /// Median and spread; none when nothing was measured.
    pub fn summary(&self) -> Option<Summary> {
        let mut sorted = self.measured.clone();
        sorted.sort_by(f64::total_cmp);
        let (least, most) = (*sorted.first()?, *sorted.last()?);
        Some(Summary { median: quantile(&sorted, 0.5), least, most })
    }

    /// Whether the median is as it has to be; none where nothing is asked.
    pub fn holds(&self) -> Option<bool> {
        let median = self.summary()?.median;
        match self.bound {
            Bound::AtLeast(bound) => Some(median >= bound),
            Bound::AtMost(bound) => Some(median <= bound),
            Bound::Told => None,
        }
    }
}

/// All figures, in the order in which they first came.
#[derive(Default)]
pub struct Figures(pub Vec<Figure>);

impl Figures {
    /// Adds what a round measured.
    pub fn add(&mut self, name: &'static str, bound: Bound, measured: f64) {
        match self.0.iter_mut().find(|figure| figure.name == name) {
            Some(figure) => figure.measured.push(measured),
            None => self.0.push(Figure { name, bound, measured: vec![measured] }),
        }
    }
}

/// The value below which a part of the sorted ones lies; the middle of the two around it.
pub fn quantile(sorted: &[f64], part: f64) -> f64 {
    let place = part * (sorted.len().max(1) - 1) as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
    at(below) + (at(above) - at(below)) * place.fract()
}
