//! From patterns to the flat tree: a tree of drafts grows route by route, then is laid out once.

use super::guard::Guards;
use super::leaf::{self, Captures, Leaf, PathTail, Regexes};
use super::pattern::{self, Shape, Step, Turn};
use super::regex::{self, Pool};
use super::tree::{self, Tree};
use super::{MethodSet, PathPattern, Pattern, PatternError, RouteId, Router, host, methods};
use crate::http::method::Method;
use crate::limits;
use hashbrown::HashMap;

/// What keeps routes that are each fine from being one router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildFault {
    /// Two routes match the same requests and neither is more specific.
    Tie {
        /// The route that was added first.
        a: RouteId,
        /// The route that was added later.
        b: RouteId,
    },
    /// Prefixes of this route's path are patterns with `/*` or parameters more than
    /// [`limits::CHOICES_COUNT_MAX`] times.
    TooDeep {
        /// One route at the deep end.
        route: RouteId,
    },
    /// More than [`limits::REGEXES_PER_PLACE_MAX`] different regular expressions at one place.
    RegexesTooMany {
        /// One of their routes.
        route: RouteId,
    },
    /// The regular expressions of one place together are beyond
    /// [`limits::REGEX_AUTOMATON_BYTES_MAX`], or all are beyond [`limits::REGEXES_BYTES_MAX`].
    RegexesTooLarge {
        /// One of their routes.
        route: RouteId,
    },
    /// So many routes of one place differ only in conditions that finding ties among them takes
    /// more than [`limits::TIE_COMPARISONS_MAX`].
    TooManyAlike {
        /// One of them.
        route: RouteId,
    },
}

/// Gathers routes.
#[derive(Debug, Default)]
pub struct Builder {
    drafts: Vec<Draft>,
    /// Roots by host key, in the order of their first route.
    hosts: HashMap<String, u32>,
    any: Option<u32>,
    methods: methods::Table,
    pool: Pool,
}

/// A node that can still change.
#[derive(Debug)]
struct Draft {
    label: Vec<u8>,
    /// Sorted by the first byte of their labels.
    children: Vec<u32>,
    /// Sorted by [`Turn::order`].
    turns: Vec<(Turn, u32)>,
    exact: Vec<leaf::Draft>,
    wildcard: Vec<leaf::Draft>,
    /// Routes whose regular expressions begin with the literals down to here.
    regexes: Vec<leaf::Draft>,
    /// The route that made it, to name one when it lies too deep.
    route: RouteId,
}

impl Builder {
    /// No routes.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// Adds a route.
    ///
    /// # Errors
    /// What is wrong with the pattern; the route is then left out.
    pub fn add(&mut self, id: RouteId, pattern: &Pattern<'_>) -> Result<(), PatternError> {
        let key = pattern.host.map(pattern::parse_host).transpose()?;
        let (end, regexes) = match pattern.path {
            PathPattern::Segments(path) => self.segments(path, pattern.parameters)?,
            PathPattern::Regex(_) if !pattern.parameters.is_empty() => {
                return Err(PatternError::ParametersOfRegex);
            }
            PathPattern::Regex(text) => self.regex(text)?,
        };
        let draft = leaf::Draft {
            id,
            methods: self.method_set(pattern.methods)?,
            priority: pattern.priority,
            guard: pattern.guard,
            regexes,
        };
        let mut node = self.root(key, id);
        for step in end.steps() {
            node = match step {
                Step::Literal(text) => self.literal(node, text, id),
                Step::Turn(turn) => self.turn(node, turn, id),
            };
        }
        let at = &mut self.drafts[node as usize];
        match end {
            End::Exact(_) => at.exact.push(draft),
            End::Wildcard(_) => at.wildcard.push(draft),
            End::Regex(_) => at.regexes.push(draft),
        }
        Ok(())
    }

