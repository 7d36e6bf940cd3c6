//! A program made from the header that calls every function with NULL and zeros.

use std::process::Command;

use crate::header::{declarations, header};
use crate::story::{compile, library_dir, root, succeeded};

/// What a function without a status gives for NULL and zero; for the few that are no getters, what they promise.
pub(super) fn expectation(declaration: &str, name: &str) -> Option<&'static str> {
    match name {
        "gocore_etcd_version" | "gocore_etcd_status_text" => Some("!= NULL"),
        "gocore_etcd_abi_version" => Some("== GOCORE_ETCD_ABI_VERSION"),
        // Zero would be a descriptor.
        "gocore_etcd_client_dispatch_fd" => Some("== -1"),
        // What it gives is to be freed; the other programs do.
        "gocore_etcd_cancel_token_new" => None,
        _ if declaration.starts_with("gocore_etcd_status gocore_etcd_error_status") => Some("== GOCORE_ETCD_STATUS_OK"),
        _ if declaration.starts_with("gocore_etcd_status ") => Some("== GOCORE_ETCD_STATUS_INVALID_ARGUMENT"),
        _ if declaration.starts_with("void ") => Some(""),
        _ => Some("== 0"),
    }
}

/// The names of a declaration's parameters.
fn names(parameters: &str) -> Vec<&str> {
    let names = parameters.split(',').filter_map(|parameter| parameter.trim().rsplit([' ', '*']).next());
    names.filter(|name| *name != "void").collect()
}

#[test]
fn every_function_bears_null_and_zeros_and_names_an_argument() {
    let header = header();
    let check = root().join("tests/tests/c_abi/programs/check.h");
    let mut program = format!("#include \"{}\"\nint main(void)\n{{\n", check.display());
    let mut called = 0;
    for (name, declaration) in declarations(&header) {
        let Some(expected) = expectation(declaration, name) else { continue };
        let parameters = declaration.split_once('(').expect("parameters").1.trim_end_matches(')');
        let names = names(parameters);
        let call = format!("{name}({})", vec!["0"; names.len()].join(", "));
        program +=
            &if expected.is_empty() { format!("    {call};\n") } else { format!("    CHECK({call} {expected});\n") };
        if let [arguments @ .., "err"] = &names[..] {
            // Asked for its error it names the argument: one that the declaration knows.
            let zeros = "0, ".repeat(arguments.len());
            let named = |name| format!("strstr(gocore_etcd_error_message(err), \"{name}: \") != NULL");
            let named: Vec<_> = arguments.iter().map(named).collect();
            program += &format!("    {{\n        gocore_etcd_error *err;\n        {name}({zeros}&err);\n");
            program += &format!("        CHECK({});\n", named.join(" || "));
            program += "        gocore_etcd_error_free(err);\n    }\n";
        }
        called += 1;
    }
    assert!(called > 50, "{called} functions");
    program += "    return err_garbage;\n}\n";
    let source = library_dir().join("every_function.c");
    std::fs::write(&source, program).expect("written");
    succeeded(Command::new(compile(&source.to_string_lossy())));
}
