//! The categories of the Toulouse lists in words people know.

use crate::portal::language::Language;

/// The list's name of a category, in French, in English.
const CATEGORIES: &[(&str, &str, &str)] = &[
    ("adult", "contenus pour adultes", "adult content"),
    ("agressif", "contenus violents ou haineux", "violent or hateful content"),
    ("ai", "intelligence artificielle", "artificial intelligence"),
    ("arjel", "jeux d’argent agréés", "licensed gambling"),
    ("audio-video", "audio et vidéo", "audio and video"),
    ("bitcoin", "cryptomonnaies", "cryptocurrencies"),
    ("blog", "blogs", "blogs"),
    ("celebrity", "célébrités", "celebrities"),
    ("chat", "discussion en ligne", "chat"),
    ("cryptojacking", "minage à votre insu", "cryptojacking"),
    ("dangerous_material", "produits dangereux", "dangerous material"),
    ("dating", "rencontres", "dating"),
    ("ddos", "attaques en ligne", "online attacks"),
    ("doh", "contournement du filtrage", "ways around the filter"),
    ("download", "téléchargement", "downloads"),
    ("drogue", "drogues", "drugs"),
    ("drugs", "drogues", "drugs"),
    ("dynamic-dns", "noms à adresse changeante", "dynamic names"),
    ("fakenews", "fausses informations", "false news"),
    ("filehosting", "hébergement de fichiers", "file hosting"),
    ("financial", "finance", "finance"),
    ("forums", "forums", "forums"),
    ("gambling", "jeux d’argent", "gambling"),
    ("games", "jeux", "games"),
    ("hacking", "piratage", "hacking"),
    ("lingerie", "lingerie", "lingerie"),
    ("malware", "logiciels malveillants", "malware"),
    ("manga", "mangas", "manga"),
    ("marketingware", "publicité intrusive", "marketingware"),
    ("mixed_adult", "contenus en partie pour adultes", "partly adult content"),
    ("phishing", "hameçonnage", "phishing"),
    ("porn", "pornographie", "pornography"),
    ("proxy", "contournement du filtrage", "ways around the filter"),
    ("publicite", "publicité", "advertising"),
    ("radio", "radios", "radio"),
    ("reaffected", "sites qui ont changé de main", "sites that changed hands"),
    ("redirector", "contournement du filtrage", "ways around the filter"),
    ("remote-control", "prise en main à distance", "remote control"),
    ("residential-proxies", "contournement du filtrage", "ways around the filter"),
    ("sect", "dérives sectaires", "sects"),
    ("sexual_education", "éducation à la sexualité", "sex education"),
    ("shopping", "achats", "shopping"),
    ("shortener", "adresses raccourcies", "link shorteners"),
    ("social_networks", "réseaux sociaux", "social networks"),
    ("stalkerware", "logiciels espions", "stalkerware"),
    ("strict_redirector", "contournement du filtrage", "ways around the filter"),
    ("tricheur", "triche", "cheating"),
    ("tricheur_pix", "triche à Pix", "cheating at Pix"),
    ("violence", "violence", "violence"),
    ("vpn", "contournement du filtrage", "ways around the filter"),
    ("warez", "copies illicites", "illegal copies"),
    ("webhosting", "hébergement de sites", "web hosting"),
    ("webmail", "messageries", "webmail"),
];

/// A category in words, when it is one of the Toulouse lists'.
pub(in crate::portal) fn category(language: Language, name: &str) -> Option<&'static str> {
    CATEGORIES.iter().find(|(known, _, _)| *known == name).map(|(_, french, english)| match language {
        Language::French => *french,
        Language::English => *english,
    })
}
