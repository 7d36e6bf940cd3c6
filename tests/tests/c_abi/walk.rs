//! Misuse, one thing at a time, over every function: a program made from the header, in which all arguments are right but
//! one.
//!
//! What is right is told by the types; handles and structs that need more than their `_INIT` are made by
//! `programs/fixtures.h`. A function, struct or field that is added is walked over without a line here; a new kind of
//! handle or enumeration fails the test until it is described there. That a pointer may be NULL is what the
//! documentation says.

use std::path::PathBuf;

use gocore_etcd_tests::Server;

use crate::header::header;
use crate::null::expectation;
use crate::parse::{Function, Header, Item};
use crate::story::{compile_with, library_dir, root, run};

/// One thing that is wrong, or odd.
struct Case {
    /// Statements that make it so.
    change: String,
    expected: Expected,
}

enum Expected {
    /// INVALID_ARGUMENT, naming this.
    Refused(String),
    /// No complaint about an argument, no bug.
    Accepted,
    /// UNSUPPORTED: an option of a newer library.
    Unsupported,
    /// Whatever it comes to, it is no crash and no bug.
    Survived,
}

fn refused(name: &str, change: impl Into<String>) -> Case {
    Case { change: change.into(), expected: Expected::Refused(name.to_owned()) }
}

fn case(expected: Expected, change: impl Into<String>) -> Case {
    Case { change: change.into(), expected }
}

struct Walk {
    header: Header,
    fixtures: String,
}

impl Walk {
    /// A struct of its own, everything right.
    fn right(&self, of: &str, variable: &str) -> String {
        let short = of.trim_start_matches("gocore_etcd_");
        let init = if self.header.has_init(of) {
            format!("{of} {variable} = {}_INIT;", of.to_uppercase())
        } else {
            format!("{of} {variable};\n        memset(&{variable}, 0, sizeof {variable});")
        };
        match self.fixtures.contains(&format!(" right_{short}(")) {
            true => format!("{init}\n        right_{short}(&{variable}, argv);"),
            false => init,
        }
    }

    /// A parameter's variable, right.
    fn declared(&self, parameter: &Item, function: &Function) -> String {
        let Item { of, name } = parameter;
        if let Some(place) = parameter.place_for() {
            let garbage = if place.ends_with('*') { format!("({place})&err_garbage") } else { "7".to_owned() };
            return format!("{place} o_{name} = {garbage};\n        {of} p_{name} = &o_{name};");
        }
        if let Some(of) = parameter.points_to() {
            if !self.header.fields(of).is_empty() {
                return format!("{}\n        const {of} *p_{name} = &s_{name};", self.right(of, &format!("s_{name}")));
            }
            return format!("{} p_{name} = f_{of};", parameter.of);
        }
        let right = match (of.as_str(), name.as_str()) {
            ("const char *", _) => "\"misuse/text\"".to_owned(),
            ("const char *const *", _) => {
                return format!("const char *a_{name}[] = {{\"a\", \"b\"}}, *const *p_{name} = a_{name};");
            }
            ("const void *", _) => "\"/misuse\"".to_owned(),
            ("void *", _) => "NULL".to_owned(),
            ("int64_t", "timeout_ms") => "200".to_owned(),
            ("size_t", name) if name.ends_with("_len") => match self.before(function, name).of.as_str() {
                "const void *" => "7".to_owned(),
                _ => "2".to_owned(),
            },
            ("size_t", _) => "0".to_owned(),
            ("gocore_etcd_user_free", _) => "count_free".to_owned(),
            (of, _) if self.header.callback(of).is_some() => format!("stub_{of}"),
            // An enumeration: fixtures.h says which value is right.
            ("int32_t", name) => format!("RIGHT_{}", name.to_uppercase()),
            (of, name) => panic!("{}: a parameter `{of} {name}`: say here what is right", function.name),
        };
        format!("{of} p_{name} = {right};")
    }

