//! Sites that schools ask to have opened, or closed, on their way up: teacher, head of the school, DASEN.
//!
//! A teacher or the referent answers what they may inside the school; what they pass on arrives here and stands before the
//! head. Whoever may answer for the school can answer it or raise it to the DASEN; what stands before the DASEN is answered
//! by those whose right reaches beyond one school. The answer goes back as an order. Opening the site is an act of its own,
//! in the rules. No person of the school is in any of this.

use anyhow::{Context as _, ensure};
use preau::{
    model::{Moment, Uai},
    protocol::line::{PassedOn, What},
};

use super::{orders, schools};
use crate::{
    audit::{self, Who},
    database::{Database, Part, Row, Value, Write},
    words::{Granted, Place, Right},
};

/// The tables.
pub const PART: Part = Part {
    name: "requests",
    steps: &["
        CREATE TABLE requests (
            id BIGINT PRIMARY KEY,
            uai TEXT NOT NULL,
            number BIGINT NOT NULL,
            passed BIGINT NOT NULL,
            heard BIGINT NOT NULL,
            site TEXT NOT NULL,
            wish TEXT NOT NULL,
            class TEXT NOT NULL,
            askers BIGINT NOT NULL,
            word TEXT NOT NULL,
            level TEXT NOT NULL,
            raised_word TEXT NOT NULL,
            answered BIGINT,
            answered_by TEXT,
            granted BIGINT,
            sentence TEXT,
            UNIQUE (uai, number, passed)
        );
        CREATE INDEX requests_open ON requests (site, wish) WHERE answered IS NULL;"],
};

/// Requests of one school that may stand open at once; what comes beyond is not kept.
pub const OPEN_MAX: i64 = 500;

/// Requests of one answer to [`list`] or [`by_site`].
pub const PAGE: i64 = 200;

/// How long an answer waits for the box: longer than a summer.
const ANSWER_DAYS: u64 = 100;

/// The longest site, class, and word, in bytes.
const SITE_BYTES_MAX: usize = 255;
const CLASS_BYTES_MAX: usize = 64;
const WORD_BYTES_MAX: usize = 1000;

/// A request's number at central.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub i64);

/// Before whom a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The head of the school.
    Head,
    /// The DASEN.
    Dasen,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wish {
    /// That the site be opened.
    Open,
    /// That it be closed.
    Close,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its number here.
    pub id: RequestId,
    /// The school.
    pub school: Uai,
    /// What the school passed on.
    pub passed_on: PassedOn,
    /// What is asked for.
    pub wish: Wish,
    /// When it was heard here.
    pub heard: Moment,
    /// Before whom it stands, or stood when it was answered.
    pub level: Level,
    /// What was said when it was raised; empty for nothing.
    pub raised_word: String,
    /// The answer, once there is one.
    pub answer: Option<Answer>,
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether the wish was granted.
    pub granted: bool,
    /// A sentence for those who asked; may be empty.
    pub sentence: String,
    /// Who answered.
    pub by: String,
    /// When.
    pub at: Moment,
}

/// Which requests are meant. Of the default, all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those of the schools at that place and below.
    pub place: Option<Place>,
    /// Those that are answered, or those that are not.
    pub answered: Option<bool>,
    /// Those that stand there.
    pub level: Option<Level>,
    /// Those for that site.
    pub site: Option<String>,
    /// Those that came before that one: the next page.
    pub before: Option<RequestId>,
}

/// What several schools ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedFor {
    /// The site.
    pub site: String,
    /// What is asked for.
    pub wish: Wish,
    /// How many requests there are.
    pub requests: u64,
    /// How many schools they come from.
    pub schools: u64,
    /// How many persons asked.
    pub askers: u64,
    /// When the first was heard.
    pub first: Moment,
}

impl Level {
    /// The word it is kept and shown in addresses by.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Dasen => "dasen",
        }
    }

    /// The level of that word.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        [Self::Head, Self::Dasen].into_iter().find(|level| level.word() == word)
    }
}

