//! The pages on which machines are registered.

use crate::{admin::DeviceRefusal, model::DeviceKind, portal::language::Language};

/// The texts of the pages of machines.
#[derive(Debug)]
pub(in crate::portal) struct MachineWords {
    pub(in crate::portal) title: &'static str,
    pub(in crate::portal) intro: &'static str,
    pub(in crate::portal) plugged: &'static str,
    pub(in crate::portal) plugged_intro: &'static str,
    pub(in crate::portal) plugged_none: &'static str,
    pub(in crate::portal) reload: &'static str,
    pub(in crate::portal) by_hand: &'static str,
    pub(in crate::portal) unnamed: &'static str,
    pub(in crate::portal) address: &'static str,
    pub(in crate::portal) network: &'static str,
    pub(in crate::portal) since: &'static str,
    pub(in crate::portal) register: &'static str,
    pub(in crate::portal) registered: &'static str,
    pub(in crate::portal) registered_none: &'static str,
    pub(in crate::portal) name: &'static str,
    pub(in crate::portal) name_hint: &'static str,
    pub(in crate::portal) kind: &'static str,
    pub(in crate::portal) kind_hint: &'static str,
    pub(in crate::portal) room: &'static str,
    pub(in crate::portal) room_hint: &'static str,
    pub(in crate::portal) address_hint: &'static str,
    pub(in crate::portal) address_wrong: &'static str,
    pub(in crate::portal) configured: &'static str,
    pub(in crate::portal) configured_hint: &'static str,
    pub(in crate::portal) act: &'static str,
    pub(in crate::portal) change: &'static str,
    pub(in crate::portal) remove: &'static str,
    pub(in crate::portal) save: &'static str,
    pub(in crate::portal) new_title: &'static str,
    pub(in crate::portal) change_title: &'static str,
    pub(in crate::portal) remove_title: &'static str,
    pub(in crate::portal) remove_text: &'static str,
    pub(in crate::portal) done_registered: &'static str,
    pub(in crate::portal) done_changed: &'static str,
    pub(in crate::portal) done_removed: &'static str,
}

impl MachineWords {
    /// The texts in `language`.
    pub(in crate::portal) const fn of(language: Language) -> &'static Self {
        match language {
            Language::French => &FRENCH,
            Language::English => &ENGLISH,
        }
    }
}

impl Language {
    /// What kind of machine it is, as people say it.
    pub(in crate::portal) const fn device_kind(self, kind: DeviceKind) -> &'static str {
        match (self, kind) {
            (Self::French, DeviceKind::Tableau) => "Tableau interactif",
            (Self::French, DeviceKind::Imprimante) => "Imprimante",
            (Self::French, DeviceKind::Poste) => "Poste partagé",
            (Self::French, DeviceKind::Autre) => "Autre",
            (Self::English, DeviceKind::Tableau) => "Interactive whiteboard",
            (Self::English, DeviceKind::Imprimante) => "Printer",
            (Self::English, DeviceKind::Poste) => "Shared computer",
            (Self::English, DeviceKind::Autre) => "Other",
        }
    }

    /// Why a machine was not registered.
    pub(in crate::portal) fn device_refusal(self, refusal: &DeviceRefusal) -> String {
        let told = match (self, refusal) {
            (Self::French, DeviceRefusal::Registered(name)) => {
                return format!("Cette machine est déjà enregistrée : « {name} ».");
            }
            (Self::English, DeviceRefusal::Registered(name)) => {
                return format!("This machine is registered already: “{name}”.");
            }
            (Self::French, DeviceRefusal::Configured) => {
                "Cette machine est enregistrée par les techniciens, qui seuls peuvent la changer."
            }
            (Self::English, DeviceRefusal::Configured) => {
                "This machine is registered by the technicians, and only they can change it."
            }
            (Self::French, DeviceRefusal::Unknown) => "Cette machine n’est pas, ou plus, enregistrée.",
            (Self::English, DeviceRefusal::Unknown) => "This machine is not registered, or not any more.",
            (Self::French, DeviceRefusal::TooMany) => {
                "Il y a trop de machines enregistrées. Retirez-en qui ne servent plus."
            }
            (Self::English, DeviceRefusal::TooMany) => {
                "Too many machines are registered. Remove some that are not used any more."
            }
            (Self::French, DeviceRefusal::NotOneMachine) => {
                "Cette adresse n’est pas celle d’une seule machine."
            }
            (Self::English, DeviceRefusal::NotOneMachine) => {
                "This address is not that of one single machine."
            }
        };
        told.to_owned()
    }
}

