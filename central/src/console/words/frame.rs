//! What surrounds every page, and the pages that say why there is none.

words! {
    /// What surrounds every page.
    FrameWords {
        console: "Console Préau", "Préau console";
        skip: "Aller au contenu", "Skip to content";
        other_language: "English", "Français";
        places: "Rubriques", "Sections";
        sign_out: "Se déconnecter", "Sign out";
        page: "Page", "Page";
        of: "sur", "of";
        previous: "Page précédente", "Previous page";
        next: "Page suivante", "Next page";
        rows: "lignes", "rows";
        pages_name: "Pages de la liste", "Pages of the list";
    }
}

words! {
    /// The places of the navigation.
    PlaceWords {
        fleet: "Parc", "Fleet";
        requests: "Demandes", "Requests";
        accounts: "Annuaire", "Directory";
        filtering: "Filtrage", "Filtering";
        library: "Bibliothèque", "Library";
        statistics: "Statistiques", "Statistics";
        persons: "Personnes", "People";
        proposals: "À approuver", "To approve";
        trail: "Journal", "Audit";
        own: "Mon compte", "My account";
    }
}

words! {
    /// Why there is no page.
    RefusalWords {
        back: "Retour à l’accueil", "Back to the first page";
        reload: "Recharger la page", "Load the page again";
        no_such_page: "Cette page n’existe pas", "There is no such page";
        no_such_page_text: "L’adresse a été mal recopiée, ou ce qu’elle montrait n’est plus là.",
            "The address was copied wrongly, or what it showed is no longer there.";
        not_granted: "Il vous manque un droit", "You lack a right";
        not_granted_text: "Une personne qui gère les droits à cet endroit peut vous le donner. Il s’agit du droit",
            "Somebody who manages rights there can give it to you. The right is";
        stale: "La situation a changé", "Things have changed";
        stale_text: "Quelqu’un d’autre a modifié ceci depuis que votre page a été affichée. Rien n’a été fait. Relisez la page, puis recommencez.",
            "Somebody else has changed this since your page was shown. Nothing was done. Read the page again, then start over.";
        unread: "Demande illisible", "Unreadable request";
        unread_text: "Le formulaire est arrivé incomplet ou trop grand. Rien n’a été fait.",
            "The form arrived incomplete or too large. Nothing was done.";
        foreign: "Formulaire refusé", "Form refused";
        foreign_text: "Ce formulaire ne vient pas d’une page de la console. Revenez à l’accueil et recommencez.",
            "This form does not come from a page of the console. Go back to the first page and start over.";
        misdirected: "Ce n’est pas ici", "Not here";
        misdirected_text: "Cette adresse n’est pas celle de la console.", "This address is not the console’s.";
        away: "La console ne peut pas répondre", "The console cannot answer";
        away_text: "La base de données ne répond pas pour l’instant. Les établissements continuent avec ce qu’ils ont reçu. Rechargez la page dans quelques secondes.",
            "The database does not answer for the moment. Schools go on with what they have received. Load the page again in a few seconds.";
    }
}
