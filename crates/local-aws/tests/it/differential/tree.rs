//! Statements as trees that can be made smaller: text around parts, with parameters among them.

use std::fmt::{self, Display, Formatter};

use aws_sdk_rdsdata::types::{Field, SqlParameter, TypeHint};

/// A part of a statement.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// One more than the children.
    texts: Vec<String>,
    children: Vec<Node>,
    /// A parameter instead of a text.
    parameter: Option<(Field, Option<TypeHint>)>,
}

/// A statement as sent.
#[derive(Debug, Clone)]
pub(super) struct SentCall {
    pub(super) sql: String,
    pub(super) parameters: Vec<SqlParameter>,
}

impl Display for SentCall {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.sql)?;
        for parameter in &self.parameters {
            write!(
                formatter,
                "\n  {}: {:?}",
                parameter.name().unwrap_or_default(),
                parameter.value()
            )?;
            if let Some(hint) = parameter.type_hint() {
                write!(formatter, " as {hint}")?;
            }
        }
        Ok(())
    }
}

impl SentCall {
    /// Whether a parameter is bytes.
    pub(super) fn has_bytes(&self) -> bool {
        let mut values = self.parameters.iter().map(SqlParameter::value);
        values.any(|value| matches!(value, Some(Field::BlobValue(_))))
    }

    /// Whether a parameter is NULL.
    pub(super) fn has_null(&self) -> bool {
        let mut values = self.parameters.iter().map(SqlParameter::value);
        values.any(|value| matches!(value, Some(Field::IsNull(true))))
    }
}

impl Node {
    pub(super) fn leaf(text: impl Into<String>) -> Self {
        Self {
            texts: vec![text.into()],
            children: Vec::new(),
            parameter: None,
        }
    }

    /// A parameter, which gets its name when the statement is put together.
    pub(super) fn parameter(value: Field, hint: Option<TypeHint>) -> Self {
        Self {
            parameter: Some((value, hint)),
            ..Self::leaf("")
        }
    }

    /// `@` stands for each child in turn.
    pub(super) fn new(pattern: &str, children: Vec<Node>) -> Self {
        let texts: Vec<String> = pattern.split('@').map(str::to_owned).collect();
        assert_eq!(texts.len(), children.len() + 1, "{pattern}");
        Self {
            texts,
            children,
            parameter: None,
        }
    }

    pub(super) fn call(&self) -> SentCall {
        let mut call = SentCall {
            sql: String::new(),
            parameters: Vec::new(),
        };
        self.write(&mut call);
        call
    }

    fn write(&self, call: &mut SentCall) {
        if let Some((value, hint)) = &self.parameter {
            let name = format!("p{}", call.parameters.len());
            call.sql.push_str(&format!(":{name}"));
            let parameter = SqlParameter::builder()
                .name(name)
                .value(value.clone())
                .set_type_hint(hint.clone());
            call.parameters.push(parameter.build());
            return;
        }
        call.sql.push_str(&self.texts[0]);
        for (child, after) in self.children.iter().zip(&self.texts[1..]) {
            child.write(call);
            call.sql.push_str(after);
        }
    }

    /// Copies of this in which one part is replaced by one of its own parts, or by 1 or NULL.
    pub(super) fn smaller(&self) -> Vec<Node> {
        let mut all = Vec::new();
        for (index, child) in self.children.iter().enumerate() {
            let replace = |with: Node| {
                let mut node = self.clone();
                node.children[index] = with;
                node
            };
            all.extend(child.children.iter().cloned().map(replace));
            if !child.children.is_empty() {
                all.push(replace(Node::leaf("1")));
                all.push(replace(Node::leaf("NULL")));
            }
            all.extend(child.smaller().into_iter().map(replace));
        }
        all
    }
}

#[test]
fn a_tree_is_put_together_and_made_smaller() {
    let parameter = Node::parameter(Field::LongValue(7), None);
    let sum = Node::new("(@ + @)", vec![Node::leaf("i"), parameter]);
    let tree = Node::new("SELECT @ FROM a", vec![sum]);
    let call = tree.call();
    assert_eq!(call.sql, "SELECT (i + :p0) FROM a");
    assert_eq!(call.parameters.len(), 1);
    let smaller: Vec<String> = tree.smaller().iter().map(|tree| tree.call().sql).collect();
    assert_eq!(
        smaller,
        [
            "SELECT i FROM a",
            "SELECT :p0 FROM a",
            "SELECT 1 FROM a",
            "SELECT NULL FROM a"
        ]
    );
}