const FRENCH: MachineWords = MachineWords {
    title: "Machines de l’établissement",
    intro: "Un tableau interactif ou une imprimante travaille sans que personne ne se connecte, avec ce que les règles \
            ouvrent à ce genre de machine. Sur un poste partagé, chacun se connecte.",
    plugged: "Machines que personne n’a nommées",
    plugged_intro: "Branchez la machine, elle apparaît ici en quelques secondes. La dernière arrivée est en haut.",
    plugged_none: "Aucune machine inconnue depuis une heure. Branchez-en une, puis rechargez la page.",
    reload: "Recharger la liste",
    by_hand: "Écrire une adresse à la main",
    unnamed: "Sans nom",
    address: "Adresse matérielle",
    network: "Réseau",
    since: "Vue depuis",
    register: "Enregistrer",
    registered: "Machines enregistrées",
    registered_none: "Aucune machine n’est enregistrée.",
    name: "Nom",
    name_hint: "Tel que tout le monde la reconnaît, par exemple : TBI salle 12",
    kind: "Genre",
    kind_hint: "Le genre décide de ce que la machine peut joindre.",
    room: "Salle",
    room_hint: "Facultatif. Les professeurs peuvent ouvrir ou fermer le web pour une salle.",
    address_hint: "Douze chiffres et lettres, par exemple 02:00:5e:10:00:01 ; elle est écrite sur la machine ou dans ses réglages.",
    address_wrong: "Ce n’est pas une adresse matérielle, telle que 02:00:5e:10:00:01.",
    configured: "Par les techniciens",
    configured_hint: "Les machines « par les techniciens » se changent dans la configuration du serveur.",
    act: "Action",
    change: "Modifier",
    remove: "Retirer",
    save: "Enregistrer",
    new_title: "Enregistrer une machine",
    change_title: "Modifier une machine",
    remove_title: "Retirer cette machine ?",
    remove_text: "Elle redevient inconnue : sur un réseau où l’on se connecte, elle n’aura plus que le portail.",
    done_registered: "La machine est enregistrée. C’est déjà en vigueur.",
    done_changed: "C’est modifié, et déjà en vigueur.",
    done_removed: "La machine est retirée.",
};

const ENGLISH: MachineWords = MachineWords {
    title: "Machines of the school",
    intro: "A whiteboard or a printer works without anybody signing in, with what the rules open to its kind. On a \
            shared computer everybody signs in.",
    plugged: "Machines that nobody has named",
    plugged_intro: "Plug the machine in: it appears here within seconds. The last to arrive is on top.",
    plugged_none: "No unknown machine within the last hour. Plug one in, then load the page again.",
    reload: "Load the list again",
    by_hand: "Write an address by hand",
    unnamed: "Without a name",
    address: "Hardware address",
    network: "Network",
    since: "Seen since",
    register: "Register",
    registered: "Registered machines",
    registered_none: "No machine is registered.",
    name: "Name",
    name_hint: "As everybody knows it, for example: Whiteboard room 12",
    kind: "Kind",
    kind_hint: "The kind decides what the machine can reach.",
    room: "Room",
    room_hint: "Optional. Teachers can open or close the web for a room.",
    address_hint: "Twelve digits and letters, such as 02:00:5e:10:00:01; it is written on the machine or in its settings.",
    address_wrong: "This is no hardware address such as 02:00:5e:10:00:01.",
    configured: "By the technicians",
    configured_hint: "Machines “by the technicians” are changed in the configuration of the server.",
    act: "Action",
    change: "Change",
    remove: "Remove",
    save: "Save",
    new_title: "Register a machine",
    change_title: "Change a machine",
    remove_title: "Remove this machine?",
    remove_text: "It becomes unknown again: on a network with sign-in it will have the portal only.",
    done_registered: "The machine is registered. It counts from now on.",
    done_changed: "It is changed, and counts from now on.",
    done_removed: "The machine is removed.",
};
