//! Persons, their rights, what waits for a second one, what was done, one's own account.

use crate::{
    console::language::Language,
    people::{GrantRefusal, InviteRefusal, ProposalRefusal},
};

words! {
    /// Persons and their rights.
    PersonWords {
        all_rights: "tous les droits", "every right";
        title: "Personnes et droits", "People and rights";
        caption: "Personnes", "People";
        name: "Nom", "Name";
        login: "Identifiant", "User name";
        access: "Accès", "Access";
        active: "Actif", "Active";
        invited: "Invité", "Invited";
        gone: "Parti", "Gone";
        rights: "Droits", "Rights";
        no_rights: "Aucun droit.", "No rights.";
        place: "Lieu", "Place";
        right: "Droit", "Right";
        invite: "Inviter", "Invite";
        invite_text: "La personne choisit son mot de passe et prend ses codes sous un lien que vous lui remettez. Elle n’a aucun droit avant que vous en donniez.",
            "The person chooses a password and takes codes under a link that you hand over. They have no right before you give some.";
        login_hint: "Petites lettres, chiffres, point, tiret.", "Small letters, digits, dot, hyphen.";
        link_title: "Lien d’invitation", "Invitation link";
        link_text: "Remettez ce lien à la personne, en main propre ou par un moyen sûr. Il sert une fois, jusqu’au",
            "Hand this link to the person, in person or by a safe way. It is good once, until";
        link_qr: "Lien d’invitation, en code QR", "Invitation link, as a QR code";
        link: "Lien", "Link";
        give: "Donner", "Give";
        take: "Retirer", "Take away";
        give_title: "Donner un droit", "Give a right";
        place_hint: "academie, departement/80, groupe/rep-plus ou etablissement/0801234A",
            "academie, departement/80, groupe/rep-plus or etablissement/0801234A";
        reset: "Donner un nouveau lien", "Give a new link";
        reset_text: "Le mot de passe, les codes et les sessions de la personne sont annulés ; ses droits restent.",
            "The person’s password, codes and sessions end; their rights stay.";
        remove: "Mettre fin à l’accès", "End the access";
        remove_text: "Ses sessions, ses droits et ses liens sont annulés. L’identifiant ne sera jamais redonné.",
            "Their sessions, rights and links end. The user name is never given again.";
        removed: "L’accès est terminé.", "The access has ended.";
        given_one: "Le droit est donné.", "The right is given.";
        taken_one: "Le droit est retiré.", "The right is taken away.";
        back: "Retour à la personne", "Back to the person";
        bad_place: "Ce lieu n’existe pas.", "There is no such place.";
        not_granted: "Il faut gérer les droits à cet endroit.", "This needs the right to manage rights there.";
        no_such_person: "Cette personne n’est plus là.", "This person is no longer here.";
        oneself: "Personne ne change ses propres droits ni ne se réinitialise.", "Nobody changes their own rights or resets themselves.";
        last_keeper: "C’est la dernière personne qui peut gérer les droits sur l’académie.",
            "This is the last person who can manage rights over the académie.";
        malformed: "L’identifiant ou le nom ne convient pas.", "The user name or the name will not do.";
        login_taken: "Cet identifiant a déjà été donné.", "This user name was given before.";
    }
}

words! {
    /// What waits for a second person.
    ProposalWords {
        title: "À approuver", "To approve";
        intro: "Ces actes demandent deux personnes : une autre que celle qui propose doit approuver.",
            "These acts need two persons: somebody else than whoever proposes must approve.";
        none: "Rien n’attend d’approbation.", "Nothing waits for approval.";
        caption: "Actes proposés", "Proposed acts";
        act: "Acte", "Act";
        place: "Lieu", "Place";
        by: "Proposé par", "Proposed by";
        at: "Le", "On";
        reason: "Raison", "Reason";
        decision: "Décision", "Decision";
        approve: "Approuver", "Approve";
        withdraw: "Retirer", "Withdraw";
        revoke_box: "Révoquer le boîtier", "Revoke the box";
        publish_draft: "Publier un brouillon de règles", "Publish a draft of rules";
        look: "Relire et décider", "Look and decide";
        own: "Proposé par vous.", "Proposed by you.";
        approved: "L’acte est approuvé et fait.", "The act is approved and done.";
        withdrawn: "La proposition est retirée.", "The proposal is withdrawn.";
        oneself: "Vous avez proposé cet acte : une autre personne doit l’approuver.",
            "You proposed this act: another person must approve it.";
    }
}

