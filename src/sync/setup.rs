//! What central keeps of how the box is set up, so that another machine can take its place.

use std::time::Duration;

use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::client::{CallError, Client};
use crate::{
    model::{Device, RoomName},
    protocol::enrolment::Setup,
};

/// How long central may take to answer.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(60);

/// How long after a try that failed the next one is made.
const RETRY_EVERY: Duration = Duration::from_secs(300);

/// How long after a change it is told: pages change several machines in a row.
const SETTLED_AFTER: Duration = Duration::from_secs(10);

/// The setup of a box with this configuration file and these registered machines. Secrets are in files of their own, which
/// are not sent.
#[must_use]
pub fn setup<'a>(configuration: &str, devices: impl IntoIterator<Item = &'a Device>) -> Setup {
    let row = |device: &Device| {
        let room = device.room.as_ref().map(|room| room.as_str().to_owned()).unwrap_or_default();
        [device.mac.to_string(), device.name.clone(), device.kind.word().to_owned(), room]
    };
    Setup { configuration: configuration.to_owned(), devices: devices.into_iter().map(row).collect() }
}

/// The registered machines of a setup. A row that cannot be read is left out: it would be the school's to register again.
#[must_use]
pub fn devices(setup: &Setup) -> Vec<Device> {
    let device = |[mac, name, kind, room]: &[String; 4]| {
        Some(Device {
            mac: mac.parse().ok()?,
            name: name.clone(),
            kind: kind.parse().ok()?,
            room: (!room.is_empty()).then(|| RoomName::new(room)),
        })
    };
    setup.devices.iter().filter_map(device).collect()
}

/// Tells central of each change.
#[derive(Debug)]
pub struct Telling {
    /// The requests to central.
    pub client: Client,
    /// How the box is set up; told when it changes, and once at the start.
    pub setup: watch::Receiver<Setup>,
}

impl Telling {
    /// Tells, for as long as the box runs. Whatever fails is tried again with what is true by then.
    ///
    /// # Errors
    /// None; it ends with `stop`.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        tokio::select! {
            () = stop.cancelled() => Ok(()),
            () = self.go_on() => Ok(()),
        }
    }

    async fn go_on(self) {
        let Self { client, mut setup } = self;
        let mut told: Option<Setup> = None;
        loop {
            sleep(SETTLED_AFTER).await;
            let wanted = setup.borrow_and_update().clone();
            if told.as_ref() != Some(&wanted) {
                let answer: Result<(), CallError> = client.put("v1/setup", &wanted, ANSWER_WAIT_MAX).await;
                if let Err(cause) = answer {
                    warn!(
                        cause = format!("{:#}", anyhow::Error::new(cause)),
                        "central does not have the setup yet"
                    );
                    sleep(RETRY_EVERY).await;
                    continue;
                }
                info!("central has the setup of this box");
                told = Some(wanted);
            }
            if setup.changed().await.is_err() {
                // Nothing changes it any more; `stop` follows.
                std::future::pending::<()>().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{DeviceKind, Mac};

    #[test]
    fn machines_of_a_setup_are_those_it_was_made_of_and_a_broken_row_loses_no_other() {
        let device = |last, room: Option<&str>| Device {
            mac: Mac::new([2, 0, 0, 0, 0, last]),
            name: format!("TBI {last}"),
            kind: DeviceKind::Tableau,
            room: room.map(RoomName::new),
        };
        let registered = [device(1, Some("Salle 1")), device(2, None)];
        let mut kept = setup("version = 1\n", &registered);
        kept.devices.insert(1, ["no address", "TBI", "tableau", ""].map(str::to_owned));
        assert_eq!(devices(&kept), registered);
    }
}
