//! What the attributes of the XML formats mean here: one table for both degrees and for GPEI, because no name means two
//! things. Names follow the annexes of the SDET and CARMO 3.0.

/// What an attribute says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    PersonId,
    FamilyName,
    GivenName,
    BirthDate,
    MainSchool,
    Classes(Shape),
    Groups(Shape),
    Functions,
    StandsBeforePupils,
    LeavingDate,
    SchoolKey,
    SchoolUai,
    SchoolName,
    /// Known, and of no use to the box.
    NotKept,
}

/// Where a composite value has the name of its class or group; its school comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// `school$name`, and what may follow.
    Second,
    /// As before, and these are among the classes of another attribute already.
    Again,
    /// `school$…$…$id$name` of the first degree; the identifier where there is no name.
    Fifth,
}

const MEANINGS: &[(&str, Meaning)] = &[
    ("ENTPersonJointure", Meaning::PersonId),
    ("GPEIPersonJointure", Meaning::PersonId),
    ("sn", Meaning::FamilyName),
    ("ENTPersonNom", Meaning::FamilyName),
    ("GPEIPersonNom", Meaning::FamilyName),
    ("givenName", Meaning::GivenName),
    ("ENTPersonPrenom", Meaning::GivenName),
    ("GPEIPersonPrenom", Meaning::GivenName),
    ("ENTPersonDateNaissance", Meaning::BirthDate),
    ("GPEIPersonDateNaissance", Meaning::BirthDate),
    ("ENTPersonStructRattach", Meaning::MainSchool),
    ("GPEIPersonStructRattach", Meaning::MainSchool),
    ("ENTEleveClasses", Meaning::Classes(Shape::Second)),
    ("ENTAuxEnsClasses", Meaning::Classes(Shape::Second)),
    ("ENTAuxEnsClassesMatieres", Meaning::Classes(Shape::Again)),
    ("ENTAuxEnsClassesPrincipal", Meaning::Classes(Shape::Again)),
    ("ENTPersonClasses", Meaning::Classes(Shape::Fifth)),
    ("GPEIElvDiv", Meaning::Classes(Shape::Second)),
    ("GPEIEnsDiv", Meaning::Classes(Shape::Second)),
    ("ENTEleveGroupes", Meaning::Groups(Shape::Second)),
    ("ENTAuxEnsGroupes", Meaning::Groups(Shape::Second)),
    ("ENTAuxEnsGroupesMatieres", Meaning::Groups(Shape::Again)),
    ("ENTPersonGroupes", Meaning::Groups(Shape::Fifth)),
    ("GPEIElvGpes", Meaning::Groups(Shape::Second)),
    ("GPEIEnsGpes", Meaning::Groups(Shape::Second)),
    ("ENTPersonFonctions", Meaning::Functions),
    ("GPEIPersonFonctions", Meaning::Functions),
    ("PersEducNatPresenceDevantEleves", Meaning::StandsBeforePupils),
    ("ENTEleveDateSortieStructRattach", Meaning::LeavingDate),
    ("GPEIEleveDateSortieStructRattach", Meaning::LeavingDate),
    ("ENTStructureJointure", Meaning::SchoolKey),
    ("GPEIStructureJointure", Meaning::SchoolKey),
    ("ENTStructureUAI", Meaning::SchoolUai),
    ("ENTEtablissementUAI", Meaning::SchoolUai),
    ("GPEIStructureUAI", Meaning::SchoolUai),
    ("ENTStructureNomCourant", Meaning::SchoolName),
    ("GPEIStructureNomCourant", Meaning::SchoolName),
];

/// Known and not kept, without the beginning of their names.
const NOT_KEPT: &[&str] = &[
    "categoriePersonne",
    "categorieStructure",
    "facsimileTelephoneNumber",
    "homePhone",
    "l",
    "mail",
    "mobile",
    "personalTitle",
    "postOfficeBox",
    "postalCode",
    "street",
    "telephoneNumber",
];

