//! Whether a text of SQL only reads. Spark has no sessions that may only read, so it is asked of the words of the text.

use sqlparser::dialect::GenericDialect;
use sqlparser::tokenizer::{Token, Tokenizer};

/// What a statement that reads may begin with. `with` may end in an `insert`, see [`WRITE`].
const READ: [&str; 6] = ["select", "with", "values", "explain", "describe", "show"];

/// Words outside of all brackets that make a statement write, whatever it begins with: `with … insert`
/// (https://spark.apache.org/docs/latest/sql-ref-syntax-dml-insert-table.html), `from … insert` and so on. A name that is
/// such a word stands in quotes.
const WRITE: [&str; 5] = ["insert", "overwrite", "update", "delete", "merge"];

/// Functions that call any method of Java (https://spark.apache.org/docs/latest/api/sql/#reflect).
const JAVA: [&str; 3] = ["reflect", "try_reflect", "java_method"];

/// The tokens of a text; nothing where it cannot be split into tokens.
pub(crate) fn tokens(sql: &str) -> Option<Vec<Token>> {
    Tokenizer::new(&GenericDialect {}, sql).tokenize().ok()
}

/// Whether a text only reads. One that cannot be split into tokens does not.
pub(crate) fn only_reads(sql: &str) -> bool {
    let Some(tokens) = tokens(sql) else {
        return false;
    };
    let tokens: Vec<&Token> = tokens
        .iter()
        .filter(|token| !matches!(token, Token::Whitespace(_)))
        .collect();
    let first = tokens.iter().find(|token| ***token != Token::LParen);
    if !first.is_some_and(|first| is_word(first, &READ)) {
        return false;
    }
    let mut depth = 0_usize;
    for (place, token) in tokens.iter().enumerate() {
        let next = tokens.get(place + 1);
        match token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ if depth == 0 && is_word(token, &WRITE) => return false,
            Token::Word(word) if next == Some(&&Token::LParen) && is_one_of(&word.value, &JAVA) => {
                return false;
            }
            // `transform(…) using 'script'` has a program run by the cluster.
            _ if is_word(token, &["using"]) && next.is_some_and(|next| is_text(next)) => {
                return false;
            }
            _ => {}
        }
    }
    true
}

/// Whether a token is one of these words, and not in quotes.
fn is_word(token: &Token, words: &[&str]) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none() && is_one_of(&word.value, words))
}

fn is_one_of(word: &str, words: &[&str]) -> bool {
    words.iter().any(|known| word.eq_ignore_ascii_case(known))
}

/// Whether a token is a text, be it in double quotes.
fn is_text(token: &Token) -> bool {
    match token {
        Token::Word(word) => word.quote_style == Some('"'),
        other => matches!(
            other,
            Token::SingleQuotedString(_) | Token::DoubleQuotedString(_)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::only_reads;

    #[test]
    fn selects_are_asked() {
        for sql in [
            "select 1",
            "-- a\n/* b */ With x as (select 1) select 2",
            " ( select 1)",
            "select 'insert' as \"update\" from `delete`",
            "select a from b join c using (a)",
            "with merged as (select 1 as deleted) select * from merged",
        ] {
            assert!(only_reads(sql), "{sql}");
        }
    }

    #[test]
    fn what_writes_or_runs_programs_is_not() {
        for sql in [
            "",
            "insert into x values (1)",
            "-- select\ndrop table x",
            "set a = b",
            "/* select",
            "with x as (select 1) insert into y select * from x",
            "with x as (select 1)\nInsert overwrite directory '/tmp/x' select * from x",
            "from x insert into y select *",
            "select reflect('java.lang.System', 'exit', 1)",
            "select `java_method` ('java.lang.System', 'exit', 1)",
            "select transform(a) using 'cat' from b",
            "select * from (select transform(a) using \"cat\" from b)",
        ] {
            assert!(!only_reads(sql), "{sql}");
        }
    }
}
