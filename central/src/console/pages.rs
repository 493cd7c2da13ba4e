//! A long list, cut into pages that are addresses.

/// Rows of a page.
pub(super) const ROWS: usize = 200;

/// Where a list is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pages {
    /// The page shown, from 1.
    pub(super) number: usize,
    /// How many there are, at least 1.
    pub(super) count: usize,
    /// Rows in all.
    pub(super) rows: usize,
    /// The address of the list with its filters, ending in `?` or `&`.
    base: String,
}

impl Pages {
    /// Cuts `rows` rows, of which page `asked` is wanted; `path` and `filters` (already written as a query) are the list's.
    pub(super) fn new(rows: usize, asked: usize, path: &str, filters: &str) -> Self {
        let count = rows.div_ceil(ROWS).max(1);
        let base = if filters.is_empty() { format!("{path}?") } else { format!("{path}?{filters}&") };
        Self { number: asked.clamp(1, count), count, rows, base }
    }

    /// The rows of the page shown.
    pub(super) fn cut<T>(&self, mut all: Vec<T>) -> Vec<T> {
        let first = (self.number - 1) * ROWS;
        let mut shown = all.split_off(first.min(all.len()));
        shown.truncate(ROWS);
        shown
    }

    /// The address of the page before, if there is one.
    pub(super) fn previous(&self) -> Option<String> {
        (self.number > 1).then(|| format!("{}page={}", self.base, self.number - 1))
    }

    /// The address of the page after, if there is one.
    pub(super) fn next(&self) -> Option<String> {
        (self.number < self.count).then(|| format!("{}page={}", self.base, self.number + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_on_one_page() {
        let all: Vec<usize> = (0..401).collect();
        let shown = |asked| Pages::new(401, asked, "/", "").cut(all.clone());
        assert_eq!((shown(1).len(), shown(2).len(), shown(3)), (200, 200, vec![400]));
        assert_eq!(shown(99), [400]);
        assert!(Pages::new(0, 0, "/", "").cut(Vec::<u8>::new()).is_empty());
        let pages = Pages::new(401, 2, "/", "etat=ok");
        assert_eq!(pages.previous().as_deref(), Some("/?etat=ok&page=1"));
        assert_eq!(pages.next().as_deref(), Some("/?etat=ok&page=3"));
    }
}
