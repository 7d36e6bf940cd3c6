//! Who decides where home is, and who follows.

use super::*;

const HERE: EndpointId = EndpointId(1);
const THERE: EndpointId = EndpointId(2);

/// Whether a stream that is here would go.
async fn is_left(home: &Home) -> bool {
    tokio::time::timeout(PAUSE * 2, home.elsewhere(HERE, PAUSE)).await.is_ok()
}

#[tokio::test(start_paused = true)]
async fn watches_follow_the_keep_alives_once_these_are_answered() {
    let home = Home::default();
    home.opened(HERE, false);
    home.keep_alive_begins();
    home.opened(HERE, true);
    home.vouch(HERE);
    assert!(!is_left(&home).await);
    home.keep_alive_ends(Some(HERE));
    home.keep_alive_begins();
    home.opened(THERE, true);
    assert!(!is_left(&home).await, "nobody has answered there");
    home.vouch(THERE);
    assert!(is_left(&home).await);
    home.opened(HERE, false);
    assert_eq!(home.at(), Some(THERE), "a watch that could not follow does not move the home");
    home.keep_alive_ends(Some(THERE));
    assert!(!is_left(&home).await, "no renewal vouches for anybody");
    home.opened(HERE, false);
    assert_eq!(home.at(), Some(HERE));
}

#[tokio::test(start_paused = true)]
async fn of_several_keep_alives_the_one_that_is_answered_first_decides_until_it_ends() {
    let home = Home::default();
    home.keep_alive_begins();
    home.keep_alive_begins();
    home.opened(HERE, true);
    home.opened(THERE, true);
    home.vouch(HERE);
    home.vouch(THERE);
    assert_eq!(home.at(), Some(HERE));
    assert!(!is_left(&home).await);
    home.keep_alive_ends(Some(HERE));
    assert!(!is_left(&home).await, "nobody has answered elsewhere since");
    home.vouch(THERE);
    assert!(is_left(&home).await);
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_within_the_pause_is_followed_nowhere() {
    let home = Home::default();
    home.keep_alive_begins();
    home.opened(THERE, true);
    home.vouch(THERE);
    let comes_back = async {
        tokio::time::sleep(PAUSE / 2).await;
        home.opened(HERE, true);
        home.vouch(HERE);
    };
    let (left, ()) = tokio::join!(is_left(&home), comes_back);
    assert!(!left);
}