impl Wish {
    /// The word it is kept and passed on by.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Close => "close",
        }
    }

    /// The wish of that word.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        [Self::Open, Self::Close].into_iter().find(|wish| wish.word() == word)
    }
}

/// Keeps what `school` passed on, once however often it is told. What is malformed or too much is not kept: telling it
/// again would not mend it.
pub(crate) async fn keep(
    write: &mut Write,
    school: &Uai,
    passed_on: &PassedOn,
    now: Moment,
) -> anyhow::Result<()> {
    let PassedOn { number, site, wish, class, askers, word, at } = passed_on;
    let site = site.trim().to_lowercase();
    let numbers = (i64::try_from(*number), i64::try_from(*askers));
    let (Ok(number), Ok(askers)) = numbers else { return Ok(()) };
    if Wish::read(wish).is_none() || site.is_empty() || site.len() > SITE_BYTES_MAX {
        return Ok(());
    }
    let sql = "SELECT COUNT(*) FROM requests WHERE uai = $1 AND answered IS NULL";
    let rows = write.read(sql, &[school.as_str().into()]).await?;
    if rows.first().context("the database does not count")?.integer(0)? >= OPEN_MAX {
        return Ok(());
    }
    let rows = write.read("SELECT COALESCE(MAX(id), 0) FROM requests", &[]).await?;
    let id = rows.first().context("the database does not count")?.integer(0)? + 1;
    let sql = "INSERT INTO requests
            (id, uai, number, passed, heard, site, wish, class, askers, word, level, raised_word)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'head', '')
        ON CONFLICT (uai, number, passed) DO NOTHING";
    let values = [
        id.into(),
        school.as_str().into(),
        number.into(),
        (*at).into(),
        now.unix_milliseconds().into(),
        clipped(&site, SITE_BYTES_MAX).into(),
        wish.as_str().into(),
        clipped(class, CLASS_BYTES_MAX).into(),
        askers.into(),
        clipped(word, WORD_BYTES_MAX).into(),
    ];
    if write.execute(sql, &values).await? > 0 {
        write.signal(format!("request/{}", school.as_str()));
    }
    Ok(())
}

/// The requests that `filter` means, the latest first, [`PAGE`] at most.
///
/// # Errors
/// When the database refuses.
pub async fn list(database: &Database, filter: &Filter) -> anyhow::Result<Vec<Request>> {
    let (condition, values) = condition(filter);
    let sql = format!("SELECT {COLUMNS} FROM requests WHERE {condition} ORDER BY id DESC LIMIT {PAGE}");
    database.read(&sql, &values).await?.iter().map(request).collect()
}

/// How many requests stand open before whom.
///
/// # Errors
/// When the database refuses.
pub async fn open_by_level(database: &Database) -> anyhow::Result<Vec<(Level, i64)>> {
    let sql = "SELECT level, COUNT(*) FROM requests WHERE answered IS NULL GROUP BY level";
    let rows = database.read(sql, &[]).await?;
    rows.iter()
        .map(|row| Ok((Level::read(row.text(0)?).context("a kept level is malformed")?, row.integer(1)?)))
        .collect()
}

/// What is asked for by the requests that `filter` means, what most schools ask for first, [`PAGE`] at most.
///
/// # Errors
/// When the database refuses.
pub async fn by_site(database: &Database, filter: &Filter) -> anyhow::Result<Vec<AskedFor>> {
    let (condition, values) = condition(filter);
    let sql = format!(
        "SELECT site, wish, COUNT(*), COUNT(DISTINCT uai), CAST(SUM(askers) AS BIGINT), MIN(heard)
        FROM requests WHERE {condition} GROUP BY site, wish
        ORDER BY COUNT(DISTINCT uai) DESC, COUNT(*) DESC, site LIMIT {PAGE}"
    );
    let asked_for = |row: &Row| {
        Ok(AskedFor {
            site: row.text(0)?.to_owned(),
            wish: wish(row, 1)?,
            requests: u64::try_from(row.integer(2)?)?,
            schools: u64::try_from(row.integer(3)?)?,
            askers: u64::try_from(row.integer(4)?)?,
            first: Moment::from_unix_milliseconds(row.integer(5)?),
        })
    };
    database.read(&sql, &values).await?.iter().map(asked_for).collect()
}

