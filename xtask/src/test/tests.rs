use super::last_words;

#[test]
fn the_last_words_name_what_was_not_run_once() {
    assert_eq!(last_words(&[], true, ""), "not run: nothing");
    assert_eq!(last_words(&[], true, "b: no g++\na: no cmake\nb: no g++\n"), "not run: a: no cmake; b: no g++");
}

#[test]
fn a_part_is_not_taken_for_the_whole_nor_a_failed_build_for_a_run() {
    let args = ["--test", "lock"].map(str::to_owned);
    assert_eq!(last_words(&args, true, ""), "only what was asked for was run (--test lock); of that not run: nothing");
    for args in [&args[..], &[]] {
        assert_eq!(last_words(args, false, ""), "no test was run");
    }
}
