//! From patterns to the flat tree: a tree of drafts grows route by route, then is laid out once.

use super::pattern::{self, Shape, Step};
use super::tree::{self, Tree};
use super::{MethodSet, Pattern, PatternError, RouteId, Router, host, methods};
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
}

/// Gathers routes.
#[derive(Debug, Default)]
pub struct Builder {
    drafts: Vec<Draft>,
    /// Roots by host key, in the order of their first route.
    hosts: HashMap<String, u32>,
    any: Option<u32>,
    methods: methods::Table,
    faults: Vec<BuildFault>,
}

/// A node that can still change.
#[derive(Debug)]
struct Draft {
    label: Vec<u8>,
    /// Sorted by the first byte of their labels.
    children: Vec<u32>,
    /// Sorted by [`Shape::order`].
    shapes: Vec<(Shape, u32)>,
    exact: Leaf,
    wildcard: Leaf,
    /// The route that made it, to name one when it lies too deep.
    route: RouteId,
}

/// Routes of one shape: no two have a method in common.
#[derive(Debug, Default)]
struct Leaf(Vec<(MethodSet, RouteId)>);

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
        let steps = pattern::parse_path(pattern)?;
        let methods = self.method_set(pattern.methods)?;
        let mut node = self.root(key, id);
        for step in steps.steps {
            node = match step {
                Step::Literal(text) => self.literal(node, &text, id),
                Step::Shape(shape) => self.shape(node, shape, id),
            };
        }
        let draft = &mut self.drafts[node as usize];
        let leaf = if steps.wildcard { &mut draft.wildcard } else { &mut draft.exact };
        if let Some(other) = leaf.add(methods, id) {
            self.faults.push(BuildFault::Tie { a: other, b: id });
        }
        Ok(())
    }

    /// Lays out the router.
    ///
    /// # Errors
    /// All faults at once.
    pub fn build(self) -> Result<Router, Vec<BuildFault>> {
        let mut faults = self.faults;
        let mut layout = Layout { records: Vec::new(), waiting: Vec::new() };
        let mut place = |root: u32| layout.place(root, &self.drafts, &mut faults);
        let any = self.any.map(&mut place);
        let mut hosts: Vec<(&str, u32)> =
            self.hosts.iter().map(|(key, root)| (key.as_str(), *root)).collect();
        hosts.sort_unstable_by_key(|(_, root)| *root);
        for (_, root) in &mut hosts {
            *root = place(*root);
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Router {
            hosts: host::Index::new(hosts.into_iter(), any),
            tree: Tree::new(layout.records),
            methods: self.methods,
        })
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

    /// The node behind a shape at `node`.
    fn shape(&mut self, node: u32, shape: Shape, id: RouteId) -> u32 {
        let shapes = &self.drafts[node as usize].shapes;
        match shapes.binary_search_by(|(other, _)| other.order().cmp(&shape.order())) {
            Ok(index) => shapes[index].1,
            Err(index) => {
                let new = self.push(Vec::new(), id);
                self.drafts[node as usize].shapes.insert(index, (shape, new));
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
            shapes: Vec::new(),
            exact: Leaf::default(),
            wildcard: Leaf::default(),
            route,
        }
    }

    fn is_choice(&self) -> bool {
        !self.shapes.is_empty() || !self.wildcard.0.is_empty()
    }

    fn is_stop(&self) -> bool {
        self.is_choice() || !self.exact.0.is_empty()
    }
}

impl Leaf {
    /// Adds a route; or the route that it ties with.
    fn add(&mut self, methods: MethodSet, id: RouteId) -> Option<RouteId> {
        let ties = |other: MethodSet| match (other == MethodSet::ANY, methods == MethodSet::ANY) {
            (true, true) => true,
            (false, false) => other.intersects(methods),
            // A route that lists the method is the more specific one.
            (true, false) | (false, true) => false,
        };
        if let Some((_, other)) = self.0.iter().find(|(other, _)| ties(*other)) {
            return Some(*other);
        }
        self.0.push((methods, id));
        None
    }

    /// The entries in the order in which they are tried, HEAD added to the one with GET.
    fn entries(&self) -> impl Iterator<Item = (MethodSet, RouteId)> {
        let (any, mut listed): (Vec<_>, Vec<_>) =
            self.0.iter().copied().partition(|(methods, _)| *methods == MethodSet::ANY);
        if !listed.iter().any(|(methods, _)| methods.intersects(MethodSet::HEAD)) {
            for (methods, _) in &mut listed {
                if methods.intersects(MethodSet::GET) {
                    methods.insert(MethodSet::HEAD);
                }
            }
        }
        listed.into_iter().chain(any)
    }
}

/// Writes drafts as records, depth first, so that a node mostly lies right before its first child.
struct Layout {
    records: Vec<u8>,
    waiting: Vec<Waiting>,
}

/// A draft that has no record yet.
struct Waiting {
    draft: u32,
    /// Where the place of its record is to be written.
    link: Option<usize>,
    /// Choices that a search has met before it.
    choices_count: usize,
}

impl Layout {
    /// Writes one tree and says where its root is.
    fn place(&mut self, root: u32, drafts: &[Draft], faults: &mut Vec<BuildFault>) -> u32 {
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
                faults.push(BuildFault::TooDeep { route: draft.route });
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

    /// One node's record; its children, and the nodes behind its shapes, wait.
    fn record(&mut self, draft: &Draft, drafts: &[Draft], choices_count: usize) {
        self.length(&draft.label);
        let children_count = draft.children.len();
        let children_count = u8::try_from(children_count);
        self.records.push(children_count.expect("a path has fewer than 256 byte values"));
        let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
        let flags = flag(!draft.exact.0.is_empty(), tree::EXACT)
            | flag(!draft.wildcard.0.is_empty(), tree::WILDCARD)
            | flag(!draft.shapes.is_empty(), tree::SHAPES);
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
        if !draft.shapes.is_empty() {
            self.u32(index(draft.shapes.len()));
        }
        for (shape, target) in &draft.shapes {
            self.shape(shape, *target, choices_count);
        }
    }

    fn leaf(&mut self, leaf: &Leaf) {
        if leaf.0.is_empty() {
            return;
        }
        // Each entry has a method of its own or, at most one, all.
        self.records.push(leaf.0.len().try_into().expect("at most 65 entries without a tie"));
        for (methods, route) in leaf.entries() {
            self.records.extend_from_slice(&methods.to_bytes());
            self.u32(route.0);
        }
    }

    fn shape(&mut self, shape: &Shape, target: u32, choices_count: usize) {
        let start = self.records.len();
        self.link(target, choices_count);
        self.u32(0);
        self.records.push(shape.0.len().try_into().expect("at most PARAMETERS_COUNT_MAX pieces"));
        for literal in &shape.0 {
            self.length(literal);
            self.records.extend_from_slice(literal);
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
