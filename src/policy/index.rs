//! Finds the rules about a site without looking at the others.
//!
//! Every rule stands in one list per site, page, network or category it names, or in the list of rules about everything. A
//! question reads the lists of its site only, each sorted by the order of judgment, and stops in each as soon as a
//! stronger rule has spoken.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::IpAddr,
    sync::Arc,
};

use ipnet::IpNet;

use super::{
    category::{CategoryId, CategorySet, Table},
    decision::ListedBy,
    engines,
    rule::{Rule, SitePattern, Sites, Tier, UrlPattern},
};
use crate::model::{Domain, Site, UrlPath};

/// A rule's place in the order of judgment; the least speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    /// Locked levels from the top, then open levels from the most specific: decision D7. In a level, the files alike.
    tier: Tier,
    /// Within a tier: a written page, then a written site, the longest first, before a category or everything.
    breadth: u16,
    /// Within that: the order of the file. Also the rule's index.
    order: u32,
}

impl Rank {
    /// Whether the rule is asked before openings are.
    pub(super) fn is_locked(self) -> bool {
        self.tier.is_locked()
    }
}

/// The breadth of a category or of everything; a written site is narrower whatever its length.
const BROAD: u16 = u16::MAX;

/// The breadth of a site of no length; a written page is narrower whatever its length.
const SITE: u16 = BROAD - 1;

/// The breadth of a page of no length: below the longest site.
const PAGE: u16 = SITE - 256;

