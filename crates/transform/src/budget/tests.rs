//! Expressions that would never end, take all memory or all stack, and that the limits change no other.

use super::*;
use crate::jq;

/// What an expression gives for an input, on a stack as large as it needs.
fn run(expression: &str, input: &str) -> Result<String, String> {
    let (expression, input) = (expression.to_owned(), input.to_owned());
    let thread = std::thread::Builder::new()
        .stack_size(STACK)
        .spawn(move || {
            let filter = jq::compile(&expression).map_err(|faults| faults[0].message.clone())?;
            let input = Val::from(input);
            let values = filter.run(input.clone(), input, &Val::Null)?;
            let values: Vec<String> = values.iter().map(ToString::to_string).collect();
            Ok(values.join(" "))
        });
    thread.unwrap().join().unwrap()
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn nothing_hangs_aborts_or_fills_the_memory() {
    let brackets = format!("{}1{}", "(".repeat(1_000), ")".repeat(1_000));
    for (expression, reason) in [
        ("def f: f; f", "more than 1,000,000 steps"),
        ("def f: 1 + f; f", ""),
        ("def f: [f]; f", ""),
        ("def f: try f catch f; f", ""),
        ("def f(g): def h: f(g) | h; h; f(.)", ""),
        ("[range(1e12)]", "more than 1,000,000 steps"),
        ("[range(0; 1; 0)]", "more than 1,000,000 steps"),
        ("[repeat(1)]", "more than 1,000,000 steps"),
        ("[recurse(.)]", "more than 1,000,000 steps"),
        ("until(false; .)", "more than 1,000,000 steps"),
        ("last(while(true; .))", ""),
        ("[limit(1e12; repeat(.))]", ""),
        ("\"x\" * 1e12", "too large"),
        (". * 1e12", "too large"),
        ("reduce range(60) as $i (\"x\"; . + .)", "too large"),
        ("reduce range(60) as $i (\"x\"; . += .)", "too large"),
        ("reduce range(60) as $i ([1]; . + .)", "too large"),
        ("reduce range(60) as $i (1; [., .])", "too large"),
        ("reduce range(60) as $i (1; [., .]) | tojson", "too large"),
        (
            "reduce range(60) as $i (1; [., .]) | \"\\(.)\"",
            "too large",
        ),
        (
            "[range(20)] | [., ., ., ., ., ., ., ., ., .] | [combinations]",
            "",
        ),
        (". * 20000 | fromjson", "nested too deeply"),
        ("try ([range(1e12)]) catch 1", "more than 1,000,000 steps"),
        ("(until(false; .)) // 1", "more than 1,000,000 steps"),
        (
            "reduce range(300000) as $i (null; [.])",
            "more than 1,000,000 steps",
        ),
        (
            "[range(500)] | [.[] as $a | .[] as $b | .[]]",
            "more than 1,000,000 steps",
        ),
        (
            "[range(500)] | . as $l | [$l[] | $l[] | $l[]]",
            "more than 1,000,000 steps",
        ),
        (
            "[range(500)] | . as $l | first({a: $l[], b: $l[], c: $l[]} | empty)",
            "more than 1,000,000 steps",
        ),
        (
            "[range(500)] | . as $l | [$l | .. | $l | .. | $l | ..]",
            "more than 1,000,000 steps",
        ),
        ("reduce range(60) as $i ([1]; [., .]) | . < .", "too large"),
        (
            "reduce range(60) as $i ({a: 1}; {a: ., b: .}) | . == .",
            "too large",
        ),
        (
            "reduce range(60) as $i ([1, 1]; . as $x | .[0] = $x | .[1] = $x) | sort",
            "",
        ),
        ("reduce range(60) as $i ([1]; . + [.]) | unique", ""),
        (
            "reduce range(60) as $i ({a: 1}; . * {b: ., c: .}) | . == .",
            "",
        ),
        (
            "[range(200000)] | until(false; sort)",
            "longer than 10 seconds",
        ),
        (". * 2000000 | [match(\".\"; \"g\")]", "more than 1 MiB"),
        (". * 2000000 | gsub(\".\"; \"[[\")", "more than 1 MiB"),
        (". * 2000000 | split(\"\")", "more than 1 MiB"),
        (". * 2000000 | [splits(\"a\")]", "more than 1 MiB"),
        (". * 2000000 | explode", "more than 1 MiB"),
        (". * 2000000 | indices(\"a\")", "more than 1 MiB"),
        (&brackets, "more than 200 brackets"),
    ] {
        let fault = run(expression, "[").expect_err(expression);
        assert!(fault.contains(reason), "{expression}: {fault}");
    }
    let deep = run("reduce range(3000) as $i (null; [.]) | length", "");
    assert_eq!(
        deep.as_deref(),
        Ok("1"),
        "deep values are dropped without harm"
    );
    let long = "1|".repeat(15_000) + "1";
    assert_eq!(run(&long, "").as_deref(), Ok("1"));
    assert!(
        run(&"1|".repeat(30_000), "")
            .unwrap_err()
            .contains("longer than")
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn what_is_allowed_means_what_it_meant() {
    for (expression, expected) in [
        // As jaq has it: for each left one all right ones.
        ("[(1, 2) + (10, 20)] | tojson", "\"[11,21,12,22]\""),
        ("[(1, 2) * (10, 20)] | tojson", "\"[10,20,20,40]\""),
        ("[range(3)] | tojson", "\"[0,1,2]\""),
        ("[range(5; 0; -2)] | tojson", "\"[5,3,1]\""),
        (
            "[range(0, 1; 3, 4)] | tojson",
            "\"[0,1,2,0,1,2,3,1,2,1,2,3]\"",
        ),
        ("{a: 1} | .a += 2 | .a *= 5 | .a", "15"),
        ("[1, 2] | .[] += 1 | tojson", "\"[2,3]\""),
        ("[limit(3; repeat(1))] | tojson", "\"[1,1,1]\""),
        ("0 | until(. > 99999; . + 1)", "100000"),
        (
            "def f: if . > 5000 then . else (. + 1 | f) end; 0 | f",
            "5001",
        ),
        ("def f: .a; {a: 1} | f |= 2 | .a", "2"),
        ("[[1, [2]]] | flatten | tojson", "\"[1,2]\""),
        (
            "[1, [2, [3]]] | (.. | numbers) |= . + 1 | tojson",
            "\"[2,[3,[4]]]\"",
        ),
        ("\"ab\" * 3", "\"ababab\""),
        ("[] | length", "0"),
        ("[try error(1)] | length", "0"),
        ("\"\\(.)\" | @base64 | @base64d | @html", "\"\""),
        ("@json \"\\([1])\"", "\"[1]\""),
        (
            "[3, 1, 2] | sort_by(-.) | map(tostring) | join(\"-\")",
            "\"3-2-1\"",
        ),
        ("[{a: 1}, {a: 1}] | unique_by(.a) | length", "1"),
        ("[limit(2; range(9))] | last(.[])", "1"),
        ("\"a,b\" / \",\" | tojson", "\"[\\\"a\\\",\\\"b\\\"]\""),
        ("[6 / (2, 3)] | tojson", "\"[3.0,2.0]\""),
        ("{a: [1, 2], k: 1} | .a[.k] | . * 3", "6"),
        (
            "{a: [[1, 2], [3, 4]], k: 1} | [.a[][.k]] | tojson",
            "\"[2,4]\"",
        ),
        ("{a: [{b: 1}, {b: 2}]} | [.a[].b] | tojson", "\"[1,2]\""),
        ("{a: 3} | [.a[]?] | tojson", "\"[]\""),
        (
            "[[1, 2], [3]] | .[][0] |= . + 1 | tojson",
            "\"[[2,2],[4]]\"",
        ),
        ("[[1, 2], [3]] | [paths] | length", "5"),
        (
            "[1, [2]] | walk(if type == \"number\" then . + 1 else . end) | tojson",
            "\"[2,[3]]\"",
        ),
        ("[3, 1] | del(.[0]) | tojson", "\"[1]\""),
        (
            "{a: 1, b: 2} | with_entries(.value += 1) | tojson",
            "\"{\\\"a\\\":2,\\\"b\\\":3}\"",
        ),
        ("[\"abc\" | match(\"b\"; \"g\").offset] | tojson", "\"[1]\""),
        ("\"a1b2\" | gsub(\"[0-9]\"; \"x\")", "\"axbx\""),
        ("\"x\" * 2000000 | test(\"y\")", "false"),
        (
            "\"a b\" | [splits(\" \")] | tojson",
            "\"[\\\"a\\\",\\\"b\\\"]\"",
        ),
        ("\"aba\" | indices(\"a\") | tojson", "\"[0,2]\""),
        ("\"[1, 2]\" | fromjson | add", "3"),
        ("[1, 2] | \"\\(.) and \\(length)\"", "\"[1,2] and 2\""),
        (
            "{a: {b: 1}} * {a: {c: 2}} | tojson",
            "\"{\\\"a\\\":{\\\"b\\\":1,\\\"c\\\":2}}\"",
        ),
    ] {
        assert_eq!(run(expression, "").as_deref(), Ok(expected), "{expression}");
    }
}
