//! How versions come to the schools, and how rules are tried before.

words! {
    /// How versions come to the schools.
    ReleaseWords {
        title: "Mise en service", "Release";
        start_title: "Mettre en service", "Release";
        versions: "Versions à mettre en service", "Versions to release";
        none: "Toutes les versions publiées sont en service.", "All published versions are in service.";
        plan: "Comment", "How";
        at_once: "Partout, tout de suite", "Everywhere, at once";
        gradual: "Par étapes : pilotes, puis une part des établissements, puis tous",
            "In stages: pilots, then a share of the schools, then all";
        by_departement: "Département par département", "Département by département";
        pilots: "Pilotes, un lieu par ligne (pour les étapes)", "Pilots, one place a line (for stages)";
        pilots_hint: "Tels que etablissement/0800001A, groupe/rep-plus, departement/80.",
            "Such as etablissement/0800001A, groupe/rep-plus, departement/80.";
        shares: "Parts successives, en pour cent", "Successive shares, in percent";
        pause: "Minutes entre deux étapes ; vide : une personne dit de continuer",
            "Minutes between stages; empty: a person says to go on";
        needed: "Part des établissements entendus qui doivent l’appliquer avant la suite, en pour cent",
            "Share of reporting schools that must have it in force before going on, in percent";
        reason: "Motif", "Reason";
        start: "Mettre en service", "Release";
        started: "La mise en service a commencé.", "The release has begun.";
        plan_wrong: "Le plan ne se lit pas : parts de 1 à 100, lieux connus, au plus vingt étapes.",
            "The plan cannot be read: shares of 1 to 100, known places, twenty stages at most.";
        place: "Lieu", "Place";
        before: "Avant", "Before";
        after: "Après", "After";
        state: "État", "State";
        stages: "Étapes", "Stages";
        stage: "Étape", "Stage";
        reach: "Pour", "For";
        then: "Ensuite", "Then";
        left: "À venir", "To come";
        effective: "Appliquée", "In force";
        underway: "En chemin", "Under way";
        refusing: "Refusée", "Refused";
        silent: "Muets", "Silent";
        here: "en cours", "now";
        behind: "Établissements où elle n’est pas appliquée", "Schools where it is not in force";
        none_behind: "Partout où elle est arrivée, elle est appliquée.", "Wherever it has come, it is in force.";
        school: "Établissement", "School";
        reached: "Atteint le", "Reached on";
        schools: "établissements concernés", "schools concerned";
        due: "Étape suivante vers", "Next stage about";
        all: "tous les établissements", "all schools";
        drawn: "% tirés au sort", "% drawn by lot";
        minutes: "minutes d’attente", "minutes of waiting";
        person: "une personne dit de continuer", "a person says to go on";
        undoes: "Elle défait la mise en service", "It undoes release";
        ended_by: "Relayée par la mise en service", "Taken over by release";
        pause_act: "Suspendre", "Pause";
        go_on: "Continuer", "Go on";
        halt: "Arrêter", "Halt";
        roll_back: "Revenir en arrière", "Roll back";
        roll_back_hint: "Les établissements atteints retrouvent tout de suite ce qu’ils avaient.",
            "Schools that were reached get back at once what they had.";
        done: "C’est fait.", "Done.";
        going: "En cours", "Going";
        watching: "En observation", "Watching";
        waiting: "Attend une personne", "Waits for a person";
        paused: "Suspendue", "Paused";
        halted: "Arrêtée", "Halted";
        finished: "Terminée", "Done";
        superseded: "Remplacée", "Superseded";
        undone: "Défaite", "Undone";
        halt_person: "Arrêtée par une personne.", "Halted by a person.";
        halt_refused: "Arrêtée d’elle-même : des boîtiers la refusent.", "Halted by itself: boxes refuse it.";
        halt_wrong: "Arrêtée d’elle-même : des boîtiers vont mal depuis.", "Halted by itself: boxes have been unwell since.";
        halt_refusals: "Arrêtée d’elle-même : les refus montent trop. Pour mille questions, avant et après :",
            "Halted by itself: refusals rise too much. Of a thousand questions, before and after:";
        of_reporting: "sur", "of";
    }
}

