//! The school holidays of a zone, from the ministry's open data (`fr-en-calendrier-scolaire`), loaded as data with an end.
//!
//! CSV, UTF-8, `;`. A line is one stretch of days off of one académie:
//!
//! | column | what it holds |
//! |---|---|
//! | `description` | `Vacances de la Toussaint`, `Pont de l'Ascension`, … |
//! | `population` | `-` or `Élèves`; lines of `Enseignants` are passed over |
//! | `start_date` | midnight in Paris of the first day off, as an instant: `2026-10-16T22:00:00+00:00` is 17 October |
//! | `end_date` | midnight in Paris of the day of return, which is not off |
//! | `zones` | `Zone A`, `Zone B`, `Zone C`, or a name such as `Corse` |
//!
//! Columns stand in any order and others beside them. A line may begin with `#`. A year whose end is not published yet has
//! `Début des Vacances d'Été`, which begins and ends on one day: that summer is taken to last until September.

use std::{
    collections::BTreeMap,
    fmt,
    str::FromStr,
    sync::{Arc, LazyLock},
};

use csv::{ReaderBuilder, StringRecord};
use jiff::{
    Timestamp, ToSpan as _,
    civil::{Date, Weekday},
    tz::TimeZone,
};
use thiserror::Error;

/// The largest file, in bytes: thirty years of all académies.
const BYTES_MAX: usize = 1 << 24;

/// The longest stretch of days off; longer ones are a slip in a date.
const DAYS_MAX: i32 = 100;

/// Shorter stretches are bridges, not holidays.
const HOLIDAY_DAYS_MIN: i32 = 5;

/// How long before its end a calendar asks for a newer one, in days.
const WARNING_DAYS: i32 = 120;

/// The longest name of a holiday or zone, in characters.
const NAME_CHARS_MAX: usize = 100;

static SHIPPED: LazyLock<SchoolCalendar> = LazyLock::new(|| {
    SchoolCalendar::parse(include_str!("../../data/calendrier-scolaire.csv"))
        .expect("a test reads the calendar that is shipped")
});

/// A zone of the school calendar.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SchoolZone {
    /// Besançon, Bordeaux, Clermont-Ferrand, Dijon, Grenoble, Limoges, Lyon, Poitiers.
    A,
    /// Aix-Marseille, Amiens, Lille, Nancy-Metz, Nantes, Nice, Normandie, Orléans-Tours, Reims, Rennes, Strasbourg.
    B,
    /// Créteil, Montpellier, Paris, Toulouse, Versailles.
    C,
    /// One with a calendar of its own, by its name in the open data, such as `Corse`.
    Other(Arc<str>),
}

impl SchoolZone {
    /// The word of configuration files: `A`, `B`, `C`, or the name.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::Other(name) => name,
        }
    }
}

impl FromStr for SchoolZone {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "A" | "Zone A" => Ok(Self::A),
            "B" | "Zone B" => Ok(Self::B),
            "C" | "Zone C" => Ok(Self::C),
            "" => Err("a zone has a name: A, B, C, or one of the open data such as Corse".to_owned()),
            name if name.chars().count() > NAME_CHARS_MAX => Err("this is no zone".to_owned()),
            name => Ok(Self::Other(Arc::from(name))),
        }
    }
}