    /// The pointer whose length this is.
    fn before<'a>(&self, function: &'a Function, length: &str) -> &'a Item {
        let of = length.trim_end_matches("_len");
        let pointer = function.parameters.iter().find(|parameter| parameter.name == of);
        pointer.unwrap_or_else(|| panic!("{}: {length} is the length of nothing", function.name))
    }

    /// What can be wrong with a pointer to bytes or to an array, and its length.
    fn lengths(name: &str, pointer: &str, length: &str) -> Vec<Case> {
        let huge = format!("{pointer} = \"x\"; {length} = (size_t)-1;");
        vec![refused(name, format!("{pointer} = NULL; {length} = 3;")), refused(name, huge)]
    }

    /// What can be wrong with a number or a pointer that stands alone.
    fn scalar(&self, of: &str, name: &str, variable: &str) -> Vec<Case> {
        let set = |value: &str| format!("{variable} = {value};");
        match of {
            "const char *" => ["\"\\xff\"", "\"a\\xc3\\x28\""].map(|text| refused(name, set(text))).into(),
            "int32_t" => ["77", "-1", "INT32_MIN", "INT32_MAX"].map(|value| refused(name, set(value))).into(),
            "int64_t" if name == "timeout_ms" => ["-2", "INT64_MIN", "INT64_MAX", "365LL * 24 * 3600 * 1000 + 1"]
                .map(|value| refused(name, set(value)))
                .into(),
            "int64_t" if name.ends_with("_ms") => {
                ["-1", "INT64_MIN", "INT64_MAX"].map(|value| refused(name, set(value))).into()
            }
            "int64_t" => ["-1", "INT64_MIN", "INT64_MAX"].map(|value| case(Expected::Survived, set(value))).into(),
            "uint32_t" => vec![case(Expected::Survived, set("UINT32_MAX"))],
            _ => Vec::new(),
        }
    }

    /// What can be wrong inside a struct, that is reached by `variable`. Its size is wrong under the name of whoever
    /// points to it.
    fn inside(&self, of: &str, variable: &str, pointer: &str, name: &str, above: &[&str]) -> Vec<Case> {
        let fields = self.header.fields(of);
        let mut cases = Vec::new();
        if fields.first().is_some_and(|field| field.name == "struct_size") {
            for size in ["0", "sizeof(size_t)", "(size_t)-1"] {
                cases.push(refused(name, format!("{variable}.struct_size = {size};")));
            }
            let newer = |tail: &str| {
                format!(
                    "union {{ {of} known; unsigned char bytes[sizeof({of}) + 16]; }} newer;\n        \
                     memset(&newer, 0, sizeof newer);\n        newer.known = {variable};\n        \
                     newer.known.struct_size = sizeof newer;\n        newer.bytes[sizeof({of}) + 7] = {tail};\n        \
                     {pointer} = &newer.known;"
                )
            };
            cases.push(case(Expected::Accepted, newer("0")));
            cases.push(case(Expected::Unsupported, newer("1")));
        }
        for field in fields.iter().filter(|field| field.name != "struct_size") {
            let at = format!("{variable}.{}", field.name);
            let length = fields.iter().any(|other| other.name == format!("{}_len", field.name));
            let context = CONTEXTS.iter().find(|(a, b, _)| (*a, *b) == (of, &field.name));
            let context = context.map_or(String::new(), |(.., set)| set.replace('@', variable));
            let mut found = match field.points_to() {
                Some(inner) if above.contains(&inner) => Vec::new(),
                Some(inner) if !self.header.fields(inner).is_empty() => {
                    let own = format!("n_{inner}");
                    let set_length = if length { format!("{at}_len = 1; ") } else { String::new() };
                    let declared = format!("{}\n        {at} = &{own}; {set_length}", self.right(inner, &own));
                    let above: Vec<_> = above.iter().copied().chain([inner]).collect();
                    let mut found = self.inside(inner, &own, &at, &field.name, &above);
                    found.iter_mut().for_each(|case| case.change = format!("{declared}{}", case.change));
                    found
                }
                _ if field.of == "const char *const *" => texts(&field.name, &at),
                _ => self.scalar(&field.of, &field.name, &at),
            };
            if length && field.of == "const void *" {
                found.extend(Self::lengths(&field.name, &at, &format!("{at}_len")));
            } else if length {
                found.push(refused(&field.name, format!("{at} = NULL; {at}_len = 3;")));
            }
            found.iter_mut().for_each(|case| case.change = format!("{context}{}", case.change));
            cases.extend(found);
        }
        cases
    }

    /// Everything that can be wrong with one call.
    fn cases(&self, function: &Function) -> Vec<Case> {
        let mut cases = Vec::new();
        for parameter in &function.parameters {
            let Item { of, name } = parameter;
            let variable = format!("p_{name}");
            let is_pointer = of.ends_with('*') || self.header.callback(of).is_some();
            let has_length = function.parameters.iter().any(|other| other.name == format!("{name}_len"));
            if name == "err" || name == "user_data" {
                // Every case runs without an error's place too.
                continue;
            } else if of == "const char *const *" {
                cases.extend(texts(name, &variable));
                cases.push(refused(name, format!("{variable} = NULL;")));
            } else if has_length {
                cases.extend(Self::lengths(name, &variable, &format!("{variable}_len")));
                // Bytes may hold NUL.
                cases.push(case(Expected::Accepted, format!("{variable} = \"/a\\0b\"; {variable}_len = 4;")));
            } else if is_pointer && self.header.nullable(function, name) {
                cases.push(case(Expected::Accepted, format!("{variable} = NULL;")));
            } else if is_pointer {
                cases.push(refused(name, format!("{variable} = NULL;")));
            }
            cases.extend(self.scalar(of, name, &variable));
            if let Some(inner) = parameter.points_to() {
                cases.extend(self.inside(inner, &format!("s_{name}"), &variable, name, &[inner]));
            }
        }
        // With everything right it is no complaint either: else nothing above would show anything.
        cases.push(case(Expected::Accepted, ""));
        cases
    }

    /// A call with everything right but what the case says; with and without a place for the error.
    fn call(&self, function: &Function, case: &Case) -> String {
        let (err, inputs) = function.parameters.split_last().expect("a status has an error");
        assert_eq!(err.name, "err", "{}: the error comes last", function.name);
        let mut text = String::new();
        let arguments: String = inputs.iter().map(|one| format!("p_{}, ", one.name)).collect();
        let is_refused = matches!(case.expected, Expected::Refused(_) | Expected::Unsupported);
        for place in ["&err", "NULL"] {
            let call = format!("{}({arguments}{place})", function.name);
            text += "    {\n";
            for parameter in inputs {
                text += &format!("        {}\n", self.declared(parameter, function));
            }
            text += &format!("        {}\n", case.change);
            for one in inputs.iter().filter(|one| one.of == "gocore_etcd_user_free") {
                text += &format!("        given += p_{} != NULL;\n", one.name);
            }
            text += &match (&case.expected, place) {
                (Expected::Refused(name), "&err") => format!("        REFUSED(\"{name}\", {call});\n"),
                (Expected::Refused(_), _) => format!("        CHECK({call} == GOCORE_ETCD_STATUS_INVALID_ARGUMENT);\n"),
                (Expected::Unsupported, "&err") => format!("        EXPECT(UNSUPPORTED, {call});\n"),
                (Expected::Unsupported, _) => format!("        CHECK({call} == GOCORE_ETCD_STATUS_UNSUPPORTED);\n"),
                (Expected::Accepted, "&err") => format!("        ACCEPTED(0, {call});\n"),
                (Expected::Survived, "&err") => format!("        ACCEPTED(1, {call});\n"),
                (Expected::Accepted | Expected::Survived, _) => {
                    format!("        CHECK({call} != GOCORE_ETCD_STATUS_INTERNAL);\n")
                }
            };
            for (name, place) in inputs.iter().filter_map(|one| Some((&one.name, one.place_for()?))) {
                if is_refused {
                    text += &format!("        CHECK(p_{name} == NULL || o_{name} == 0);\n");
                } else if let Some(handle) = place.strip_suffix(" *") {
                    let free = if handle == "char" { "gocore_etcd_string" } else { handle };
                    text += &format!("        if (p_{name} != NULL)\n            {free}_free(o_{name});\n");
                }
            }
            // What was not right to begin with is not looked at by the compiler either.
            text += &inputs.iter().map(|one| format!("        (void)p_{};\n", one.name)).collect::<String>();
            text += "    }\n";
        }
        text
    }

    /// A getter with each pointer NULL in turn, and indices beyond the end.
    fn getter(&self, function: &Function, declaration: &str) -> String {
        let mut text = String::new();
        let Some(zero) = expectation(declaration, &function.name) else { return text };
        for (at, wrong) in function.parameters.iter().enumerate() {
            let arguments = function.parameters.iter().enumerate().map(|(n, one)| match one {
                _ if n == at && wrong.of.ends_with('*') => "NULL".to_owned(),
                _ if n == at => "(size_t)-1".to_owned(),
                one => one.points_to().map_or("0".to_owned(), |of| format!("f_{of}")),
            });
            let arguments = arguments.collect::<Vec<_>>().join(", ");
            let call = format!("{}({arguments})", function.name);
            // A length that nobody wants to know changes nothing of the answer.
            let is_place = wrong.place_for().is_some();
            text += &match zero {
                _ if is_place => format!("    (void){call};\n"),
                "" => format!("    {call};\n"),
                zero if wrong.of == "int32_t" => format!("    CHECK({} {zero});\n", call.replace("(size_t)-1", "-1")),
                zero => format!("    CHECK({call} {zero});\n"),
            };
        }
        text
    }
}

