//! The texts of signing in and out.

use std::time::Duration;

use crate::portal::language::Language;

/// The texts of signing in and out, in one language.
#[derive(Debug)]
pub(in crate::portal) struct SignInWords {
    // At the ENT.
    pub(in crate::portal) ent_intro: &'static str,
    pub(in crate::portal) ent_button: &'static str,
    pub(in crate::portal) ent_away: &'static str,
    pub(in crate::portal) ent_try_anyway: &'static str,
    pub(in crate::portal) other_account: &'static str,
    pub(in crate::portal) other_account_hint: &'static str,
    pub(in crate::portal) at_the_ent: &'static str,
    pub(in crate::portal) not_of_this_school: &'static str,

    // A visitor's voucher.
    pub(in crate::portal) voucher: &'static str,
    pub(in crate::portal) voucher_code: &'static str,
    pub(in crate::portal) voucher_hint: &'static str,
    pub(in crate::portal) voucher_button: &'static str,
    pub(in crate::portal) wrong_code: &'static str,

    // A session taken along.
    pub(in crate::portal) resume: &'static str,
    pub(in crate::portal) resume_hint: &'static str,
    pub(in crate::portal) nothing_to_resume: &'static str,

    // Signing out.
    pub(in crate::portal) next_person: &'static str,
    pub(in crate::portal) everywhere: &'static str,
    pub(in crate::portal) signed_out_everywhere: &'static str,
    pub(in crate::portal) next_person_ready: &'static str,

    // When it does not go at once.
    pub(in crate::portal) busy: &'static str,
    pub(in crate::portal) busy_text: &'static str,
    pub(in crate::portal) back_to_sign_in: &'static str,

    // The password for the days without Internet.
    pub(in crate::portal) offline_password: &'static str,
    pub(in crate::portal) offline_password_intro: &'static str,
    pub(in crate::portal) offline_password_has: &'static str,
    pub(in crate::portal) offline_password_field: &'static str,
    pub(in crate::portal) offline_password_again: &'static str,
    pub(in crate::portal) offline_password_hint: &'static str,
    pub(in crate::portal) offline_password_button: &'static str,
    pub(in crate::portal) offline_password_later: &'static str,
    pub(in crate::portal) offline_password_done: &'static str,
    pub(in crate::portal) offline_password_done_text: &'static str,
    pub(in crate::portal) offline_password_ent_only: &'static str,
    pub(in crate::portal) too_short: &'static str,
    pub(in crate::portal) too_long: &'static str,
    pub(in crate::portal) is_the_login: &'static str,
    pub(in crate::portal) not_the_same: &'static str,
    pub(in crate::portal) learn_busy: &'static str,
    pub(in crate::portal) not_kept: &'static str,
    pub(in crate::portal) go_home: &'static str,
}

const FRENCH: SignInWords = SignInWords {
    ent_intro: "Pour aller sur Internet, connectez-vous avec votre compte de l’ENT. Votre mot de passe ne passe pas par ce portail.",
    ent_button: "Se connecter avec",
    ent_away: "L’ENT ne répond pas en ce moment. Connectez-vous ici, avec votre mot de passe des jours sans Internet.",
    ent_try_anyway: "Essayer quand même avec",
    other_account: "Compte de l’établissement",
    other_account_hint: "Pour les comptes que l’établissement a créés lui-même.",
    at_the_ent: "Ce mot de passe sert les jours sans Internet. Aujourd’hui l’ENT répond : connectez-vous par l’ENT.",
    not_of_this_school: "Votre compte de l’ENT n’est pas de cet établissement.",

    voucher: "J’ai un code visiteur",
    voucher_code: "Code visiteur",
    voucher_hint: "Dix lettres et chiffres, avec ou sans tiret, majuscules ou minuscules.",
    voucher_button: "Entrer avec ce code",
    wrong_code: "Ce code n’ouvre rien : il est mal recopié, ou il n’est plus valable. Vérifiez-le, ou demandez-en un autre.",

    resume: "Reprendre ma session",
    resume_hint: "Vous êtes déjà connecté avec ce navigateur, sous une autre adresse de l’appareil.",
    nothing_to_resume: "Cette session est terminée ou ne peut pas être reprise ici. Connectez-vous.",

    next_person: "Passer à un autre élève",
    everywhere: "Se déconnecter partout",
    signed_out_everywhere: "Vous êtes déconnecté de tous vos appareils.",
    next_person_ready: "La session d’avant est fermée. À vous.",

    busy: "Beaucoup de monde en même temps",
    busy_text: "Trop de personnes se connectent à cette seconde. La page de connexion revient d’elle-même dans quelques \
                secondes ; tapez alors de nouveau votre mot de passe, que le portail n’a pas gardé.",
    back_to_sign_in: "Revenir à la connexion",

    offline_password: "Un mot de passe pour les jours sans Internet",
    offline_password_intro: "Quand la ligne de l’établissement est coupée, l’ENT ne peut pas dire qui vous êtes. Choisissez \
                             un mot de passe pour vous connecter ces jours-là. Prenez-en un autre que celui de l’ENT.",
    offline_password_has: "Vous en avez déjà un ; celui-ci le remplacera.",
    offline_password_field: "Mot de passe",
    offline_password_again: "Le même encore une fois",
    offline_password_hint: "Huit caractères au moins.",
    offline_password_button: "Garder ce mot de passe",
    offline_password_later: "Plus tard",
    offline_password_done: "C’est noté",
    offline_password_done_text: "Les jours sans Internet, connectez-vous avec votre identifiant et ce mot de passe. Chaque \
                                 connexion par l’ENT le garde valable.",
    offline_password_ent_only: "On choisit ce mot de passe juste après une connexion par l’ENT, dans le même navigateur.",
    too_short: "Trop court : prenez huit caractères au moins.",
    too_long: "Trop long : mille caractères au plus.",
    is_the_login: "C’est votre identifiant : un autre le devinerait. Prenez autre chose.",
    not_the_same: "Les deux ne sont pas les mêmes. Tapez-les de nouveau.",
    learn_busy: "Trop de demandes en même temps. Réessayez dans une minute.",
    not_kept: "Le serveur de l’établissement n’a pas pu garder le mot de passe. Prévenez le référent numérique.",
    go_home: "Aller à l’accueil",
};