impl fmt::Display for SchoolZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A stretch of days off, `[from, until)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holiday {
    /// Its name, such as `Vacances de la Toussaint`.
    pub name: Arc<str>,
    /// The first day off.
    pub from: Date,
    /// The day of return.
    pub until: Date,
}

impl Holiday {
    /// Whether these are the long holidays, between two school years.
    #[must_use]
    pub fn is_summer(&self) -> bool {
        let first_of_august = Date::new(self.from.year(), 8, 1);
        first_of_august.is_ok_and(|day| (self.from..self.until).contains(&day))
    }

    /// Whether it is too short for a holiday: the days between a public holiday and the week's end.
    #[must_use]
    pub fn is_bridge(&self) -> bool {
        days_between(self.from, self.until) < HOLIDAY_DAYS_MIN
    }
}

/// Where a calendar is wrong, and what to do about it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("line {line}: {what}")]
pub struct CalendarError {
    /// The line, counted from 1.
    pub line: u64,
    /// What is wrong and what to do.
    pub what: String,
}

/// A calendar that is about to run out, or has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarWarning {
    /// The zone.
    pub zone: SchoolZone,
    /// The last day it knows; none where it knows nothing of the zone.
    pub ends_on: Option<Date>,
    /// Days from today to the end, negative behind it.
    pub days_left: i32,
}

impl fmt::Display for CalendarWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { zone, ends_on, days_left } = self;
        match ends_on {
            None => write!(f, "the school calendar knows no zone {zone}; load one that does"),
            Some(day) if *days_left < 0 => {
                write!(f, "the school calendar of zone {zone} ended on {day}; load the next one")
            }
            Some(day) => {
                write!(
                    f,
                    "the school calendar of zone {zone} ends on {day}, in {days_left} days; load the next one"
                )
            }
        }
    }
}

/// The holidays of all zones that a file knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchoolCalendar {
    /// By beginning.
    holidays: BTreeMap<SchoolZone, Vec<Holiday>>,
}

impl SchoolCalendar {
    /// Reads the open data's CSV.
    ///
    /// # Errors
    /// With the line, when it is not as the head of this file says, or knows no holiday.
    pub fn parse(text: &str) -> Result<Self, CalendarError> {
        if text.len() > BYTES_MAX {
            return Err(CalendarError {
                line: 1,
                what: format!("longer than {BYTES_MAX} bytes; this is no calendar"),
            });
        }
        let text = text.trim_start_matches('\u{feff}');
        let mut columns = None;
        let mut holidays: BTreeMap<SchoolZone, Vec<Holiday>> = BTreeMap::new();
        for (line, row) in (1..).zip(text.lines()) {
            let fault = |what| CalendarError { line, what };
            let Some(row) = fields(row).map_err(fault)? else { continue };
            let Some(columns) = &columns else {
                columns = Some(Columns::of(&row).map_err(fault)?);
                continue;
            };
            if let Some((zone, holiday)) = columns.holiday(&row).map_err(fault)? {
                keep(holidays.entry(zone).or_default(), holiday);
            }
        }
        if holidays.is_empty() {
            return Err(CalendarError {
                line: 1,
                what: "no holiday in it; give the open data's CSV".to_owned(),
            });
        }
        for of_zone in holidays.values_mut() {
            of_zone.sort_by_key(|holiday| (holiday.from, holiday.until));
        }
        Ok(Self { holidays })
    }

    /// The calendar that comes with the program: zones A, B and C until summer 2028.
    #[must_use]
    pub fn shipped() -> &'static Self {
        &SHIPPED
    }

    /// The holidays of `zone` that `date` lies in.
    #[must_use]
    pub fn holidays(&self, zone: &SchoolZone, date: Date) -> Option<&Holiday> {
        self.of(zone).iter().find(|holiday| (holiday.from..holiday.until).contains(&date))
    }

    /// Whether schools of `zone` are open on `date`: no Saturday or Sunday, no holidays, no public holiday of all France.
    #[must_use]
    pub fn is_school_day(&self, zone: &SchoolZone, date: Date) -> bool {
        let is_weekend = matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
        !is_weekend && self.holidays(zone, date).is_none() && !is_public_holiday(date)
    }

    /// The first day of the next holidays of `zone` after `date`: what is delivered becomes effective then. Bridges do not
    /// count. None where the calendar ends before.
    #[must_use]
    pub fn next_start_after(&self, date: Date, zone: &SchoolZone) -> Option<Date> {
        let mut next = self.of(zone).iter().filter(|holiday| !holiday.is_bridge() && holiday.from > date);
        next.next().map(|holiday| holiday.from)
    }

    /// The last day the calendar knows of `zone`.
    #[must_use]
    pub fn ends_on(&self, zone: &SchoolZone) -> Option<Date> {
        self.of(zone).iter().map(|holiday| holiday.until).max()?.yesterday().ok()
    }

    /// What to say to technicians from 120 days before the calendar of `zone` ends.
    #[must_use]
    pub fn warning(&self, zone: &SchoolZone, today: Date) -> Option<CalendarWarning> {
        let ends_on = self.ends_on(zone);
        let days_left = ends_on.map_or(0, |day| days_between(today, day));
        (days_left <= WARNING_DAYS).then(|| CalendarWarning { zone: zone.clone(), ends_on, days_left })
    }

    /// The zones it knows.
    pub fn zones(&self) -> impl Iterator<Item = &SchoolZone> {
        self.holidays.keys()
    }

    fn of(&self, zone: &SchoolZone) -> &[Holiday] {
        self.holidays.get(zone).map_or(&[], Vec::as_slice)
    }
}

/// The fields of a line; none of a comment or an empty line.
fn fields(line: &str) -> Result<Option<StringRecord>, String> {
    if line.starts_with('#') {
        return Ok(None);
    }
    let mut reader = ReaderBuilder::new()
        .delimiter(b';')
        .has_headers(false)
        .buffer_capacity(512)
        .from_reader(line.as_bytes());
    let mut row = StringRecord::new();
    let is_there = reader.read_record(&mut row).map_err(|_| "not readable as CSV".to_owned())?;
    Ok(is_there.then_some(row))
}

/// Adds `holiday`: each académie of a zone has its line, and the beginning of a summer may stand beside the whole of it.
fn keep(of_zone: &mut Vec<Holiday>, holiday: Holiday) {
    match of_zone.iter_mut().find(|known| known.from == holiday.from) {
        Some(known) if known.until < holiday.until && !holiday_is_a_guess(&holiday) => *known = holiday,
        Some(known) if holiday_is_a_guess(known) => *known = holiday,
        Some(_) => {}
        None => of_zone.push(holiday),
    }
}

fn holiday_is_a_guess(holiday: &Holiday) -> bool {
    holiday.name.to_lowercase().starts_with("début")
}

/// Where the columns stand.
struct Columns {
    description: usize,
    population: usize,
    start: usize,
    end: usize,
    zones: usize,
}

impl Columns {
    fn of(header: &StringRecord) -> Result<Self, String> {
        let place = |name: &str| {
            let place = header.iter().position(|known| known.trim().eq_ignore_ascii_case(name));
            place.ok_or_else(|| {
                format!("column `{name}` is missing; give the open data's CSV, separated by `;`")
            })
        };
        Ok(Self {
            description: place("description")?,
            population: place("population")?,
            start: place("start_date")?,
            end: place("end_date")?,
            zones: place("zones")?,
        })
    }

    /// What a line says for pupils; none where it is not about days off of theirs.
    fn holiday(&self, row: &StringRecord) -> Result<Option<(SchoolZone, Holiday)>, String> {
        let field = |place: usize, name: &str| {
            row.get(place).map(str::trim).ok_or_else(|| format!("field `{name}` is missing"))
        };
        let name = field(self.description, "description")?;
        if name.is_empty() || name.chars().count() > NAME_CHARS_MAX {
            return Err("field `description` is empty or too long".to_owned());
        }
        let small = name.to_lowercase();
        let is_teachers = field(self.population, "population")?.to_lowercase().starts_with("enseignant");
        if is_teachers || small.contains("rentrée") {
            return Ok(None);
        }
        let zone = field(self.zones, "zones")?.parse::<SchoolZone>()?;
        let day = |place: usize, column: &str| {
            let text = field(place, column)?;
            day(text).ok_or_else(|| format!("`{text}` in field `{column}` is no date such as 2026-10-17"))
        };
        let (from, end) = (day(self.start, "start_date")?, day(self.end, "end_date")?);
        let until = match end {
            end if end != from => end,
            _ if small.starts_with("début") => first_of_september(from)?,
            _ => from.tomorrow().map_err(|_| "a date beyond the calendar".to_owned())?,
        };
        let days = days_between(from, until);
        if !(1..=DAYS_MAX).contains(&days) {
            return Err(format!(
                "from {from} until {until}: days off are 1 to {DAYS_MAX} in a row; correct the dates"
            ));
        }
        Ok(Some((zone, Holiday { name: Arc::from(name), from, until })))
    }
}

/// The day in Paris that a date or an instant falls on.
fn day(text: &str) -> Option<Date> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        let paris = TimeZone::get("Europe/Paris").ok()?;
        return Some(instant.to_zoned(paris).date());
    }
    text.parse().ok().filter(|_| text.len() == "2026-10-17".len())
}

fn first_of_september(day: Date) -> Result<Date, String> {
    Date::new(day.year(), 9, 1).map_err(|_| "a date beyond the calendar".to_owned())
}

fn days_between(from: Date, to: Date) -> i32 {
    from.until(to).map_or(0, |span| span.get_days())
}

/// Whether `date` is a public holiday of the whole country.
fn is_public_holiday(date: Date) -> bool {
    const FIXED: [(i8, i8); 8] = [(1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)];
    // Easter Monday, Ascension and Whit Monday, in days after Easter Sunday.
    const MOVING: [i32; 3] = [1, 39, 50];
    FIXED.contains(&(date.month(), date.day()))
        || easter(date.year()).is_some_and(|easter| {
            MOVING.iter().any(|days| easter.checked_add(days.days()).is_ok_and(|day| day == date))
        })
}

/// Easter Sunday of `year`, by the Gregorian rule as Butcher wrote it down.
fn easter(year: i16) -> Option<Date> {
    let year_number = i32::from(year);
    let golden = year_number % 19;
    let (century, in_century) = (year_number / 100, year_number % 100);
    let leaps = century / 4;
    let correction = (century + 8) / 25;
    let epact = (19 * golden + century - leaps - (century - correction + 1) / 3 + 15) % 30;
    let weekday = (32 + 2 * (century % 4) + 2 * (in_century / 4) - epact - in_century % 4) % 7;
    let late = (golden + 11 * epact + 22 * weekday) / 451;
    let days = epact + weekday - 7 * late + 114;
    Date::new(year, i8::try_from(days / 31).ok()?, i8::try_from(days % 31 + 1).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "description;population;start_date;end_date;location;zones;annee_scolaire\n";

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn calendar(rows: &str) -> SchoolCalendar {
        SchoolCalendar::parse(&format!("{HEADER}{rows}")).unwrap()
    }

    #[test]
    fn the_calendar_that_is_shipped_knows_three_zones_until_summer_2028() {
        let shipped = SchoolCalendar::shipped();
        for (zone, winter) in
            [(SchoolZone::A, "2027-02-13"), (SchoolZone::B, "2027-02-20"), (SchoolZone::C, "2027-02-06")]
        {
            assert_eq!(shipped.ends_on(&zone), Some(date("2028-08-31")));
            assert_eq!(shipped.next_start_after(date("2027-01-10"), &zone), Some(date(winter)));
            assert_eq!(shipped.holidays[&zone].len(), 18);
        }
        assert_eq!(shipped.zones().count(), 3);
    }

    #[test]
    fn every_holiday_that_is_shipped_begins_and_ends_where_schools_do() {
        for (zone, holidays) in &SchoolCalendar::shipped().holidays {
            for holiday in holidays {
                let Holiday { name, from, until } = holiday;
                if holiday.is_bridge() {
                    assert!(until.weekday() == Weekday::Sunday, "{zone} {name} {until}");
                    continue;
                }
                // The summer of 2028 begins on a Tuesday; schools come back on a working day.
                let begins_well = from.weekday() == Weekday::Saturday || *from == date("2028-07-04");
                assert!(begins_well, "{zone} {name} {from}");
                let returns = until.weekday() == Weekday::Monday || holiday.is_summer() || from.month() == 4;
                assert!(returns, "{zone} {name} {until}");
            }
            for pair in holidays.windows(2) {
                assert!(pair[0].until < pair[1].from, "{zone}: {} meets {}", pair[0].name, pair[1].name);
            }
        }
    }

    #[test]
    fn the_first_day_is_off_and_the_day_of_return_is_not() {
        let shipped = SchoolCalendar::shipped();
        for (day, off) in
            [("2026-10-16", false), ("2026-10-17", true), ("2026-11-01", true), ("2026-11-02", false)]
        {
            assert_eq!(shipped.holidays(&SchoolZone::B, date(day)).is_some(), off, "{day}");
        }
    }

    #[test]
    fn instants_are_days_in_paris_whatever_offset_they_are_written_with() {
        for (start, end) in [
            ("2026-10-16T22:00:00+00:00", "2026-11-01T23:00:00+00:00"),
            ("2026-10-17T00:00:00+02:00", "2026-11-02T00:00:00+01:00"),
            ("2026-10-16T22:00:00Z", "2026-11-01T23:00:00Z"),
            ("2026-10-17", "2026-11-02"),
        ] {
            let calendar =
                calendar(&format!("Vacances de la Toussaint;-;{start};{end};Rennes;Zone B;2026-2027\n"));
            let holiday = &calendar.holidays[&SchoolZone::B][0];
            assert_eq!((holiday.from, holiday.until), (date("2026-10-17"), date("2026-11-02")), "{start}");
        }
    }

    #[test]
    fn lines_of_teachers_and_of_returns_are_passed_over() {
        let calendar = calendar(
            "Vacances de la Toussaint;Enseignants;2026-10-16;2026-11-03;Lyon;Zone A;2026-2027\n\
             Vacances de la Toussaint;Élèves;2026-10-17;2026-11-02;Lyon;Zone A;2026-2027\n\
             Vacances de la Toussaint;-;2026-10-17;2026-11-02;Dijon;Zone A;2026-2027\n\
             Rentrée scolaire des élèves;Élèves;2026-09-01;2026-09-01;Lyon;Zone A;2026-2027\n\
             Prérentrée des enseignants;-;2026-08-31;2026-08-31;Lyon;Zone A;2026-2027\n",
        );
        assert_eq!(calendar.holidays[&SchoolZone::A].len(), 1);
        assert!(calendar.holidays(&SchoolZone::A, date("2026-10-16")).is_none());
    }

    #[test]
    fn a_summer_without_an_end_lasts_until_september_unless_another_line_knows() {
        let open = "Début des Vacances d'Été;-;2028-07-03T22:00:00+00:00;2028-07-03T22:00:00+00:00;Lyon;Zone A;2027-2028\n";
        let whole = "Vacances d'Été;-;2028-07-04;2028-08-30;Lyon;Zone A;2027-2028\n";
        assert_eq!(calendar(open).ends_on(&SchoolZone::A), Some(date("2028-08-31")));
        for rows in [format!("{open}{whole}"), format!("{whole}{open}")] {
            assert_eq!(calendar(&rows).ends_on(&SchoolZone::A), Some(date("2028-08-29")));
        }
        assert!(calendar(open).holidays(&SchoolZone::A, date("2028-07-20")).unwrap().is_summer());
    }

    #[test]
    fn bridges_are_off_and_no_day_for_deliveries() {
        let shipped = SchoolCalendar::shipped();
        assert!(shipped.holidays(&SchoolZone::A, date("2027-05-07")).unwrap().is_bridge());
        assert_eq!(shipped.next_start_after(date("2027-05-03"), &SchoolZone::A), Some(date("2027-07-03")));
        assert_eq!(shipped.next_start_after(date("2028-07-04"), &SchoolZone::A), None);
    }

    #[test]
    fn school_days_are_neither_weekends_nor_holidays_nor_public_holidays() {
        let shipped = SchoolCalendar::shipped();
        for (day, open) in [
            ("2026-11-10", true),
            ("2026-11-11", false),
            ("2026-11-14", false),
            ("2026-12-25", false),
            ("2027-03-29", false),
            ("2027-05-06", false),
            ("2027-05-17", false),
            ("2026-05-25", false),
            ("2026-05-26", true),
        ] {
            assert_eq!(shipped.is_school_day(&SchoolZone::A, date(day)), open, "{day}");
        }
        for (year, expected) in [
            (2024, "2024-03-31"),
            (2025, "2025-04-20"),
            (2026, "2026-04-05"),
            (2027, "2027-03-28"),
            (2038, "2038-04-25"),
        ] {
            assert_eq!(easter(year), Some(date(expected)));
        }
    }

    #[test]
    fn a_calendar_warns_before_it_runs_out() {
        let shipped = SchoolCalendar::shipped();
        assert_eq!(shipped.warning(&SchoolZone::B, date("2028-05-02")), None);
        let warning = shipped.warning(&SchoolZone::B, date("2028-05-03")).unwrap();
        assert_eq!(
            warning.to_string(),
            "the school calendar of zone B ends on 2028-08-31, in 120 days; load the next one"
        );
        let over = shipped.warning(&SchoolZone::B, date("2028-09-10")).unwrap();
        assert_eq!(over.to_string(), "the school calendar of zone B ended on 2028-08-31; load the next one");
        let corsica = shipped.warning(&"Corse".parse().unwrap(), date("2026-01-01")).unwrap();
        assert_eq!(corsica.to_string(), "the school calendar knows no zone Corse; load one that does");
    }

    #[test]
    fn a_wrong_calendar_is_refused_with_its_line() {
        for (text, message) in [
            (String::new(), "line 1: no holiday in it"),
            (HEADER.to_owned(), "line 1: no holiday in it"),
            ("a,b\n".to_owned(), "line 1: column `description` is missing"),
            (
                format!("{HEADER}Noël;-;2026-12-19;demain;x;Zone A;y\n"),
                "line 2: `demain` in field `end_date`",
            ),
            (
                format!("{HEADER}\nNoël;-;2027-01-04;2026-12-19;x;Zone A;y\n"),
                "line 3: from 2027-01-04 until 2026-12-19",
            ),
            (format!("{HEADER}Noël;-;2026-12-19;2027-12-19;x;Zone A;y\n"), "line 2: from 2026-12-19"),
            (format!("{HEADER}Noël;-;2026-12-19\n"), "line 2: field `zones` is missing"),
            (format!("{HEADER}Noël;-;2026-12-19;2027-01-04;x;;y\n"), "line 2: a zone has a name"),
            (
                format!("# comment\n{HEADER};-;2026-12-19;2027-01-04;x;Zone A;y\n"),
                "line 3: field `description`",
            ),
        ] {
            let refused = SchoolCalendar::parse(&text).unwrap_err().to_string();
            assert!(refused.starts_with(message), "{text}\n{refused}");
        }
    }

    #[test]
    fn every_cut_of_a_calendar_is_read_or_refused() {
        let text = include_str!("../../data/calendrier-scolaire.csv");
        for (end, _) in text.char_indices().step_by(7) {
            let _ = SchoolCalendar::parse(&text[..end]);
        }
    }
}
