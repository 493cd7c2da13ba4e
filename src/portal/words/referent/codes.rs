//! The pages on which visitors' codes are issued, and the sheet they are printed on.

use crate::{admin::VoucherRefusal, portal::language::Language};

/// The texts of the pages of visitors' codes.
#[derive(Debug)]
pub(in crate::portal) struct CodeWords {
    pub(in crate::portal) title: &'static str,
    pub(in crate::portal) intro: &'static str,
    pub(in crate::portal) none: &'static str,
    pub(in crate::portal) new: &'static str,
    pub(in crate::portal) batch: &'static str,
    pub(in crate::portal) left: &'static str,
    pub(in crate::portal) in_use: &'static str,
    pub(in crate::portal) until: &'static str,
    pub(in crate::portal) standing: &'static str,
    pub(in crate::portal) good: &'static str,
    pub(in crate::portal) ended: &'static str,
    pub(in crate::portal) withdrawn: &'static str,
    pub(in crate::portal) show: &'static str,
    pub(in crate::portal) act: &'static str,
    pub(in crate::portal) issued: &'static str,
    pub(in crate::portal) machines: &'static str,
    pub(in crate::portal) number: &'static str,
    pub(in crate::portal) used: &'static str,
    pub(in crate::portal) unused: &'static str,
    pub(in crate::portal) withdraw_one: &'static str,
    pub(in crate::portal) withdraw_all: &'static str,
    pub(in crate::portal) withdraw_title: &'static str,
    pub(in crate::portal) withdraw_text: &'static str,
    pub(in crate::portal) withdraw: &'static str,
    pub(in crate::portal) never_shown: &'static str,

    pub(in crate::portal) new_title: &'static str,
    pub(in crate::portal) label: &'static str,
    pub(in crate::portal) label_hint: &'static str,
    pub(in crate::portal) count: &'static str,
    pub(in crate::portal) count_hint: &'static str,
    pub(in crate::portal) count_wrong: &'static str,
    pub(in crate::portal) end: &'static str,
    pub(in crate::portal) end_evening: &'static str,
    pub(in crate::portal) end_two_hours: &'static str,
    pub(in crate::portal) end_four_hours: &'static str,
    pub(in crate::portal) end_other: &'static str,
    pub(in crate::portal) end_at: &'static str,
    pub(in crate::portal) end_hint: &'static str,
    pub(in crate::portal) end_wrong: &'static str,
    pub(in crate::portal) machines_each: &'static str,
    pub(in crate::portal) wifi: &'static str,
    pub(in crate::portal) wifi_hint: &'static str,
    pub(in crate::portal) issue: &'static str,
    pub(in crate::portal) once: &'static str,

    pub(in crate::portal) sheet: &'static str,
    pub(in crate::portal) sheet_print: &'static str,
    pub(in crate::portal) sheet_once: &'static str,
    pub(in crate::portal) sheet_back: &'static str,
    pub(in crate::portal) sheet_gone: &'static str,
    pub(in crate::portal) sheet_gone_text: &'static str,
    pub(in crate::portal) card_title: &'static str,
    pub(in crate::portal) card_wifi: &'static str,
    pub(in crate::portal) card_portal: &'static str,
    pub(in crate::portal) card_code: &'static str,
    pub(in crate::portal) card_until: &'static str,
    pub(in crate::portal) card_qr: &'static str,

    pub(in crate::portal) done_withdrawn: &'static str,
}

impl CodeWords {
    /// The texts in `language`.
    pub(in crate::portal) const fn of(language: Language) -> &'static Self {
        match language {
            Language::French => &FRENCH,
            Language::English => &ENGLISH,
        }
    }
}

impl Language {
    /// Why codes were not issued.
    pub(in crate::portal) const fn voucher_refusal(self, refusal: VoucherRefusal) -> &'static str {
        match (self, refusal) {
            (Self::French, VoucherRefusal::OutOfBounds) => "Le nombre ou la fin n’est pas possible.",
            (Self::English, VoucherRefusal::OutOfBounds) => "The number or the end is not possible.",
            (Self::French, VoucherRefusal::TooMany) => {
                "Trop de codes sont valables en même temps. Retirez des lots qui ne servent plus."
            }
            (Self::English, VoucherRefusal::TooMany) => {
                "Too many codes are good at the same time. Withdraw batches that are not used any more."
            }
            (Self::French, VoucherRefusal::Unknown) => "Ce code n’existe plus.",
            (Self::English, VoucherRefusal::Unknown) => "This code is not there any more.",
        }
    }
}

