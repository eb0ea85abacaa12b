//! FROM: the tables, joins and queries that a part of a statement reads.

use sqlparser::ast::{
    Ident, Join, JoinConstraint, JoinOperator, ObjectName, ObjectNamePart, TableAlias, TableFactor,
    TableIndexHints, TableWithJoins,
};

use super::{Analysis, Scope, TableReference, words::truth};
use crate::engine::{
    EngineError, EngineResult, catalogue, definitions::last_part, information::tables,
};

/// The error for a missing table.
pub(crate) fn no_table(database: &str, table: &str) -> EngineError {
    EngineError::database(
        1146,
        "42S02",
        format!("Table '{database}.{table}' doesn't exist"),
    )
}

/// Refuses a hint that names a missing index.
fn check_index_hints(
    hints: &[TableIndexHints],
    table: &catalogue::TableDefinition,
) -> EngineResult<()> {
    let is_there = |name: &str| {
        (name.eq_ignore_ascii_case("PRIMARY") && !table.primary_key.is_empty())
            || table
                .indexes
                .iter()
                .any(|index| index.name.eq_ignore_ascii_case(name))
    };
    let mut names = hints.iter().flat_map(|hint| &hint.index_names);
    match names.find(|name| !is_there(&name.value)) {
        Some(name) => Err(EngineError::database(
            1176,
            "42000",
            format!(
                "Key '{}' doesn't exist in table '{}'",
                name.value, table.name
            ),
        )),
        None => Ok(()),
    }
}

