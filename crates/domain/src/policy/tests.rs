//! Properties of inheritance over random trees, and the forms of values.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::ids::{ExceptionId, UserId};
use crate::time::Timestamp;

fn at() -> Timestamp {
    Timestamp::from_unix_seconds(1_000)
}

/// One setting of each kind, each of which can be set at every level.
const SETTINGS: [Setting; 5] = [
    Setting::Models,
    Setting::GatewayNetworks,
    Setting::DefaultOutput,
    Setting::RequestTags,
    Setting::KeyNarrow,
];

fn words() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec!["gpt-*", "gpt-5*", "gpt-5", "gpt-5-mini", "o3", "sim-*", "*"]);
    prop::collection::vec(word, 0..4).prop_map(|texts| {
        Value::Allowed(BTreeSet::from_iter(texts.iter().map(|text| Pattern::word(text).unwrap())))
            .meet(&Kind::Words.read(&serde_json::json!(["*"])).unwrap())
    })
}

fn networks() -> impl Strategy<Value = Value> {
    let network = prop::sample::select(vec![
        "0.0.0.0/0",
        "10.0.0.0/8",
        "10.1.0.0/16",
        "10.1.2.3",
        "::/0",
        "2001:db8::/32",
    ]);
    prop::collection::vec(network, 0..4)
        .prop_map(|texts| Kind::Networks.read(&serde_json::json!(texts)).unwrap())
}

fn value_of(setting: Setting) -> BoxedStrategy<Value> {
    match setting.kind() {
        Kind::Switch => any::<bool>().prop_map(Value::Switch).boxed(),
        Kind::Most { .. } => (1i64..6).prop_map(Value::Most).boxed(),
        Kind::Choice(words) => (0..words.len()).prop_map(Value::Choice).boxed(),
        Kind::Words => words().boxed(),
        Kind::Networks => networks().boxed(),
    }
}

fn entry(setting: Setting, level: Level) -> impl Strategy<Value = Entry> {
    let mode = prop::sample::select(vec![Mode::Off, Mode::Warn, Mode::Enforce, Mode::Enforce]);
    let lock = prop::bool::weighted(0.1);
    let floor = prop::option::weighted(0.3, value_of(setting));
    (value_of(setting), mode, lock, floor).prop_map(move |(value, mode, is_locked, floor)| Entry {
        setting,
        level,
        floor: floor.map(|floor| floor.meet(&value)),
        value,
        mode,
        is_locked,
        set_by: Some(UserId::from_parts(at(), level as u128)),
        set_at: at(),
    })
}

/// A path of a tree: organization, environment, project and key, each of which may have set something. Whatever the
/// order of the changes was, this is what is there after them.
fn path() -> impl Strategy<Value = (Setting, Vec<Entry>)> {
    prop::sample::select(SETTINGS.to_vec()).prop_flat_map(|setting| {
        let levels = Level::ALL.map(|level| prop::option::weighted(0.7, entry(setting, level)));
        levels.prop_map(move |entries| (setting, entries.into_iter().flatten().collect()))
    })
}

fn holds(setting: Setting, entries: &[Entry], down_to: Level) -> Effective {
    let there: Vec<_> = entries.iter().filter(|one| one.level <= down_to).cloned().collect();
    effective(setting, &there, &[], at())
}

/// Whether nothing of the second is outside the first.
fn is_no_wider(child: &Decided, parent: &Decided) -> bool {
    match (&child.value, &parent.value) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(child), Some(parent)) => child.is_within(parent),
    }
}