/// The request of that number.
///
/// # Errors
/// When the database refuses.
pub async fn find(database: &Database, id: RequestId) -> anyhow::Result<Option<Request>> {
    let sql = format!("SELECT {COLUMNS} FROM requests WHERE id = $1");
    database.read(&sql, &[id.0.into()]).await?.first().map(request).transpose()
}

/// Answers a request, and has the school's box told.
///
/// # Errors
/// When the right is another, for another place, or does not reach beyond the school where the request stands before the
/// DASEN; when it is answered already, too much waits for the box, or the database refuses.
pub async fn answer(
    write: &mut Write,
    granted: &Granted,
    id: RequestId,
    wish_granted: bool,
    sentence: &str,
    now: Moment,
) -> anyhow::Result<()> {
    let request = open_request(write, granted, id).await?;
    let sentence = clipped(sentence, WORD_BYTES_MAX);
    let sql =
        "UPDATE requests SET answered = $2, answered_by = $3, granted = $4, sentence = $5 WHERE id = $1";
    let values = [
        id.0.into(),
        now.unix_milliseconds().into(),
        granted.actor().name.as_str().into(),
        i64::from(wish_granted).into(),
        sentence.as_str().into(),
    ];
    write.execute(sql, &values).await?;
    let (number, site) = (request.passed_on.number, request.passed_on.site.clone());
    let what = What::AnswerRequest { request: number, site, granted: wish_granted, sentence };
    let expires = now + std::time::Duration::from_secs(ANSWER_DAYS * 86_400);
    orders::enter(write, granted, &request.school, &what, now, expires).await?;
    let answer = if wish_granted { "accordée" } else { "refusée" };
    note(write, granted, &request, "answer", answer, now).await?;
    write.signal(format!("request/{}", request.school.as_str()));
    Ok(())
}

/// Raises a request to the DASEN, with a word for them.
///
/// # Errors
/// When the right is another or for another place, when it stands there or is answered already, or the database refuses.
pub async fn raise(
    write: &mut Write,
    granted: &Granted,
    id: RequestId,
    word: &str,
    now: Moment,
) -> anyhow::Result<()> {
    let request = open_request(write, granted, id).await?;
    ensure!(request.level == Level::Head, "the request stands before the DASEN already");
    let sql = "UPDATE requests SET level = 'dasen', raised_word = $2 WHERE id = $1";
    write.execute(sql, &[id.0.into(), clipped(word, WORD_BYTES_MAX).into()]).await?;
    note(write, granted, &request, "raise", "transmise à la DSDEN", now).await?;
    write.signal(format!("request/{}", request.school.as_str()));
    Ok(())
}

async fn note(
    write: &mut Write,
    granted: &Granted,
    request: &Request,
    act: &str,
    text: &str,
    now: Moment,
) -> anyhow::Result<()> {
    let who = Who::Person(granted.actor().id, granted.actor().name.clone());
    let place = Place::School(request.school.clone());
    let wish = match request.wish {
        Wish::Open => "ouvrir",
        Wish::Close => "fermer",
    };
    let text = format!("demande {}, {wish} {} : {text}", request.id.0, request.passed_on.site);
    audit::note(write, now, &who, act, Some(&place), &text).await
}

/// The request of that number, if it stands open and `granted` is a right over it.
async fn open_request(write: &mut Write, granted: &Granted, id: RequestId) -> anyhow::Result<Request> {
    ensure!(granted.right() == Right::Answer, "this right is not for answering requests");
    let sql = format!("SELECT {COLUMNS} FROM requests WHERE id = $1");
    let rows = write.read(&sql, &[id.0.into()]).await?;
    let request = request(rows.first().context("there is no such request")?)?;
    ensure!(request.answer.is_none(), "the request is answered already");
    let here = schools::holds(write, granted.place(), &request.school).await?;
    ensure!(here, "this right is for another place");
    let beyond = !matches!(granted.place(), Place::School(_));
    ensure!(request.level == Level::Head || beyond, "the request stands before the DASEN");
    Ok(request)
}