words! {
    /// Rules tried before.
    TestWords {
        title: "Essayer une adresse", "Try an address";
        intro: "La question est jugée par le même juge que dans les boîtiers. Rien n’est enregistré.",
            "The question is judged by the same judge as in the boxes. Nothing is recorded.";
        place: "Lieu", "Place";
        place_hint: "academie, departement/80, groupe/rep-plus ou etablissement/0800001A",
            "academie, departement/80, groupe/rep-plus or etablissement/0800001A";
        draft: "Avec le brouillon (numéro)", "With the draft (number)";
        who: "Qui", "Who";
        nobody: "personne ne s’est connecté", "nobody has signed in";
        machine: "machine", "machine";
        class: "Classe", "Class";
        zone: "Zone", "Zone";
        default: "Sans règle, la zone", "Without a rule, the zone";
        opens: "ouvre", "allows";
        closes: "ferme", "blocks";
        address: "Adresse", "Address";
        at: "Jour et heure", "Day and hour";
        ask: "Juger", "Judge";
        wrong: "La question ne se lit pas : vérifiez l’adresse, le lieu et la date.",
            "The question cannot be read: check the address, the place and the date.";
        now: "Aujourd’hui", "As things are";
        with_draft: "Avec le brouillon", "With the draft";
        allowed: "Ouvert", "Allowed";
        refused: "Fermé", "Blocked";
        changes: "Le brouillon change la réponse.", "The draft changes the answer.";
        same: "Le brouillon ne change pas la réponse.", "The draft does not change the answer.";
        rule: "Règle", "Rule";
        of: "de", "of";
        version: "version", "version";
        no_rule: "Aucune règle ne parle : c’est le réglage du réseau.", "No rule speaks: it is the network’s setting.";
        shown: "Ce que la personne lit", "What the person reads";
        later: "La réponse change d’elle-même, par un horaire, le", "The answer changes by itself, by a timetable, on";
        remedies: "Ce qui la changerait", "What would change it";
        edit_rule: "modifier la règle", "editing rule";
        edit_search: "modifier la règle de recherche, pour un autre mode", "editing the search rule, for another mode";
        write_site: "écrire ce site dans une règle du même lieu, qui dit le contraire",
            "writing this site into a rule of the same place that says otherwise";
        write_site_locked: "écrire ce site dans une règle verrouillée du même lieu, qui dit le contraire",
            "writing this site into a locked rule of the same place that says otherwise";
        locked_there: "elle est verrouillée : ni un lieu plus précis ni un enseignant ne peut la changer",
            "it is locked: neither a more specific place nor a teacher can change it";
        below: "une règle d’un lieu plus précis, qui dit le contraire", "a rule of a more specific place that says otherwise";
        any_rule: "une règle de n’importe quel lieu, qui dit le contraire", "a rule of any place that says otherwise";
        teacher: "un enseignant, pour un moment", "a teacher, for a while";
        nothing_opens: "rien : ce site sert à contourner le filtrage", "nothing: this site is a way round the filter";
        sign_in: "se connecter", "signing in";
        spoke: "a parlé", "spoke";
        stranger: "vise d’autres que qui demande", "is about others";
        other_time: "ne parle pas à cette heure", "does not speak at that hour";
        outranked: "une règle plus forte a parlé", "a stronger rule spoke";
        unseen: "vise une page ; seul le nom se voit", "is about a page; only the name is seen";
        not_asked: "n’a pas été demandée", "was not asked";
        lists_unknown: "Les listes ne sont pas connues ici : les règles par catégorie n’ont rien dit.",
            "The lists are not known here: rules by category said nothing.";
    }
}
