//! Metric math expressions: how they are parsed, and what their operators do.

/// The longest expression in bytes, and the deepest nesting.
pub(super) const LONGEST: usize = 1024;
pub(super) const DEEPEST: usize = 32;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    Number(f64),
    Id(String),
    Negative(Box<Expression>),
    Binary(Operator, Box<Expression>, Box<Expression>),
    /// A condition, the value if it holds, and the value if it does not.
    If(Box<Expression>, Box<Expression>, Option<Box<Expression>>),
    /// A metric's id, and the replacement for a missing value: a number, or else the previous value.
    Fill(String, Option<f64>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    And,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
}

/// Each operator's text and how strongly it binds. An operator that begins with another one comes before it.
const OPERATORS: [(&str, Operator, u8); 14] = [
    ("<=", Operator::LessOrEqual, 3),
    (">=", Operator::GreaterOrEqual, 3),
    ("==", Operator::Equal, 3),
    ("!=", Operator::NotEqual, 3),
    ("&&", Operator::And, 2),
    ("||", Operator::Or, 1),
    ("AND", Operator::And, 2),
    ("OR", Operator::Or, 1),
    ("<", Operator::Less, 3),
    (">", Operator::Greater, 3),
    ("+", Operator::Add, 4),
    ("-", Operator::Subtract, 4),
    ("*", Operator::Multiply, 5),
    ("/", Operator::Divide, 5),
];

impl Expression {
    /// Collects the ids in it, and whether each is filled.
    pub(super) fn collect<'e>(&'e self, references: &mut Vec<(&'e str, bool)>) {
        match self {
            Self::Number(_) => {}
            Self::Id(id) => references.push((id, false)),
            Self::Fill(id, _) => references.push((id, true)),
            Self::Negative(inner) => inner.collect(references),
            Self::Binary(_, left, right) => {
                left.collect(references);
                right.collect(references);
            }
            Self::If(condition, then, otherwise) => {
                condition.collect(references);
                then.collect(references);
                if let Some(otherwise) = otherwise {
                    otherwise.collect(references);
                }
            }
        }
    }
}

impl Operator {
    /// A comparison is 1 if it holds, otherwise 0.
    pub(super) fn apply(self, left: f64, right: f64) -> f64 {
        let holds = |holds: bool| if holds { 1.0 } else { 0.0 };
        match self {
            Self::Or => holds(left != 0.0 || right != 0.0),
            Self::And => holds(left != 0.0 && right != 0.0),
            Self::Less => holds(left < right),
            Self::LessOrEqual => holds(left <= right),
            Self::Greater => holds(left > right),
            Self::GreaterOrEqual => holds(left >= right),
            Self::Equal => holds(left == right),
            Self::NotEqual => holds(left != right),
            Self::Add => left + right,
            Self::Subtract => left - right,
            Self::Multiply => left * right,
            Self::Divide => left / right,
        }
    }
}

impl Expression {
    /// Parses an expression. The error is the end of a sentence.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        Parser::new(text).whole()
    }
}

/// Parses an expression from left to right. Errors are the end of a sentence.
struct Parser<'t> {
    rest: &'t str,
    depth: usize,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            rest: text,
            depth: 0,
        }
    }

    fn whole(mut self) -> Result<Expression, String> {
        if self.rest.len() > LONGEST {
            return Err(format!("it is longer than {LONGEST} bytes"));
        }
        let expression = self.binary(0)?;
        if self.rest.trim().is_empty() {
            Ok(expression)
        } else {
            Err(self.unexpected())
        }
    }

    fn unexpected(&self) -> String {
        let rest: String = self.rest.trim().chars().take(20).collect();
        if rest.is_empty() {
            "it ends too early".to_owned()
        } else {
            format!("'{rest}' is unexpected")
        }
    }

    fn take(&mut self, symbol: &str) -> bool {
        let rest = self.rest.trim_start().strip_prefix(symbol);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, symbol: &str) -> Result<(), String> {
        if self.take(symbol) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    /// The next characters for which `belongs` holds.
    fn run(&mut self, belongs: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest.trim_start();
        let end = rest.find(|next| !belongs(next)).unwrap_or(rest.len());
        let (run, rest) = rest.split_at(end);
        self.rest = rest;
        run
    }

    fn word(&mut self) -> &'t str {
        self.run(|next| next.is_ascii_alphanumeric() || next == '_')
    }

    fn number(&mut self) -> Result<f64, String> {
        let digits = self.run(|next| next.is_ascii_digit() || next == '.');
        digits
            .parse()
            .map_err(|_| format!("'{digits}' is not a number"))
    }

    /// The next operator that binds at least this strongly.
    fn operator(&mut self, least: u8) -> Option<(Operator, u8)> {
        let rest = self.rest.trim_start();
        let &(symbol, operator, strength) = OPERATORS
            .iter()
            .find(|(symbol, ..)| rest.starts_with(symbol))?;
        (strength >= least).then(|| {
            self.rest = &rest[symbol.len()..];
            (operator, strength)
        })
    }

    fn binary(&mut self, least: u8) -> Result<Expression, String> {
        let mut left = self.operand()?;
        while let Some((operator, strength)) = self.operator(least) {
            let right = self.binary(strength + 1)?;
            left = Expression::Binary(operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn operand(&mut self) -> Result<Expression, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("it is nested deeper than {DEEPEST}"));
        }
        let operand = self.single();
        self.depth -= 1;
        operand
    }

    fn single(&mut self) -> Result<Expression, String> {
        if self.take("-") {
            return Ok(Expression::Negative(Box::new(self.operand()?)));
        }
        if self.take("(") {
            let inner = self.binary(0)?;
            self.expect(")")?;
            return Ok(inner);
        }
        if self
            .rest
            .trim_start()
            .starts_with(|next: char| next.is_ascii_digit())
        {
            return Ok(Expression::Number(self.number()?));
        }
        let word = self.word();
        if word.is_empty() {
            return Err(self.unexpected());
        }
        if self.take("(") {
            self.function(word)
        } else {
            Ok(Expression::Id(word.to_owned()))
        }
    }

    fn function(&mut self, name: &str) -> Result<Expression, String> {
        let made = match name {
            "IF" => {
                let condition = Box::new(self.binary(0)?);
                self.expect(",")?;
                let then = Box::new(self.binary(0)?);
                let otherwise = self.take(",").then(|| self.binary(0)).transpose()?;
                Expression::If(condition, then, otherwise.map(Box::new))
            }
            "FILL" => {
                let id = self.word().to_owned();
                self.expect(",")?;
                let with = if self.take("REPEAT") {
                    None
                } else {
                    let sign = if self.take("-") { -1.0 } else { 1.0 };
                    Some(sign * self.number()?)
                };
                Expression::Fill(id, with)
            }
            _ => {
                return Err(format!(
                    "the function {name} is not available here, only IF and FILL"
                ));
            }
        };
        self.expect(")")?;
        Ok(made)
    }
}
