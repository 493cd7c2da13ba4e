//! Whatever happens, in whatever order.

use std::{collections::BTreeMap, time::Duration};

use preau::protocol::names::Role;
use proptest::prelude::*;

use super::bench::{Bench, uai};
use crate::channel::Whose;

/// What may happen to a channel.
#[derive(Clone, Debug)]
enum Step {
    Place(u8, u8),
    PlaceForAll(u8, u8),
    Remove(u8),
    Publish,
    DieAfter(u8),
    Minute,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0..3_u8, 0..4_u8).prop_map(|(name, bytes)| Step::Place(name, bytes)),
        (0..3_u8, 0..4_u8).prop_map(|(name, bytes)| Step::PlaceForAll(name, bytes)),
        (0..3_u8).prop_map(Step::Remove),
        Just(Step::Publish),
        (0..12_u8).prop_map(Step::DieAfter),
        Just(Step::Minute),
    ];
    prop::collection::vec(step, 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_happens_the_view_comes_to_name_exactly_what_is_wanted(steps in steps()) {
        tokio::runtime::Runtime::new().unwrap().block_on(follow(steps));
    }
}

async fn follow(steps: Vec<Step>) {
    let bench = Bench::new().await;
    let school = uai("0809999Z");
    let own = Whose::School(&school);
    bench.add(&school).await;
    bench.publish().await;
    let reader = bench.reader(&school);
    let (mut wanted, mut version) = (BTreeMap::new(), 1);
    for step in steps {
        match step {
            Step::Place(name, bytes) => {
                let (name, bytes) = (format!("policy/{name}.toml"), bytes.to_string());
                bench.place(own, Role::Policy, &name, &bytes).await;
                wanted.insert(name, bytes);
            }
            Step::PlaceForAll(name, bytes) => {
                let (name, bytes) = (format!("content/{name}"), bytes.to_string());
                bench.place(Whose::Everyone, Role::Content, &name, &bytes).await;
                wanted.insert(name, bytes);
            }
            Step::Remove(name) => {
                let name = format!("policy/{name}.toml");
                bench.remove(own, Role::Policy, &name).await;
                wanted.remove(&name);
            }
            Step::Publish => bench.publish().await,
            Step::DieAfter(writes) => {
                bench.publish_and_die_after(i64::from(writes)).await;
            }
            Step::Minute => bench.pass(Duration::from_secs(61)),
        }
        let (seen, _) = reader.view().await;
        assert!(seen >= version);
        version = seen;
    }
    bench.pass(Duration::from_secs(61));
    bench.publish().await;
    let (seen, targets) = reader.view().await;
    assert!(seen >= version);
    assert_eq!(targets, wanted);
}
