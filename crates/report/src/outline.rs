//! The page in text: what it says, without its drawings, for a chat or for a program.

use std::fmt::Write as _;

use definitions::Level;
use serde_json::{Value as Json, json};

use crate::attention::said;
use crate::change::ChangeInWords;
use crate::page::{Page, compared_in_words, groups, heading, period_in_words, title};
use crate::phrase::{Phrase, before, say};
use crate::{Answer, writer};

/// The page as Markdown: what needs attention, what changed, and each question with its answer in a sentence.
pub fn markdown(page: &Page<'_>) -> String {
    let mut text = format!(
        "# {}\n\n{}\n",
        escaped(&title(page)),
        period_in_words(&page.period)
    );
    let lines = said(page.rules, &page.answers);
    if !lines.is_empty() {
        text += "\n## What needs attention now\n\n";
        for line in &lines {
            let level = if line.level == Level::Act {
                "Act"
            } else {
                "Look"
            };
            let _ = writeln!(
                text,
                "- {level}: {} ({})",
                in_markdown(&line.phrases),
                escaped(&line.owners)
            );
        }
    }
    let changes = compared_in_words(page);
    if !changes.is_empty() {
        text += "\n## Changes\n\n| indicator | before | now | change | 95 % | p | verdict |\n| --- | --- | --- | --- | --- | --- | --- |\n";
        for one in &changes {
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} |",
                escaped(&one.title),
                one.before,
                one.now,
                one.change,
                one.interval,
                one.p,
                one.verdict
            );
        }
    }
    for (group, answers) in groups(page) {
        let _ = write!(text, "\n## {}\n", heading(group).0);
        for answer in answers {
            let phrases = say(&answer.query.sentence, answer).unwrap_or_default();
            let before = before(answer, page.before.as_ref());
            let before = before.map(|words| format!(" {}", escaped(&words)));
            let _ = write!(
                text,
                "\n### {}\n\n{}{} (`{}`)\n",
                escaped(&answer.query.question),
                in_markdown(&phrases),
                before.unwrap_or_default(),
                answer.query.name
            );
        }
    }
    text
}

/// The page as JSON: the same, and the rows of each answer.
pub fn json(page: &Page<'_>) -> String {
    let answer = |answer: &Answer<'_>| {
        let rows = answer
            .rows
            .iter()
            .map(|row| row.iter().map(writer::json).collect::<Vec<Json>>());
        json!({
            "query": answer.query.name,
            "group": answer.query.group.0.name(),
            "question": answer.query.question,
            "sentence": say(&answer.query.sentence, answer).map(|phrases| plain(&phrases)),
            "before": before(answer, page.before.as_ref()),
            "from": answer.period.as_ref().and_then(|period| period.from.clone()),
            "to": answer.period.as_ref().and_then(|period| period.to.clone()),
            "n_rows": answer.n_rows,
            "columns": answer.columns,
            "rows": rows.collect::<Vec<_>>(),
        })
    };
    let attention = said(page.rules, &page.answers);
    let attention = attention.iter().map(|line| {
        json!({
            "level": if line.level == Level::Act { "act" } else { "look" },
            "rule": line.rule,
            "sentence": plain(&line.phrases),
            "owners": line.owners,
        })
    });
    let changes = compared_in_words(page)
        .into_iter()
        .map(|one: ChangeInWords| {
            json!({
                "indicator": one.title, "before": one.before, "now": one.now, "change": one.change,
                "interval": one.interval, "p": one.p, "verdict": one.verdict,
            })
        });
    let whole = json!({
        "title": title(page),
        "from": page.period.from,
        "to": page.period.to,
        "trust": { "streams": page.trust.streams, "rejects": page.trust.rejects, "gaps": page.trust.gaps },
        "attention": attention.collect::<Vec<_>>(),
        "changes": changes.collect::<Vec<_>>(),
        "answers": page.answers.iter().map(answer).collect::<Vec<_>>(),
    });
    format!("{whole:#}\n")
}

fn plain(phrases: &[Phrase]) -> String {
    phrases.iter().map(|phrase| phrase.words.as_str()).collect()
}

fn in_markdown(phrases: &[Phrase]) -> String {
    let one = |phrase: &Phrase| match phrase.is_strong {
        true => format!("**{}**", escaped(&phrase.words)),
        false => escaped(&phrase.words),
    };
    phrases.iter().map(one).collect()
}

/// Text that is shown rather than obeyed, on one line.
fn escaped(text: &str) -> String {
    let mut shown = String::new();
    for letter in text.chars() {
        match letter {
            '\n' | '\r' | '\u{2028}' | '\u{2029}' => shown.push(' '),
            '<' => shown.push_str("&lt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' => {
                shown.push('\\');
                shown.push(letter);
            }
            other => shown.push(other),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use definitions::Sentence;
    use store::Value;

    use super::*;
    use crate::answer::tests::answer;
    use crate::page::tests::{empty, query};

    #[test]
    fn what_the_page_says() {
        let mut query = query("q", "table");
        query.sentence = Sentence::parse("**{name}** has {n_pages; page; pages}.").unwrap();
        let rows = vec![vec![Value::Text("a*b\n<i>".into()), Value::Integer(2)]];
        let page = Page {
            organisation: Some("Acme".into()),
            answers: vec![answer(&query, &["name", "n_pages"], rows)],
            ..empty()
        };
        assert_eq!(
            markdown(&page).replace('\u{a0}', " "),
            "# Reliability of Acme\n\nno data yet\n\n## Pages\n\n### Why?\n\n**a\\*b &lt;i>** has 2 pages. (`q`)\n"
        );
        let read: Json = serde_json::from_str(&json(&page)).unwrap();
        assert_eq!(read["answers"][0]["rows"][0][1], 2);
        assert_eq!(read["answers"][0]["sentence"], "a*b\n<i> has 2\u{a0}pages.");
    }
}