    /// Lays out the router.
    ///
    /// # Errors
    /// All faults at once, in the order of the routes that they name last.
    pub fn build(self, guards: &impl Guards) -> Result<Router, Vec<BuildFault>> {
        let leaves = leaf::Layout {
            guards,
            regexes: regex::Layout::new(self.pool),
            table: leaf::Table::default(),
            faults: Vec::new(),
            comparisons_left: limits::TIE_COMPARISONS_MAX,
        };
        let mut layout = Layout { records: Vec::new(), waiting: Vec::new(), leaves };
        let mut place = |root: u32| layout.place(root, &self.drafts);
        let any = self.any.map(&mut place);
        let mut hosts: Vec<(&str, u32)> =
            self.hosts.iter().map(|(key, root)| (key.as_str(), *root)).collect();
        hosts.sort_unstable_by_key(|(_, root)| *root);
        for (_, root) in &mut hosts {
            *root = place(*root);
        }
        let Layout { records, mut leaves, .. } = layout;
        if !leaves.faults.is_empty() {
            leaves.faults.sort_by_key(|fault| fault.route());
            return Err(leaves.faults);
        }
        leaves.table.shrink();
        Ok(Router {
            hosts: host::Index::new(hosts.into_iter(), any),
            tree: Tree::new(records, leaves.table, leaves.regexes.finish()),
            methods: self.methods,
        })
    }

    /// The way down the tree of a path of segments, and what its parameters must match.
    fn segments(
        &mut self,
        path: &str,
        parameters: &[(&str, &str)],
    ) -> Result<(End, Option<Box<Regexes>>), PatternError> {
        let steps = pattern::parse_path(path)?;
        let mut checks = Vec::new();
        for (name, text) in parameters {
            let place = steps.names.iter().position(|one| one == name);
            let place = place.ok_or_else(|| PatternError::ParameterUnknown((*name).into()))?;
            let tail = regex::parse_value(text).and_then(|tail| self.pool.tail(tail));
            let tail = tail.map_err(|fault| PatternError::Parameter {
                name: (*name).into(),
                fault: Box::new(fault),
            })?;
            checks.push((u8::try_from(place).expect("at most PARAMETERS_COUNT_MAX"), tail));
        }
        let end = if steps.wildcard { End::Wildcard(steps.steps) } else { End::Exact(steps.steps) };
        let regexes = (!checks.is_empty()).then(|| Box::new(Regexes { checks, path: None }));
        Ok((end, regexes))
    }

    /// The way down the tree of a regular expression's literal prefix, and its tail.
    fn regex(&mut self, text: &str) -> Result<(End, Option<Box<Regexes>>), PatternError> {
        let read = regex::parse_path(text)?;
        let bytes = |count: usize| u16::try_from(count).expect("a pattern fits u16, see limits");
        let captures = match read.captures {
            regex::Captures::None => Captures::None,
            regex::Captures::Rest(at) => Captures::Rest(bytes(at)),
            regex::Captures::Groups(at, groups) => {
                Captures::Groups(bytes(at), self.pool.groups(&groups)?)
            }
        };
        let tail = self.pool.tail(read.tail)?;
        let path = Some(PathTail { tail, text_bytes: bytes(text.len()), captures });
        // In the last segment of the prefix regular expressions come after all else, so they wait
        // at its beginning, in a tree of their own.
        let start = read.prefix.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
        let (segments, rest) = read.prefix.split_at(start);
        let steps = vec![
            Step::Literal(segments.to_vec()),
            Step::Turn(Turn::Regexes),
            Step::Literal(rest.to_vec()),
        ];
        Ok((End::Regex(steps), Some(Box::new(Regexes { checks: Vec::new(), path }))))
    }

    fn method_set(&mut self, methods: &[Method]) -> Result<MethodSet, PatternError> {
        if methods.is_empty() {
            return Ok(MethodSet::ANY);
        }
        let mut set = MethodSet::EMPTY;
        for method in methods {
            let bit = self.methods.bit_or_insert(*method);
            set.insert(bit.ok_or(PatternError::MethodsTooMany)?);
        }
        Ok(set)
    }

    fn root(&mut self, key: Option<String>, id: RouteId) -> u32 {
        let new = index(self.drafts.len());
        let root = match key {
            Some(key) => *self.hosts.entry(key).or_insert(new),
            None => *self.any.get_or_insert(new),
        };
        if root == new {
            self.drafts.push(Draft::new(Vec::new(), id));
        }
        root
    }

