//! The header, read: each function with its parameters and what its documentation says.

use crate::header::declarations;

/// A parameter or a field.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// Its type as C writes it, such as `const gocore_etcd_put_options *`.
    pub(crate) of: String,
    pub(crate) name: String,
}

impl Item {
    /// From `const char *const *endpoints`; None for `void`.
    fn parse(text: &str) -> Option<Self> {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ").replace("struct ", "");
        let at = text.rfind([' ', '*'])?;
        let (of, name) = text.split_at(at + 1);
        Some(Self { of: of.trim().to_owned(), name: name.to_owned() })
    }

    /// `gocore_etcd_x` when it is a pointer to one.
    pub(crate) fn points_to(&self) -> Option<&str> {
        let of = self.of.strip_suffix('*')?.trim();
        let of = of.strip_prefix("const ").unwrap_or(of);
        (of.starts_with("gocore_etcd_") && !of.contains('*')).then_some(of)
    }

    /// What it is a place for: `gocore_etcd_x *`, `char *` or `int64_t`.
    pub(crate) fn place_for(&self) -> Option<&str> {
        let of = self.of.strip_suffix('*')?.trim();
        let pointer = of.ends_with('*') && !of.contains("const");
        (pointer || matches!(of, "int64_t" | "uint64_t" | "size_t")).then_some(of)
    }
}

/// A function with what its documentation says.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) returns: String,
    pub(crate) parameters: Vec<Item>,
    pub(crate) doc: String,
}

pub(crate) struct Header {
    text: String,
    pub(crate) functions: Vec<Function>,
}

fn list(text: &str, separator: char) -> Vec<Item> {
    text.split(separator).filter_map(Item::parse).collect()
}

impl Header {
    pub(crate) fn new(text: String) -> Self {
        let found = declarations(&text);
        let functions = found.into_iter().map(|(name, declaration)| {
            let (before, parameters) = declaration.split_once('(').expect("a function has parameters");
            let returns = before.trim_end_matches(name).trim().to_owned();
            let at = text.find(declaration).expect("it is from there");
            let doc = text[..at].rsplit("/*").next().unwrap_or_default();
            // A function without a comment has not that of the one before.
            let doc = doc.rsplit_once("*/").map_or("", |(doc, after)| if after.trim().is_empty() { doc } else { "" });
            let doc = doc.replace('*', " ").split_whitespace().collect::<Vec<_>>().join(" ");
            let parameters = list(parameters.trim_end_matches(')'), ',');
            Function { name: name.to_owned(), returns, parameters, doc }
        });
        let functions = functions.collect();
        Self { text, functions }
    }

    /// The fields of a plain struct; none for a handle.
    pub(crate) fn fields(&self, name: &str) -> Vec<Item> {
        let Some((_, body)) = self.text.split_once(&format!("typedef struct {name} {{")) else { return Vec::new() };
        let body = body.split_once("\n}").expect("its end").0;
        let code: String = body.split("/*").map(|part| part.split_once("*/").map_or(part, |(_, code)| code)).collect();
        list(&code, ';').into_iter().filter(|item| !item.name.is_empty()).collect()
    }

    /// What a callback's type returns, and its parameters.
    pub(crate) fn callback(&self, name: &str) -> Option<(String, Vec<Item>)> {
        let (before, rest) = self.text.split_once(&format!(" (*{name})("))?;
        let (_, returns) = before.rsplit_once("typedef ")?;
        Some((returns.to_owned(), list(rest.split_once(");")?.0, ',')))
    }

    pub(crate) fn has(&self, function: &str) -> bool {
        self.functions.iter().any(|one| one.name == function)
    }

    pub(crate) fn has_status(&self, name: &str) -> bool {
        self.text.contains(&format!("GOCORE_ETCD_STATUS_{name} = "))
    }

    pub(crate) fn has_init(&self, name: &str) -> bool {
        self.text.contains(&format!("#define {}_INIT", name.to_uppercase()))
    }

    /// Whether the documentation says that this parameter may be NULL.
    pub(crate) fn nullable(&self, function: &Function, parameter: &str) -> bool {
        // The stars of the comment are gone, and with them those of outputs.
        let says = |doc: &str| {
            ["`{}` may be NULL", "`{}` (which may be NULL)", "` {}` (which may be NULL)"]
                .iter()
                .any(|told| doc.contains(&told.replace("{}", parameter)))
        };
        let other = function.doc.split_once(" are those of ").map(|(_, rest)| rest);
        let other = other.and_then(|rest| rest.split(['.', ' ']).next());
        let inherited = other.and_then(|name| self.functions.iter().find(|function| function.name == name));
        let always = ["err", "user_data", "user_free"].contains(&parameter);
        always || says(&function.doc) || inherited.is_some_and(|function| says(&function.doc))
    }
}
