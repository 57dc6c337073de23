//! Answers as people read them: lists as tables, one thing as its fields.

use domain::time::Timestamp;
use serde_json::Value;

/// A list as a table, and whether it goes on.
pub fn of_list(list: &Value, columns: &[&str]) -> String {
    let rows = list["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    let more = if list["has_more"] == true { "\n(more follow; raise --limit)" } else { "" };
    format!("{}{more}", of_rows(rows, columns))
}

/// The rows of a list under the names of some of their fields. A field of a field is `owner.name`.
pub fn of_rows(rows: &[Value], columns: &[&str]) -> String {
    if rows.is_empty() {
        return "nothing".to_owned();
    }
    let head = columns.iter().map(|column| column.replace(['_', '.'], " ").to_uppercase()).collect();
    let body = rows.iter().map(|row| columns.iter().map(|column| cell(column, field(row, column))).collect());
    aligned(&std::iter::once(head).chain(body).collect::<Vec<Vec<String>>>())
}

/// One thing: every field that says something, with its value.
pub fn of_one(thing: &Value) -> String {
    let fields = thing.as_object().into_iter().flatten();
    let said = fields.filter(|(name, value)| *name != "object" && !value.is_null() && !value.is_object());
    aligned(&said.map(|(name, value)| vec![name.replace('_', " "), cell(name, value)]).collect::<Vec<_>>())
}

fn field<'a>(row: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(row, |value, name| &value[name])
}

/// A value in one line. Moments are told by the names of their fields.
fn cell(path: &str, value: &Value) -> String {
    let name = path.rsplit('.').next().unwrap_or_default();
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => text.replace(char::is_control, " "),
        Value::Number(number) if name.ends_with("_at") => number
            .as_i64()
            .map_or_else(|| number.to_string(), |seconds| Timestamp::from_unix_seconds(seconds).to_string()),
        Value::Number(number) => number.to_string(),
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        Value::Array(items) => items.iter().map(|item| cell("", item)).collect::<Vec<_>>().join(", "),
        Value::Object(_) => named(value).map_or_else(|| value.to_string(), |name| cell("", name)),
    }
}

/// The name of a thing, or of the thing in it.
fn named(value: &Value) -> Option<&Value> {
    let fields = value.as_object()?;
    fields.get("name").filter(|name| name.is_string()).or_else(|| fields.values().find_map(named))
}

/// Rows whose columns stand under each other, two spaces apart.
fn aligned(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or_default();
    let length = |text: &String| text.chars().count();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(length).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(text, width)| format!("{text:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_is_a_table_of_its_fields() {
        let rows = [
            json!({"id": "proj_1", "name": "Änderung", "owner": {"type": "user", "user": {"name": "Me"}}, "created_at": 0}),
            json!({"id": "proj_22", "name": null, "tags": [{"name": "a"}, "b"]}),
        ];
        assert_eq!(
            of_rows(&rows, &["id", "name", "owner", "owner.type", "created_at", "tags"]),
            "ID       NAME      OWNER  OWNER TYPE  CREATED AT            TAGS\n\
             proj_1   Änderung  Me     user        1970-01-01T00:00:00Z  -\n\
             proj_22  -         -      -           -                     a, b"
        );
        assert_eq!(of_rows(&[], &["id"]), "nothing");
    }

    #[test]
    fn one_thing_is_told_field_by_field() {
        let thing = json!({"object": "project", "name": "a\u{1b}[2Jb", "is_high": true, "gone": null});
        assert_eq!(of_one(&thing), "is high  yes\nname     a [2Jb", "and nothing in it moves the cursor");
    }
}
