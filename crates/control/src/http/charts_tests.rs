//! Geometry of the charts, and that names given by people stay text.

use askama::Template as _;
use domain::money::NANO_PER_USD;

use super::*;

fn buckets(count: usize) -> Vec<Bucket> {
    (0..count).map(|n| Bucket { mark: format!("m{n}"), name: format!("day {n}") }).collect()
}

fn one(name: &str, values: &[i64]) -> Series {
    Series { name: name.to_owned(), values: values.to_vec() }
}

#[test]
fn the_axis_reaches_the_highest_sum_with_a_round_step() {
    for (highest, expected) in
        [(0, (1, 1)), (4, (1, 4)), (5, (1, 5)), (6, (2, 3)), (48, (10, 5)), (4_100, (1_000, 5))]
    {
        assert_eq!(axis(highest), expected, "{highest}");
    }
    let (step, steps) = axis(i64::MAX);
    assert_eq!(step.saturating_mul(steps), i64::MAX);
}

#[test]
fn bars_of_one_bucket_stand_on_each_other_without_a_gap() {
    let series = [one("a", &[10]), one("b", &[5]), one("c", &[0]), one("d", &[-3])];
    let drawn = bars(&series, 0, 20);
    assert_eq!(drawn.len(), 2);
    assert_eq!((drawn[0].y, drawn[0].height), (Place(5_000), Place(5_000)));
    assert_eq!((drawn[1].y, drawn[1].height), (Place(2_500), Place(2_500)));
}

#[test]
fn more_series_than_colours_are_folded_and_the_sum_is_kept() {
    let many: Vec<Series> = (1..=20).map(|n| one(&format!("p{n:02}"), &[n, n])).collect();
    let shown = folded(many);
    assert_eq!(shown.len(), 8);
    assert_eq!((shown[0].name.as_str(), shown[7].name.as_str()), ("p20", "Other (13)"));
    assert_eq!(sum_at(&shown, 1), 210);
}

#[test]
fn names_given_by_people_stay_text() {
    let hostile = "</title><script>alert(1)</script>";
    let chart = StackedChart::new("Cost", Unit::NanoUsd, &buckets(2), vec![one(hostile, &[NANO_PER_USD, 2])]);
    let html = chart.render().unwrap();
    assert!(!html.contains("<script"), "{html}");
    assert!(!html.contains("style="), "{html}");
}

#[test]
fn many_buckets_are_drawn_as_areas_and_none_as_an_empty_plot() {
    let values: Vec<i64> = (0..90).collect();
    let chart = StackedChart::new("Cost", Unit::Count, &buckets(90), vec![one("a", &values)]);
    assert!(chart.render().unwrap().contains("<polygon"));
    let empty = StackedChart::new("Cost", Unit::Count, &[], Vec::new()).render().unwrap();
    assert!(empty.contains("Nothing in this period"), "{empty}");
}

#[test]
fn a_meter_never_leaves_its_frame() {
    for (spent, held, amount) in [(0, 0, 0), (5, 10, 10), (20, 0, 10), (i64::MAX, i64::MAX, 1)] {
        let meter = Meter::new(Unit::NanoUsd, spent, held, amount);
        assert!(meter.spent_width.0 + meter.held_width.0 <= WHOLE, "{spent} {held} {amount}");
    }
    assert_eq!(Meter::new(Unit::Count, 9, 0, 10).level, "near");
}