const FRENCH: CodeWords = CodeWords {
    title: "Codes visiteurs",
    intro: "Un code donne accès à Internet à une personne de passage, jusqu’à une heure dite. Le journal légal retient \
            quel code a servi ; notez à qui vous le donnez.",
    none: "Aucun code n’a été émis.",
    new: "Émettre des codes",
    batch: "Lot",
    left: "Codes",
    in_use: "Utilisés en ce moment",
    until: "Valables jusqu’à",
    standing: "État",
    good: "Valables",
    ended: "Terminés",
    withdrawn: "Retirés",
    show: "Voir",
    act: "Action",
    issued: "Émis",
    machines: "Appareils par code",
    number: "Code n°",
    used: "Utilisé en ce moment",
    unused: "Libre",
    withdraw_one: "Retirer ce code",
    withdraw_all: "Retirer tout le lot",
    withdraw_title: "Retirer ces codes ?",
    withdraw_text: "Ils ne serviront plus jamais, et qui les utilise en ce moment est déconnecté.",
    withdraw: "Retirer",
    never_shown: "Les codes eux-mêmes ne sont pas conservés : ils ont été montrés une fois, sur la feuille à imprimer.",

    new_title: "Émettre des codes visiteurs",
    label: "Pour quoi",
    label_hint: "Par exemple : Réunion des parents. Ce nom est imprimé et reste dans l’historique.",
    count: "Combien de codes",
    count_hint: "De 1 à 60. Dix tiennent sur une feuille A4.",
    count_wrong: "Écrivez un nombre de 1 à 60.",
    end: "Valables jusqu’à",
    end_evening: "Ce soir 18 h",
    end_two_hours: "Dans 2 heures",
    end_four_hours: "Dans 4 heures",
    end_other: "Une autre date",
    end_at: "Date et heure",
    end_hint: "Seulement pour « une autre date » : au plus 30 jours.",
    end_wrong: "Choisissez un moment à venir, dans 30 jours au plus.",
    machines_each: "Appareils par code",
    wifi: "Nom du Wi-Fi à imprimer",
    wifi_hint: "Facultatif : le réseau que les visiteurs doivent choisir.",
    issue: "Émettre et préparer la feuille",
    once: "Les codes ne sont montrés qu’une fois : la page suivante est à imprimer tout de suite.",

    sheet: "Feuille de codes",
    sheet_print: "Imprimez cette page (Ctrl + P), ou enregistrez-la en PDF depuis la même fenêtre.",
    sheet_once: "Ces codes sont montrés ici jusqu’à",
    sheet_back: "Retour aux codes visiteurs",
    sheet_gone: "Ces codes ne peuvent plus être montrés",
    sheet_gone_text: "Ils l’ont été pendant dix minutes, à la personne qui les a émis. S’ils sont perdus, retirez le lot et \
                      émettez-en un autre.",
    card_title: "Accès Internet visiteur",
    card_wifi: "Wi-Fi",
    card_portal: "Portail",
    card_code: "Code",
    card_until: "Jusqu’à",
    card_qr: "QR code : adresse du portail",

    done_withdrawn: "C’est retiré.",
};

const ENGLISH: CodeWords = CodeWords {
    title: "Visitors’ codes",
    intro: "A code lets a visitor use the Internet until a given hour. The legal record keeps which code was used; note \
            to whom you give it.",
    none: "No codes have been issued.",
    new: "Issue codes",
    batch: "Batch",
    left: "Codes",
    in_use: "In use now",
    until: "Good until",
    standing: "Standing",
    good: "Good",
    ended: "Ended",
    withdrawn: "Withdrawn",
    show: "Show",
    act: "Action",
    issued: "Issued",
    machines: "Devices for each code",
    number: "Code no.",
    used: "In use now",
    unused: "Free",
    withdraw_one: "Withdraw this code",
    withdraw_all: "Withdraw the whole batch",
    withdraw_title: "Withdraw these codes?",
    withdraw_text: "They will never work again, and whoever uses them now is signed out.",
    withdraw: "Withdraw",
    never_shown: "The codes themselves are not kept: they were shown once, on the sheet to print.",

    new_title: "Issue visitors’ codes",
    label: "What for",
    label_hint: "For example: Parents’ evening. The name is printed, and stays in the history.",
    count: "How many codes",
    count_hint: "From 1 to 60. Ten fit on a sheet of A4.",
    count_wrong: "Write a number from 1 to 60.",
    end: "Good until",
    end_evening: "This evening, 18:00",
    end_two_hours: "In 2 hours",
    end_four_hours: "In 4 hours",
    end_other: "Another date",
    end_at: "Date and time",
    end_hint: "Only for “another date”: 30 days at most.",
    end_wrong: "Choose a moment to come, within 30 days.",
    machines_each: "Devices for each code",
    wifi: "Name of the Wi-Fi to print",
    wifi_hint: "Optional: the network that visitors have to choose.",
    issue: "Issue and prepare the sheet",
    once: "Codes are shown only once: print the next page at once.",

    sheet: "Sheet of codes",
    sheet_print: "Print this page (Ctrl + P), or save it as PDF from the same window.",
    sheet_once: "These codes are shown here until",
    sheet_back: "Back to visitors’ codes",
    sheet_gone: "These codes can be shown no more",
    sheet_gone_text: "They were shown for ten minutes, to the person who issued them. If they are lost, withdraw the batch \
                      and issue another.",
    card_title: "Visitor’s Internet access",
    card_wifi: "Wi-Fi",
    card_portal: "Portal",
    card_code: "Code",
    card_until: "Until",
    card_qr: "QR code: address of the portal",

    done_withdrawn: "Withdrawn.",
};
