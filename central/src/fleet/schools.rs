//! The register of schools, and the groups they are put into.

use preau::model::Uai;

use crate::{
    database::{Database, Part, Row, Write},
    words::{DepartementCode, GroupName, Place},
};

/// The tables.
pub const PART: Part = Part {
    name: "school",
    steps: &["
        CREATE TABLE school (
            uai TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            kind TEXT NOT NULL,
            town TEXT NOT NULL,
            departement TEXT NOT NULL
        );
        CREATE INDEX school_departement ON school (departement);
        CREATE TABLE school_group (
            name TEXT NOT NULL,
            uai TEXT NOT NULL REFERENCES school (uai) ON DELETE CASCADE,
            PRIMARY KEY (name, uai)
        );
        CREATE INDEX school_group_uai ON school_group (uai);"],
};

/// A school.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct School {
    /// Its code in the national register.
    pub uai: Uai,
    /// Its name.
    pub name: String,
    /// What it is, as the register of establishments says: `Collège`, `École élémentaire`; may be empty.
    pub kind: String,
    /// Where it is; may be empty.
    pub town: String,
    /// Its département.
    pub departement: DepartementCode,
}

const COLUMNS: &str = "uai, name, kind, town, departement";

/// Enters `school`, or writes over what is known of it.
///
/// # Errors
/// When the database refuses.
pub async fn enter(write: &mut Write, school: &School) -> anyhow::Result<()> {
    let School { uai, name, kind, town, departement } = school;
    let sql = "INSERT INTO school (uai, name, kind, town, departement) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (uai) DO UPDATE SET name = excluded.name, kind = excluded.kind, town = excluded.town,
            departement = excluded.departement";
    let values = [
        uai.as_str().into(),
        name.as_str().into(),
        kind.as_str().into(),
        town.as_str().into(),
        departement.as_str().into(),
    ];
    write.execute(sql, &values).await?;
    write.signal(format!("school/{}", uai.as_str()));
    Ok(())
}

/// All schools, by their code.
///
/// # Errors
/// When the database refuses.
pub async fn all(database: &Database) -> anyhow::Result<Vec<School>> {
    let rows = database.read(&format!("SELECT {COLUMNS} FROM school ORDER BY uai"), &[]).await?;
    rows.iter().map(school).collect()
}

/// The school of that code.
///
/// # Errors
/// When the database refuses.
pub async fn find(database: &Database, uai: &Uai) -> anyhow::Result<Option<School>> {
    let sql = format!("SELECT {COLUMNS} FROM school WHERE uai = $1");
    let rows = database.read(&sql, &[uai.as_str().into()]).await?;
    rows.first().map(school).transpose()
}

/// The schools at `place` and below, by their code.
///
/// # Errors
/// When the database refuses.
pub async fn below(database: &Database, place: &Place) -> anyhow::Result<Vec<Uai>> {
    let (sql, values) = match place {
        Place::Academie => ("SELECT uai FROM school ORDER BY uai", vec![]),
        Place::Departement(code) => {
            ("SELECT uai FROM school WHERE departement = $1 ORDER BY uai", vec![code.as_str().into()])
        }
        Place::Group(name) => {
            ("SELECT uai FROM school_group WHERE name = $1 ORDER BY uai", vec![name.as_str().into()])
        }
        Place::School(uai) => ("SELECT uai FROM school WHERE uai = $1", vec![uai.as_str().into()]),
    };
    database.read(sql, &values).await?.iter().map(|row| code(row, 0)).collect()
}

/// The places that hold a school, from the most general to the most specific, itself last.
///
/// # Errors
/// When the database refuses.
pub async fn above(database: &Database, uai: &Uai) -> anyhow::Result<Vec<Place>> {
    let mut places = vec![Place::Academie];
    if let Some(school) = find(database, uai).await? {
        places.push(Place::Departement(school.departement));
    }
    let sql = "SELECT name FROM school_group WHERE uai = $1 ORDER BY name";
    for row in database.read(sql, &[uai.as_str().into()]).await? {
        places.extend(GroupName::new(row.text(0)?).map(Place::Group));
    }
    places.push(Place::School(uai.clone()));
    Ok(places)
}