const COLUMNS: &str = "id, uai, number, passed, heard, site, wish, class, askers, word, level, raised_word,
    answered, answered_by, granted, sentence";

fn condition(filter: &Filter) -> (String, Vec<Value>) {
    let Filter { place, answered, level, site, before } = filter;
    let mut conditions = vec!["1 = 1".to_owned()];
    let mut values = Vec::new();
    let mut value = |value: Value| {
        values.push(value);
        format!("${}", values.len())
    };
    match place {
        None | Some(Place::Academie) => {}
        Some(Place::School(uai)) => conditions.push(format!("uai = {}", value(uai.as_str().into()))),
        Some(Place::Departement(code)) => {
            let code = value(code.as_str().into());
            conditions.push(format!("uai IN (SELECT uai FROM school WHERE departement = {code})"));
        }
        Some(Place::Group(name)) => {
            let name = value(name.as_str().into());
            conditions.push(format!("uai IN (SELECT uai FROM school_group WHERE name = {name})"));
        }
    }
    match answered {
        None => {}
        Some(true) => conditions.push("answered IS NOT NULL".to_owned()),
        Some(false) => conditions.push("answered IS NULL".to_owned()),
    }
    conditions.extend(level.map(|level| format!("level = {}", value(level.word().into()))));
    conditions.extend(site.as_deref().map(|site| format!("site = {}", value(site.into()))));
    conditions.extend(before.map(|before| format!("id < {}", value(before.0.into()))));
    (conditions.join(" AND "), values)
}

fn request(row: &Row) -> anyhow::Result<Request> {
    let answer = match row.integer_or_nothing(12)? {
        None => None,
        Some(at) => Some(Answer {
            granted: row.integer(14)? != 0,
            sentence: row.text(15)?.to_owned(),
            by: row.text(13)?.to_owned(),
            at: Moment::from_unix_milliseconds(at),
        }),
    };
    let wish = wish(row, 6)?;
    Ok(Request {
        id: RequestId(row.integer(0)?),
        school: Uai::new(row.text(1)?).context("a school's code is malformed")?,
        passed_on: PassedOn {
            number: u64::try_from(row.integer(2)?)?,
            site: row.text(5)?.to_owned(),
            wish: wish.word().to_owned(),
            class: row.text(7)?.to_owned(),
            askers: u64::try_from(row.integer(8)?)?,
            word: row.text(9)?.to_owned(),
            at: row.integer(3)?,
        },
        wish,
        heard: Moment::from_unix_milliseconds(row.integer(4)?),
        level: Level::read(row.text(10)?).context("a request's level is malformed")?,
        raised_word: row.text(11)?.to_owned(),
        answer,
    })
}

fn wish(row: &Row, place: usize) -> anyhow::Result<Wish> {
    Wish::read(row.text(place)?).context("a request's wish is malformed")
}