fn cases() -> u32 {
    if std::env::var_os("BAILIWICK_TEST_FULL").is_some() { 1_000_000 } else { 100_000 }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_child_is_never_wider_than_its_parent((setting, entries) in path()) {
        for pair in Level::ALL.windows(2) {
            let (parent, child) = (holds(setting, &entries, pair[0]), holds(setting, &entries, pair[1]));
            prop_assert!(is_no_wider(&child.enforced, &parent.enforced), "{entries:?}");
            prop_assert!(is_no_wider(&child.warned, &parent.warned), "{entries:?}");
            prop_assert!(is_no_wider(&child.warned, &child.enforced) || has_locks_or_floors(&entries));
        }
    }

    #[test]
    fn an_effective_value_is_the_meet_and_names_the_level_that_decided((setting, entries) in path()) {
        let entries: Vec<_> = entries.into_iter().map(|one| Entry { is_locked: false, floor: None, ..one }).collect();
        let decided = holds(setting, &entries, Level::Key).enforced;
        let enforcing: Vec<_> = entries.iter().filter(|one| one.mode == Mode::Enforce).collect();
        let met = enforcing.iter().map(|one| one.value.clone()).reduce(|one, other| one.meet(&other));
        prop_assert_eq!(&decided.value, &met);
        // The level named is the first down to which the value is what it is at the end.
        let first = Level::ALL.into_iter().find(|level| holds(setting, &entries, *level).enforced.value == met);
        prop_assert_eq!(decided.level, if met.is_some() { first } else { None });
        let author = enforcing.iter().find(|one| Some(one.level) == decided.level).and_then(|one| one.set_by);
        prop_assert_eq!(decided.set_by, author);
    }

    #[test]
    fn nothing_narrows_below_a_floor_or_behind_a_lock((setting, entries) in path()) {
        let enforcing: Vec<_> =
            entries.iter().map(|one| Entry { mode: Mode::Enforce, ..one.clone() }).collect();
        let decided = holds(setting, &enforcing, Level::Key).enforced;
        let floor = enforcing.first().and_then(|first| first.floor.as_ref());
        if let (Some(floor), Some(value)) = (floor, &decided.value) {
            prop_assert!(floor.is_within(value), "{enforcing:?}");
        }
        if let Some(lock) = enforcing.iter().find(|one| one.is_locked) {
            prop_assert_eq!(&decided.value, &holds(setting, &enforcing, lock.level).enforced.value);
            prop_assert_eq!(decided.locked_by, Some(lock.level));
        }
    }

    #[test]
    fn what_the_check_lets_through_stands_as_it_was_set((setting, entries) in path()) {
        let (last, above) = match entries.split_last() {
            Some((last, above)) if last.mode == Mode::Enforce => (last, above),
            _ => return Ok(()),
        };
        let is_sound = above.iter().enumerate().all(|(place, one)| check(one, &above[..place]).is_ok());
        let enforces_all = above.iter().all(|one| one.mode != Mode::Warn);
        if is_sound && enforces_all && check(last, above).is_ok() {
            let decided = holds(setting, &entries, Level::Key).enforced;
            prop_assert_eq!(decided.value.as_ref(), Some(&last.value), "{:?}", entries);
        }
    }

    #[test]
    fn values_are_lattices((setting, entries) in path()) {
        for (one, two) in entries.iter().zip(entries.iter().skip(1)) {
            let (one, two, three) = (&one.value, &two.value, &entries[0].value);
            prop_assert_eq!(one.meet(two), two.meet(one));
            prop_assert_eq!(one.join(two), two.join(one));
            prop_assert_eq!(&one.meet(one), one);
            prop_assert_eq!(one.meet(&two.meet(three)), one.meet(two).meet(three));
            prop_assert!(one.meet(two).is_within(one) && one.is_within(&one.join(two)), "{setting:?}");
        }
    }
}

fn has_locks_or_floors(entries: &[Entry]) -> bool {
    entries.iter().any(|one| one.is_locked || one.floor.is_some())
}