    /// The node behind `text` below `node`, splitting and adding as needed.
    fn literal(&mut self, mut node: u32, mut text: &[u8], id: RouteId) -> u32 {
        while let Some(first) = text.first() {
            let children = &self.drafts[node as usize].children;
            let found =
                children.binary_search_by_key(first, |child| self.drafts[*child as usize].label[0]);
            let index = match found {
                Ok(index) => index,
                Err(index) => {
                    let new = self.push(text.to_vec(), id);
                    self.drafts[node as usize].children.insert(index, new);
                    return new;
                }
            };
            let child = self.drafts[node as usize].children[index];
            let label = &self.drafts[child as usize].label;
            let same = label.iter().zip(text).take_while(|(a, b)| a == b).count();
            if same < label.len() {
                let head = label[..same].to_vec();
                self.drafts[child as usize].label.drain(..same);
                let between = self.push(head, id);
                self.drafts[between as usize].children.push(child);
                self.drafts[node as usize].children[index] = between;
                node = between;
            } else {
                node = child;
            }
            text = &text[same..];
        }
        node
    }

    /// The node behind a turn at `node`.
    fn turn(&mut self, node: u32, turn: &Turn, id: RouteId) -> u32 {
        let turns = &self.drafts[node as usize].turns;
        match turns.binary_search_by(|(other, _)| other.order().cmp(&turn.order())) {
            Ok(index) => turns[index].1,
            Err(index) => {
                let new = self.push(Vec::new(), id);
                self.drafts[node as usize].turns.insert(index, (turn.clone(), new));
                new
            }
        }
    }

    fn push(&mut self, label: Vec<u8>, id: RouteId) -> u32 {
        let index = index(self.drafts.len());
        self.drafts.push(Draft::new(label, id));
        index
    }
}

impl Draft {
    fn new(label: Vec<u8>, route: RouteId) -> Draft {
        Draft {
            label,
            children: Vec::new(),
            turns: Vec::new(),
            exact: Vec::new(),
            wildcard: Vec::new(),
            regexes: Vec::new(),
            route,
        }
    }

    fn is_choice(&self) -> bool {
        !self.turns.is_empty() || !self.wildcard.is_empty() || !self.regexes.is_empty()
    }

    fn is_stop(&self) -> bool {
        self.is_choice() || !self.exact.is_empty()
    }
}

/// The way to the leaf of a route.
enum End {
    Exact(Vec<Step>),
    Wildcard(Vec<Step>),
    Regex(Vec<Step>),
}

impl End {
    fn steps(&self) -> &[Step] {
        let (End::Exact(steps) | End::Wildcard(steps) | End::Regex(steps)) = self;
        steps
    }
}

impl BuildFault {
    /// The route at which the fault is told.
    pub fn route(&self) -> RouteId {
        match self {
            BuildFault::Tie { b: route, .. }
            | BuildFault::TooDeep { route }
            | BuildFault::RegexesTooMany { route }
            | BuildFault::RegexesTooLarge { route }
            | BuildFault::TooManyAlike { route } => *route,
        }
    }
}

/// Writes drafts as records, depth first, so that a node mostly lies right before its first child.
struct Layout<'a, G> {
    records: Vec<u8>,
    waiting: Vec<Waiting>,
    leaves: leaf::Layout<'a, G>,
}

/// A draft that has no record yet.
struct Waiting {
    draft: u32,
    /// Where the place of its record is to be written.
    link: Option<usize>,
    /// Choices that a search has met before it.
    choices_count: usize,
}