/// As much of `text` as is kept; a zero, which PostgreSQL takes in no text, is left out.
fn clipped(text: &str, bytes_max: usize) -> String {
    let end = text.floor_char_boundary(bytes_max);
    text.get(..end).unwrap_or_default().replace('\0', "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        database::trial,
        words::{Actor, DepartementCode, Grant, PersonId},
    };

    const MORNING: Moment = Moment::from_unix_seconds(1_780_000_000);

    fn granted(right: Right, place: Place) -> Granted {
        let grants = vec![Grant { right, place: place.clone() }];
        let actor = Actor { id: PersonId(1), name: "Camille Exemple".into(), grants };
        actor.may(right, &place, &[]).unwrap()
    }

    fn passed_on(number: u64, site: &str) -> PassedOn {
        PassedOn { number, site: site.into(), wish: "open".into(), askers: 3, ..PassedOn::default() }
    }

    fn uai(text: &str) -> Uai {
        Uai::new(text).unwrap()
    }

    /// Two schools of the Somme and one of the Oise, each asks for `a.example`; the first for another twice as well.
    async fn asked(dir: &tempfile::TempDir) -> Database {
        let parts = [audit::PART, schools::PART, orders::PART, PART];
        let database = Database::open(&trial::location(&dir.path().join("x")).await, &parts).await.unwrap();
        let mut write = database.write().await.unwrap();
        for (code, departement) in [("0801111A", "80"), ("0802222B", "80"), ("0603333C", "60")] {
            let school = schools::School {
                uai: uai(code),
                name: "Collège".into(),
                kind: String::new(),
                town: String::new(),
                departement: DepartementCode::new(departement).unwrap(),
            };
            schools::enter(&mut write, &school).await.unwrap();
            keep(&mut write, &school.uai, &passed_on(1, " A.example"), MORNING).await.unwrap();
            keep(&mut write, &school.uai, &passed_on(1, " A.example"), MORNING).await.unwrap();
        }
        keep(&mut write, &uai("0801111A"), &passed_on(2, "b.example"), MORNING).await.unwrap();
        let malformed = PassedOn { wish: "dance".into(), ..passed_on(3, "c.example") };
        keep(&mut write, &uai("0801111A"), &malformed, MORNING).await.unwrap();
        write.commit().await.unwrap();
        database
    }

    #[tokio::test]
    async fn what_several_schools_ask_for_is_seen_together_and_by_place() {
        let dir = tempfile::tempdir().unwrap();
        let database = asked(&dir).await;
        assert_eq!(list(&database, &Filter::default()).await.unwrap().len(), 4, "each once");
        let all = by_site(&database, &Filter::default()).await.unwrap();
        let counted: Vec<_> =
            all.iter().map(|site| (site.site.as_str(), site.schools, site.askers)).collect();
        assert_eq!(counted, [("a.example", 3, 9), ("b.example", 1, 3)]);
        let somme = Some(Place::Departement(DepartementCode::new("80").unwrap()));
        let filter = Filter { place: somme, site: Some("a.example".into()), ..Filter::default() };
        assert_eq!(list(&database, &filter).await.unwrap().len(), 2);
    }

    #[tokio::test]
    async fn a_request_before_the_dasen_is_answered_by_rights_beyond_the_school_and_once() {
        let dir = tempfile::tempdir().unwrap();
        let database = asked(&dir).await;
        let school = uai("0801111A");
        let request = list(&database, &Filter::default()).await.unwrap().pop().unwrap();
        let head = granted(Right::Answer, Place::School(school.clone()));
        let elsewhere = granted(Right::Answer, Place::School(uai("0802222B")));
        let dasen = granted(Right::Answer, Place::Departement(DepartementCode::new("80").unwrap()));
        let mut write = database.write().await.unwrap();
        assert!(raise(&mut write, &elsewhere, request.id, "", MORNING).await.is_err());
        raise(&mut write, &head, request.id, "pour le projet", MORNING).await.unwrap();
        assert!(answer(&mut write, &head, request.id, true, "oui", MORNING).await.is_err());
        answer(&mut write, &dasen, request.id, true, "C'est ouvert.", MORNING).await.unwrap();
        assert!(answer(&mut write, &dasen, request.id, false, "Non.", MORNING).await.is_err());
        write.commit().await.unwrap();
        let request = find(&database, request.id).await.unwrap().unwrap();
        assert_eq!((request.level, request.raised_word.as_str()), (Level::Dasen, "pour le projet"));
        assert!(request.answer.unwrap().granted);
        let waiting = orders::waiting(&database, Some(&school), MORNING).await.unwrap();
        let told = What::AnswerRequest {
            request: 1,
            site: "a.example".into(),
            granted: true,
            sentence: "C'est ouvert.".into(),
        };
        assert_eq!(waiting[0].1.what, told);
    }
}
