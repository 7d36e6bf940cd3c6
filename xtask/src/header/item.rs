//! One item of cbindgen's output: a constant, a type or a function, with its comment.

/// How wide the header is.
pub(super) const WIDTH: usize = 120;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Handle,
    Constant,
    Type,
    Function,
}

#[derive(Debug)]
pub(super) struct Item {
    pub(super) kind: Kind,
    pub(super) name: String,
    comment: String,
    code: String,
}

/// Splits cbindgen's output at the blank lines outside of braces and comments.
pub(super) fn split(text: &str) -> Vec<Item> {
    let mut items = Vec::new();
    let (mut lines, mut depth) = (Vec::new(), 0i32);
    for line in text.lines().chain([""]) {
        if line.is_empty() && depth == 0 {
            items.extend(Item::read(&lines));
            lines.clear();
            continue;
        }
        if !line.trim_start().starts_with("//") {
            depth += line.matches('{').count() as i32 - line.matches('}').count() as i32;
        }
        lines.push(line);
    }
    items
}

impl Item {
    fn read(lines: &[&str]) -> Option<Item> {
        let comments = lines.iter().take_while(|line| line.starts_with("//")).count();
        let (comment, code) = lines.split_at(comments);
        let first = code.first()?;
        let code = code.join("\n");
        let comment: Vec<_> = comment.iter().map(|line| line.trim_start_matches('/').trim()).collect();
        let (kind, name) = if let Some(rest) = first.strip_prefix("#define ") {
            (Kind::Constant, rest.split(' ').next()?)
        } else if let Some(name) = first.strip_prefix("enum ") {
            (Kind::Type, name)
        } else if let Some(rest) = first.strip_prefix("typedef struct ") {
            let kind = if rest.contains('{') { Kind::Type } else { Kind::Handle };
            (kind, rest.split(' ').next()?)
        } else if first.starts_with("typedef ") {
            (Kind::Type, code.split_once("(*")?.1.split(')').next()?)
        } else {
            (Kind::Function, code.split('(').next()?.rsplit([' ', '*']).next()?)
        };
        Some(Item { kind, name: name.to_owned(), comment: comment.join("\n"), code: code.clone() })
    }

    /// The item as it stands in the header.
    pub(super) fn text(&self) -> String {
        let mut code = self.code.clone();
        match self.kind {
            // `#define X -1` would be a trap in `a X`.
            Kind::Constant => {
                if let Some((head, value)) = code.rsplit_once(' ')
                    && value.starts_with('-')
                {
                    code = format!("{head} ({value})");
                }
            }
            // Every struct has a typedef of its name; the tag says nothing more. Inside of structs it may come first.
            Kind::Function => code = code.replace("struct gocore_etcd_", "gocore_etcd_"),
            Kind::Type if self.code.starts_with("typedef") && !self.code.contains('{') => {
                code = code.replace("struct gocore_etcd_", "gocore_etcd_");
            }
            // cbindgen asks only C23 for the enumeration's type; C++ knows it too.
            Kind::Type | Kind::Handle => {
                code = inner_comments(&code).replace("#if __STDC", "#if defined(__cplusplus) || __STDC")
            }
        }
        format!("\n{}\n{code}\n", comment(&self.comment))
    }

    /// For a struct that begins with its size: the macro that spells every field, the only form of an initialiser that
    /// is one in C99 to C23 and in C++11 to C++20, with all warnings.
    pub(super) fn init_macro(&self) -> String {
        if self.kind != Kind::Type || !self.code.contains("size_t struct_size;") {
            return String::new();
        }
        let fields = self.code.lines().map(str::trim).filter(|line| line.ends_with(';') && !line.starts_with('}'));
        let values: Vec<_> = fields
            .map(|field| match field {
                "size_t struct_size;" => format!("sizeof({})", self.name),
                field if field.contains('*') => "NULL".to_owned(),
                _ => "0".to_owned(),
            })
            .collect();
        let name = self.name.to_uppercase();
        let what = comment(&format!("Every field of {} at its default.", self.name));
        format!("\n{what}\n#define {name}_INIT \\\n    {{ {} }}\n", values.join(", "))
    }
}

/// Comments of fields and variants, in the one form that every C knows.
fn inner_comments(code: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut open: Option<(String, Vec<String>)> = None;
    for line in code.lines() {
        let trimmed = line.trim_start();
        let indent = &line[..line.len() - trimmed.len()];
        if let Some(text) = trimmed.strip_prefix("///").or_else(|| trimmed.strip_prefix("//")) {
            open.get_or_insert((indent.to_owned(), Vec::new())).1.push(text.trim().to_owned());
            continue;
        }
        if let Some((indent, texts)) = open.take() {
            let last = texts.len() - 1;
            for (n, text) in texts.iter().enumerate() {
                let (begin, end) = (if n == 0 { "/*" } else { "  " }, if n == last { " */" } else { "" });
                lines.push(format!("{indent}{begin} {text}{end}"));
            }
        }
        lines.push(line.split(" // ").next().unwrap_or(line).to_owned());
    }
    lines.join("\n")
}

/// A text as a comment of its own.
pub(super) fn comment(text: &str) -> String {
    let mut lines =
        text.trim_end().lines().map(|line| format!(" * {}", line.replace("*/", "* /")).trim_end().to_owned());
    let first = lines.next().unwrap_or_default().replacen(" *", "/*", 1);
    let rest: Vec<_> = lines.collect();
    if rest.is_empty() { format!("{first} */") } else { format!("{first}\n{}\n */", rest.join("\n")) }
}
