//! The policy in force: the rules of the last reload joined with what teachers decided. The one writer of what the gate
//! judges by, so that a reload loses no opening and an opening no rule.

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::policy::{Opening, Policy};

/// `rules` with `openings`.
pub(super) fn joined(rules: &Policy, openings: &[Opening]) -> Arc<Policy> {
    Arc::new(rules.with_openings(openings.to_vec()))
}

/// Joins them anew at each change of either, until the stop signal.
pub(super) async fn serve(
    mut rules: watch::Receiver<Arc<Policy>>,
    mut openings: watch::Receiver<Arc<Vec<Opening>>>,
    policy: watch::Sender<Arc<Policy>>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    loop {
        tokio::select! {
            // First: what it listens to ends with the daemon, and that is no failure.
            biased;
            () = stop.cancelled() => return Ok(()),
            changed = rules.changed() => changed?,
            changed = openings.changed() => changed?,
        }
        let (rules, openings) = (rules.borrow_and_update().clone(), openings.borrow_and_update().clone());
        policy.send_replace(joined(&rules, &openings));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        model::{ClassName, Moment},
        policy::{Mode, RuleFile, Scope},
    };

    const AT: Moment = Moment::from_unix_seconds(1_795_417_200);

    fn rules(count: usize) -> Arc<Policy> {
        let mut text = String::from("version = 1\nlevel = 'etablissement'\nname = 'x'\n");
        for number in 0..count {
            text += &format!("[[rule]]\nid = 'r{number}'\neffect = 'allow'\nsites = ['a{number}.example']\n");
        }
        Arc::new(Policy::new(vec![RuleFile::parse(&text).unwrap()], None).unwrap())
    }

    fn opening() -> Opening {
        Opening {
            scope: Scope::Class(ClassName::new("6A")),
            mode: Mode::Close(None),
            from: AT,
            until: AT + Duration::from_secs(60),
            label: Arc::from("classe 6A"),
        }
    }

    #[tokio::test]
    async fn a_reload_loses_no_opening_and_an_opening_no_rule() {
        let (rule_sender, rule_receiver) = watch::channel(rules(0));
        let (opening_sender, openings) = watch::channel(Arc::new(Vec::new()));
        let (sender, mut policy) = watch::channel(joined(&rules(0), &[]));
        let stop = CancellationToken::new();
        let story = async {
            opening_sender.send_replace(Arc::new(vec![opening()]));
            policy.changed().await.unwrap();
            rule_sender.send_replace(rules(2));
            policy.changed().await.unwrap();
            let both = policy.borrow_and_update().clone();
            assert_eq!((both.rules().len(), both.next_change(AT)), (2, Some(opening().until)));
            opening_sender.send_replace(Arc::new(Vec::new()));
            policy.changed().await.unwrap();
            assert_eq!(policy.borrow().next_change(AT), None);
            stop.cancel();
        };
        let (served, ()) = tokio::join!(serve(rule_receiver, openings, sender, stop.clone()), story);
        served.unwrap();
    }
}
