//! What stands, what was said of it, and on which way.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use preau::model::Moment;

use super::judge::Alarm;
use crate::database::{Part, Row, Write};

/// The tables.
pub const PART: Part = Part {
    name: "alarms",
    steps: &["
        CREATE TABLE alarms (
            way TEXT NOT NULL,
            what TEXT NOT NULL,
            severity TEXT NOT NULL,
            sentence TEXT NOT NULL,
            since BIGINT NOT NULL,
            told BIGINT NOT NULL,
            ended BIGINT,
            busy BIGINT NOT NULL,
            PRIMARY KEY (way, what)
        );"],
};

/// How long something stands before it is said.
const SAID_AFTER: Duration = Duration::from_secs(120);

/// How long something is over before that is said.
const OVER_AFTER: Duration = Duration::from_secs(300);

/// How long whoever says it has for it; after that another one does.
const BUSY: Duration = Duration::from_secs(120);

/// What one message says at most; the rest is said by the next.
const NEWS_MAX: usize = 500;

/// Something to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct News {
    pub(super) what: String,
    pub(super) severity: String,
    pub(super) sentence: String,
    /// When it was first seen.
    pub(super) since: Moment,
    /// When it was over, if it is.
    pub(super) ended: Option<Moment>,
}

struct Kept {
    news: News,
    is_told: bool,
    busy: Moment,
}

/// Notes what began and what is over on `way`; gives what is to be said now, which is then this caller's to say.
pub(super) async fn follow(
    write: &mut Write,
    way: &str,
    alarms: &[Alarm],
    now: Moment,
) -> anyhow::Result<Vec<News>> {
    let sql = "SELECT what, severity, sentence, since, told, ended, busy FROM alarms WHERE way = $1 ORDER BY since, what";
    let kept = write.read(sql, &[way.into()]).await?;
    let kept = kept.iter().map(kept_row).collect::<anyhow::Result<Vec<_>>>()?;
    let known: HashSet<&str> = kept.iter().map(|kept| kept.news.what.as_str()).collect();
    for alarm in alarms.iter().filter(|alarm| !known.contains(alarm.what.as_str())) {
        let sql = "INSERT INTO alarms (way, what, severity, sentence, since, told, busy)
            VALUES ($1, $2, $3, $4, $5, 0, 0) ON CONFLICT (way, what) DO NOTHING";
        let Alarm { what, severity, sentence } = alarm;
        let at = now.unix_milliseconds();
        let values =
            [way.into(), what.as_str().into(), (*severity).into(), sentence.as_str().into(), at.into()];
        write.execute(sql, &values).await?;
    }
    let standing: HashMap<&str, &Alarm> = alarms.iter().map(|alarm| (alarm.what.as_str(), alarm)).collect();
    let mut news = Vec::new();
    for Kept { news: known, is_told, busy } in &kept {
        let key = [way.into(), known.what.as_str().into()];
        let (sql, ended) = match (standing.contains_key(known.what.as_str()), is_told, known.ended) {
            (true, _, None) => (None, None),
            (true, _, Some(_)) => (Some("UPDATE alarms SET ended = NULL WHERE way = $1 AND what = $2"), None),
            (false, false, _) => {
                write.execute("DELETE FROM alarms WHERE way = $1 AND what = $2", &key).await?;
                continue;
            }
            (false, true, Some(ended)) => (None, Some(ended)),
            (false, true, None) => {
                let sql = "UPDATE alarms SET ended = $3 WHERE way = $1 AND what = $2";
                let [way, what] = key.clone();
                write.execute(sql, &[way, what, now.unix_milliseconds().into()]).await?;
                continue;
            }
        };
        if let Some(sql) = sql {
            write.execute(sql, &key).await?;
        }
        let is_due = match ended {
            None => !is_told && now.since(known.since) >= SAID_AFTER,
            Some(ended) => now.since(ended) >= OVER_AFTER,
        };
        if is_due && *busy <= now && news.len() < NEWS_MAX {
            let sql = "UPDATE alarms SET busy = $3 WHERE way = $1 AND what = $2";
            let [way, what] = key;
            write.execute(sql, &[way, what, (now + BUSY).unix_milliseconds().into()]).await?;
            news.push(News { ended, ..known.clone() });
        }
    }
    Ok(news)
}

/// Notes that `news` was said on `way`.
pub(super) async fn told(write: &mut Write, way: &str, news: &[News]) -> anyhow::Result<()> {
    for News { what, ended, .. } in news {
        let sql = match ended {
            None => "UPDATE alarms SET told = 1, busy = 0 WHERE way = $1 AND what = $2",
            Some(_) => "DELETE FROM alarms WHERE way = $1 AND what = $2",
        };
        write.execute(sql, &[way.into(), what.as_str().into()]).await?;
    }
    Ok(())
}

fn kept_row(row: &Row) -> anyhow::Result<Kept> {
    let news = News {
        what: row.text(0)?.to_owned(),
        severity: row.text(1)?.to_owned(),
        sentence: row.text(2)?.to_owned(),
        since: Moment::from_unix_milliseconds(row.integer(3)?),
        ended: row.integer_or_nothing(5)?.map(Moment::from_unix_milliseconds),
    };
    let busy = Moment::from_unix_milliseconds(row.integer(6)?);
    Ok(Kept { news, is_told: row.integer(4)? != 0, busy })
}
