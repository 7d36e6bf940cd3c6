//! The best first, in turn; streams stay at home.

use std::sync::Arc;

use proptest::prelude::*;

use super::{EndpointId, Picker, best};
use crate::client_config::{Address, ClientConfig};
use crate::transport::class::Class;
use crate::transport::common::Common;
use crate::transport::dialer::Dialer;
use crate::transport::endpoint::Endpoint;
use crate::transport::health::Sign;
use crate::transport::token::Tokens;

pub(in crate::transport) fn endpoints(count: u32) -> Vec<Arc<Endpoint>> {
    let common = Common::new(Tokens::new(None), Vec::new());
    let dialer = Dialer::new(&ClientConfig::new(["127.0.0.1:1"]), None);
    let endpoint = |id| {
        let address = Address::parse(&format!("127.0.0.1:{}", 10_000 + id), false).unwrap();
        let target = dialer.target(&address).unwrap();
        Endpoint::new(EndpointId(id), address, target, Arc::clone(&common))
    };
    (0..count).map(endpoint).collect()
}

fn picks(picker: &Picker, class: Class, avoid: &[EndpointId], times: usize) -> Vec<u32> {
    (0..times).map(|_| picker.pick(class, avoid).unwrap().id().0).collect()
}

#[tokio::test]
async fn requests_go_round() {
    let picker = Picker::new(endpoints(3));
    let mut seen = picks(&picker, Class::Unary, &[], 9);
    assert_eq!(seen[..3], seen[3..6]);
    seen.sort_unstable();
    assert_eq!(seen, [0, 0, 0, 1, 1, 1, 2, 2, 2]);
}

#[tokio::test]
async fn who_is_away_or_to_be_avoided_is_used_only_when_nobody_else_is_left() {
    let all = endpoints(2);
    let picker = Picker::new(all.clone());
    all[0].notice(Sign::Unreachable);
    assert_eq!(picks(&picker, Class::Unary, &[], 4), [1; 4]);
    assert_eq!(picks(&picker, Class::Unary, &[EndpointId(1)], 4), [0; 4]);
    all[1].notice(Sign::Unreachable);
    assert_eq!(picks(&picker, Class::Unary, &[], 4).len(), 4, "there is always somebody to try");
    assert!(Picker::new(Vec::new()).pick(Class::Unary, &[]).is_none());
}

#[tokio::test]
async fn watches_and_keep_alives_share_a_home_until_it_goes_away() {
    let all = endpoints(3);
    let picker = Picker::new(all.clone());
    let home = picks(&picker, Class::Watch, &[], 1)[0];
    picks(&picker, Class::Unary, &[], 5);
    assert_eq!(picks(&picker, Class::KeepAlive, &[], 4), [home; 4]);
    assert_eq!(picker.pick_at_home(&[]).unwrap().id().0, home);
    assert_ne!(picker.pick_at_home(&[EndpointId(home)]).unwrap().id().0, home);
    assert_eq!(picks(&picker, Class::Watch, &[], 1), [home], "a request does not move it");
    all[home as usize].notice(Sign::Unreachable);
    let next = picks(&picker, Class::KeepAlive, &[], 1)[0];
    assert_ne!(next, home);
    assert_eq!(picks(&picker, Class::Watch, &[], 4), [next; 4]);
}

proptest! {
    #[test]
    fn the_best_is_of_the_lowest_rank_and_every_equal_gets_its_turn(
        ranks in prop::collection::vec(0u8..3, 1..8),
        start in any::<usize>(),
    ) {
        let chosen = best(ranks.len(), start, |index| ranks[index]).unwrap();
        let lowest = *ranks.iter().min().unwrap();
        prop_assert_eq!(ranks[chosen], lowest);
        let reached: std::collections::BTreeSet<_> =
            (0..ranks.len()).filter_map(|start| best(ranks.len(), start, |index| ranks[index])).collect();
        prop_assert_eq!(reached.len(), ranks.iter().filter(|rank| **rank == lowest).count());
    }
}