/// Whether `place` is `uai` or holds it.
///
/// # Errors
/// When the database refuses.
pub async fn holds(write: &mut Write, place: &Place, uai: &Uai) -> anyhow::Result<bool> {
    let school = uai.as_str().into();
    let (sql, values) = match place {
        Place::Academie => return Ok(true),
        Place::School(own) => return Ok(own == uai),
        Place::Departement(code) => {
            ("SELECT uai FROM school WHERE uai = $1 AND departement = $2", [school, code.as_str().into()])
        }
        Place::Group(name) => {
            ("SELECT uai FROM school_group WHERE uai = $1 AND name = $2", [school, name.as_str().into()])
        }
    };
    Ok(!write.read(sql, &values).await?.is_empty())
}

/// Puts a school into a group, which is there from its first school on.
///
/// # Errors
/// When the school is not known, or the database refuses.
pub async fn put_into(write: &mut Write, group: &GroupName, uai: &Uai) -> anyhow::Result<()> {
    let sql = "INSERT INTO school_group (name, uai) VALUES ($1, $2) ON CONFLICT (name, uai) DO NOTHING";
    write.execute(sql, &[group.as_str().into(), uai.as_str().into()]).await?;
    write.signal(format!("school/{}", uai.as_str()));
    Ok(())
}

/// Takes a school out of a group.
///
/// # Errors
/// When the database refuses.
pub async fn take_out(write: &mut Write, group: &GroupName, uai: &Uai) -> anyhow::Result<()> {
    let sql = "DELETE FROM school_group WHERE name = $1 AND uai = $2";
    write.execute(sql, &[group.as_str().into(), uai.as_str().into()]).await?;
    write.signal(format!("school/{}", uai.as_str()));
    Ok(())
}

/// The groups, by their names.
///
/// # Errors
/// When the database refuses.
pub async fn groups(database: &Database) -> anyhow::Result<Vec<GroupName>> {
    let rows = database.read("SELECT DISTINCT name FROM school_group ORDER BY name", &[]).await?;
    rows.iter()
        .map(|row| GroupName::new(row.text(0)?).ok_or_else(|| anyhow::anyhow!("a group's name is malformed")))
        .collect()
}

/// Which schools are in which groups, by the groups' names.
///
/// # Errors
/// When the database refuses.
pub async fn members(database: &Database) -> anyhow::Result<Vec<(GroupName, Uai)>> {
    let rows = database.read("SELECT name, uai FROM school_group ORDER BY name, uai", &[]).await?;
    let member = |row: &Row| {
        let name = GroupName::new(row.text(0)?);
        Ok((name.ok_or_else(|| anyhow::anyhow!("a group's name is malformed"))?, code(row, 1)?))
    };
    rows.iter().map(member).collect()
}

fn school(row: &Row) -> anyhow::Result<School> {
    let departement = DepartementCode::new(row.text(4)?);
    Ok(School {
        uai: code(row, 0)?,
        name: row.text(1)?.to_owned(),
        kind: row.text(2)?.to_owned(),
        town: row.text(3)?.to_owned(),
        departement: departement.ok_or_else(|| anyhow::anyhow!("a département's code is malformed"))?,
    })
}

fn code(row: &Row, place: usize) -> anyhow::Result<Uai> {
    Uai::new(row.text(place)?).ok_or_else(|| anyhow::anyhow!("a school's code is malformed"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::trial;

    #[tokio::test]
    async fn a_school_stands_below_its_departement_and_its_groups() {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::open(&trial::location(&dir.path().join("x")).await, &[PART]).await.unwrap();
        let uai = Uai::new("0809999Z").unwrap();
        let somme = DepartementCode::new("80").unwrap();
        let rep = GroupName::new("rep-plus").unwrap();
        let mut write = database.write().await.unwrap();
        let school = School {
            uai: uai.clone(),
            name: "Collège d'Exemple".into(),
            kind: "Collège".into(),
            town: "Amiens".into(),
            departement: somme.clone(),
        };
        enter(&mut write, &school).await.unwrap();
        put_into(&mut write, &rep, &uai).await.unwrap();
        write.commit().await.unwrap();
        let places =
            [Place::Academie, Place::Departement(somme), Place::Group(rep), Place::School(uai.clone())];
        assert_eq!(above(&database, &uai).await.unwrap(), places);
        for place in &places {
            assert_eq!(below(&database, place).await.unwrap(), std::slice::from_ref(&uai), "{place}");
        }
        assert_eq!(all(&database).await.unwrap(), [school]);
    }
}