/// The beginnings of names of families that are known and not kept, each with the ends it takes.
const FAMILIES: &[(&str, &[&str])] = &[
    (
        "Person",
        &[
            "Adresse",
            "AdresseDiffusion",
            "AutresPrenoms",
            "CategorieEnseignant",
            "Civilite",
            "CodePostal",
            "Mail",
            "MobileSMS",
            "NomPatro",
            "Pays",
            "STSId",
            "TelPerso",
            "Ville",
        ],
    ),
    (
        "Eleve",
        &[
            "AdresseRel",
            "AutoriteParentale",
            "Boursier",
            "CodeEnseignements",
            "Cycle",
            "DateEntreeClasses",
            "DateEntreeStructRattach",
            "DateSortieClasses",
            "Enseignements",
            "EnseignementsEtablissementsAccueil",
            "EtudesSurveillees",
            "Filiere",
            "GarderieMatin",
            "GarderieSoir",
            "INE",
            "LibelleMEF",
            "MEF",
            "Mere",
            "NivFormation",
            "Niveau",
            "Parents",
            "Pere",
            "PersRelEleve",
            "PersRelEleve1",
            "PersRelEleve2",
            "QualitePersRelEleve1",
            "QualitePersRelEleve2",
            "Regime",
            "RestaurantScolaire",
            "StatutEleve",
            "StructRattachId",
            "StructureRattachIdMEN",
            "Transport",
            "TypeClasse",
        ],
    ),
    ("Elv", &["INE", "MEF", "Matieres", "Niveau"]),
    ("AuxEns", &["CategoDiscipline", "DisciplinesPoste", "MEF", "MatiereEnseignEtab"]),
    ("Ens", &["FonctionDir", "Matieres", "Specialites"]),
    (
        "Structure",
        &[
            "Adresse",
            "BoitePostale",
            "Classes",
            "CodePostal",
            "CodeTypeStruct",
            "Email",
            "Fax",
            "Groupes",
            "MailSI",
            "SIREN",
            "Telephone",
            "TypeStruct",
            "Ville",
        ],
    ),
    (
        "Etablissement",
        &["Bassin", "CodeMinistereTutelle", "Contrat", "MinistereTutelle", "StructRattachFctl"],
    ),
    ("Ecole", &["Circonscription", "Commune", "MinistereTutelle", "RPI", "Secteur"]),
    ("ServAc", &["Academie", "CodeAcademie"]),
];

/// What the attribute `name` says; none where it is in no list. Most have a twin in `…Date`, when their value changed.
pub(super) fn meaning(name: &str) -> Option<Meaning> {
    if let Some((_, meaning)) = MEANINGS.iter().find(|(known, _)| *known == name) {
        return Some(*meaning);
    }
    let is_known = |name: &str| {
        NOT_KEPT.contains(&name)
            || MEANINGS.iter().any(|(known, _)| *known == name)
            || name.strip_prefix("ENT").or_else(|| name.strip_prefix("GPEI")).is_some_and(is_of_family)
    };
    let is_twin = || name.strip_suffix("Date").is_some_and(is_known);
    (is_known(name) || is_twin()).then_some(Meaning::NotKept)
}

fn is_of_family(name: &str) -> bool {
    FAMILIES.iter().any(|(family, ends)| name.strip_prefix(family).is_some_and(|end| ends.contains(&end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_degree_names_the_same_things() {
        for name in ["sn", "ENTPersonNom", "GPEIPersonNom"] {
            assert_eq!(meaning(name), Some(Meaning::FamilyName));
        }
        assert_eq!(meaning("ENTPersonClasses"), Some(Meaning::Classes(Shape::Fifth)));
    }

    #[test]
    fn what_is_known_and_not_kept_is_told_from_what_is_unknown() {
        for name in [
            "ENTPersonAdresse",
            "ENTEleveINE",
            "GPEIElvINE",
            "GPEIEleveStructRattachId",
            "ENTAuxEnsDisciplinesPoste",
            "ENTAuxEnsClassesMatieresDate",
            "ENTPersonStructRattachDate",
            "ENTEcoleRPI",
            "mail",
        ] {
            assert_eq!(meaning(name), Some(Meaning::NotKept), "{name}");
        }
        for name in ["", "ENT", "ENTPersonPointure", "Adresse", "Date", "SN"] {
            assert_eq!(meaning(name), None, "{name}");
        }
    }
}