impl Analysis<'_> {
    /// Reads FROM into a scope.
    pub(super) fn from(
        &mut self,
        from: &mut Vec<TableWithJoins>,
        scope: &mut Scope<'_>,
    ) -> EngineResult<()> {
        if let [only] = from.as_slice()
            && only.joins.is_empty()
            && only.relation.to_string().eq_ignore_ascii_case("dual")
        {
            from.clear();
        }
        for item in from {
            let mut local = Scope::within(scope.parent);
            self.joined(item, &mut local)?;
            for source in local.sources {
                if scope
                    .sources
                    .iter()
                    .any(|other| other.alias == source.alias)
                {
                    return Err(not_unique(&source.alias));
                }
                scope.sources.push(source);
            }
        }
        Ok(())
    }

    fn joined(&mut self, item: &mut TableWithJoins, scope: &mut Scope<'_>) -> EngineResult<()> {
        self.factor(&mut item.relation, scope)?;
        for join in &mut item.joins {
            self.join(join, scope)?;
        }
        Ok(())
    }

    fn join(&mut self, join: &mut Join, scope: &mut Scope<'_>) -> EngineResult<()> {
        let left = scope.sources.len();
        self.factor(&mut join.relation, scope)?;
        let (constraint, outer) = match &mut join.join_operator {
            JoinOperator::Join(constraint)
            | JoinOperator::Inner(constraint)
            | JoinOperator::CrossJoin(constraint) => (constraint, false),
            JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => {
                (constraint, true)
            }
            JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => {
                if matches!(constraint, JoinConstraint::Using(_)) {
                    return Err(EngineError::unsupported("RIGHT JOIN … USING"));
                }
                (constraint, true)
            }
            _ => return Err(EngineError::unsupported("this kind of join")),
        };
        match constraint {
            JoinConstraint::On(condition) => {
                self.clause = "on clause";
                let typed = self.expr(condition, scope)?;
                truth(condition, &typed)?;
                self.clause = "field list";
            }
            JoinConstraint::Using(names) => {
                for name in names {
                    let name = last_part(name);
                    let (before, after) = scope.sources.split_at_mut(left);
                    let of = |sources: &[TableReference]| {
                        let columns = sources.iter().flat_map(|source| &source.columns);
                        columns
                            .filter(|column| {
                                column.name.eq_ignore_ascii_case(&name) && !column.merged
                            })
                            .count()
                    };
                    if of(before) != 1 || of(after) != 1 {
                        return Err(EngineError::unsupported("this USING"));
                    }
                    let mut kinds = before.iter().chain(after.iter()).flat_map(|source| {
                        source
                            .columns
                            .iter()
                            .filter(|column| {
                                column.name.eq_ignore_ascii_case(&name) && !column.merged
                            })
                            .map(|column| column.kind)
                    });
                    if kinds.next() != kinds.next() {
                        return Err(EngineError::unsupported("USING of columns of other types"));
                    }
                    for column in after
                        .iter_mut()
                        .flat_map(|source| source.columns.iter_mut())
                    {
                        if column.name.eq_ignore_ascii_case(&name) {
                            column.merged = true;
                        }
                    }
                }
            }
            JoinConstraint::None if !outer => {}
            JoinConstraint::None => {
                return Err(EngineError::unsupported("an outer join without ON"));
            }
            JoinConstraint::Natural => return Err(EngineError::unsupported("NATURAL JOIN")),
        }
        Ok(())
    }

    fn factor(&mut self, factor: &mut TableFactor, scope: &mut Scope<'_>) -> EngineResult<()> {
        let source = match factor {
            TableFactor::Table {
                name,
                alias,
                args: None,
                index_hints,
                partitions,
                with_ordinality: false,
                version: None,
                sample: None,
                json_path: None,
                ..
            } if partitions.is_empty() => {
                let hints = std::mem::take(index_hints);
                let (relation, mut source) = self.relation(name)?;
                if let Some(table) = &source.table {
                    check_index_hints(&hints, table)?;
                }
                if let Some(alias) = alias {
                    source.alias = aliased(alias)?;
                } else if relation.quote_style.is_none() {
                    // The query that replaces the table has no name.
                    *alias = Some(table_alias(&source.alias));
                }
                *name = ObjectName(vec![ObjectNamePart::Identifier(relation)]);
                source
            }
            TableFactor::Derived {
                lateral: false,
                subquery,
                alias: Some(alias),
                sample: None,
            } => {
                let outputs = self.query(subquery, scope.parent)?;
                let mut names: Vec<String> = outputs
                    .iter()
                    .map(|output| output.name.to_lowercase())
                    .collect();
                names.sort();
                if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
                    return Err(EngineError::database(
                        1060,
                        "42S21",
                        format!("Duplicate column name '{}'", twice[0]),
                    ));
                }
                TableReference::of_outputs(outputs, &aliased(alias)?)
            }
            TableFactor::Derived {
                lateral: false,
                alias: None,
                ..
            } => {
                return Err(EngineError::database(
                    1248,
                    "42000",
                    "Every derived table must have its own alias",
                ));
            }
            TableFactor::NestedJoin {
                table_with_joins,
                alias: None,
            } => {
                let mut local = Scope::within(scope.parent);
                self.joined(table_with_joins, &mut local)?;
                scope.sources.append(&mut local.sources);
                return Ok(());
            }
            _ => return Err(EngineError::unsupported("a table that is a function")),
        };
        if scope
            .sources
            .iter()
            .any(|other| other.alias == source.alias)
        {
            return Err(not_unique(&source.alias));
        }
        scope.sources.push(source);
        Ok(())
    }

    /// Resolves a table name: what represents it in SQLite, and its columns.
    pub(super) fn relation(&mut self, name: &ObjectName) -> EngineResult<(Ident, TableReference)> {
        let parts: Vec<&Ident> = name.0.iter().filter_map(ObjectNamePart::as_ident).collect();
        let table = match parts.as_slice() {
            [table] => {
                let query = self.named.iter().rev();
                let mut query = query.filter(|query| query.0.eq_ignore_ascii_case(&table.value));
                if let Some((_, outputs)) = query.next() {
                    let source = TableReference::of_outputs(outputs.clone(), &table.value);
                    let size = self.named_sizes.get(&table.value.to_lowercase());
                    self.expand_by(size.copied().unwrap_or(0))?;
                    return Ok((Ident::with_quote('`', &table.value), source));
                }
                table
            }
            [database, table] if database.value == self.database => table,
            [database, table] if database.value.eq_ignore_ascii_case("information_schema") => {
                let Some(content) = tables::content(&table.value, self.catalogue, self.database)
                else {
                    return Err(EngineError::unsupported(&format!(
                        "information_schema.{}",
                        table.value.to_uppercase()
                    )));
                };
                let source = TableReference::of_outputs(content.outputs(), &table.value);
                let text = content.text();
                self.embed(text.len())?;
                return Ok((Ident::new(text), source));
            }
            [database, ..]
                if ["mysql", "performance_schema", "sys"].contains(&database.value.as_str()) =>
            {
                return Err(EngineError::unsupported(&format!(
                    "the database {}",
                    database.value
                )));
            }
            [database, ..] => {
                return Err(EngineError::database(
                    1049,
                    "42000",
                    format!("Unknown database '{}'", database.value),
                ));
            }
            [] => return Err(EngineError::unsupported("this table name")),
        };
        match self.catalogue.table(&table.value) {
            Some(_) if self.target.as_ref() == Some(&table.value) => Err(EngineError::unsupported(
                "a subquery of the table that is written to",
            )),
            Some(known) if table.value != catalogue::TABLE => {
                let source = TableReference::of_table(known.clone(), &table.value);
                Ok((Ident::with_quote('`', &table.value), source))
            }
            _ => Err(self.catalogue.missing(self.database, &table.value)),
        }
    }
}

fn not_unique(alias: &str) -> EngineError {
    EngineError::database(1066, "42000", format!("Not unique table/alias: '{alias}'"))
}

/// The name of an alias, which is quoted from now on.
fn aliased(alias: &mut TableAlias) -> EngineResult<String> {
    if !alias.columns.is_empty() || alias.at.is_some() {
        return Err(EngineError::unsupported("names of columns in an alias"));
    }
    alias.explicit = true;
    alias.name.quote_style = Some('`');
    Ok(alias.name.value.clone())
}

fn table_alias(name: &str) -> TableAlias {
    TableAlias {
        explicit: true,
        name: Ident::with_quote('`', name),
        columns: Vec::new(),
        at: None,
    }
}
