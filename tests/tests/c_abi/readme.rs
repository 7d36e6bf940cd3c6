//! The README's programs compile without a warning and do what they say.

use std::fs;

use gocore_etcd_tests::Server;

use crate::story::{compile, has_cplusplus, library_dir, root, run};

/// The first block of this language.
fn block(language: &str) -> String {
    let readme = fs::read_to_string(root().join("README.md")).expect("the README");
    let from = readme.split_once(&format!("```{language}\n")).expect("a block of that language").1;
    from.split_once("\n```").expect("its end").0.to_owned() + "\n"
}

#[tokio::test(flavor = "multi_thread")]
async fn the_readmes_programs_take_the_lock_and_write() {
    let server = Server::plain().await;
    let cplusplus = has_cplusplus().then_some(("cpp", "/go-core/cleanup/last"));
    for (language, key) in [("c", "/done")].into_iter().chain(cplusplus) {
        let source = library_dir().join(format!("readme.{language}"));
        fs::write(&source, block(language).replace("127.0.0.1:2379", &server.endpoint())).expect("a file");
        run(compile(source.to_str().expect("text")), Vec::new()).await;
        let written = server.client().await.kv_client().get(key, None).await.expect("get");
        assert_eq!(written.kvs().len(), 1, "{language} wrote {key}");
    }
}
