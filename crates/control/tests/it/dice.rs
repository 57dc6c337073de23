//! Numbers that look random, repeatable by their seed (SplitMix64).

/// A random source. The seed is `BAILIWICK_TEST_SEED`, or fresh; it is printed.
#[derive(Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn thrown() -> Self {
        let given = std::env::var_os("BAILIWICK_TEST_SEED").and_then(|seed| seed.to_str()?.parse().ok());
        let fresh = || std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0);
        let seed = given.unwrap_or_else(fresh);
        println!("BAILIWICK_TEST_SEED={seed}");
        Self(seed)
    }

    /// A source of its own, by what this one says next.
    pub fn another(&mut self) -> Self {
        Self(self.next())
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 32) % bound
    }

    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        let place = self.below(list.len() as u64);
        &list[usize::try_from(place).unwrap()]
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
