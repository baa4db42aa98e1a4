use std::fmt::Write;

use super::*;

fn parsed(text: &str) -> (Option<Node>, Vec<Rule>) {
    let file = SourceFile::new("x.yaml", text.as_bytes().to_vec());
    let (node, problems) = parse(&file);
    (node, problems.into_iter().map(|problem| problem.rule).collect())
}

fn root(text: &str) -> Node {
    let (node, problems) = parsed(text);
    assert_eq!(problems, [], "{text}");
    node.unwrap()
}

#[test]
fn scalars_follow_the_core_schema() {
    let node = root(
        "a: 1\nb: -2.5\nc: yes\nd: 'true'\ne: true\nf: ~\ng:\nh: 0x1f\ni: 1_000\nj: 1e3\nk: .inf\nl: 1.2.3\nm: -x\nn: +5\no: 99999999999999999999\n",
    );
    let value = |key: &str| node.get(key).unwrap().value.clone();
    assert_eq!(value("a"), Value::Int(1));
    assert_eq!(value("b"), Value::Float(-2.5));
    assert_eq!(value("c"), Value::Text("yes".into()));
    assert_eq!(value("d"), Value::Text("true".into()));
    assert_eq!(value("e"), Value::Bool(true));
    assert_eq!(value("f"), Value::Null);
    assert_eq!(value("g"), Value::Null);
    assert_eq!(value("h"), Value::Int(31));
    assert_eq!(value("i"), Value::Text("1_000".into()));
    assert_eq!(value("j"), Value::Float(1000.0));
    assert_eq!(value("k"), Value::Text(".inf".into()));
    assert_eq!(value("l"), Value::Text("1.2.3".into()));
    assert_eq!(value("n"), Value::Int(5));
    assert!(matches!(value("o"), Value::Float(_)));
}

#[test]
fn keys_and_values_keep_their_places() {
    let text = "a:\n  b: [one, two]\n  c: \"x\"\n";
    let node = root(text);
    let inner = node.get("a").unwrap();
    let (key, list) = inner.entry("b").unwrap();
    assert_eq!(&text[key.span.start..key.span.end], "b");
    assert_eq!(&text[list.span.start..list.span.end], "[one, two]");
    let two = &list.items()[1];
    assert_eq!(&text[two.span.start..two.span.end], "two");
    let quoted = inner.get("c").unwrap();
    assert_eq!(&text[quoted.span.start..quoted.span.end], "\"x\"");
}

#[test]
fn a_duplicate_key_keeps_the_first_and_reading_goes_on() {
    let (node, rules) = parsed("a: 1\na: 2\nb: {c: 1, c: 2}\n");
    assert_eq!(rules, [Rule::DuplicateKey, Rule::DuplicateKey]);
    assert_eq!(node.unwrap().get("a").unwrap().value, Value::Int(1));
}

#[test]
fn a_duplicate_key_is_found_in_a_map_of_any_size() {
    for size in [1, FEW, FEW + 1, FEW + 2, 3 * FEW] {
        let keys = (0..size).map(|i| format!("k{i}: {i}\n")).collect::<Vec<_>>().concat();
        for again in [0, size / 2, size - 1] {
            let (node, rules) = parsed(&format!("{keys}k{again}: again\nlast: 1\n"));
            assert_eq!(rules, [Rule::DuplicateKey], "{size} keys, the one numbered {again} twice");
            let node = node.unwrap();
            assert_eq!(node.entries().len(), size + 1);
            assert_eq!(node.get(&format!("k{again}")).unwrap().value, Value::Int(i64::try_from(again).unwrap()));
        }
    }
}

#[test]
fn bombs_are_bounded() {
    let mut laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for i in 1..12 {
        let previous = format!("*a{}", i - 1);
        writeln!(laughs, "a{i}: &a{i} [{}]", [previous.as_str(); 10].join(",")).unwrap();
    }
    assert_eq!(parsed(&laughs).1, [Rule::TooLarge]);
    assert_eq!(parsed(&"[".repeat(400_000)).1, [Rule::TooLarge]);
    assert_eq!(parsed(&"- ".repeat(400_000)).1, [Rule::TooLarge]);
    assert_eq!(parsed(&format!("[{}]", "a,".repeat(60_000))).1, [Rule::TooLarge]);
    assert_eq!(parsed(&"a".repeat(2 << 20)).1, [Rule::TooLarge]);
    let mut nested = "a0: &a0 [x]\n".to_owned();
    for i in 1..80 {
        writeln!(nested, "a{i}: &a{i} [*a{}]", i - 1).unwrap();
    }
    assert_eq!(parsed(&nested).1, [Rule::TooLarge], "depth through aliases");
}

#[test]
fn what_is_no_single_plain_document_is_said() {
    assert_eq!(parsed("").1, [Rule::Syntax]);
    assert_eq!(parsed("a: 1\n---\nb: 2\n").1, [Rule::Syntax]);
    assert_eq!(parsed("a: !!str 1\n").1, [Rule::Syntax]);
    assert_eq!(parsed("%YAML 1.2\n---\na: 1\n").1, [Rule::Syntax]);
    assert_eq!(parsed("a: &a [*a]\n").1, [Rule::Syntax]);
    assert_eq!(parsed("{a: 1}: b\n").1, [Rule::Syntax]);
    assert_eq!(parsed("a: {{ b }}\n").1, [Rule::Syntax]);
    assert_eq!(parsed("\u{feff}a: 1\n").1, []);
    assert_eq!(parsed("a:\r\n  b: 1\r\n").1, []);
}
