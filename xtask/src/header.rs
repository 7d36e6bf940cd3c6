//! `cargo xtask header`: writes `include/gocore_etcd.h` and `ffi/abi/symbols.txt` from the sources of `ffi/`.
//!
//! cbindgen turns types and functions into C. What it does not do is done here: the page at the head, one section for
//! each module in the order of `ffi/src/lib.rs`, the handles in front of all, and the `_INIT` macros.

mod item;
mod symbols;

use std::fs;
use std::path::{Path, PathBuf};

use self::item::{Item, Kind};
use crate::Outcome;
use crate::library;
use crate::run::workspace;

const HEADER: &str = "include/gocore_etcd.h";
const SYMBOLS: &str = "ffi/abi/symbols.txt";

/// Writes both files; with `--check` it only says whether they are stale.
pub(crate) fn run(args: &[String]) -> Outcome {
    match args {
        [] => {}
        [only] if only == "--check" => return check(),
        _ => return Err("usage: cargo xtask header [--check]".to_owned()),
    }
    let header = generate()?;
    write(HEADER, &header)?;
    write(SYMBOLS, &symbols::declared(&header))?;
    println!("{HEADER}: {} functions", symbols::declared(&header).lines().count());
    Ok(())
}

/// Says what is stale: the header, the list of symbols, or what the library built from the sources exports.
pub(crate) fn check() -> Outcome {
    let header = generate()?;
    for (path, fresh) in [(HEADER, header.clone()), (SYMBOLS, symbols::declared(&header))] {
        let found = fs::read_to_string(workspace().join(path)).unwrap_or_default();
        if found != fresh {
            return Err(format!("{path} is not what the sources say: run `cargo xtask header`"));
        }
    }
    let library = library::build("dev")?.shared;
    symbols::compare(&symbols::declared(&header), &symbols::exported(&library)?)?;
    symbols::needs_only_the_system(&library)
}

fn write(path: &str, text: &str) -> Outcome {
    let path = workspace().join(path);
    fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// One module of `ffi/`, one section of the header.
struct Section {
    source: String,
    title: String,
    intro: String,
}

impl Section {
    fn defines(&self, name: &str) -> bool {
        ["const", "struct", "enum", "type", "extern \"C\" fn"].iter().any(|what| {
            let definition = format!("pub {what} {name}");
            self.source.match_indices(&definition).any(|(at, _)| {
                !self.source[at + definition.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
            })
        })
    }
}

fn sections() -> Result<(Vec<Section>, Vec<PathBuf>), String> {
    let sources = workspace().join("ffi/src");
    let read = |path: &Path| fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()));
    let root = read(&sources.join("lib.rs"))?;
    let modules = root.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    let (mut sections, mut files) = (Vec::new(), Vec::new());
    for module in modules {
        let file = sources.join(format!("{module}.rs"));
        let source = read(&file)?;
        let head: Vec<_> = source.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim).collect();
        let title = head.first().copied().unwrap_or_default().to_owned();
        let intro = head.get(2..).unwrap_or_default().join("\n");
        sections.push(Section { source, title, intro });
        files.push(file);
    }
    Ok((sections, files))
}

fn generate() -> Result<String, String> {
    let (sections, files) = sections()?;
    let root = workspace();
    let config = cbindgen::Config::from_file(root.join("ffi/cbindgen.toml"))?;
    let builder =
        files.iter().fold(cbindgen::Builder::new().with_config(config), |builder, file| builder.with_src(file));
    let bindings = builder.generate().map_err(|error| format!("cbindgen: {error}"))?;
    let mut text = Vec::new();
    bindings.write(&mut text);
    let items = item::split(&String::from_utf8(text).map_err(|error| error.to_string())?);

    let page = fs::read_to_string(root.join("ffi/header.txt")).map_err(|error| format!("ffi/header.txt: {error}"))?;
    let mut header = format!("{}\n{PREAMBLE}", item::comment(&page));
    header.push_str(&heading("Handles", "What a program holds; each is freed by the function of its name."));
    for item in items.iter().filter(|item| item.kind == Kind::Handle) {
        header.push_str(&item.text());
    }
    let mut placed = items.iter().filter(|item| item.kind == Kind::Handle).count();
    for section in &sections {
        let own: Vec<&Item> =
            items.iter().filter(|item| item.kind != Kind::Handle && section.defines(&item.name)).collect();
        placed += own.len();
        header.push_str(&heading(&section.title, &section.intro));
        for kind in [Kind::Constant, Kind::Type, Kind::Function] {
            for item in own.iter().filter(|item| item.kind == kind) {
                header.push_str(&item.text());
                header.push_str(&item.init_macro());
            }
        }
    }
    if placed != items.len() {
        return Err(format!("{} of {} items have their place: is a definition in no section?", placed, items.len()));
    }
    header.push_str(EPILOGUE);
    Ok(header)
}

fn heading(title: &str, intro: &str) -> String {
    let rule = "=".repeat(item::WIDTH - 7);
    let intro = if intro.is_empty() { String::new() } else { format!("\n\n{intro}") };
    format!("\n{}\n", item::comment(&format!("{rule}\n{title}{intro}")))
}

const PREAMBLE: &str = "
#ifndef GOCORE_ETCD_H
#define GOCORE_ETCD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern \"C\" {
#endif
";

const EPILOGUE: &str = "
#ifdef __cplusplus
}
#endif

#endif /* GOCORE_ETCD_H */
";
