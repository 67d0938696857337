//! Guards from their parts.

use super::media::MediaType;
use super::regex::{RegexError, Regexes};
use super::{Group, Guard, Lookup, Node, Place, Source, Test, Version};
use hashbrown::HashMap;
use std::sync::Arc;

/// Makes the guards of one router. What two of them look at, or expressions that were written
/// alike, become one.
#[derive(Debug, Default)]
pub struct Compiler {
    regexes: Regexes,
    lookups: HashMap<(Place, String), Arc<Lookup>>,
    media: HashMap<(String, Option<String>), Arc<MediaType>>,
    groups_count: u32,
}

/// The version that a route offers, before it is compiled.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Its group.
    pub group: Arc<Group>,
    /// The version's name.
    pub is: String,
    /// Which parameter of the route's path says the version, from 0; none where the path has none.
    pub parameter: Option<usize>,
    /// Whether requests that say no version mean this one.
    pub is_default: bool,
}

impl Compiler {
    /// Nothing yet.
    pub fn new() -> Compiler {
        Compiler::default()
    }

    /// The condition that a named value passes a test, or that none does.
    pub fn value(&mut self, place: Place, name: &str, test: Test, is_negated: bool) -> Node {
        Node::Value { lookup: self.lookup(place, name), test, is_negated }
    }

    /// A test by a regular expression.
    ///
    /// # Errors
    /// The expression is refused.
    pub fn matches(&mut self, regex: &str) -> Result<Test, RegexError> {
        Ok(Test::Matches(self.regexes.compile(regex)?))
    }

    /// A group of versions that looks at these places in their order; `None` is the route's path.
    pub fn group(&mut self, name: &str, sources: &[Option<(Place, &str)>]) -> Arc<Group> {
        let number = self.groups_count;
        self.groups_count += 1;
        let source = |source: &Option<(Place, &str)>| match source {
            Some((place, name)) => Source::Value(self.lookup(*place, name)),
            None => Source::Path,
        };
        Arc::new(Group { name: name.into(), number, sources: sources.iter().map(source).collect() })
    }

    /// A guard; none where there is nothing to ask. The media types must be
    /// [`MediaType::is_valid`].
    pub fn guard(
        &mut self,
        conditions: Vec<Node>,
        offer: Option<Offer>,
        produces: &[String],
    ) -> Option<Guard> {
        if conditions.is_empty() && offer.is_none() && produces.is_empty() {
            return None;
        }
        // Where a parameter of `Accept` says the version, it says nothing about the content.
        let besides = offer.as_ref().and_then(|offer| offer.group.accept_parameter());
        let produces: Box<[_]> = produces.iter().map(|text| self.media(text, besides)).collect();
        let of_conditions: u32 = conditions.iter().map(Node::count).sum();
        let count = of_conditions + u32::from(offer.is_some()) + u32::from(!produces.is_empty());
        let version = offer.map(|offer| Version {
            group: offer.group,
            is: offer.is.into(),
            parameter: offer.parameter,
            is_default: offer.is_default,
        });
        Some(Guard { conditions: conditions.into(), version, produces, count })
    }

    /// The places that its guards look at, by their number.
    pub(super) fn into_lookups(self) -> Vec<Arc<Lookup>> {
        let mut lookups: Vec<Arc<Lookup>> = self.lookups.into_values().collect();
        lookups.sort_unstable_by_key(|lookup| lookup.number);
        lookups
    }

    fn lookup(&mut self, place: Place, name: &str) -> Arc<Lookup> {
        let key = match place {
            Place::Header | Place::AcceptParameter => name.to_ascii_lowercase(),
            Place::Query | Place::Cookie => name.to_owned(),
        };
        let number = next(self.lookups.len());
        let entry = self.lookups.entry((place, key));
        entry.or_insert_with(|| Arc::new(Lookup::new(place, name, number))).clone()
    }

    fn media(&mut self, text: &str, besides: Option<&str>) -> Arc<MediaType> {
        let number = next(self.media.len());
        let entry = self.media.entry((text.to_owned(), besides.map(str::to_owned)));
        let besides = besides.map(Into::into);
        let media = || Arc::new(MediaType { text: text.into(), number, besides });
        entry.or_insert_with(media).clone()
    }
}

impl Test {
    /// The test that a value is one of a list.
    pub fn is_in(list: impl IntoIterator<Item = Box<[u8]>>) -> Test {
        let mut list: Vec<Box<[u8]>> = list.into_iter().collect();
        list.sort_unstable();
        list.dedup();
        Test::In(list.into())
    }
}

impl Group {
    /// Whether the routes' paths may say the version.
    pub fn looks_at_path(&self) -> bool {
        self.sources.iter().any(|source| matches!(source, Source::Path))
    }

    /// The fields of a request that may say the version: what `Vary` lists.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.sources.iter().filter_map(|source| match source {
            Source::Value(lookup) => match lookup.place {
                Place::Header => Some(&*lookup.name),
                Place::AcceptParameter => Some("Accept"),
                Place::Cookie => Some("Cookie"),
                Place::Query => None,
            },
            Source::Path => None,
        })
    }

    fn accept_parameter(&self) -> Option<&str> {
        self.sources.iter().find_map(|source| match source {
            Source::Value(lookup) if lookup.place == Place::AcceptParameter => Some(&*lookup.name),
            Source::Value(_) | Source::Path => None,
        })
    }
}

impl PartialEq for Lookup {
    /// By number: both are of one compiler.
    fn eq(&self, other: &Lookup) -> bool {
        self.number == other.number
    }
}

fn next(count: usize) -> u32 {
    u32::try_from(count).expect("a million routes have fewer places than 2^32")
}
