//! An expression as a tree: what the grammar reads, what is lowered to minijinja, and what the check looks at.

/// A part of an expression, and the byte at which it starts.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) at: usize,
    /// Where the next word begins, for parts whose words are told; else where it begins itself.
    pub(super) end: usize,
    pub(super) node: Node,
    /// How many levels of parts are within it, itself included.
    pub(super) depth: usize,
}

/// What stands there.
#[derive(Debug)]
pub(super) enum Node {
    /// The whole record.
    Record,
    None,
    Bool(bool),
    Text(String),
    /// A number as it is written.
    Number(String),
    List(Vec<Tree>),
    Object(Vec<(Tree, Tree)>),
    /// `of.name["key"][index]`
    Lookup {
        of: Box<Tree>,
        keys: Vec<Step>,
    },
    /// `of[start:stop]`
    Slice {
        of: Box<Tree>,
        start: Option<Box<Tree>>,
        stop: Option<Box<Tree>>,
    },
    Negative(Box<Tree>),
    /// Operators of one rank, from left to right.
    Arithmetic {
        first: Box<Tree>,
        rest: Vec<(&'static str, Tree)>,
    },
    /// `a ~ b ~ c`
    Joined(Vec<Tree>),
    /// `==`, `!=`, `<`, `<=`, `>`, `>=`, `in` or `not in`.
    Compared {
        left: Box<Tree>,
        sign: &'static str,
        right: Box<Tree>,
    },
    All(Vec<Tree>),
    Any(Vec<Tree>),
    /// `not`, so many times.
    Not {
        of: Box<Tree>,
        times: usize,
    },
    /// `value if test else otherwise`
    If {
        value: Box<Tree>,
        test: Box<Tree>,
        otherwise: Option<Box<Tree>>,
    },
    /// `of | filter | filter(…)`
    Filtered {
        of: Box<Tree>,
        filters: Vec<Call>,
    },
    /// `of is name argument`
    Tested {
        of: Box<Tree>,
        is_not: bool,
        call: Call,
    },
    Called(Call),
}

/// A step into a value.
#[derive(Debug)]
pub(super) enum Step {
    /// To what it holds under this key.
    Key(String),
    /// To what it holds under what this gives.
    Index(Tree),
}

/// A filter, function or test with its arguments, and where its name stands.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) name: String,
    pub(super) at: usize,
    pub(super) arguments: Vec<Tree>,
}

impl Tree {
    pub(super) fn new(at: usize, node: Node) -> Self {
        let depth = node.parts().into_iter().map(|part| part.depth).max().unwrap_or_default() + 1;
        Self { at, end: at, node, depth }
    }

    /// The path, when the expression is nothing but one (`address.city`); empty for the whole record.
    pub(super) fn path(&self) -> Option<Vec<String>> {
        match &self.node {
            Node::Record => Some(Vec::new()),
            Node::Lookup { of, keys } if matches!(of.node, Node::Record) => keys
                .iter()
                .map(|step| match step {
                    Step::Key(key) => Some(key.clone()),
                    Step::Index(_) => None,
                })
                .collect(),
            _ => None,
        }
    }

    /// The keys of an object, where all of them are written out.
    pub(super) fn keys(&self) -> Option<Vec<String>> {
        let Node::Object(entries) = &self.node else { return None };
        let key = |(key, _): &(Self, Self)| match &key.node {
            Node::Text(text) | Node::Number(text) => Some(text.clone()),
            _ => None,
        };
        entries.iter().map(key).collect()
    }

    /// Whether it is the same for every record.
    pub(super) fn is_constant(&self) -> bool {
        !matches!(self.node, Node::Record) && self.node.parts().into_iter().all(Self::is_constant)
    }

    /// One step further into what this is.
    pub(super) fn step(self, step: Step) -> Node {
        match self.node {
            Node::Lookup { of, mut keys } => {
                keys.push(step);
                Node::Lookup { of, keys }
            }
            node => Node::Lookup { of: Box::new(Self { node, ..self }), keys: vec![step] },
        }
    }
}

impl Node {
    /// The parts directly within, in the order of reading.
    pub(super) fn parts(&self) -> Vec<&Tree> {
        match self {
            Self::Record | Self::None | Self::Bool(_) | Self::Text(_) | Self::Number(_) => Vec::new(),
            Self::List(items) | Self::Joined(items) | Self::All(items) | Self::Any(items) => {
                items.iter().collect()
            }
            Self::Object(entries) => entries.iter().flat_map(|(key, value)| [key, value]).collect(),
            Self::Lookup { of, keys } => {
                let indices = keys.iter().filter_map(|step| match step {
                    Step::Key(_) => None,
                    Step::Index(index) => Some(index),
                });
                std::iter::once(&**of).chain(indices).collect()
            }
            Self::Slice { of, start, stop } => {
                std::iter::once(of).chain(start).chain(stop).map(|part| &**part).collect()
            }
            Self::Negative(of) | Self::Not { of, .. } => vec![of],
            Self::Arithmetic { first, rest } => {
                std::iter::once(&**first).chain(rest.iter().map(|(_, part)| part)).collect()
            }
            Self::Compared { left, right, .. } => vec![left, right],
            Self::If { value, test, otherwise } => {
                [value, test].into_iter().chain(otherwise).map(|part| &**part).collect()
            }
            Self::Filtered { of, filters } => {
                std::iter::once(&**of).chain(filters.iter().flat_map(|call| &call.arguments)).collect()
            }
            Self::Tested { of, call, .. } => std::iter::once(&**of).chain(&call.arguments).collect(),
            Self::Called(call) => call.arguments.iter().collect(),
        }
    }
}
