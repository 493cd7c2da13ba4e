//! The texts of the way to the ENT and back.

use crate::portal::language::Language;

/// What a page says: its title, and one sentence with what to do.
#[derive(Clone, Copy, Debug)]
pub(in crate::portal) struct Told {
    pub(in crate::portal) title: &'static str,
    pub(in crate::portal) text: &'static str,
}

/// The texts of the way to the ENT and back, in one language.
#[derive(Debug)]
pub(in crate::portal) struct EntWords {
    pub(in crate::portal) away: Told,
    pub(in crate::portal) dates: Told,
    pub(in crate::portal) certificate: Told,
    pub(in crate::portal) strange: Told,
    pub(in crate::portal) declined: Told,
    pub(in crate::portal) unreadable: Told,
    pub(in crate::portal) busy: Told,
    pub(in crate::portal) not_of_this_school: Told,

    pub(in crate::portal) again: &'static str,
    pub(in crate::portal) as_another: &'static str,
    pub(in crate::portal) by_password: &'static str,

    pub(in crate::portal) end: &'static str,
    pub(in crate::portal) end_text: &'static str,
    pub(in crate::portal) end_link: &'static str,
}

impl Language {
    /// The texts of the way to the ENT and back.
    pub(in crate::portal) const fn ent_words(self) -> &'static EntWords {
        match self {
            Self::French => &FRENCH,
            Self::English => &ENGLISH,
        }
    }
}

const FRENCH: EntWords = EntWords {
    away: Told {
        title: "L’ENT ne répond pas",
        text: "Connectez-vous avec le mot de passe que vous avez choisi pour les jours sans Internet, ou \
               réessayez dans un instant.",
    },
    dates: Told {
        title: "La connexion à l’ENT n’est pas sûre",
        text: "La date du certificat de l’ENT et l’heure de la box de l’établissement ne s’accordent pas. \
               Prévenez le référent numérique ; d’ici là, servez-vous du mot de passe des jours sans Internet.",
    },
    certificate: Told {
        title: "La connexion à l’ENT n’est pas sûre",
        text: "Le certificat de l’ENT n’est pas reconnu. Prévenez le référent numérique ; d’ici là, servez-vous \
               du mot de passe des jours sans Internet.",
    },
    strange: Told {
        title: "Recommencez la connexion",
        text: "Cette connexion n’a pas commencé dans ce navigateur, a pris plus de dix minutes ou a déjà servi.",
    },
    declined: Told {
        title: "L’ENT n’a pas confirmé la connexion",
        text: "Vous n’êtes pas connecté. Recommencez, et identifiez-vous à l’ENT jusqu’au bout.",
    },
    unreadable: Told {
        title: "La réponse de l’ENT n’est pas celle attendue",
        text: "L’ENT et la box de l’établissement ne sont pas réglés pareil. Prévenez le référent numérique.",
    },
    busy: Told {
        title: "Beaucoup de connexions en même temps",
        text: "Attendez quelques secondes, puis recommencez.",
    },
    not_of_this_school: Told {
        title: "Votre compte de l’ENT n’est pas de cet établissement",
        text: "Si vous venez d’arriver, demandez au secrétariat si votre compte est déjà transmis. Si quelqu’un \
               d’autre était connecté à l’ENT sur cet appareil, changez de compte.",
    },
    again: "Recommencer",
    as_another: "Changer de compte à l’ENT",
    by_password: "Se connecter avec un mot de passe",
    end: "Déconnexion de l’ENT",
    end_text: "Vous êtes déconnecté du réseau de l’établissement. La session de l’ENT se ferme aussi.",
    end_link: "Fermer la session de l’ENT",
};

const ENGLISH: EntWords = EntWords {
    away: Told {
        title: "The ENT does not answer",
        text: "Sign in with the password you chose for days without Internet, or try again in a moment.",
    },
    dates: Told {
        title: "The connection to the ENT is not safe",
        text: "The dates of the ENT’s certificate and the clock of the school’s box do not agree. Tell the \
               school’s digital referent; until then, use your password for days without Internet.",
    },
    certificate: Told {
        title: "The connection to the ENT is not safe",
        text: "The ENT’s certificate is not recognised. Tell the school’s digital referent; until then, use \
               your password for days without Internet.",
    },
    strange: Told {
        title: "Please start again",
        text: "This sign-in did not begin in this browser, took more than ten minutes, or was used already.",
    },
    declined: Told {
        title: "The ENT did not confirm the sign-in",
        text: "You are not signed in. Start again, and complete the sign-in at the ENT.",
    },
    unreadable: Told {
        title: "The ENT’s answer is not the expected one",
        text: "The ENT and the school’s box are set up differently. Tell the school’s digital referent.",
    },
    busy: Told { title: "Many people are signing in", text: "Wait for a few seconds, then start again." },
    not_of_this_school: Told {
        title: "Your ENT account is not of this school",
        text: "If you have just arrived, ask the school’s office whether your account has been sent here. If \
               somebody else was signed in at the ENT on this device, change accounts.",
    },
    again: "Start again",
    as_another: "Change accounts at the ENT",
    by_password: "Sign in with a password",
    end: "Signing out of the ENT",
    end_text: "You are signed out of the school’s network. The session at the ENT is being closed as well.",
    end_link: "Close the session at the ENT",
};
