//! The portal in French.

use super::Words;

/// French, the school's own language.
pub(in crate::portal) const FRENCH: Words = Words {
    portal: "Portail du réseau",
    skip: "Aller au contenu",
    other_language: "English",
    footer: "Le portail reconnaît cet appareil par son adresse sur le réseau. Un cookie garde votre session \
             si cette adresse change, un autre la langue choisie ; tout marche aussi sans eux.",
    back_home: "Retour à l’accueil",

    sign_in: "Se connecter",
    sign_in_intro: "Pour aller sur Internet, connectez-vous avec votre compte de l’établissement.",
    sign_in_not_asked: "Sur ce réseau, on navigue sans se connecter. Connectez-vous si vous voulez \
                        que les règles de votre compte s’appliquent.",
    login: "Identifiant",
    password: "Mot de passe",
    sign_in_help: "Identifiant ou mot de passe oublié ? Demandez à un adulte de l’établissement \
                   ou au référent numérique.",
    sign_in_record: "La loi demande à l’établissement de garder qui s’est connecté, quand et depuis quelle \
                     machine. Les sites demandés sont notés à part, sous un pseudonyme qui change chaque jour.",
    signed_out: "Cet appareil est déconnecté.",
    wrong_credentials: "Identifiant ou mot de passe incorrect. Vérifiez les majuscules, puis réessayez.",
    busy: "Beaucoup de monde se connecte en ce moment. Réessayez dans quelques secondes.",
    sign_in_not_recorded: "Le serveur de l’établissement ne peut rien enregistrer pour l’instant, \
                           il ne peut donc connecter personne. Prévenez le référent numérique.",
    form_unread: "Le formulaire est arrivé incomplet. Réessayez.",

    home: "Accueil",
    hello: "Bonjour",
    you_are: "Vous êtes",
    classes: "Classes",
    until: "Connexion jusqu’à",
    network: "Réseau",
    machine_registered: "Cette machine est enregistrée par l’établissement : elle n’a pas besoin de connexion.",
    go_on: "Continuer vers",
    reachable: "Ce que vous pouvez joindre",
    web: "Le web",
    web_open: "Ouvert, sauf ce que ferment les règles de l’académie, du département et de l’établissement.",
    web_closed: "Fermé, sauf les sites qu’ouvrent les règles de l’académie, du département et de l’établissement.",
    clock_in_doubt: "L’heure du réseau n’est pas sûre : ce qui n’ouvre qu’à certaines heures reste fermé. Prévenez le référent numérique si cela dure.",
    services: "Autres services",
    no_services: "Aucun.",
    why_blocked: "Un site ne s’ouvre pas ?",
    why_blocked_label: "Adresse du site",
    why_blocked_hint: "Par exemple : exemple.fr. Le portail dit si une règle le bloque, et pourquoi.",
    find_out: "Chercher pourquoi",
    sign_out: "Se déconnecter",
    sign_out_shared: "Sur un ordinateur partagé, déconnectez-vous avant de partir.",

    blocked: "Ce site est bloqué",
    blocked_page: "Cette page est bloquée",
    decided_by: "Qui l’a décidé",
    rule: "Règle",
    matched: "Ce que la règle vise",
    may_open: "Qui peut l’ouvrir",
    page_only: "La règle ne vise que cette page, en http. En https, le filtre ne voit que le nom du site.",
    what_to_do: "Ce que vous pouvez faire",
    advice_lesson: "Élève, vous en avez besoin pour un cours ? Parlez-en à votre professeur.",
    advice_cite: "Si vous pensez que c’est une erreur, donnez l’adresse du site et le nom de la règle \
                  au référent numérique de l’établissement : il sait à qui la signaler.",
    advice_elsewhere: "Cette règle vient de plus haut que l’établissement : il ne peut pas la lever seul.",
    reason_default: "Sur ce réseau, un site est fermé tant qu’aucune règle ne l’ouvre.",
    reason_opening: "L’accès à ce site est fermé pour la durée d’une activité.",
    reason_none: "Une règle de filtrage ferme ce site.",
    reason_dns_tunnel: "Trop de données passent par les questions DNS vers ce nom : il est fermé quelques minutes.",
    reason_hidden_name: "La connexion cache le nom du site (ECH) : sur ce réseau, il doit pouvoir être lu.",
    reason_relay: "Les relais privés, qui contournent le filtrage, sont fermés sur ce réseau.",
    by_academie: "L’académie",
    by_departement: "Le département",
    by_etablissement: "L’établissement",
    by_groupe: "L’établissement, pour votre classe ou votre groupe",
    by_teacher: "Un professeur, pour un moment",
    by_zone: "L’établissement, pour tout ce réseau",
    matched_engine: "Le moteur de recherche sans mode protégé",
    matched_site: "Le site",
    matched_page: "La page",
    matched_address: "L’adresse de ce site",
    matched_everything: "Tous les sites",

    open: "Ce site vous est ouvert",
    open_now: "Aucune règle ne le bloque pour vous en ce moment. S’il ne s’affiche pas, la panne est ailleurs : \
               réessayez plus tard.",
    open_name_only: "Aucune règle ne ferme son nom pour vous en ce moment. Certaines de ses pages peuvent être fermées \
                     en http ; en https, le filtre ne voit que le nom du site.",
    open_soon: "Votre navigateur se souvient encore de l’ancienne réponse. La page va se charger \
                d’elle-même dans quelques secondes.",
    reload: "Charger la page",

    no_such_page: "Cette page n’existe pas",
    no_such_page_text: "L’adresse a peut-être été mal recopiée.",
    bad_request: "Demande illisible",
    bad_request_text: "Le portail n’a pas compris ce que le navigateur demandait.",
    not_a_site: "Ce n’est pas une adresse de site",
    not_a_site_text: "Écrivez le nom du site, par exemple exemple.fr, ou copiez son adresse depuis le navigateur.",
    foreign_form: "Formulaire refusé",
    foreign_form_text: "Ce formulaire ne vient pas d’une page du portail. Revenez à l’accueil et recommencez.",
    other_name: "Ce n’est pas ici",
    other_name_text: "Cette adresse n’est pas celle du portail.",
    not_recorded: "Internet est fermé pour l’instant",
    not_recorded_text: "Le serveur de l’établissement ne peut plus tenir son registre ; tant que cela dure, il ne \
                        laisse rien passer. Prévenez le référent numérique.",
    sign_in_needed_text: "Il faut se connecter au réseau de l’établissement pour aller sur Internet.",
};