const ENGLISH: SignInWords = SignInWords {
    ent_intro: "To reach the Internet, sign in with your ENT account. Your password does not pass through this portal.",
    ent_button: "Sign in with",
    ent_away: "The ENT does not answer at the moment. Sign in here, with your password for days without Internet.",
    ent_try_anyway: "Try anyway with",
    other_account: "School account",
    other_account_hint: "For accounts that the school made itself.",
    at_the_ent: "This password is for days without Internet. Today the ENT answers: sign in through the ENT.",
    not_of_this_school: "Your ENT account is not of this school.",

    voucher: "I have a visitor’s code",
    voucher_code: "Visitor’s code",
    voucher_hint: "Ten letters and digits, with or without the dash, capitals or not.",
    voucher_button: "Enter with this code",
    wrong_code: "This code opens nothing: it is mistyped, or no longer valid. Check it, or ask for another.",

    resume: "Take my session along",
    resume_hint: "You are signed in with this browser already, under another address of the device.",
    nothing_to_resume: "That session is over or cannot be taken along here. Please sign in.",

    next_person: "Hand over to another pupil",
    everywhere: "Sign out everywhere",
    signed_out_everywhere: "You are signed out on all your devices.",
    next_person_ready: "The session before is closed. Your turn.",

    busy: "Many people at once",
    busy_text: "Too many people are signing in at this second. The sign-in page comes back by itself in a few seconds; then \
                type your password again, which the portal has not kept.",
    back_to_sign_in: "Back to sign-in",

    offline_password: "A password for days without Internet",
    offline_password_intro: "When the school’s line is cut, the ENT cannot say who you are. Choose a password to sign in on \
                             such days. Take another than that of the ENT.",
    offline_password_has: "You have one already; this one will replace it.",
    offline_password_field: "Password",
    offline_password_again: "The same once more",
    offline_password_hint: "At least eight characters.",
    offline_password_button: "Keep this password",
    offline_password_later: "Later",
    offline_password_done: "Noted",
    offline_password_done_text: "On days without Internet, sign in with your user name and this password. Each sign-in \
                                 through the ENT keeps it valid.",
    offline_password_ent_only: "This password is chosen right after a sign-in through the ENT, in the same browser.",
    too_short: "Too short: take at least eight characters.",
    too_long: "Too long: at most a thousand characters.",
    is_the_login: "That is your user name: others would guess it. Take something else.",
    not_the_same: "The two are not the same. Type them again.",
    learn_busy: "Too many requests at once. Try again in a minute.",
    not_kept: "The school’s server could not keep the password. Please tell the digital referent.",
    go_home: "Go to the home page",
};

impl Language {
    /// The texts of signing in and out.
    pub(in crate::portal) const fn sign_in_words(self) -> &'static SignInWords {
        match self {
            Self::French => &FRENCH,
            Self::English => &ENGLISH,
        }
    }

    /// For how long a password for the days without Internet is good after each sign-in at the ENT.
    pub(in crate::portal) fn remembered(self, time: Duration) -> String {
        let days = time.as_secs() / 86_400;
        match self {
            Self::French => {
                format!("Il reste valable {days} jours après votre dernière connexion par l’ENT.")
            }
            Self::English => {
                format!("It stays valid for {days} days after your last sign-in through the ENT.")
            }
        }
    }
}
