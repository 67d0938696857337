//! From patterns to the flat tree: a tree of drafts grows route by route, then is laid out once.

use super::pattern::{self, Shape, Step};
use super::tree::{self, NONE, Tree};
use super::{MethodSet, Pattern, PatternError, RouteId, Router, host, methods};
use crate::http::method::Method;
use crate::limits;
use hashbrown::HashMap;
use std::collections::VecDeque;

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
        let mut layout = Layout { tree: Tree::default(), queue: VecDeque::new() };
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
        layout.tree.shrink();
        Ok(Router {
            hosts: host::Index::new(hosts.into_iter(), any),
            tree: layout.tree,
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
        let new = next_index(&self.drafts);
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
            let found = children
                .binary_search_by_key(first, |child| self.drafts[*child as usize].label[0]);
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
        let index = next_index(&self.drafts);
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

/// Writes drafts into flat arrays, breadth first, so that siblings are neighbours.
struct Layout {
    tree: Tree,
    queue: VecDeque<Placed>,
}

/// A draft whose node has its index but not yet its contents.
struct Placed {
    draft: u32,
    node: u32,
    /// Choices that a search has met before it.
    choices_count: usize,
}

impl Layout {
    /// Lays out one tree and says where its root is.
    fn place(&mut self, root: u32, drafts: &[Draft], faults: &mut Vec<BuildFault>) -> u32 {
        let draft = &drafts[root as usize];
        // A root has no label of its own: where all paths begin alike, begin there.
        let root = match draft.children.as_slice() {
            [child] if !draft.is_stop() => *child,
            _ => root,
        };
        let node = self.reserve(root, drafts, 0);
        while let Some(placed) = self.queue.pop_front() {
            let draft = &drafts[placed.draft as usize];
            let choices_count = placed.choices_count + usize::from(draft.is_choice());
            if choices_count > limits::CHOICES_COUNT_MAX {
                faults.push(BuildFault::TooDeep { route: draft.route });
                continue;
            }
            let children_start = next_index(&self.tree.nodes);
            for child in &draft.children {
                self.reserve(*child, drafts, choices_count);
            }
            let stop = self.stop(draft, drafts, choices_count);
            let node = &mut self.tree.nodes[placed.node as usize];
            node.children_start = children_start;
            node.stop = stop;
        }
        node
    }

    /// A node with the draft's label; its links come when its turn does.
    fn reserve(&mut self, draft: u32, drafts: &[Draft], choices_count: usize) -> u32 {
        let node = next_index(&self.tree.nodes);
        self.queue.push_back(Placed { draft, node, choices_count });
        let draft = &drafts[draft as usize];
        let label = self.text(&draft.label);
        self.tree.firsts.push(draft.label.first().copied().unwrap_or_default());
        self.tree.nodes.push(tree::Node {
            label_start: label.start,
            label_bytes: label.bytes.try_into().expect("a pattern fits u16, see limits"),
            children_count: draft.children.len().try_into().expect("at most 256 first bytes"),
            children_start: NONE,
            stop: NONE,
        });
        node
    }

    fn stop(&mut self, draft: &Draft, drafts: &[Draft], choices_count: usize) -> u32 {
        if !draft.is_stop() {
            return NONE;
        }
        let exact = self.leaf(&draft.exact);
        let wildcard = self.leaf(&draft.wildcard);
        let shapes_start = next_index(&self.tree.shapes);
        for (shape, target) in &draft.shapes {
            let node = self.reserve(*target, drafts, choices_count);
            let pieces_start = next_index(&self.tree.pieces);
            for literal in &shape.0 {
                let piece = self.text(literal);
                self.tree.pieces.push(piece);
            }
            let pieces_count = index(shape.0.len());
            self.tree.shapes.push(tree::Shape { pieces_start, pieces_count, node });
        }
        let shapes_count = index(draft.shapes.len());
        let stop = next_index(&self.tree.stops);
        self.tree.stops.push(tree::Stop { exact, wildcard, shapes_start, shapes_count });
        stop
    }

    fn leaf(&mut self, leaf: &Leaf) -> u32 {
        let first = next_index(&self.tree.entries);
        for (methods, route) in leaf.entries() {
            self.tree.entries.push(tree::Entry { methods, route, is_last: false });
        }
        if leaf.0.is_empty() {
            return NONE;
        }
        if let Some(last) = self.tree.entries.last_mut() {
            last.is_last = true;
        }
        first
    }

    fn text(&mut self, bytes: &[u8]) -> tree::Piece {
        let start = index(self.tree.labels.len());
        self.tree.labels.extend_from_slice(bytes);
        tree::Piece { start, bytes: index(bytes.len()) }
    }
}

fn next_index<T>(items: &[T]) -> u32 {
    index(items.len())
}

fn index(count: usize) -> u32 {
    // ROUTES_COUNT_MAX patterns of PATTERN_BYTES_MAX are below it.
    u32::try_from(count).expect("the text of all routes is below 4 GiB")
}
