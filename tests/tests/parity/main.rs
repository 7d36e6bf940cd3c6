//! The surfaces say the same: PARITY.md against what is really there, both ways, and the three lists of errors against
//! each other.

mod surface;
mod table;

use std::collections::BTreeSet;

use gocore_etcd_core::ErrorKind;

use self::surface::{Form, place, read};
use self::table::{Cell, Row, SURFACES, means, missing};

/// The names of each surface, those of Python in both its forms.
fn surfaces() -> [BTreeSet<String>; 4] {
    let python = surface::python(Form::Blocking).union(&surface::python(Form::Asyncio)).cloned().collect();
    let all = [surface::rust(), surface::c(), surface::cplusplus(), python];
    for (names, surface) in all.iter().zip(SURFACES) {
        assert!(names.len() > 60, "{surface}: only {} names were found: {names:?}", names.len());
    }
    all
}

fn capabilities() -> Vec<Row> {
    table::rows(&read(&place("PARITY.md")), "capability")
}

/// What asyncio has from the blocking package: it never waits.
const SHARED: [&str; 3] = ["Guard", "Subscription", "Subscription.cancel"];

/// What each surface has in its own way.
fn own_ways() -> Vec<Row> {
    table::rows(&read(&place("PARITY.md")), "in its own way")
}

#[test]
fn the_table_names_what_is_there() {
    let surfaces = surfaces();
    for row in capabilities() {
        for ((cell, names), surface) in row.cells.iter().zip(&surfaces).zip(SURFACES) {
            for name in cell.names() {
                assert!(names.contains(name), "{}: {surface} has no {name}", row.about);
            }
        }
    }
}

#[test]
fn both_forms_of_python_have_what_the_table_names() {
    for (form, names) in [Form::Blocking, Form::Asyncio].map(|form| (form, surface::python(form))) {
        for row in capabilities() {
            for name in row.cells[3].names() {
                let shared = SHARED.contains(&name.as_str());
                assert!(shared || names.contains(name), "{}: {form:?} has no {name}", row.about);
            }
        }
    }
}

#[test]
fn every_public_name_of_every_surface_stands_in_the_table() {
    let (rows, own) = (capabilities(), own_ways());
    for (at, (names, surface)) in surfaces().iter().zip(SURFACES).enumerate() {
        let missing = missing(names, at, &rows, &own);
        assert!(missing.is_empty(), "{surface} has, and PARITY.md has not: {missing:?}");
    }
}

#[test]
fn what_each_surface_has_in_its_own_way_is_there_and_says_why() {
    let surfaces = surfaces();
    for row in own_ways() {
        assert!(row.why.is_some(), "{}: why?", row.about);
        for ((cell, names), surface) in row.cells.iter().zip(&surfaces).zip(SURFACES) {
            for pattern in cell.names() {
                assert!(names.iter().any(|name| means(pattern, name)), "{}: {surface} has no {pattern}", row.about);
            }
        }
    }
}

#[test]
fn a_cell_says_what_is_there_or_why_nothing_is() {
    for unclear in ["", "not yet", "—", "— ", "Lock::put", "`Lock::put` soon", "``", "`a`,`b`"] {
        assert!(Cell::parse(unclear).is_err(), "{unclear:?}");
    }
    assert_eq!(Cell::parse("— it has none"), Ok(Cell::HasNot("it has none".to_owned())));
    assert_eq!(Cell::parse("`a`, `b`"), Ok(Cell::Has(vec!["a".to_owned(), "b".to_owned()])));
}

#[test]
fn a_name_that_no_row_has_is_found_out() {
    let text =
        "| capability | Rust | C | C++ | Python |\n|---|---|---|---|---|\n| put | `put` | `put` | — why | `Put` |\n";
    let own = "| in its own way | Rust | C | C++ | Python | why |\n|--|--|--|--|--|--|\n| ends | — x | `*_free` | — x | — x | y |\n";
    let (rows, own) = (table::rows(text, "capability"), table::rows(own, "in its own way"));
    let names = ["put", "a_free", "b_free_it", "get"].map(str::to_owned).into();
    assert_eq!(missing(&names, 1, &rows, &own), ["b_free_it", "get"]);
    assert_eq!(missing(&names, 2, &rows, &own), ["a_free", "b_free_it", "get", "put"]);
}

/// `DeadlineExceeded` → `DEADLINE_EXCEEDED`.
fn upper_snake(kind: ErrorKind) -> String {
    let mut name = String::new();
    for c in format!("{kind:?}").chars() {
        if c.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(c.to_uppercase());
    }
    name
}

#[test]
fn the_three_lists_of_errors_are_one() {
    let (header, python) = (read(&place("include/gocore_etcd.h")), read(&place("python/gocore_etcd/_errors.py")));
    for kind in ErrorKind::ALL {
        let (name, number) = (upper_snake(kind), kind as i32);
        assert!(header.contains(&format!("GOCORE_ETCD_STATUS_{name} = {number},")), "C: {name} = {number}");
        assert!(python.contains(&format!("    {name} = {number}\n")), "Python: {name} = {number}");
        assert!(python.contains(&format!("kind = ErrorKind.{name}\n")), "Python: no class of kind {name}");
    }
    let statuses = header.lines().filter(|line| line.trim_start().starts_with("GOCORE_ETCD_STATUS_")).count();
    assert_eq!(statuses, ErrorKind::ALL.len() + 1, "C has OK besides, and no other");
    let kinds = python.lines().filter(|line| line.trim_start().starts_with("kind = ErrorKind.")).count();
    assert_eq!(kinds, ErrorKind::ALL.len(), "Python has a class for each, and no other");
}
