//! Rows of text as a table.

use std::fmt::Write;

/// A table with columns as wide as their widest cell.
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(rows: Vec<Vec<String>>) -> Self {
        Self { rows }
    }

    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        (0..columns)
            .map(|at| {
                let cells = self.rows.iter().filter_map(|row| row.get(at));
                cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect()
    }

    /// The table as text, one line for each row.
    pub fn render(&self) -> String {
        let widths = self.widths();
        let mut out = String::new();
        for row in &self.rows {
            write_row(&mut out, row, &widths);
        }
        out
    }
}

fn write_row(out: &mut String, row: &[String], widths: &[usize]) {
    for (cell, width) in row.iter().zip(widths) {
        let _ = write!(out, "{cell:width$} | ");
    }
    out.push('\n');
}