/// What can be wrong with an array of texts.
fn texts(name: &str, variable: &str) -> Vec<Case> {
    let array = |second: &str| {
        format!("const char *const wrong[] = {{\"a\", {second}}}; {variable} = wrong; {variable}_len = 2;")
    };
    vec![
        refused(name, array("NULL")),
        refused(name, array("\"\\xff\"")),
        refused(name, format!("{variable} = NULL; {variable}_len = 3;")),
    ]
}

/// Where a field is looked at under a condition only: struct, field, what makes it looked at.
const CONTEXTS: [(&str, &str, &str); 3] = [
    ("gocore_etcd_op", "range", "@.kind = GOCORE_ETCD_OP_GET; "),
    ("gocore_etcd_op", "txn", "@.kind = GOCORE_ETCD_OP_TXN; "),
    ("gocore_etcd_client_config", "tls", "@.endpoints = secure; @.dial_timeout_ms = 300; "),
];

/// The program, and how many cases are in it.
fn program() -> (String, usize) {
    let fixtures = std::fs::read_to_string(root().join("tests/tests/c_abi/programs/fixtures.h")).expect("fixtures");
    let walk = Walk { header: Header::new(header()), fixtures };
    let text = header();
    let declarations = crate::header::declarations(&text);
    let mut program = "#include \"fixtures.h\"\n\n".to_owned();
    let mut count = 0;
    // Callbacks that free what they own: of those that are told a result, everything; of the others nothing.
    let callbacks = walk.header.functions.iter().flat_map(|function| &function.parameters).map(|one| one.of.clone());
    let mut callbacks: Vec<_> = callbacks.filter(|of| of.ends_with("_callback")).collect();
    callbacks.sort_unstable();
    callbacks.dedup();
    for of in &callbacks {
        let (returns, parameters) = walk.header.callback(of).unwrap_or_else(|| panic!("{of} is no callback"));
        let owns = parameters.iter().any(|one| one.of == "gocore_etcd_status");
        let list: Vec<_> = parameters.iter().map(|one| format!("{} {}", one.of, one.name)).collect();
        program += &format!("static {returns} stub_{of}({})\n{{\n", list.join(", "));
        for one in &parameters {
            let owned = one.points_to().filter(|of| owns && walk.header.has(&format!("{of}_free")));
            program +=
                &owned.map_or(format!("    (void){};\n", one.name), |of| format!("    {of}_free({});\n", one.name));
        }
        program += if returns == "void" { "}\n\n" } else { "    return 0;\n}\n\n" };
    }
    let mut calls = String::new();
    for (function, (_, declaration)) in walk.header.functions.iter().zip(declarations) {
        // Functions that take what they are given, or nothing, are walked over by `null`.
        if function.parameters.is_empty() || function.name.ends_with("_free") {
            continue;
        }
        let handles = function.parameters.iter().filter_map(Item::points_to);
        let handles: Vec<_> = handles.filter(|of| walk.header.fields(of).is_empty()).collect();
        if handles.iter().any(|of| !walk.header.has(&format!("{of}_free"))) {
            // Only ever borrowed inside a callback.
            continue;
        }
        let has_status = function.returns == "gocore_etcd_status"
            && function.parameters.last().is_some_and(|last| last.name == "err");
        program += &format!(
            "static void walk_{}(char **argv)\n{{\n    gocore_etcd_client *client = connect_to(argv);\n",
            function.name
        );
        for of in &handles {
            let short = of.trim_start_matches("gocore_etcd_");
            program += &format!("    {of} *f_{of} = a_{short}(client);\n");
        }
        if has_status {
            for case in walk.cases(function) {
                program += &walk.call(function, &case);
                count += 1;
            }
        } else {
            program += &walk.getter(function, declaration);
            count += function.parameters.len();
        }
        for of in &handles {
            program += &format!("    {of}_free(f_{of});\n");
        }
        program += "    finish(client);\n}\n\n";
        calls += &format!("    walk_{}(argv);\n", function.name);
    }
    program += &format!("int main(int argc, char **argv)\n{{\n    CHECK(argc > 1);\n{calls}    return 0;\n}}\n");
    (program, count)
}

/// The program's source, written beside the library.
pub(crate) fn source() -> PathBuf {
    let (program, count) = program();
    assert!(count > 300, "{count} cases");
    let source = library_dir().join(format!("walk.{}.c", fastrand::u64(..)));
    std::fs::write(&source, program).expect("written");
    source
}

#[tokio::test]
async fn each_function_bears_one_wrong_thing_at_a_time_and_names_it() {
    let server = Server::plain().await;
    let program = compile_with(&source().to_string_lossy(), &["-O0"]);
    run(program, vec![server.endpoint()]).await;
}
