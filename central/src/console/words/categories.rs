//! What the categories of the lists are about, for those of the Université Toulouse Capitole.

use crate::console::language::Language;

/// Name in lists, French, English.
const CATEGORIES: &[(&str, &str, &str)] = &[
    ("adult", "Sites pour adultes", "Adult sites"),
    ("agressif", "Violence, haine, racisme", "Violence, hatred, racism"),
    ("arjel", "Jeux d’argent autorisés en France", "Gambling licensed in France"),
    ("associations_religieuses", "Associations religieuses", "Religious associations"),
    ("astrology", "Astrologie", "Astrology"),
    ("audio-video", "Audio et vidéo", "Audio and video"),
    ("bank", "Banques", "Banks"),
    ("bitcoin", "Cryptomonnaies", "Cryptocurrencies"),
    ("blog", "Blogs", "Blogs"),
    ("celebrity", "Célébrités", "Celebrities"),
    ("chat", "Messageries et tchats", "Chats"),
    ("child", "Sites pour enfants", "Sites for children"),
    ("cleaning", "Désinfection et mises à jour", "Disinfection and updates"),
    ("cooking", "Cuisine", "Cooking"),
    ("cryptojacking", "Minage à l’insu du visiteur", "Covert mining"),
    ("dangerous_material", "Fabrication de produits dangereux", "Making of dangerous material"),
    ("dating", "Rencontres", "Dating"),
    ("ddos", "Attaques par saturation", "Denial of service"),
    ("dialer", "Numéroteurs surtaxés", "Premium diallers"),
    ("doh", "Résolveurs DNS chiffrés", "Encrypted DNS resolvers"),
    ("download", "Téléchargement", "Downloads"),
    ("drogue", "Drogue", "Drugs"),
    ("dynamic-dns", "Noms dynamiques", "Dynamic names"),
    ("educational_games", "Jeux éducatifs", "Educational games"),
    ("examen_pix", "Examen Pix", "Pix examination"),
    ("exceptions_liste_bu", "Exceptions des bibliothèques", "Exceptions of libraries"),
    ("fakenews", "Fausses informations", "Fake news"),
    ("filehosting", "Hébergement de fichiers", "File hosting"),
    ("financial", "Finance", "Finance"),
    ("forums", "Forums", "Forums"),
    ("gambling", "Jeux d’argent", "Gambling"),
    ("games", "Jeux en ligne", "Online games"),
    ("hacking", "Piratage informatique", "Hacking"),
    ("jobsearch", "Recherche d’emploi", "Job search"),
    ("lingerie", "Lingerie", "Lingerie"),
    ("liste_blanche", "Liste blanche", "White list"),
    ("liste_bu", "Sites éducatifs des bibliothèques", "Educational sites of libraries"),
    ("malware", "Logiciels malveillants", "Malware"),
    ("manga", "Mangas et bandes dessinées", "Manga and comics"),
    ("marketingware", "Logiciels publicitaires", "Marketing software"),
    ("mixed_adult", "Contenus en partie pour adultes", "Partly adult content"),
    ("mobile-phone", "Téléphonie mobile", "Mobile phones"),
    ("phishing", "Hameçonnage", "Phishing"),
    ("press", "Presse", "Press"),
    ("publicite", "Publicité", "Advertising"),
    ("radio", "Radios", "Radio"),
    ("reaffected", "Noms réattribués", "Names with another owner"),
    ("redirector", "Sites de contournement", "Redirectors"),
    ("remote-control", "Prise de main à distance", "Remote control"),
    ("residential-proxies", "Relais chez des particuliers", "Residential proxies"),
    ("sect", "Sectes", "Cults"),
    ("sexual_education", "Éducation à la sexualité", "Sexual education"),
    ("shopping", "Achats en ligne", "Shopping"),
    ("shortener", "Raccourcisseurs d’adresses", "Address shorteners"),
    ("social_networks", "Réseaux sociaux", "Social networks"),
    ("sports", "Sport", "Sports"),
    ("stalkerware", "Logiciels d’espionnage", "Stalkerware"),
    ("strict_redirector", "Contournement, liste stricte", "Redirectors, strict list"),
    ("strong_redirector", "Contournement, liste forte", "Redirectors, strong list"),
    ("translation", "Traduction", "Translation"),
    ("tricheur", "Sites de triche", "Cheating"),
    ("tricheur_pix", "Triche à l’examen Pix", "Cheating at Pix"),
    ("update", "Mises à jour de logiciels", "Software updates"),
    ("vpn", "Réseaux privés virtuels", "Virtual private networks"),
    ("warez", "Logiciels piratés", "Pirated software"),
    ("webhosting", "Hébergement de sites", "Web hosting"),
    ("webmail", "Courrier en ligne", "Webmail"),
];

/// What a category is about; its own name where it is not known.
pub(in crate::console) fn category_name(language: Language, name: &str) -> &str {
    let known = CATEGORIES.iter().find(|(known, ..)| *known == name);
    known.map_or(name, |(_, french, english)| match language {
        Language::French => french,
        Language::English => english,
    })
}

/// The categories that are known by name.
pub(in crate::console) fn categories() -> impl Iterator<Item = &'static str> {
    CATEGORIES.iter().map(|(name, ..)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn categories_are_in_order_and_in_both_languages() {
        assert!(CATEGORIES.is_sorted_by_key(|(name, ..)| *name));
        assert_eq!(category_name(Language::French, "games"), "Jeux en ligne");
        assert_eq!(category_name(Language::English, "a-school-s-own"), "a-school-s-own");
        assert!(CATEGORIES.iter().all(|(_, french, _)| !french.contains('\'')));
    }
}