words! {
    /// What was done.
    TrailWords {
        title: "Journal", "Audit trail";
        caption: "Actes, le plus récent d’abord", "Acts, the newest first";
        number: "N°", "No.";
        at: "Quand", "When";
        who: "Qui", "Who";
        act: "Acte", "Act";
        place: "Lieu", "Place";
        text: "Détail", "Detail";
        none: "Aucun acte.", "No acts.";
        from: "Du", "From";
        to: "Au", "To";
        person: "Personne", "Person";
        everybody: "Tout le monde", "Everybody";
        show: "Afficher", "Show";
        csv: "Télécharger en CSV", "Download as CSV";
        older: "Plus anciens", "Older";
        central: "La console elle-même", "Central itself";
    }
}

words! {
    /// One's own account.
    OwnWords {
        title: "Mon compte", "My account";
        login: "Identifiant", "User name";
        until: "Session jusqu’au", "Session until";
        rights: "Mes droits", "My rights";
        password_title: "Changer de mot de passe", "Change the password";
        old: "Mot de passe actuel", "Present password";
        new: "Nouveau mot de passe", "New password";
        again: "Le même, encore une fois", "The same once more";
        code: "Code à usage unique", "One-time code";
        change: "Changer", "Change";
        changed: "Le mot de passe est changé ; vos autres sessions sont terminées.", "The password is changed; your other sessions have ended.";
        wrong: "Le mot de passe actuel ou le code est incorrect.", "The present password or the code is wrong.";
        recovery_title: "Codes de secours", "Recovery codes";
        recovery_left: "Il vous en reste", "You have left";
        renew: "En tirer dix nouveaux", "Draw ten new ones";
        sessions: "Mes sessions", "My sessions";
        began: "Depuis", "Since";
        seen: "Dernière activité", "Last seen";
        address: "Adresse", "Address";
        browser: "Navigateur", "Browser";
        this_one: "celle-ci", "this one";
        end: "Terminer", "End";
        ended: "La session est terminée.", "The session has ended.";
        back: "Retour à mon compte", "Back to my account";
    }
}

/// Why rights were not changed.
pub(in crate::console) const fn grant_refused(language: Language, refusal: GrantRefusal) -> &'static str {
    let words = PersonWords::of(language);
    match refusal {
        GrantRefusal::NotGranted => words.not_granted,
        GrantRefusal::NoSuchPerson => words.no_such_person,
        GrantRefusal::Oneself => words.oneself,
        GrantRefusal::LastKeeper => words.last_keeper,
    }
}

/// Why nobody was invited.
pub(in crate::console) const fn invite_refused(language: Language, refusal: InviteRefusal) -> &'static str {
    let words = PersonWords::of(language);
    match refusal {
        InviteRefusal::NotGranted | InviteRefusal::NotTheFirst => words.not_granted,
        InviteRefusal::Malformed => words.malformed,
        InviteRefusal::LoginTaken => words.login_taken,
        InviteRefusal::NoSuchPerson => words.no_such_person,
        InviteRefusal::Oneself => words.oneself,
    }
}

/// Why a proposal was not approved by somebody who could have.
pub(in crate::console) const fn proposal_refused(
    language: Language,
    refusal: ProposalRefusal,
) -> Option<&'static str> {
    match refusal {
        ProposalRefusal::Oneself => Some(ProposalWords::of(language).oneself),
        ProposalRefusal::NotWaiting | ProposalRefusal::NotGranted => None,
    }
}