/// How a rule is about a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hit<'a> {
    /// The rule writes this name.
    Name(&'a Domain),
    /// The rule writes a network that holds the address.
    Network,
    /// The rule refuses engines without a safe form, and this is one, itself or by this parent.
    Engine(&'a Domain),
    /// The rule writes this page.
    Url(&'a UrlPattern),
    /// The rule names a category that lists the site, or the page asked for.
    Category(CategoryId, ListedBy),
    /// The rule is about every site.
    Everything,
}

/// All rules, found by what they are about.
#[derive(Debug)]
pub(super) struct Index {
    rules: Vec<Arc<Rule>>,
    tiers: Vec<Tier>,
    by_name: HashMap<Domain, Vec<u32>>,
    /// Pages, by their host and then by their path.
    by_url: HashMap<Domain, HashMap<UrlPath, (UrlPattern, Vec<u32>)>>,
    /// Engines without a safe form; empty unless a rule refuses them.
    by_engine: HashMap<Domain, Vec<u32>>,
    by_network: HashMap<IpNet, Vec<u32>>,
    /// Prefix lengths in use, by family.
    prefixes_v4: Vec<u8>,
    prefixes_v6: Vec<u8>,
    by_category: Vec<Vec<u32>>,
    /// The categories that any rule names.
    categories: CategorySet,
    /// Whether any of these lists pages or has expressions.
    lists_pages: bool,
    about_everything: Vec<u32>,
}

impl Index {
    /// The index of `rules`, each with the number of its file, given from the most general level to the most specific,
    /// whose categories are those of `table`. Categories the table lacks are left out: the caller has refused them.
    pub(super) fn new(rules: Vec<(u32, Arc<Rule>)>, table: Option<&Table>) -> Self {
        let tiers = rules.iter().map(|(file, rule)| rule.tier(*file)).collect();
        let rules: Vec<_> = rules.into_iter().map(|(_, rule)| rule).collect();
        let mut index = Self {
            tiers,
            by_name: HashMap::new(),
            by_url: HashMap::new(),
            by_engine: HashMap::new(),
            by_network: HashMap::new(),
            prefixes_v4: Vec::new(),
            prefixes_v6: Vec::new(),
            by_category: vec![Vec::new(); CategoryId::COUNT_MAX],
            categories: CategorySet::EMPTY,
            lists_pages: false,
            about_everything: Vec::new(),
            rules: Vec::new(),
        };
        for (order, rule) in (0..).zip(&rules) {
            index.enter(order, rule, table);
        }
        index.lists_pages =
            table.is_some_and(|table| index.categories.iter().any(|id| table.lists_pages(id)));
        index.rules = rules;
        index.sort();
        index
    }

    /// The rule of a rank.
    pub(super) fn rule(&self, rank: Rank) -> &Arc<Rule> {
        &self.rules[place(rank.order)]
    }

    /// Every rule, in the order it was given.
    pub(super) fn rules(&self) -> &[Arc<Rule>] {
        &self.rules
    }

    /// The strongest rule about `site`, or its page at `path`, that `speaks`.
    pub(super) fn strongest<'a>(
        &'a self,
        site: &Site,
        path: Option<&UrlPath>,
        table: Option<&Table>,
        speaks: impl Fn(&Rule) -> bool,
    ) -> Option<(Rank, Hit<'a>)> {
        let mut best: Option<(Rank, Hit<'a>)> = None;
        self.walk(site, path, table, |breadth, hit, orders| {
            for &order in orders {
                let rank = self.rank(order, breadth);
                if best.is_some_and(|(strongest, _)| strongest <= rank) {
                    break;
                }
                if speaks(&self.rules[place(order)]) {
                    best = Some((rank, hit));
                    break;
                }
            }
        });
        best
    }

    /// Every rule about `site`, or its page at `path`, once, by its strongest hit, the strongest first.
    pub(super) fn all(
        &self,
        site: &Site,
        path: Option<&UrlPath>,
        table: Option<&Table>,
    ) -> Vec<(Rank, Hit<'_>)> {
        let mut found: HashMap<u32, (Rank, Hit<'_>)> = HashMap::new();
        self.walk(site, path, table, |breadth, hit, orders| {
            for &order in orders {
                let rank = self.rank(order, breadth);
                match found.entry(order) {
                    Entry::Occupied(mut known) if rank < known.get().0 => *known.get_mut() = (rank, hit),
                    Entry::Occupied(_) => {}
                    Entry::Vacant(place) => {
                        place.insert((rank, hit));
                    }
                }
            }
        });
        let mut all: Vec<_> = found.into_values().collect();
        all.sort_by_key(|(rank, _)| *rank);
        all
    }

    /// Every rule about a page of `site`, once for each page, the strongest first.
    pub(super) fn pages_of(&self, site: &Site) -> Vec<(Rank, Hit<'_>)> {
        let Site::Name(name) = site else { return Vec::new() };
        let pages = name.ancestry().filter_map(|suffix| self.by_url.get(suffix)).flat_map(HashMap::values);
        let mut all: Vec<_> = pages
            .flat_map(|(written, orders)| orders.iter().map(move |order| (*order, written)))
            .map(|(order, written)| (self.rank(order, page_breadth(written)), Hit::Url(written)))
            .collect();
        all.sort_by_key(|(rank, _)| *rank);
        all
    }

    /// Whether any rule writes a page of `site`.
    pub(super) fn writes_pages_of(&self, site: &Site) -> bool {
        matches!(site, Site::Name(name) if name.ancestry().any(|suffix| self.by_url.contains_key(suffix)))
    }

    /// Whether any category that rules name lists pages or has expressions.
    pub(super) fn lists_pages(&self) -> bool {
        self.lists_pages
    }

    /// Gives `visit` each list of rules about `site` and its page at `path`, with its breadth. What does not need the
    /// path comes before what does, so that of two hits alike the one that always holds is kept.
    fn walk<'a>(
        &'a self,
        site: &Site,
        path: Option<&UrlPath>,
        table: Option<&Table>,
        mut visit: impl FnMut(u16, Hit<'a>, &'a [u32]),
    ) {
        match site {
            Site::Name(name) => self.walk_names(name, path, &mut visit),
            Site::Address(address) => {
                let address = address.to_canonical();
                let prefixes = if address.is_ipv4() { &self.prefixes_v4 } else { &self.prefixes_v6 };
                for prefix in prefixes {
                    if let Some(orders) = network(address, *prefix).and_then(|net| self.by_network.get(&net))
                    {
                        visit(narrowness(usize::from(*prefix)), Hit::Network, orders);
                    }
                }
            }
        }
        if let Some(table) = table.filter(|_| !self.categories.is_empty()) {
            for id in (table.categories_of_site(site) & self.categories).iter() {
                visit(BROAD, Hit::Category(id, ListedBy::Site), &self.by_category[id.index()]);
            }
            if let Some(path) = path.filter(|_| self.lists_pages) {
                self.walk_lists_of_pages(site, path, table, &mut visit);
            }
        }
        visit(BROAD, Hit::Everything, &self.about_everything);
    }

    fn walk_names<'a>(
        &'a self,
        name: &Domain,
        path: Option<&UrlPath>,
        visit: &mut impl FnMut(u16, Hit<'a>, &'a [u32]),
    ) {
        for (suffix, (written, orders)) in suffixes_in(&self.by_name, name) {
            visit(narrowness(suffix.len()), Hit::Name(written), orders);
        }
        for (suffix, (engine, orders)) in suffixes_in(&self.by_engine, name) {
            visit(narrowness(suffix.len()), Hit::Engine(engine), orders);
        }
        let Some(path) = path.filter(|_| !self.by_url.is_empty()) else { return };
        for pages in name.ancestry().filter_map(|suffix| self.by_url.get(suffix)) {
            for (written, orders) in path.prefixes().filter_map(|prefix| pages.get(prefix)) {
                visit(page_breadth(written), Hit::Url(written), orders);
            }
        }
    }

    fn walk_lists_of_pages<'a>(
        &'a self,
        site: &Site,
        path: &UrlPath,
        table: &Table,
        visit: &mut impl FnMut(u16, Hit<'a>, &'a [u32]),
    ) {
        let urls = table.listed_urls(site, path);
        let urls = urls.fold(CategorySet::EMPTY, |all, listed| all | listed.categories);
        for id in (urls & self.categories).iter() {
            visit(BROAD, Hit::Category(id, ListedBy::Url), &self.by_category[id.index()]);
        }
        for (id, _) in table.matching_expressions(site, path) {
            visit(BROAD, Hit::Category(id, ListedBy::Expression), &self.by_category[id.index()]);
        }
    }

    fn enter(&mut self, order: u32, rule: &Rule, table: Option<&Table>) {
        let (patterns, categories) = match &rule.sites {
            Sites::Everything => return self.about_everything.push(order),
            Sites::EnginesWithoutSafeForm => {
                for name in engines::WITHOUT_SAFE_FORM {
                    self.by_engine.entry(engines::domain(name)).or_default().push(order);
                }
                return;
            }
            Sites::Listed { patterns, categories } => (patterns, categories),
        };
        for pattern in patterns {
            match pattern {
                SitePattern::Name(name) => self.by_name.entry(name.clone()).or_default().push(order),
                SitePattern::Url(url) => {
                    let pages = self.by_url.entry(url.host.clone()).or_default();
                    let page = pages.entry(url.path.clone()).or_insert_with(|| (url.clone(), Vec::new()));
                    page.1.push(order);
                }
                SitePattern::Network(network) => {
                    self.by_network.entry(*network).or_default().push(order);
                    match network {
                        IpNet::V4(_) => self.prefixes_v4.push(network.prefix_len()),
                        IpNet::V6(_) => self.prefixes_v6.push(network.prefix_len()),
                    }
                }
            }
        }
        for id in categories.iter().filter_map(|name| table?.category(name)) {
            self.categories.insert(id);
            self.by_category[id.index()].push(order);
        }
    }

    fn sort(&mut self) {
        let tiers = &self.tiers;
        let pages = self.by_url.values_mut().flat_map(HashMap::values_mut).map(|(_, orders)| orders);
        let by_name = self.by_name.values_mut().chain(self.by_engine.values_mut());
        let lists = by_name.chain(self.by_network.values_mut()).chain(&mut self.by_category);
        for list in lists.chain(pages).chain([&mut self.about_everything]) {
            list.sort_by_key(|order| (tiers[place(*order)], *order));
            list.dedup();
        }
        for prefixes in [&mut self.prefixes_v4, &mut self.prefixes_v6] {
            prefixes.sort_unstable();
            prefixes.dedup();
        }
    }

    fn rank(&self, order: u32, breadth: u16) -> Rank {
        Rank { tier: self.tiers[place(order)], breadth, order }
    }
}