#[test]
fn an_exception_stands_for_its_place_and_its_time() {
    let list = |texts: &[&str]| Kind::Words.read(&serde_json::json!(texts)).unwrap();
    let entry = |level, value| Entry {
        setting: Setting::Models,
        level,
        value,
        mode: Mode::Enforce,
        is_locked: false,
        floor: None,
        set_by: None,
        set_at: at(),
    };
    let entries = [entry(Level::Organization, list(&["gpt-*"])), entry(Level::Key, list(&["o3", "gpt-5"]))];
    let exception = Exception {
        id: ExceptionId::from_parts(at(), 1),
        setting: Setting::Models,
        level: Level::Project,
        value: list(&["gpt-*", "o3"]),
        reason: "a trial".to_owned(),
        ends_at: at().plus_seconds(60),
        given_by: None,
        given_at: at(),
    };
    check_exception(&exception, at()).unwrap();
    let during = effective(Setting::Models, &entries, std::slice::from_ref(&exception), at());
    assert!(during.enforced.allows_word("o3") && during.enforced.allows_word("gpt-5"));
    assert!(!during.enforced.allows_word("gpt-4"), "levels below still narrow");
    let after = effective(Setting::Models, &entries, std::slice::from_ref(&exception), at().plus_seconds(60));
    assert!(!after.enforced.allows_word("o3") && after.enforced.allows_word("gpt-5"));
    assert!(check_exception(&Exception { reason: " ".to_owned(), ..exception.clone() }, at()).is_err());
    assert!(check_exception(&exception, at().plus_seconds(60)).is_err());
}

#[test]
fn a_gate_warns_enforces_or_lets_be() {
    let entry = |level, mode, texts: &[&str]| Entry {
        setting: Setting::Models,
        level,
        value: Kind::Words.read(&serde_json::json!(texts)).unwrap(),
        mode,
        is_locked: false,
        floor: None,
        set_by: None,
        set_at: at(),
    };
    let entries = [
        entry(Level::Organization, Mode::Enforce, &["gpt-*"]),
        entry(Level::Project, Mode::Warn, &["gpt-5*"]),
    ];
    let held = effective(Setting::Models, &entries, &[], at());
    assert_eq!(held.judge(|one| one.allows_word("o3")), Mode::Enforce);
    assert_eq!(held.judge(|one| one.allows_word("gpt-4")), Mode::Warn);
    assert_eq!(held.judge(|one| one.allows_word("gpt-5-mini")), Mode::Off);
}

#[test]
fn values_are_read_and_shown_alike() {
    let shown = |kind: Kind, json: serde_json::Value| kind.read(&json).map(|value| kind.show(&value));
    assert_eq!(
        shown(Kind::Words, serde_json::json!(["gpt-5", "gpt-*"])).unwrap(),
        serde_json::json!(["gpt-*"])
    );
    assert_eq!(
        shown(Kind::Networks, serde_json::json!(["203.0.113.9", "2001:db8::/32"])).unwrap(),
        serde_json::json!(["203.0.113.9/32", "2001:db8::/32"])
    );
    for wrong in
        ["203.0.113.9/24", "203.0.113.0/33", "10.0.0.0/", "::1/129", "host", "", "10.0.0.0/8/8", "1.2.3/8"]
    {
        assert!(Kind::Networks.read(&serde_json::json!([wrong])).is_err(), "{wrong}");
    }
    for wrong in ["", "a*b", "a b", "**"] {
        assert!(Kind::Words.read(&serde_json::json!([wrong])).is_err(), "{wrong}");
    }
    let choice = Setting::RequestTags.kind();
    assert_eq!(shown(choice, serde_json::json!("refused")).unwrap(), serde_json::json!("refused"));
    assert!(
        choice.read(&serde_json::json!("maybe")).is_err()
            && Kind::Switch.read(&serde_json::json!(1)).is_err()
    );
    let days = Setting::KeyRotation.kind();
    assert!(days.read(&serde_json::json!(0)).is_err() && days.read(&serde_json::json!(1.5)).is_err());
    assert!(
        Value::Allowed(BTreeSet::from([Pattern::network("10.0.0.0/8").unwrap()]))
            .allows_address("::ffff:10.2.3.4".parse().unwrap())
    );
}

#[test]
fn every_setting_can_be_set_somewhere_and_is_named_once() {
    let names: BTreeSet<_> = Setting::ALL.iter().map(|setting| setting.name()).collect();
    assert_eq!(names.len(), Setting::ALL.len());
    for setting in Setting::ALL.iter().copied() {
        assert!(setting.levels().contains(&Level::Organization), "{setting:?}");
        assert!(setting.levels().windows(2).all(|pair| pair[0] < pair[1]), "{setting:?}");
        assert_eq!(Setting::parse(setting.name()), Some(setting));
    }
}
