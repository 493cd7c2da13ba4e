//! All documents as a folder of files, for whoever keeps them in git or writes them with an editor.
//!
//! ```text
//! academie.toml
//! departement/80.toml
//! groupe/rep-plus.toml
//! etablissement/0809999Z.toml
//! calendrier.csv                 where the académie has a calendar of its own
//! ```
//!
//! Bringing a folder in makes drafts of what differs and publishes nothing: people look at them in the console. A calendar is
//! not brought in; it is published in the console as a whole.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use preau::{model::Moment, policy::Limits, system::files};

use super::{
    calendar::calendar,
    composed::{Composed, Layer},
    document::Document,
    drafts,
    edit::Edit,
    lists::Lists,
    versions,
};
use crate::{
    database::{Database, Write},
    words::{Granted, Place},
};

/// Documents of one folder: more than France has schools.
const FILES_MAX: usize = 100_000;

const CALENDAR_FILE: &str = "calendrier.csv";

/// Writes the latest version of every document; says how many. What lies in the folder beside them stays.
///
/// # Errors
/// When the database or the disk refuses.
pub async fn export(database: &Database, dir: &Path) -> anyhow::Result<usize> {
    let places = versions::places(database).await?;
    for (place, number) in &places {
        let version = versions::find(database, place, *number).await?;
        let document =
            version.with_context(|| format!("version {number} of {place} is missing"))?.document()?;
        put(&dir.join(file_of(place)), &document.text(place, ""))?;
    }
    if let Some(calendar) = calendar(database).await? {
        put(&dir.join(CALENDAR_FILE), &calendar.text)?;
    }
    Ok(places.len())
}

/// Reads every document of a folder, from the académie down.
///
/// # Errors
/// With every file that is none, each with the line of its first fault.
pub fn read(dir: &Path) -> anyhow::Result<Vec<(Place, Document)>> {
    let mut paths = Vec::new();
    for part in ["", "departement", "groupe", "etablissement"] {
        paths.extend(toml_files(&dir.join(part), !part.is_empty())?);
    }
    ensure!(
        !paths.is_empty(),
        "`{}` has no documents; they are called such as `academie.toml`",
        dir.display()
    );
    ensure!(paths.len() <= FILES_MAX, "`{}` has more than {FILES_MAX} documents", dir.display());
    let (mut documents, mut faults) = (Vec::new(), Vec::new());
    for path in paths {
        match read_one(dir, &path) {
            Ok(document) => documents.push(document),
            Err(error) => faults.push(format!("`{}`: {error:#}", path.display())),
        }
    }
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    documents.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(documents)
}

