//! Comma-separated values: quoted where needed, and never a formula to the program that opens them.

/// A text of rows.
#[derive(Debug, Default)]
pub(crate) struct Csv(String);

impl Csv {
    /// A text that begins with the names of its columns.
    pub(crate) fn with_head(columns: &[&str]) -> Self {
        let mut csv = Self::default();
        csv.row(columns);
        csv
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: &[impl AsRef<str>]) {
        for (index, cell) in cells.iter().enumerate() {
            if index > 0 {
                self.0.push(',');
            }
            self.cell(cell.as_ref());
        }
        self.0.push_str("\r\n");
    }

    /// The whole text.
    pub(crate) fn into_text(self) -> String {
        self.0
    }

    fn cell(&mut self, text: &str) {
        // Spreadsheets run what begins so; a quote in front makes it a text.
        let runs = text
            .trim_start()
            .starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'])
            || text.starts_with(['\t', '\r', '\n']);
        let guard = if runs { "'" } else { "" };
        let is_plain = !runs && !text.contains([',', '"', '\r', '\n']);
        match is_plain {
            true => self.0.push_str(text),
            false => self.0.extend(["\"", guard, &text.replace('"', "\"\""), "\""]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_are_texts() {
        let mut csv = Csv::with_head(&["name", "note"]);
        csv.row(&["Lead \"the first\", Platform", "two\nlines"]);
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\u{ff1d}1"] {
            csv.row(&[text, "plain"]);
        }
        let text = csv.into_text();
        assert!(
            text.starts_with("name,note\r\n\"Lead \"\"the first\"\", Platform\",\"two\nlines\"\r\n"),
            "{text}"
        );
        let rest = text.split("\r\n").skip(2).filter(|line| !line.is_empty());
        assert!(rest.into_iter().all(|line| line.starts_with("\"'") && line.ends_with(",plain")), "{text}");
    }
}