impl<G: Guards> Layout<'_, G> {
    /// Writes one tree and says where its root is.
    fn place(&mut self, root: u32, drafts: &[Draft]) -> u32 {
        let draft = &drafts[root as usize];
        // A root has no label of its own: where all paths begin alike, begin there.
        let root = match draft.children.as_slice() {
            [child] if !draft.is_stop() => *child,
            _ => root,
        };
        let start = index(self.records.len());
        self.waiting.push(Waiting { draft: root, link: None, choices_count: 0 });
        while let Some(next) = self.waiting.pop() {
            let draft = &drafts[next.draft as usize];
            let choices_count = next.choices_count + usize::from(draft.is_choice());
            if choices_count > limits::CHOICES_COUNT_MAX {
                self.leaves.faults.push(BuildFault::TooDeep { route: draft.route });
                continue;
            }
            let place = index(self.records.len());
            if let Some(link) = next.link {
                self.records[link..link + 4].copy_from_slice(&place.to_le_bytes());
            }
            let first_waiting = self.waiting.len();
            self.record(draft, drafts, choices_count);
            // The last to wait is the first to be written, which is to be the first child.
            self.waiting[first_waiting..].reverse();
        }
        start
    }

    /// One node's record; its children, and the nodes behind its turns, wait.
    fn record(&mut self, draft: &Draft, drafts: &[Draft], choices_count: usize) {
        self.length(&draft.label);
        let children_count = draft.children.len();
        let children_count = u8::try_from(children_count);
        self.records.push(children_count.expect("a path has fewer than 256 byte values"));
        let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
        let flags = flag(!draft.exact.is_empty(), tree::EXACT)
            | flag(!draft.wildcard.is_empty(), tree::WILDCARD)
            | flag(!draft.regexes.is_empty(), tree::REGEXES)
            | flag(!draft.turns.is_empty(), tree::TURNS);
        self.records.push(flags);
        self.records.extend_from_slice(&draft.label);
        for child in &draft.children {
            let first = drafts[*child as usize].label.first();
            self.records.push(*first.expect("a child has a label"));
        }
        for child in &draft.children {
            self.link(*child, choices_count);
        }
        self.leaf(&draft.exact);
        self.leaf(&draft.wildcard);
        self.leaf(&draft.regexes);
        if !draft.turns.is_empty() {
            self.u32(index(draft.turns.len()));
        }
        for (turn, target) in &draft.turns {
            self.turn(turn, *target, choices_count);
        }
    }

    fn leaf(&mut self, drafts: &[leaf::Draft]) {
        if drafts.is_empty() {
            return;
        }
        match self.leaves.leaf(drafts) {
            Leaf::Plain(entries) => {
                let count = u8::try_from(entries.len());
                self.records.push(count.expect("a plain leaf has fewer than GUARDED entries"));
                for (methods, route) in entries {
                    self.records.extend_from_slice(&methods.to_bytes());
                    self.u32(route.0);
                }
            }
            Leaf::Guarded(leaf) => {
                self.records.push(tree::GUARDED);
                self.u32(leaf);
            }
        }
    }

    fn turn(&mut self, turn: &Turn, target: u32, choices_count: usize) {
        let start = self.records.len();
        self.link(target, choices_count);
        self.u32(0);
        match turn {
            Turn::Shape(Shape(pieces)) => {
                let count = u8::try_from(pieces.len());
                self.records.push(count.expect("at most PARAMETERS_COUNT_MAX pieces"));
                for literal in pieces {
                    self.length(literal);
                    self.records.extend_from_slice(literal);
                }
            }
            Turn::Any => self.records.push(tree::ANY_SEGMENT),
            Turn::Regexes => self.records.push(tree::REGEX_TREE),
        }
        let bytes = index(self.records.len() - start);
        self.records[start + 4..start + 8].copy_from_slice(&bytes.to_le_bytes());
    }

    /// The length of a literal.
    fn length(&mut self, literal: &[u8]) {
        let bytes = u16::try_from(literal.len()).expect("a pattern fits u16, see limits");
        self.records.extend_from_slice(&bytes.to_le_bytes());
    }

    /// Room for the place of a node that is still to come.
    fn link(&mut self, draft: u32, choices_count: usize) {
        let link = Some(self.records.len());
        self.waiting.push(Waiting { draft, link, choices_count });
        self.u32(0);
    }

    fn u32(&mut self, number: u32) {
        self.records.extend_from_slice(&number.to_le_bytes());
    }
}

fn index(count: usize) -> u32 {
    u32::try_from(count).expect("records of a million routes are below 4 GiB")
}
