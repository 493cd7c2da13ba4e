//! Charts as SVG: where things stand, in whole units of the drawing; templates write them.

/// The width of a drawing.
const WIDTH: u64 = 720;

/// The height of the part with bars, and where it begins.
const HEIGHT: u64 = 180;
const TOP: u64 = 12;

/// Labels below the bars, at most.
const LABELS_MAX: usize = 13;

/// Bars that stand side by side, allowed upon refused.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) bars: Vec<Column>,
    /// The greatest sum, which the tallest bar shows.
    pub(super) most: u64,
    pub(super) width: u64,
    pub(super) top: u64,
    pub(super) base: u64,
    pub(super) height: u64,
}

/// One bar.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) x: u64,
    pub(super) middle: u64,
    pub(super) width: u64,
    pub(super) allowed_y: u64,
    pub(super) allowed_height: u64,
    pub(super) refused_y: u64,
    pub(super) refused_height: u64,
    /// What is written below; empty where there is no room.
    pub(super) label: String,
    /// What is told of it.
    pub(super) title: String,
}

/// Bars that lie one below the other.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) bars: Vec<Row>,
    pub(super) width: u64,
    pub(super) height: u64,
}

/// One bar.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) y: u64,
    pub(super) text_y: u64,
    pub(super) width: u64,
    pub(super) label: String,
    pub(super) count: u64,
}

impl Columns {
    /// The chart of periods: label, title, allowed and refused each.
    pub(super) fn new(periods: &[(String, String, u64, u64)]) -> Self {
        let most = periods.iter().map(|(.., allowed, refused)| allowed.saturating_add(*refused)).max();
        let most = most.unwrap_or(0).max(1);
        let count = periods.len().max(1);
        let step = WIDTH / u64::try_from(count).unwrap_or(WIDTH).max(1);
        let every = count.div_ceil(LABELS_MAX);
        let base = TOP + HEIGHT;
        let bar = |(at, (label, title, allowed, refused)): (usize, &(String, String, u64, u64))| {
            let x = u64::try_from(at).unwrap_or(0) * step;
            let refused_height = scaled(*refused, most);
            let all_height = scaled(allowed.saturating_add(*refused), most);
            let allowed_height = all_height.saturating_sub(refused_height);
            Column {
                x: x + step / 8,
                middle: x + step / 2,
                width: (step - step / 4).max(1),
                refused_y: base.saturating_sub(refused_height),
                refused_height,
                allowed_y: base.saturating_sub(refused_height + allowed_height),
                allowed_height,
                label: if (count - 1 - at).is_multiple_of(every) { label.clone() } else { String::new() },
                title: title.clone(),
            }
        };
        let bars = periods.iter().enumerate().map(bar).collect();
        Self { bars, most, width: WIDTH, top: TOP, base, height: base + 24 }
    }
}

impl Rows {
    const STEP: u64 = 30;
    const LABEL: u64 = 300;

    /// The chart of counts with their names.
    pub(super) fn new(counts: impl Iterator<Item = (String, u64)>) -> Self {
        let counts: Vec<_> = counts.collect();
        let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
        let room = WIDTH - Self::LABEL - 90;
        let bar = |(at, (label, count)): (usize, (String, u64))| {
            let y = u64::try_from(at).unwrap_or(0) * Self::STEP;
            let width =
                u64::try_from(u128::from(count) * u128::from(room) / u128::from(most)).unwrap_or(room);
            Row { y: y + 4, text_y: y + 20, width: width.max(1), label, count }
        };
        let bars: Vec<_> = counts.into_iter().enumerate().map(bar).collect();
        let height = u64::try_from(bars.len()).unwrap_or(0) * Self::STEP;
        Self { bars, width: WIDTH, height }
    }
}

/// How high `count` stands where `most` is the whole height.
fn scaled(count: u64, most: u64) -> u64 {
    u64::try_from(u128::from(count) * u128::from(HEIGHT) / u128::from(most)).unwrap_or(HEIGHT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tallest_bar_fills_the_drawing_and_none_leaves_it() {
        let period = |allowed, refused| (String::from("x"), String::new(), allowed, refused);
        let chart = Columns::new(&[period(90, 10), period(0, 0), period(u64::MAX, u64::MAX), period(1, 0)]);
        for bar in &chart.bars {
            assert!(bar.allowed_y + bar.allowed_height <= chart.base && bar.allowed_y >= TOP - 1, "{bar:?}");
            assert!(bar.x + bar.width <= WIDTH);
        }
        assert_eq!(Columns::new(&[period(50, 50)]).bars[0].allowed_y, TOP);
        assert!(Columns::new(&[]).bars.is_empty());
        let rows = Rows::new([(String::new(), 0), (String::new(), u64::MAX)].into_iter());
        assert!(rows.bars.iter().all(|row| row.width <= WIDTH - Rows::LABEL));
    }
}