/// What `map` holds of `name` and its parents. An empty map is not asked.
fn suffixes_in<'a, 'n, V>(
    map: &'a HashMap<Domain, V>,
    name: &'n Domain,
) -> impl Iterator<Item = (&'n str, (&'a Domain, &'a V))> {
    let suffixes = name.ancestry().take_while(|_| !map.is_empty());
    suffixes.filter_map(|suffix| Some((suffix, map.get_key_value(suffix)?)))
}

/// The breadth of a written site of this length, in bytes of a name or bits of a network.
fn narrowness(length: usize) -> u16 {
    // A name has at most 253 bytes and a network at most 128 bits: always above PAGE.
    SITE.saturating_sub(u16::try_from(length).unwrap_or(u16::MAX))
}

/// The breadth of a written page, by the bytes of its host and path.
fn page_breadth(page: &UrlPattern) -> u16 {
    let length = page.host.as_str().len() + page.path.as_str().len();
    // A path has at most 2,048 bytes: always above zero.
    PAGE.saturating_sub(u16::try_from(length).unwrap_or(u16::MAX))
}

fn network(address: IpAddr, prefix: u8) -> Option<IpNet> {
    IpNet::new(address, prefix).ok().map(|net| net.trunc())
}

fn place(order: u32) -> usize {
    usize::try_from(order).unwrap_or(usize::MAX)
}
