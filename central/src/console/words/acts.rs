//! What the audit trail calls acts, as people read it. Its file has the trail's own words.

use crate::console::language::Language;

/// The act in words; the trail's own word where this console does not know it.
pub(in crate::console) fn act_name(language: Language, act: &str) -> &str {
    let (french, english) = match act {
        "signed-in" => ("Connexion", "Signed in"),
        "first-person" => ("Première personne invitée", "First person invited"),
        "person-invited" => ("Personne invitée", "Person invited"),
        "person-entered" => ("Accès pris", "Access taken up"),
        "person-reset" => ("Nouveau lien donné", "New link given"),
        "person-removed" => ("Accès terminé", "Access ended"),
        "right-given" => ("Droit donné", "Right given"),
        "right-taken" => ("Droit retiré", "Right taken"),
        "password-changed" => ("Mot de passe changé", "Password changed"),
        "recovery-renewed" => ("Codes de secours renouvelés", "Recovery codes renewed"),
        "proposed" | "propose" => ("Proposé", "Proposed"),
        "approved" | "approve" => ("Approuvé", "Approved"),
        "withdrawn" => ("Proposition retirée", "Proposal withdrawn"),
        "school" => ("Établissement entré ou modifié", "School entered or changed"),
        "import" => ("Liste importée", "List imported"),
        "token-given" => ("Jeton donné", "Token given"),
        "token-withdrawn" => ("Jeton retiré", "Token withdrawn"),
        "box-enrolled" => ("Boîtier inscrit", "Box enrolled"),
        "box-revoked" => ("Boîtier révoqué", "Box revoked"),
        "order" => ("Ordre donné", "Order given"),
        "repair-open" => ("Intervention ouverte", "Repair session opened"),
        "repair-act" => ("Acte d’intervention", "Act of repair"),
        "repair-end" => ("Intervention terminée", "Repair session ended"),
        "answer" => ("Demande répondue", "Request answered"),
        "raise" => ("Demande transmise", "Request passed on"),
        "begin-draft" => ("Brouillon commencé", "Draft begun"),
        "edit-draft" => ("Brouillon modifié", "Draft changed"),
        "discard-draft" => ("Brouillon jeté", "Draft thrown away"),
        "publish" => ("Règles publiées", "Rules published"),
        "calendar" => ("Calendrier publié", "Calendar published"),
        "release" => ("Mise en service commencée", "Release begun"),
        "release-done" => ("Mise en service terminée", "Release done"),
        "pause" => ("Mise en service suspendue", "Release paused"),
        "go-on" => ("Mise en service reprise", "Release gone on with"),
        "halt" => ("Mise en service arrêtée", "Release halted"),
        "roll-back" => ("Retour en arrière", "Rolled back"),
        "lists" => ("Listes de sites ajoutées", "Lists of sites added"),
        "content" => ("Bibliothèque modifiée", "Library changed"),
        "keys" => ("Clés changées", "Keys changed"),
        "init" => ("Console fondée", "Console founded"),
        "mend" => ("Canal réparé après restauration", "Channel mended after a restore"),
        "system" => ("Image système publiée", "System image published"),
        _ => return act,
    };
    match language {
        Language::French => french,
        Language::English => english,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_act_is_told_in_the_readers_language_and_an_unknown_one_as_it_is() {
        assert_eq!(act_name(Language::French, "box-revoked"), "Boîtier révoqué");
        assert_eq!(act_name(Language::English, "box-revoked"), "Box revoked");
        assert_eq!(act_name(Language::French, "dance"), "dance");
    }
}
