use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// Levels and texts of what this test said, and how many were dropped before.
fn taken(log: &Log, about: &str) -> (Vec<(LogLevel, String)>, u64) {
    let (records, dropped) = log.take(usize::MAX);
    // Other tests of this process talk too.
    let records = records.into_iter().filter(|record| record.text.contains(about));
    (records.map(|record| (record.level, record.text)).collect(), dropped)
}

fn listening(most: LogLevel) -> (Arc<Log>, Arc<AtomicUsize>) {
    let (log, wakes) = (Log::new(most), Arc::new(AtomicUsize::new(0)));
    let counted = wakes.clone();
    log.listen(move || {
        counted.fetch_add(1, Ordering::SeqCst);
    });
    (log, wakes)
}

#[test]
fn each_listener_hears_its_levels_and_a_sentence_comes_before_its_fields() {
    let (loud, _) = listening(LogLevel::Debug);
    let (calm, _) = listening(LogLevel::Warn);
    tracing::debug!(key = "/a", "levels: a detail");
    tracing::trace!("levels: nobody hears this");
    tracing::warn!(count = 7, "levels: a worry");
    tracing::error!(target: "h2::somebody_else", "levels: not ours");
    let worry = (LogLevel::Warn, "levels: a worry count=7".to_owned());
    let detail = (LogLevel::Debug, "levels: a detail key=\"/a\"".to_owned());
    assert_eq!(taken(&loud, "levels:").0, [detail, worry.clone()]);
    assert_eq!(taken(&calm, "levels:").0, [worry]);
}

#[test]
fn a_slow_listener_is_woken_once_and_loses_the_oldest_with_their_number() {
    let (log, wakes) = listening(LogLevel::Error);
    for n in 0..CAPACITY + 3 {
        tracing::error!("slow: number {n}");
    }
    assert_eq!(wakes.load(Ordering::SeqCst), 1);
    let (records, dropped) = taken(&log, "slow:");
    assert!(records.len() <= CAPACITY && dropped >= 3, "{} records, {dropped} dropped", records.len());
    assert_eq!(records.last().map(|(_, text)| &**text), Some(&*format!("slow: number {}", CAPACITY + 2)));
}

#[test]
fn a_text_is_cut_where_it_gets_too_long_and_a_listener_that_is_gone_is_forgotten() {
    let (log, wakes) = listening(LogLevel::Info);
    tracing::info!(key = "é".repeat(LONGEST), after = 1, "cut: a long key");
    let (records, _) = taken(&log, "cut:");
    let text = &records[0].1;
    assert!(text.starts_with("cut: a long key key=\"é") && text.ends_with("é…"), "{}", &text[text.len() - 20..]);
    assert!(text.len() < LONGEST + 30, "{}", text.len());

    drop(log);
    let before = wakes.load(Ordering::SeqCst);
    tracing::info!("cut: nobody listens");
    assert_eq!(wakes.load(Ordering::SeqCst), before);
    assert_eq!(Arc::strong_count(&wakes), 1, "what would have woken it is given back");
}
