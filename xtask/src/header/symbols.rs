//! The symbols of the library: declared by the header, exported by the file.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::Outcome;

/// The functions a header declares, sorted, one a line.
pub(super) fn declared(header: &str) -> String {
    let mut functions: Vec<_> = header
        .lines()
        .filter(|line| !line.starts_with([' ', '/', '#']) && !line.starts_with("typedef"))
        .filter_map(|line| line.split_once('(')?.0.rsplit([' ', '*']).next())
        .filter(|name| name.starts_with("gocore_etcd_"))
        .collect();
    functions.sort_unstable();
    functions.dedup();
    functions.join("\n") + "\n"
}

/// The symbols a shared library defines for others, sorted, one a line.
pub(super) fn exported(library: &Path) -> Result<String, String> {
    let symbols = tool("nm", &["-D", "--defined-only", "--format=posix"], library)?;
    let symbols: BTreeSet<_> = symbols.lines().filter_map(|line| line.split(' ').next()).collect();
    Ok(symbols.into_iter().fold(String::new(), |text, symbol| text + symbol + "\n"))
}

pub(super) fn compare(declared: &str, exported: &str) -> Outcome {
    let (declared, exported): (BTreeSet<_>, BTreeSet<_>) = (declared.lines().collect(), exported.lines().collect());
    if declared == exported {
        return Ok(());
    }
    let missing: Vec<_> = declared.difference(&exported).collect();
    let foreign: Vec<_> = exported.difference(&declared).collect();
    Err(format!("the library's symbols are not the header's: missing {missing:?}, not declared {foreign:?}"))
}

/// A host must not need more than it has: the C library, its mathematics, the compiler's runtime.
pub(super) fn needs_only_the_system(library: &Path) -> Outcome {
    const ALLOWED: [&str; 4] = ["libc.so", "libm.so", "libgcc_s.so", "ld-linux"];
    let dynamic = tool("readelf", &["-d", "--wide"], library)?;
    let needed =
        dynamic.lines().filter(|line| line.contains("(NEEDED)")).filter_map(|line| line.split(['[', ']']).nth(1));
    let foreign: Vec<_> = needed.filter(|name| !ALLOWED.iter().any(|allowed| name.starts_with(allowed))).collect();
    if !foreign.is_empty() {
        return Err(format!("{} needs {foreign:?}", library.display()));
    }
    for promised in ["soname: [libgocore_etcd.so.0]", "NODELETE"] {
        if !dynamic.contains(promised) {
            return Err(format!("{} lacks {promised}", library.display()));
        }
    }
    Ok(())
}

fn tool(program: &str, args: &[&str], file: &Path) -> Result<String, String> {
    let output = Command::new(program).args(args).arg(file).env("LC_ALL", "C").output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{program} {}: {}", file.display(), String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
