//! What schools ask for.

words! {
    /// The requests that schools passed on.
    RequestWords {
        title: "Demandes", "Requests";
        lead: "Ce que les établissements transmettent. Aucune personne de l’établissement n’y figure.",
            "What schools pass on. No person of the school is in it.";
        place: "Lieu", "Place";
        state: "État", "State";
        state_open: "En attente", "Waiting";
        state_answered: "Répondues", "Answered";
        state_all: "Toutes", "All";
        level: "Devant", "Before";
        level_all: "Tous", "All";
        head: "Direction de l’établissement", "Head of the school";
        dasen: "DASEN", "DASEN";
        uai: "UAI", "UAI";
        site: "Site", "Site";
        show: "Afficher", "Show";
        views: "Présentations", "Views";
        list: "Une par une", "One by one";
        by_site: "Par site", "By site";
        none: "Aucune demande ne correspond.", "No request matches.";
        wish: "Souhait", "Wish";
        open: "Ouvrir", "Open";
        close: "Fermer", "Close";
        school: "Établissement", "School";
        schools: "Établissements", "Schools";
        requests: "Demandes", "Requests";
        class: "Classe", "Class";
        whole_school: "Tout l’établissement", "The whole school";
        askers: "Demandeurs", "Askers";
        first: "Depuis le", "Since";
        heard: "Arrivée le", "Came";
        passed: "Transmise le", "Passed on";
        word: "Mot de l’établissement", "The school’s word";
        raised_word: "Mot joint à la transmission", "Word added when it was raised";
        waits: "En attente", "Waiting";
        granted: "Accordée", "Granted";
        refused: "Refusée", "Refused";
        answered_by: "Réponse de", "Answered by";
        sentence: "Phrase de la réponse", "Sentence of the answer";
        others: "Autres établissements qui demandent la même chose :", "Other schools that ask for the same:";
        see_others: "Les voir ensemble", "See them together";
        answer: "Répondre", "Answer";
        answer_hint: "La réponse s’affiche dans l’établissement. Elle ne change aucune règle : pour ouvrir ou fermer le site, publiez d’abord la règle.",
            "The answer is shown in the school. It changes no rule: to open or close the site, publish the rule first.";
        sentence_label: "Une phrase pour ceux qui ont demandé", "A sentence for those who asked";
        sentence_hint: "Facultative, 300 caractères au plus.", "Optional, 300 characters at most.";
        grant: "Accorder", "Grant";
        refuse: "Refuser", "Refuse";
        together: "Répondre à toutes ensemble", "Answer all of them together";
        raise: "Transmettre à la DSDEN", "Raise to the DSDEN";
        raise_hint: "La demande passe devant le DASEN ; la direction ne peut plus y répondre.",
            "The request goes before the DASEN; the head can no longer answer it.";
        raise_label: "Un mot pour le DASEN", "A word for the DASEN";
        before_dasen: "Cette demande est devant le DASEN : il faut un droit qui dépasse l’établissement pour y répondre.",
            "This request stands before the DASEN: answering it takes a right that reaches beyond the school.";
        answered_one: "La réponse est partie vers l’établissement.", "The answer is on its way to the school.";
        answered_together: "Demandes répondues :", "Requests answered:";
        raised_one: "La demande est devant le DASEN.", "The request stands before the DASEN.";
        too_many_orders: "Trop d’ordres attendent déjà le boîtier de cet établissement.",
            "Too many orders wait for this school’s box already.";
        older: "Plus anciennes", "Older";
        caption: "Demandes", "Requests";
        back: "Retour aux demandes", "Back to the requests";
    }
}
