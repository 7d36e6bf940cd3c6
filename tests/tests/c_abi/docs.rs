//! What the header says of each function: ownership, threads, errors, since; and that it is true as far as its declaration
//! tells.

use crate::header::header;
use crate::parse::{Function, Header, Item};

/// What a function's documentation says under a heading, up to the next one.
fn said<'a>(function: &'a Function, heading: &str) -> Option<&'a str> {
    let (_, rest) = function.doc.split_once(&format!(" {heading}: "))?;
    let end = ["Ownership: ", "Threads: ", "Errors: ", "Since "].iter().filter_map(|next| rest.find(next)).min();
    Some(rest[..end.unwrap_or(rest.len())].trim())
}

fn under<'a>(function: &'a Function, heading: &str) -> &'a str {
    said(function, heading).unwrap_or_else(|| panic!("{}: nothing is said under {heading}", function.name))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
}

/// Whether a word has the form of a status, such as DEADLINE_EXCEEDED.
fn looks_like_a_status(word: &str) -> bool {
    let is_one = word.len() > 4 && word.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    is_one && !word.starts_with("GOCORE_")
}

#[test]
fn each_function_says_who_owns_what_and_frees_what_it_gives() {
    let header = Header::new(header());
    for function in &header.functions {
        if function.returns.ends_with('*') || function.parameters.iter().any(|one| one.of.ends_with('*')) {
            under(function, "Ownership");
        }
        let given = function.parameters.iter().filter(|one| one.place_for().is_some_and(|of| of.ends_with('*')));
        for Item { name, .. } in given {
            // The star of an output is gone with those of the comment.
            let owned = under(function, "Ownership");
            let of_the_caller = owned.split("the caller frees").nth(1).unwrap_or_default();
            assert!(of_the_caller.contains(&format!("` {name}`")), "{}: who frees {name}: {owned}", function.name);
        }
        if function.parameters.iter().any(|one| one.name == "user_free") {
            assert!(
                under(function, "Ownership").contains("`user_data` is given back by `user_free`"),
                "{}",
                function.name
            );
        }
        if function.name.ends_with("_free") {
            assert!(under(function, "Ownership").starts_with("takes `"), "{}", function.name);
            assert!(function.doc.contains("NULL is allowed"), "{}", function.name);
        }
    }
}

/// The first page's rule: who takes a time limit and no callback, and who connects.
#[test]
fn exactly_the_functions_block_that_say_so() {
    let header = Header::new(header());
    let mut blocking = 0;
    for function in &header.functions {
        let threads = under(function, "Threads");
        let has = |name: &str| function.parameters.iter().any(|one| one.name == name);
        let blocks = (has("timeout_ms") && !has("callback")) || function.name == "gocore_etcd_client_connect";
        assert_eq!(threads.contains("blocks"), blocks, "{}: {threads}", function.name);
        assert!(!(blocks && threads.contains("never waits")), "{}: {threads}", function.name);
        assert!(blocks || !has("err") || threads.contains("never waits"), "{}: {threads}", function.name);
        let told = function.doc.contains("`timeout_ms`") || function.doc.contains("parameters are those of");
        assert!(told || !has("timeout_ms"), "{}: what its limit means", function.name);
        blocking += usize::from(blocks);
    }
    assert!(blocking > 15, "{blocking} functions block");
}

#[test]
fn each_function_says_with_which_status_it_fails_and_since_when_it_is_there() {
    let header = Header::new(header());
    for function in &header.functions {
        let errors = under(function, "Errors");
        let fails = function.parameters.last().is_some_and(|last| last.name == "err");
        assert_eq!(errors.starts_with("none"), !fails, "{}: {errors}", function.name);
        for status in words(errors).filter(|word| looks_like_a_status(word)) {
            assert!(header.has_status(status), "{}: there is no {status}", function.name);
        }
        // Those of another function count.
        let named = errors.contains("INVALID_ARGUMENT") || words(errors).any(|word| header.has(word));
        assert!(named || !fails, "{}: {errors}", function.name);
        let since = function.doc.rsplit_once(" Since ").map(|(_, version)| version.trim_end_matches('.'));
        let numbers = since.map(|version| version.split('.').filter(|part| part.parse::<u32>().is_ok()).count());
        assert_eq!(numbers, Some(2), "{}: since {since:?}", function.name);
    }
}
