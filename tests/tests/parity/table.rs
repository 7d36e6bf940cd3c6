//! PARITY.md, read: two tables, whose cells name what a surface has, or say why it has nothing.

use std::collections::BTreeSet;

/// The columns, in their order.
pub(crate) const SURFACES: [&str; 4] = ["Rust", "C", "C++", "Python"];

/// A cell that says neither what is there nor why nothing is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unclear(String);

/// What a surface has of a capability.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// These names.
    Has(Vec<String>),
    /// Nothing of its own, for this reason.
    HasNot(String),
}

impl Cell {
    /// From "`Lock::put`, `Lock::put_with`", or "— a client is its own".
    pub(crate) fn parse(text: &str) -> Result<Self, Unclear> {
        let unclear = || Unclear(text.to_owned());
        if let Some(why) = text.strip_prefix('—') {
            let why = why.trim();
            return if why.is_empty() { Err(unclear()) } else { Ok(Self::HasNot(why.to_owned())) };
        }
        let name = |name: &str| {
            let name = name.strip_prefix('`')?.strip_suffix('`')?;
            (!name.is_empty() && !name.contains(['`', ' '])).then(|| name.to_owned())
        };
        text.split(", ").map(name).collect::<Option<_>>().map(Self::Has).ok_or_else(unclear)
    }

    pub(crate) fn names(&self) -> &[String] {
        match self {
            Self::Has(names) => names,
            Self::HasNot(_) => &[],
        }
    }
}

/// A line of a table: what it is about, and a cell for each surface.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) about: String,
    pub(crate) cells: Vec<Cell>,
    /// What stands behind the cells of the second table.
    pub(crate) why: Option<String>,
}

/// The rows of the table whose first column bears this title.
pub(crate) fn rows(text: &str, title: &str) -> Vec<Row> {
    let mut lines = text.lines().skip_while(|line| !line.starts_with(&format!("| {title} | ")));
    let columns = cells_of(lines.next().unwrap_or_else(|| panic!("no table begins with {title}")));
    assert_eq!(columns[1..5], SURFACES, "the columns of {title}");
    let row = |line: &str| {
        let cells = cells_of(line);
        assert_eq!(cells.len(), columns.len(), "{line}");
        let parse = |text: &&str| Cell::parse(text).unwrap_or_else(|cell| panic!("{line}: {cell:?}"));
        let why = cells.get(5).map(|why| (*why).to_owned());
        assert!(why.as_ref().is_none_or(|why| !why.is_empty()), "{line}: no reason");
        Row { about: cells[0].to_owned(), cells: cells[1..5].iter().map(parse).collect(), why }
    };
    lines.skip(1).take_while(|line| line.starts_with('|')).map(row).collect()
}

fn cells_of(line: &str) -> Vec<&str> {
    line.trim().trim_matches('|').split('|').map(str::trim).collect()
}

/// Whether a name is meant by a pattern, in which a star stands for anything.
pub(crate) fn means(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, after)) => {
            name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after)
        }
    }
}

/// The names that no row has and no pattern means.
pub(crate) fn missing(names: &BTreeSet<String>, surface: usize, rows: &[Row], own: &[Row]) -> Vec<String> {
    let named: BTreeSet<&String> = rows.iter().flat_map(|row| row.cells[surface].names()).collect();
    let patterns: Vec<&String> = own.iter().flat_map(|row| row.cells[surface].names()).collect();
    let is_missing = |name: &&String| !named.contains(name) && !patterns.iter().any(|pattern| means(pattern, name));
    names.iter().filter(is_missing).cloned().collect()
}
