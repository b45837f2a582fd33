//! HTML as blocks: as browsers read it, without scripts and styles. Google Docs exports such.

use ego_tree::iter::Edge;
use scraper::{Html, Node};

use crate::blocks::{Block, BlockKind, Builder};

pub(crate) fn blocks(text: &str) -> Vec<Block> {
    let mut builder = Builder::default();
    // How many elements we are in of which nothing is shown.
    let mut hidden = 0_usize;
    // Depth is a matter of the loop, not of the stack: a page may be nested as deep as its author likes.
    for edge in Html::parse_document(text).tree.root().traverse() {
        match edge {
            Edge::Open(node) => match node.value() {
                Node::Element(element) if is_hidden(element.name()) => hidden += 1,
                Node::Element(element) if hidden == 0 => open(&mut builder, element.name()),
                Node::Text(words) if hidden == 0 => {
                    let place = builder.next_place();
                    builder.text(place, words);
                }
                _ => {}
            },
            Edge::Close(node) => match node.value() {
                Node::Element(element) if is_hidden(element.name()) => {
                    hidden = hidden.saturating_sub(1);
                }
                Node::Element(element) if hidden == 0 => close(&mut builder, element.name()),
                _ => {}
            },
        }
    }
    builder.finish()
}

fn is_hidden(element: &str) -> bool {
    matches!(
        element,
        "head" | "script" | "style" | "template" | "noscript" | "svg"
    )
}

fn open(builder: &mut Builder, element: &str) {
    let place = builder.next_place();
    match element {
        "p" | "div" | "section" | "article" | "pre" | "blockquote" | "dt" | "dd" => {
            builder.begin(place, BlockKind::Paragraph);
        }
        "li" => builder.begin(place, BlockKind::Item),
        "br" => builder.line_break(place + 1),
        "table" => builder.begin_table(),
        "tr" => builder.begin_row(),
        "td" | "th" => builder.begin_cell(),
        _ => {
            if let Some(level) = heading(element) {
                builder.begin(place, BlockKind::Heading(level));
            }
        }
    }
}

fn close(builder: &mut Builder, element: &str) {
    match element {
        "tr" => builder.end_row(builder.next_place()),
        "td" | "th" => builder.end_cell(),
        "p" | "div" | "section" | "article" | "pre" | "blockquote" | "dt" | "dd" | "li" => {
            builder.close();
        }
        _ if heading(element).is_some() => builder.close(),
        _ => {}
    }
}

fn heading(element: &str) -> Option<u8> {
    let level: u8 = element.strip_prefix('h')?.parse().ok()?;
    (1..=6).contains(&level).then_some(level)
}
