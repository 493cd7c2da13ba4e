//! The captive portal API (RFC 8908): tells a device whether it must sign in, and for how long it has.

use serde::Serialize;

use super::visitor::{Standing, Visitor};
use crate::model::Moment;

/// The media type of the answer (RFC 8908 section 4).
pub(super) const MEDIA_TYPE: &str = "application/captive+json";

/// The answer; its keys are those of RFC 8908 section 5.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct State {
    captive: bool,
    user_portal_url: String,
    venue_info_url: String,
    can_extend_session: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds_remaining: Option<u64>,
}

impl State {
    /// The state of a visitor at `now`, with `origin` the portal's.
    pub(super) fn new(visitor: &Visitor, standing: &Standing, origin: &str, now: Moment) -> Self {
        let home_url = format!("{origin}/");
        let (captive, seconds_remaining) = match standing {
            Standing::SignedIn(session) => (false, Some(session.until.since(now).as_secs())),
            Standing::Registered(_) => (false, None),
            Standing::Unknown => (visitor.must_sign_in(), None),
        };
        Self {
            captive,
            user_portal_url: home_url.clone(),
            venue_info_url: home_url,
            can_extend_session: false,
            seconds_remaining,
        }
    }

    /// The answer's bytes.
    pub(super) fn json(&self) -> String {
        serde_json::to_string(self).expect("texts, booleans and numbers under text keys are always JSON")
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::{
        identity::SessionView,
        model::{Account, AccountId, Assurance, Device, DeviceKind, Mac, Role, SignIn, Zone},
        portal::page_tests::zone,
    };

    const NOW: Moment = Moment::from_unix_seconds(1_795_417_500);

    #[track_caller]
    fn check(standing: &Standing, sign_in: SignIn, expected: &str) {
        let visitor = Visitor { source: [10, 10, 0, 9].into(), zone: Arc::new(Zone { sign_in, ..zone() }) };
        let json = State::new(&visitor, standing, "https://portail.exemple", NOW).json();
        let urls =
            r#""user-portal-url":"https://portail.exemple/","venue-info-url":"https://portail.exemple/""#;
        assert_eq!(json, expected.replace("URLS", urls));
    }

    #[test]
    fn who_has_not_signed_in_is_captive_where_the_zone_asks_for_it() {
        check(&Standing::Unknown, SignIn::Required, r#"{"captive":true,URLS,"can-extend-session":false}"#);
        check(&Standing::Unknown, SignIn::NotAsked, r#"{"captive":false,URLS,"can-extend-session":false}"#);
    }

    #[test]
    fn who_has_signed_in_is_told_the_seconds_left() {
        let account = Account {
            id: AccountId::new("1"),
            display_name: String::from("Camille"),
            role: Role::Eleve,
            classes: Vec::new(),
        };
        let session = SessionView {
            account: Arc::new(account),
            machine: Mac::new([2, 0, 0x5e, 0x10, 0, 7]),
            zone: zone().name,
            assurance: Assurance::Local,
            since: NOW,
            until: NOW + Duration::from_secs(5400),
            addresses: Vec::new(),
        };
        check(
            &Standing::SignedIn(session),
            SignIn::Required,
            r#"{"captive":false,URLS,"can-extend-session":false,"seconds-remaining":5400}"#,
        );
    }

    #[test]
    fn a_registered_machine_is_never_captive() {
        let device = Device {
            mac: Mac::new([2, 0, 0x5e, 0x10, 0, 1]),
            name: String::from("TBI salle 12"),
            kind: DeviceKind::Tableau,
            room: None,
        };
        check(
            &Standing::Registered(Arc::new(device)),
            SignIn::Required,
            r#"{"captive":false,URLS,"can-extend-session":false}"#,
        );
    }
}