/// Whether boxes would take the documents together, as far as a folder tells: each with the académie's, and no id twice among
/// départements and groups.
///
/// # Errors
/// With everything that does not go together.
pub fn check(documents: &[(Place, Document)], lists: &Lists) -> anyhow::Result<()> {
    let layer = |(place, document): &(Place, Document)| Layer::draft(place, document);
    let academie: Vec<_> = documents.iter().filter(|(place, _)| *place == Place::Academie).collect();
    let mut faults = Vec::new();
    for document in documents {
        let above = academie.iter().filter(|above| above.0 != document.0).map(|above| layer(above));
        let layers = above.chain([layer(document)]).collect::<anyhow::Result<Vec<_>>>()?;
        if let Err(error) = Composed::of(layers, lists) {
            faults.push(format!("{}: {error:#}", document.0));
        }
    }
    let between =
        documents.iter().filter(|(place, _)| matches!(place, Place::Departement(_) | Place::Group(_)));
    let between: Vec<_> = between.collect();
    for (at, (place, document)) in between.iter().enumerate() {
        for (other_place, other) in between.iter().skip(at + 1) {
            let are_both = [place, other_place].iter().all(|place| matches!(place, Place::Departement(_)));
            if let Some(id) = document.ids().find(|id| !are_both && other.part_of(id).is_some()) {
                faults.push(format!("{other_place}: the id `{id}` is used by {place} as well"));
            }
        }
    }
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

/// Makes a draft of every document that says something else than its latest version; says for which places. `granted` gives
/// the proof for writing at a place.
///
/// # Errors
/// When a proof is missing, there are too many drafts somewhere, or the database refuses: then no draft is made.
pub async fn import(
    write: &mut Write,
    documents: &[(Place, Document)],
    granted: impl Fn(&Place) -> anyhow::Result<Granted>,
    reason: &str,
    at: Moment,
) -> anyhow::Result<Vec<Place>> {
    let mut places = Vec::new();
    for (place, document) in documents {
        let latest = versions::latest_in(write, place).await?;
        if latest.map(|latest| latest.document()).transpose()?.is_some_and(|latest| latest == *document) {
            continue;
        }
        let granted = granted(place)?;
        let draft = drafts::begin(write, &granted, place, None, &document.name, at).await;
        let draft = draft.with_context(|| format!("{place}"))?;
        let edit = Edit::Text(document.text(place, ""));
        drafts::edit(write, &granted, draft.id, draft.revision, &edit, at)
            .await
            .with_context(|| format!("{place}"))?;
        drafts::note(write, &granted, place, at, "import", &format!("draft {}: {reason}", draft.id)).await?;
        places.push(place.clone());
    }
    Ok(places)
}

/// The file of a place's document.
fn file_of(place: &Place) -> PathBuf {
    PathBuf::from(format!("{place}.toml"))
}

fn read_one(dir: &Path, path: &Path) -> anyhow::Result<(Place, Document)> {
    let name = path.strip_prefix(dir)?.with_extension("");
    let place = name.to_str().and_then(Place::read);
    let place = place.context("names no place; such as `departement/80.toml`")?;
    let size = fs::metadata(path)?.len();
    ensure!(
        usize::try_from(size).is_ok_and(|size| size <= Limits::FILE_BYTES_MAX),
        "is larger than {} bytes",
        Limits::FILE_BYTES_MAX
    );
    let document = Document::read(&fs::read_to_string(path)?, &place)?;
    Ok((place, document))
}

/// The files of a folder that end in `.toml`; a folder that may be missing has none.
fn toml_files(dir: &Path, may_be_missing: bool) -> anyhow::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if may_be_missing && error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", dir.display())),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn put(path: &Path, text: &str) -> anyhow::Result<()> {
    let context = || format!("cannot write `{}`", path.display());
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).with_context(context)?;
    }
    files::replace(path, text.as_bytes()).with_context(context)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            tests::{Fleet, NOW, granted, rep, rule, somme, text},
            *,
        },
        *,
    };
    use crate::words::Right;

    #[tokio::test]
    async fn what_was_written_out_comes_in_again_as_nothing_and_what_differs_as_a_draft() {
        let fleet = Fleet::of(1, 1).await;
        for (place, id) in [(Place::Academie, "a"), (somme(), "b"), (rep(), "c")] {
            fleet.publish(&place, &rule(id, "block", "sites = [\"jeux.example\"]")).await.unwrap();
        }
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(export(&fleet.database, dir.path()).await.unwrap(), 3);
        let documents = read(dir.path()).unwrap();
        check(&documents, &Lists::none()).unwrap();
        let proof = |place: &Place| Ok(granted(1, Right::Write, place));
        let mut write = fleet.database.write().await.unwrap();
        assert!(import(&mut write, &documents, proof, "x", NOW).await.unwrap().is_empty());
        let changed = text(&rep(), &rule("c", "allow", "everything = true"));
        fs::write(dir.path().join("groupe/rep-plus.toml"), changed).unwrap();
        let documents = read(dir.path()).unwrap();
        assert_eq!(import(&mut write, &documents, proof, "x", NOW).await.unwrap(), [rep()]);
        write.commit().await.unwrap();
        assert_eq!(all_drafts(&fleet.database).await.unwrap().len(), 1);
    }

    #[test]
    fn every_file_that_is_wrong_is_told_with_its_line() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("groupe")).unwrap();
        let files = [
            ("academie.toml", text(&Place::Academie, "colour = 1")),
            ("mairie.toml", String::new()),
            ("groupe/rep-plus.toml", text(&Place::Academie, "")),
        ];
        for (name, text) in files {
            fs::write(dir.path().join(name), text).unwrap();
        }
        let told = read(dir.path()).unwrap_err().to_string();
        for part in ["academie.toml`: line 4", "mairie.toml`: names no place", "rep-plus.toml`: line 2"] {
            assert!(told.contains(part), "{told}");
        }
        assert!(read(&dir.path().join("rien")).is_err());
    }

    #[test]
    fn one_id_in_two_documents_of_one_level_is_told() {
        let of = |place: Place| {
            let text = text(&place, &rule("a", "block", "everything = true"));
            let document = Document::read(&text, &place).unwrap();
            (place, document)
        };
        let told = check(&[of(Place::Academie), of(somme()), of(rep())], &Lists::none()).unwrap_err();
        assert!(told.to_string().contains("`a` is used by departement/80"), "{told}");
    }
}
