//! The entrances of the control plane: from which networks the console and the admin API may be reached, and whether a
//! change of policy would shut them to whoever makes it.

use std::net::IpAddr;

use super::place::{Place, Policy};
use super::{Mode, Setting};
use crate::time::Timestamp;

/// What a request comes in through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entrance {
    /// A signed-in browser at a page of the console.
    Console,
    /// A signed-in browser at the admin API.
    ConsoleToAdminApi,
    /// An admin key at the admin API.
    AdminApi,
}

impl Entrance {
    /// The settings that have to let the request in, all of them.
    pub const fn settings(self) -> &'static [Setting] {
        match self {
            Self::Console => &[Setting::SignInNetworks],
            Self::ConsoleToAdminApi => &[Setting::SignInNetworks, Setting::AdminNetworks],
            Self::AdminApi => &[Setting::AdminNetworks],
        }
    }

    /// What policy says of each setting to a request from an address, at a place.
    pub fn judge(
        self,
        policy: &Policy,
        place: Place,
        (address, at): (Option<IpAddr>, Timestamp),
    ) -> impl Iterator<Item = (Setting, Mode)> {
        let says = move |setting: &Setting| {
            (*setting, policy.at(place, *setting, at).judge(|decided| decided.allows_from(address)))
        };
        self.settings().iter().map(says)
    }
}

/// The setting with which a change of policy shuts out whoever comes from that address and could enter before.
pub fn shut_out(
    (before, after): (&Policy, &Policy),
    places: &[Place],
    (address, at): (Option<IpAddr>, Timestamp),
) -> Option<Setting> {
    let is_refused = |policy: &Policy, place: Place, setting: Setting| {
        policy.at(place, setting, at).judge(|decided| decided.allows_from(address)) == Mode::Enforce
    };
    let is_shut = |setting: &Setting| {
        let shut =
            |place: &Place| is_refused(after, *place, *setting) && !is_refused(before, *place, *setting);
        places.iter().any(shut)
    };
    Entrance::ConsoleToAdminApi.settings().iter().copied().find(is_shut)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Entry, Spot};
    use super::*;
    use crate::ids::KeyId;

    const NOW: Timestamp = Timestamp::from_unix_micros(0);

    fn policy(set: &[(Spot, Setting, &str, Mode)]) -> Policy {
        let entry = |(spot, setting, network, mode): &(Spot, Setting, &str, Mode)| {
            let entry = Entry {
                setting: *setting,
                level: spot.level(),
                value: setting.kind().read(&json!([network])).unwrap(),
                mode: *mode,
                is_locked: false,
                floor: None,
                set_by: None,
                set_at: NOW,
            };
            (*spot, entry)
        };
        Policy::new(set.iter().map(entry).collect(), Vec::new())
    }

    #[test]
    fn a_change_shuts_out_only_who_could_enter_before_and_cannot_after() {
        let here: Option<IpAddr> = Some("203.0.113.9".parse().unwrap());
        let set = |network: &'static str, mode| {
            policy(&[(Spot::Organization, Setting::SignInNetworks, network, mode)])
        };
        let shut = |before: &Policy, after: &Policy, from| {
            shut_out((before, after), &[Place::ORGANIZATION], (from, NOW))
        };
        let (open, near, far) =
            (Policy::default(), set("203.0.113.0/24", Mode::Enforce), set("10.0.0.0/8", Mode::Enforce));
        assert_eq!(shut(&open, &far, here), Some(Setting::SignInNetworks));
        assert_eq!(shut(&near, &far, here), Some(Setting::SignInNetworks));
        assert_eq!(shut(&open, &near, here), None);
        assert_eq!(shut(&open, &near, None), Some(Setting::SignInNetworks), "nobody knows from where");
        assert_eq!(shut(&far, &far, here), None, "was shut out before");
        assert_eq!(shut(&open, &set("10.0.0.0/8", Mode::Warn), here), None);
    }

    #[test]
    fn an_admin_key_has_networks_of_its_own() {
        let key: KeyId = "key_01jd0000000000000000000000".parse().unwrap();
        let other: KeyId = "key_01jd0000000000000000000001".parse().unwrap();
        let set = policy(&[(Spot::Key(key), Setting::AdminNetworks, "10.0.0.0/8", Mode::Enforce)]);
        let says = |entrance: Entrance, key| {
            let place = Place { key: Some(key), ..Place::ORGANIZATION };
            let from = (Some("203.0.113.9".parse().unwrap()), NOW);
            entrance.judge(&set, place, from).map(|(_, mode)| mode).collect::<Vec<_>>()
        };
        assert_eq!(says(Entrance::AdminApi, key), [Mode::Enforce]);
        assert_eq!(says(Entrance::AdminApi, other), [Mode::Off]);
        assert_eq!(says(Entrance::Console, key), [Mode::Off]);
    }
}
