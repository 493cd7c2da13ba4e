//! What is said, in words.

use preau::model::Moment;
use serde_json::{Value, json};

use super::{settings::Mail, standing::News};

/// Lines of a mail; the rest are counted.
const LINES_MAX: usize = 100;

/// As a webhook takes it, version 1.
pub(super) fn json(academie: &str, news: &[News], now: Moment) -> Value {
    let said = |news: &News| {
        let News { what, severity, sentence, since, ended } = news;
        json!({
            "what": what,
            "severity": severity,
            "sentence": sentence,
            "since": since.to_string(),
            "ended": ended.map(|ended| ended.to_string()),
        })
    };
    let (over, began): (Vec<_>, Vec<_>) = news.iter().partition(|news| news.ended.is_some());
    json!({
        "version": 1,
        "academie": academie,
        "at": now.to_string(),
        "began": began.into_iter().map(said).collect::<Vec<_>>(),
        "over": over.into_iter().map(said).collect::<Vec<_>>(),
    })
}

/// As mail.
pub(super) fn mail(mail: &Mail, academie: &str, news: &[News]) -> String {
    let began = news.iter().filter(|news| news.ended.is_none()).count();
    let over = news.len() - began;
    let mut text = format!(
        "From: {}\r\nTo: {}\r\nSubject: Preau: {began} new, {over} over\r\nAuto-Submitted: auto-generated\r\n\
        MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{}\r\n\r\n",
        mail.from,
        mail.to.join(", "),
        line(academie)
    );
    for News { severity, sentence, since, ended, .. } in news.iter().take(LINES_MAX) {
        let word = if ended.is_some() { "over" } else { severity };
        text.push_str(&format!("{}: {} (since {since})\r\n", line(word), line(sentence)));
    }
    if let Some(more) = news.len().checked_sub(LINES_MAX).filter(|more| *more > 0) {
        text.push_str(&format!("and {more} more; the console has them\r\n"));
    }
    text
}

/// Text that stays in its line.
fn line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}
