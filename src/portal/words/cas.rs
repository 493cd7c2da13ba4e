//! The texts of the pages between the portal and the school's applications.

use crate::portal::language::Language;

/// The texts of one language.
#[derive(Debug)]
pub(in crate::portal) struct CasWords {
    pub(in crate::portal) title: &'static str,
    pub(in crate::portal) to_reach: &'static str,
    pub(in crate::portal) again: &'static str,
    pub(in crate::portal) again_text: &'static str,
    pub(in crate::portal) told: &'static str,
    pub(in crate::portal) other_ways: &'static str,
    pub(in crate::portal) go_on: &'static str,
    pub(in crate::portal) go_on_text: &'static str,
    pub(in crate::portal) unknown: &'static str,
    pub(in crate::portal) unknown_text: &'static str,
    pub(in crate::portal) not_for_you: &'static str,
    pub(in crate::portal) not_for_you_text: &'static str,
    pub(in crate::portal) no_login: &'static str,
    pub(in crate::portal) no_login_text: &'static str,
    pub(in crate::portal) no_ticket: &'static str,
    pub(in crate::portal) no_ticket_text: &'static str,
    pub(in crate::portal) left: &'static str,
    pub(in crate::portal) left_text: &'static str,
    pub(in crate::portal) leave: &'static str,
    pub(in crate::portal) leave_text: &'static str,
}

/// The texts in `language`.
pub(in crate::portal) const fn cas(language: Language) -> &'static CasWords {
    match language {
        Language::French => &FRENCH,
        Language::English => &ENGLISH,
    }
}

const FRENCH: CasWords = CasWords {
    title: "Se connecter à une application",
    to_reach: "Connectez-vous pour ouvrir",
    again: "Confirmez que c’est vous",
    again_text: "Cette application demande votre mot de passe une nouvelle fois.",
    told: "L’application saura qui vous êtes. Elle ne recevra pas votre mot de passe.",
    other_ways: "Se connecter autrement",
    go_on: "Continuer vers",
    go_on_text: "Vous êtes connecté. Un clic vous mène à l’application.",
    unknown: "Application inconnue",
    unknown_text: "L’adresse qui vous a envoyé ici n’est pas celle d’une application de l’établissement. \
                   Rien ne lui a été transmis. Si elle devrait l’être, prévenez le référent numérique.",
    not_for_you: "Application réservée",
    not_for_you_text: "Cette application n’est pas ouverte à votre compte. Le référent numérique peut vous dire à qui \
                       elle s’adresse.",
    no_login: "Compte sans identifiant",
    no_login_text: "Cette application reconnaît les personnes par leur identifiant, et votre compte n’en a pas ici. \
                    Prévenez le référent numérique.",
    no_ticket: "Connexion impossible pour l’instant",
    no_ticket_text: "Le portail ne peut pas vous annoncer à l’application. Réessayez dans un instant.",
    left: "Vous êtes déconnecté",
    left_text: "Votre session est terminée, ici et dans les applications de l’établissement que vous aviez ouvertes.",
    leave: "Se déconnecter",
    leave_text: "Une page a demandé votre déconnexion. Si c’est bien ce que vous voulez, confirmez-le.",
};

const ENGLISH: CasWords = CasWords {
    title: "Sign in to an application",
    to_reach: "Sign in to open",
    again: "Confirm that it is you",
    again_text: "This application asks for your password once more.",
    told: "The application will know who you are. It will not receive your password.",
    other_ways: "Sign in another way",
    go_on: "Go on to",
    go_on_text: "You are signed in. One click leads to the application.",
    unknown: "Unknown application",
    unknown_text: "The address that sent you here is not that of an application of the school. Nothing was handed to it. \
                   If it should be one, tell the digital referent.",
    not_for_you: "Reserved application",
    not_for_you_text: "This application is not open to your account. The digital referent can tell you whom it is for.",
    no_login: "Account without a login",
    no_login_text: "This application knows people by their login, and your account has none here. Tell the digital \
                    referent.",
    no_ticket: "Not possible at the moment",
    no_ticket_text: "The portal cannot announce you to the application. Try again in a moment.",
    left: "You are signed out",
    left_text: "Your session is over, here and in the school’s applications that you had opened.",
    leave: "Sign out",
    leave_text: "A page asked for you to be signed out. If that is what you want, confirm it.",
};
