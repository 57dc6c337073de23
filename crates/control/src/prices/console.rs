//! The console's rows of prices.

use domain::Error;
use domain::access::Permission;
use domain::audit::Verb;
use domain::money::NanoUsd;
use domain::pricing::{NewPrice, Price, PriceUnit, Rates};
use domain::providers::ProviderKind;
use domain::routes::{Access, Method};
use domain::time::{TimeZone, Timestamp};

use super::pages::{PriceForm, PriceRow, PricesPage};
use super::{list_prices, set_price};
use crate::http::console;
use crate::http::figures::{Money, When};
use crate::http::shell::Section;
use crate::projects::frame::{granted, may, root, zone};
use crate::providers::console::{kind_title, kinds};
use crate::{Answer, Call, Endpoint, Failure, Query, page};

/// How many prices a page shows.
const PRICES_PER_PAGE: usize = 50;

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        page(Method::Get, "/o/{slug}/prices", "prices_page", "The prices that apply.")
            .needs(Access::Organization(Permission::PriceRead))
            .to(prices_page),
        page(Method::Post, "/o/{slug}/prices", "set_price_form", "Set a price for the organization.")
            .needs(Access::Organization(Permission::PriceManage))
            .audited(Verb::PriceSet)
            .to(set),
    ]
}

async fn prices_page(call: Call) -> Result<Answer, Failure> {
    prices(&call, None).await
}

async fn prices(call: &Call, refused: Option<Failure>) -> Result<Answer, Failure> {
    let mut shell = console::shell(call, "Prices", Section::Prices).await?;
    let typed = match refused {
        Some(failure) => {
            shell.flashes.push(console::refusal(failure)?);
            call.form()
        }
        None => Query::default(),
    };
    let grant = granted(call, Permission::PriceRead).ok_or(Error::Hidden { what: "organization" })?;
    let (search, zone) = (call.query.text("search").trim(), zone(call).await?);
    let needle = search.to_lowercase();
    let all = list_prices(&call.control, &grant).await?;
    let found: Vec<Price> =
        all.into_iter().filter(|price| price.model.to_lowercase().contains(&needle)).collect();
    let from = call.query.number("from")?.and_then(|from| usize::try_from(from).ok()).unwrap_or_default();
    let next = from.saturating_add(PRICES_PER_PAGE);
    let next_href = (found.len() > next).then(|| {
        let query = [("search", search), ("from", &next.to_string())];
        format!("{}/prices?{}", root(call), serde_urlencoded::to_string(query).unwrap_or_default())
    });
    let page = PricesPage {
        search: search.to_owned(),
        prices: found.iter().skip(from).take(PRICES_PER_PAGE).map(|price| row(price, &zone)).collect(),
        next_href,
        form: may(call, Permission::PriceManage).then(|| form(&typed)),
        shell,
    };
    console::page(&page)
}

fn row(price: &Price, zone: &TimeZone) -> PriceRow {
    let rate = |unit: &PriceUnit| {
        let nano = price.rates.of(*unit);
        (nano > 0).then(|| (unit.name().replace('_', " "), Money::from_nano(nano).exact()))
    };
    PriceRow {
        model: price.model.clone(),
        kind: kind_title(price.kind).to_owned(),
        rates: PriceUnit::ALL.iter().filter_map(rate).collect(),
        effective_from: When::day(price.effective_from, zone),
        is_own: price.organization_id.is_some(),
    }
}

fn form(typed: &Query) -> PriceForm {
    let field = |name: &str| typed.text(name).to_owned();
    PriceForm {
        kinds: kinds(typed.text("kind")),
        model: field("model"),
        input: field("input_usd"),
        cached_input: field("cached_input_usd"),
        output: field("output_usd"),
        effective_from: field("effective_from"),
    }
}

/// A rate typed in dollars per million is nano-dollars per million when read as money.
fn rate(form: &Query, name: &'static str) -> Result<Option<i64>, Error> {
    let sentence = "Write dollars per million in decimal, such as 1.25.";
    let bad = |_| Error::invalid_param("invalid_rate", name, sentence);
    form.one(name).map(|text| NanoUsd::parse_usd(text.trim()).map(NanoUsd::nano).map_err(bad)).transpose()
}

fn new_price(form: &Query, at: Timestamp, zone: &TimeZone) -> Result<(NewPrice, Option<Timestamp>), Error> {
    let missing = |name| Error::invalid_param("invalid_rate", name, "Input and output need a price.");
    let input = rate(form, "input_usd")?.ok_or_else(|| missing("input_usd"))?;
    let output = rate(form, "output_usd")?.ok_or_else(|| missing("output_usd"))?;
    let cached_input = rate(form, "cached_input_usd")?.unwrap_or(input);
    let effective_from = form.one("effective_from").map(|day| start_of_day(day, zone)).transpose()?;
    let new = NewPrice {
        model: form.text("model").to_owned(),
        kind: ProviderKind::parse(form.text("kind"))?,
        rates: Rates { input, cached_input, cache_write: input, output, request: 0 },
        context_tokens: None,
        max_output_tokens: None,
        effective_from: at,
        source: "console".to_owned(),
    };
    // Today means now: its midnight has passed.
    Ok((new, effective_from.filter(|from| *from > at || at.micros_since(*from) > domain::time::DAY)))
}

/// The first moment of a day such as `2026-12-01` in a zone.
fn start_of_day(day: &str, zone: &TimeZone) -> Result<Timestamp, Error> {
    let bad = || Error::invalid_param("invalid_date", "effective_from", "Write a day such as 2026-12-01.");
    let date: jiff::civil::Date = day.parse().map_err(|_| bad())?;
    let start = date.in_tz(zone.name()).map_err(|_| bad())?;
    Ok(Timestamp::from_unix_seconds(start.timestamp().as_second()))
}

async fn set(call: Call) -> Result<Answer, Failure> {
    let set = match new_price(&call.form(), call.at, &zone(&call).await?) {
        Ok((new, from)) => set_price(&call.control, &call.grant, new, from).await,
        Err(error) => Err(error.into()),
    };
    match set {
        Ok(price) => {
            let query = serde_urlencoded::to_string([("search", &price.model)]).unwrap_or_default();
            let text = format!("{} has a price of your own.", price.model);
            Ok(console::done(&call, &format!("{}/prices?{query}", root(&call)), &text))
        }
        Err(failure) => prices(&call, Some(failure)).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_typed_in_dollars_per_million() {
        let form = Query::parse("input_usd=1.25&output_usd=1e3");
        assert_eq!(rate(&form, "input_usd").unwrap(), Some(1_250_000_000));
        assert_eq!(rate(&form, "output_usd").unwrap_err().code(), "invalid_rate");
        assert_eq!(rate(&form, "cached_input_usd").unwrap(), None);
    }

    #[test]
    fn a_day_begins_where_the_organization_is() {
        let berlin = TimeZone::named("Europe/Berlin").unwrap();
        assert_eq!(start_of_day("2026-12-01", &berlin).unwrap().unix_seconds(), 1_796_079_600);
        assert!(start_of_day("soon", &berlin).is_err());
    }
}
