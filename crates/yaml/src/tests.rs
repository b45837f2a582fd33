use super::*;
use proptest::prelude::*;

fn json(text: &str) -> String {
    let mut out = String::new();
    parse(text).unwrap().write_json(&mut out);
    out
}

fn items(text: &str) -> Vec<Result<(usize, String), (usize, String)>> {
    let mut all = Vec::new();
    for_each_item(text, &mut |item| {
        all.push(match item {
            Ok(node) => {
                let mut out = String::new();
                node.write_json(&mut out);
                Ok((node.line, out))
            }
            Err(fault) => Err((fault.line, fault.message)),
        });
    });
    all
}

#[test]
fn scalars_keep_their_words() {
    assert_eq!(
        json(
            "[1, 1.5, 1.10, 007, 0x10, 1e3, -0, NaN, .nan, 2024-05-01, yes, true, ~, null, '5', \"x\"]"
        ),
        r#"[1,1.5,"1.10","007","0x10","1e3","-0","NaN","NaN","2024-05-01","yes",true,null,null,"5","x"]"#,
    );
}

#[test]
fn nodes_know_their_place() {
    let text = "a: 1\nö: [x,\n  {b: two}]\n";
    let root = parse(text).unwrap();
    let inner = root.get("ö").unwrap();
    let Value::List(list) = &inner.value else {
        panic!()
    };
    let two = list[1].get("b").unwrap();
    assert_eq!((two.line, &text[two.span.clone()]), (3, "two"));
}

#[test]
fn a_list_is_handed_out_item_by_item_with_lines() {
    assert_eq!(
        items("# note\n- a: 1\n- a: 2\n  b: x\n- 3\n"),
        [
            Ok((2, r#"{"a":1}"#.into())),
            Ok((3, r#"{"a":2,"b":"x"}"#.into())),
            Ok((5, "3".into()))
        ],
    );
    assert_eq!(
        items("a: 1\n---\n- 2\n"),
        [Ok((1, r#"{"a":1}"#.into())), Ok((3, "2".into()))]
    );
    assert_eq!(items(""), []);
}

#[test]
fn a_broken_item_does_not_take_its_neighbours_along() {
    let found = items("- a: 1\n- a: 'never closed\n- a: 3\n- b: [1,\n- c: 5\n");
    assert_eq!(found[0], Ok((1, r#"{"a":1}"#.into())));
    assert_eq!(found.last(), Some(&Ok((5, r#"{"c":5}"#.into()))));
    assert!(found.contains(&Ok((3, r#"{"a":3}"#.into()))), "{found:?}");
    assert_eq!(
        found.iter().filter(|item| item.is_err()).count(),
        2,
        "{found:?}"
    );
}

#[test]
fn an_item_that_ends_early_is_a_fault_and_no_item() {
    let found = items("- a: 1\n- b: 2\n c: 3\n- d: 4\n");
    let lines: Vec<_> = found
        .iter()
        .map(|item| {
            item.as_ref()
                .map(|(line, _)| *line)
                .map_err(|(line, _)| *line)
        })
        .collect();
    assert_eq!(lines, [Ok(1), Err(3), Ok(4)], "{found:?}");
    let found = items("- a: 1\n- 'never closed\n");
    assert_eq!(found[0], Ok((1, r#"{"a":1}"#.into())), "{found:?}");
    assert_eq!(found.len(), 2);
}

#[test]
fn a_key_given_twice_is_a_fault() {
    let found = items("- {a: 1, a: 2}\n- b: 1\n");
    assert_eq!(
        found,
        [
            Err((1, "the key `a` is given twice".into())),
            Ok((2, r#"{"b":1}"#.into()))
        ]
    );
}

#[test]
fn aliases_are_followed_but_cannot_blow_up() {
    assert_eq!(json("a: &x [1, 2]\nb: *x\n"), r#"{"a":[1,2],"b":[1,2]}"#);
    let mut bomb = String::from("- a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..20 {
        let previous = level - 1;
        bomb += &format!(
            "  a{level}: &a{level} [{}]\n",
            vec![format!("*a{previous}"); 10].join(", ")
        );
    }
    bomb += "- fine: 1\n";
    let found = items(&bomb);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0]
            .as_ref()
            .is_err_and(|(_, message)| message.contains("more than 200000 values"))
    );
    assert_eq!(found[1], Ok((21, r#"{"fine":1}"#.into())));
}

#[test]
fn nesting_without_end_is_a_fault() {
    let deep = "[".repeat(150) + &"]".repeat(150);
    let message = |text: &str| parse(text).map_err(|fault| fault.message);
    assert_eq!(
        message(&deep),
        Err("nested deeper than 128 levels".to_owned())
    );
    for text in ["[", "- ", "{a: "] {
        assert!(message(&text.repeat(100_000)).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_what_comes_out_is_json(text in "[-a-c:\\[\\]{}&*'\" \n#|>0-9ö]{0,60}") {
        for (_, out) in items(&text).into_iter().flatten() {
            serde_json::from_str::<serde_json::Value>(&out).unwrap();
        }
    }
}

#[test]
fn a_broken_document_does_not_take_those_behind_it() {
    let text = "name: a\n---\nname: [\n---\nname: c\n---\nname: d\n";
    let (mut good, mut faults) = (Vec::new(), 0);
    for_each_item(text, &mut |item| match item {
        Ok(node) => good.push(node.get("name").and_then(Node::as_text).unwrap().to_owned()),
        Err(_) => faults += 1,
    });
    assert_eq!(
        (good, faults),
        (vec!["a".into(), "c".into(), "d".into()], 1)
    );
}

#[test]
fn a_merge_key_is_a_fault_rather_than_lost() {
    let fault = parse("a: &a {x: 1}\nb:\n  <<: *a\n").unwrap_err();
    assert!(
        fault.message.contains("merge key") && fault.line == 3,
        "{fault:?}"
    );
}
