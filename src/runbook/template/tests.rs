#![allow(clippy::disallowed_methods, reason = "a shell has to run to show that no payload does")]

use std::fs;
use std::process::Command;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn scope() -> Value {
    json!({
        "service": { "name": "shop", "port": 8080, "ratio": 0.5, "up": true, "owner": null, "labels": ["a", "b"], "empty": [] },
        "pods": [{ "name": "p1", "restarts": 0 }, { "name": "p2", "restarts": 3 }],
        "text": "it's",
        "minus": "-rf",
    })
}

fn message(source: &str) -> (String, usize) {
    let error = render(source, &scope()).expect_err(source);
    (error.message, error.offset)
}

#[test]
fn values_render_as_they_are() {
    let cases = [
        ("plain", "plain"),
        ("{{ service.name }}:{{ service.port }}", "shop:8080"),
        ("{{ service.ratio }} {{ service.up }}", "0.5 true"),
        ("{{ text }} <&>", "it's <&>"),
        ("{{ service.labels[1] }}{{ service[\"name\"] }}", "bshop"),
        ("{{ service.labels | join(sep=\", \") }}", "a, b"),
        ("{{ service.labels | json }}", r#"["a","b"]"#),
        ("{{ service.owner | default(value=\"nobody\") }}", "nobody"),
        ("{{ nothing.at.all | default(value=\"none\") }}", "none"),
        ("{% if service.owner %}x{% else %}no owner{% endif %}", "no owner"),
        ("{% if nothing is defined %}x{% elif service.up %}up{% endif %}", "up"),
        ("{% for pod in pods %}{{ loop.index }}={{ pod.name }} {% endfor %}", "1=p1 2=p2 "),
        ("{% raw %}{{ .Name }}{% endraw %}{# a note #}", "{{ .Name }}"),
        ("{{ \"}}\" }}", "}}"),
        ("{{ service.name ~ \"-\" ~ service.port }}", "shop-8080"),
    ];
    for (source, expected) in cases {
        assert_eq!(render(source, &scope()).as_deref(), Ok(expected), "{source}");
    }
}

#[test]
fn nothing_is_never_rendered_as_an_empty_text() {
    let cases = [
        ("{{ nothing }}", "`nothing` is not defined", 3),
        ("a {{ service.nme }}", "`service.nme` is not defined", 5),
        ("{{ nothing.at.all }}", "`nothing.at.all` is not defined", 3),
        ("{{ service.owner }}", "`service.owner` is null: it has no value to show", 3),
        ("{{ \"x\" ~ nothing }}", "`nothing` is not defined", 9),
        ("{{ service.labels[7] }}", "`service.labels[7]` is not defined", 3),
        ("{% if service.nme %}x{% endif %}", "`service.nme` is not defined", 6),
        ("{% for pod in pods %}{{ pod.nme }}{% endfor %}", "`pod.nme` is not defined", 24),
        ("{% for pod in nothing %}{% endfor %}", "`nothing` is not defined", 14),
    ];
    for (source, expected, offset) in cases {
        assert_eq!(message(source), (expected.to_owned(), offset), "{source}");
    }
    for source in ["{{ service.empty | first }}", "{{ service.empty | last }}", "{{ service.labels | nth(n=9) }}"] {
        assert!(render(source, &scope()).is_err(), "{source}");
    }
}

#[test]
fn only_the_small_language_is_open() {
    let refused = [
        "{{ range(end=1000000000) }}",
        "{{ now() }}",
        "{{ get_env(name=\"PATH\") }}",
        "{{ get_random(start=0, end=9) }}",
        "{{ throw(message=\"x\") }}",
        "{{ service.name() }}",
        "{{ text | safe }}",
        "{{ text | escape_html }}",
        "{{ text | indent(width=1000000000) }}",
        "{{ __tera_context }}",
        "{{ [x for x in pods] }}",
        "{{ {\"a\": 1} }}",
        "{{ text is imagined }}",
        "{{ <Card /> }}",
        "{% set x = 1 %}",
        "{% set_global x = 1 %}",
        "{% include \"/etc/passwd\" %}",
        "{% extends \"base\" %}",
        "{% import \"x\" as y %}",
        "{% macro m() %}{% endmacro m %}",
        "{% component C() %}{% endcomponent C %}",
        "{% block b %}{% endblock b %}",
        "{% filter upper %}x{% endfilter %}",
        "{% for a in pods %}{% for b in pods %}{% endfor %}{% endfor %}",
        "{% for n in range(end=100) %}{% endfor %}",
        "{% for c in text | split(pat=\"\") %}{% endfor %}",
        "{% for c in text %}{% endfor %}",
        "{% if text %}",
        "{% endif %}",
        "{% for x in pods %}{% endif %}",
        "{{ }}",
        "{{ text",
        "{{ text text }}",
        "{# open",
        "{% raw %} open",
        "{{ service. }}",
        "{{ \"open }}",
        "{{ ä }}",
    ];
    for source in refused {
        assert!(render(source, &scope()).is_err(), "{source}");
        assert!(render_script(source, &scope()).is_err(), "{source}");
    }
}

#[test]
fn size_is_bounded() {
    let long = "x".repeat(SOURCE_BYTES + 1);
    assert!(message(&long).0.contains("at most 16384"));
    let big = json!({ "big": "y".repeat(100 * 1024), "many": vec![0; LOOP_ITEMS + 1], "list": vec!["z".repeat(1000); 600] });
    assert!(render("{{ big }}{{ big }}", &big).is_ok());
    assert!(render("{{ big }}{{ big }}{{ big }}", &big).unwrap_err().message.contains("262144"));
    assert!(render("{% for x in many %}{% endfor %}", &big).unwrap_err().message.contains("1001 items"));
    assert!(render("{{ list | join(sep=\",\") }}", &big).is_err());
    assert!(render("{{ big | replace(from=\"y\", to=\"yyyyyyyyyyyyyyyyyyyyyyyy\") }}", &big).is_err());
    assert!(render(&format!("{{{{ big{} }}}}", " ~ big".repeat(17)), &big).unwrap_err().message.contains("`~`"));
    assert!(render(&"{% for x in list %}{% endfor %}".repeat(9), &big).unwrap_err().message.contains("more than 8"));
}

#[test]
fn errors_of_the_syntax_point_into_the_source() {
    let error = render("ab {{ text text }}", &scope()).unwrap_err();
    assert_eq!(error.offset, 11, "{error}");
    assert_eq!(variables("{{ text | safe }}").unwrap_err().offset, 10);
    assert_eq!(variables("x{% endfor %}").unwrap_err().offset, 1);
}

#[test]
fn variables_are_the_references_to_the_scope() {
    let source = "{{ service.name }} {% for pod in pods %}{{ pod.name }}{{ loop.index }}{{ window }}{% endfor %}\
                  {% raw %}{{ raw }}{% endraw %}{# {{ note }} #}{{ a.b[c.d].e | default(value=f.g) }}{{ x[\"y z\"][0] }}{{ 'q' ~ \"r}}\" }}";
    let found: Vec<String> = variables(source).unwrap().iter().map(|variable| variable.path.join(".")).collect();
    assert_eq!(found, ["service.name", "pods", "window", "a.b", "c.d", "f.g", "x.y z.0"]);
    for variable in variables(source).unwrap() {
        assert!(source[variable.offset..].starts_with(&variable.path[0]));
    }
}

/// Each payload runs a command unless its quotes hold: the command makes a file called `ran`.
const PAYLOADS: &[&str] = &[
    "; touch ran;",
    "$(touch ran)",
    "`touch ran`",
    "' ; touch ran ; '",
    "\"; touch ran; \"",
    "\n touch ran\n",
    "'\n touch ran\n'",
    "x && touch ran || touch ran",
    "| touch ran",
    "> ran",
    "a\nEOF\ntouch ran\ncat <<EOF",
    "*/ ) ; touch ran ; (",
    "\\'; touch ran; \\'",
    "}; touch ran; {",
    "a[$(touch ran)]",
    "' $(touch ran) '",
];

fn ran(script: &str) -> bool {
    let place = tempfile::tempdir().unwrap();
    let mut shell = Command::new("/bin/sh");
    shell.args(["-u", "-c", script]).current_dir(place.path()).env_clear().env("PATH", "/usr/bin:/bin");
    shell.stdin(std::process::Stdio::null()).output().unwrap();
    fs::exists(place.path().join("ran")).unwrap()
}

const GOOD_POSITIONS: &[&str] = &[
    "echo {{ v }}",
    "printf '%s' {{ v }} end",
    "echo --name={{ v }}",
    "echo /proc/{{ v }}/status",
    "echo {{ v }}{{ v }}",
    "name={{ v }}; echo \"$name\"",
    "NAME={{ v }} printenv NAME",
    "for i in {{ v }} b; do echo \"$i\"; done",
    "case {{ v }} in a) echo a ;; *) echo other ;; esac",
    "[ {{ v }} = x ] || echo differs",
    "x=$(echo {{ v }}); echo \"$x\"",
    "echo a | grep -c {{ v }}",
    "sh -c 'echo \"$1\"' sh {{ v }}",
    "if true; then\n  echo {{ v }}\nfi",
    "v={{ v }}\ncat <<EOF\n$v\nEOF",
];

const BAD_POSITIONS: &[&str] = &[
    "echo \"{{ v }}\"",
    "echo '{{ v }}'",
    "echo \"a $(echo {{ v }})\"",
    "cat <<EOF\n{{ v }}\nEOF",
    "cat <<'EOF'\n{{ v }}\nEOF",
    "cat <<{{ v }}\nx\nEOF",
    "cat <<EOF\nx\nEOF\necho {{ v }}",
    "echo `echo {{ v }}`",
    "{{ v }} --help",
    "echo $(( {{ v }} + 1 ))",
    "echo ${x:-{{ v }}}",
    "echo ${{ v }}",
    "echo \\{{ v }}",
    "# {{ v }}",
    "echo a # {{ v }}",
    "eval {{ v }}",
    "eval echo {{ v }}",
    "sh -c {{ v }}",
    "sh -ec {{ v }}",
    "sudo sh -c {{ v }}",
    "kubectl exec p -- sh -c {{ v }}",
    "ssh host {{ v }}",
    ". {{ v }}",
    "trap {{ v }} EXIT",
    "sudo {{ v }}",
    "env A=b {{ v }}",
    "xargs {{ v }}",
    "exec {{ v }}",
    "find . -exec {{ v }} \\;",
    "awk {{ v }}",
    "sed -e {{ v }}",
    "python3 -c {{ v }}",
    "unset {{ v }}",
    "export {{ v }}",
    "read {{ v }}",
    "{{ v }}=1",
    "a[{{ v }}]=1",
    "echo $'{{ v }}'",
    "echo $'\\'' {{ v }} $'\\''",
    "cat <<< {{ v }}",
    "[[ {{ v }} -eq 1 ]]",
    "[ -v {{ v }} ]",
    "f() { {{ v }}; }",
    "echo \"unclosed {{ v }}",
    "case x in {{ v }}) echo ;; esac",
];

#[test]
fn good_positions_pass_and_no_payload_runs_in_them() {
    for position in GOOD_POSITIONS {
        assert_eq!(check_script(position), [], "{position}");
        for payload in PAYLOADS {
            let script = render_script(position, &json!({ "v": payload })).unwrap();
            assert!(!ran(&script), "{position} with {payload:?}:\n{script}");
        }
    }
}

#[test]
fn bad_positions_are_found() {
    for position in BAD_POSITIONS {
        assert_ne!(check_script(position), [], "{position}");
        assert!(render_script(position, &json!({ "v": "x" })).is_err(), "{position}");
    }
}

/// The lint is needed: in these positions quoting alone does run a payload.
#[test]
fn without_the_lint_a_payload_would_run() {
    for position in ["echo '{{ v }}'", "cat <<EOF\n{{ v }}\nEOF", "echo \\{{ v }}", "eval {{ v }}", "sh -c {{ v }}"] {
        let parsed = reference::parse(position).unwrap();
        let unlinted = |value: &str| engine::render(position, &parsed, &json!({ "v": value }), engine::Mode::Script).unwrap();
        let some = PAYLOADS.iter().any(|payload| ran(&unlinted(payload)));
        assert!(some, "{position}");
    }
}

#[test]
fn control_tags_in_scripts_stand_as_statements() {
    let good = [
        "{% if service.up %}\necho {{ text }}\n{% else %}\necho no\n{% endif %}",
        "set -x\n{% for pod in pods %}\n  echo {{ pod.name }}\n{% endfor %}\n",
        "if true; then\n  {% if text %}\n  echo {{ text }}\n  {% endif %}\nfi",
    ];
    let bad = [
        "echo a {% if text %}b{% endif %}",
        "echo \"\n{% if text %}\n\" {{ text }} \"\n{% endif %}\n\"",
        "cat <<EOF\n{% if text %}\nEOF\n{% endif %}\n",
        "echo a \\\n{% if text %}\nb\n{% endif %}\n",
        "echo a &&\n{% if text %}\necho b\n{% endif %}\n",
        "if true; then\n{% if text %}\nfi\n{% endif %}\n",
        "# {% if text %} echo {{ text }} {% endif %}",
        "echo a\n{%- if text %}\n{{ text }}\n{% endif %}",
        "echo a {{- text }}",
        "echo a {#- x #} {{ text }}",
    ];
    for script in good {
        assert_eq!(check_script(script), [], "{script}");
    }
    for script in bad {
        assert_ne!(check_script(script), [], "{script}");
    }
}

#[test]
fn a_value_that_looks_like_an_option_is_refused() {
    assert!(render_script("rm {{ minus }}", &scope()).unwrap_err().message.contains("begins with `-`"));
    assert_eq!(render_script("rm {{ minus }}", &scope()).unwrap_err().offset, 3);
    assert_eq!(render_script("rm -- {{ minus }}", &scope()).unwrap(), "rm -- '-rf'");
    assert_eq!(render_script("rm --x={{ minus }}", &scope()).unwrap(), "rm --x='-rf'");
    assert_eq!(render_script("x={{ minus }}", &scope()).unwrap(), "x='-rf'");
    assert!(render_script("rm {{ \"-\" ~ text }}", &scope()).is_err());
    assert!(render_script("rm {{ n }}", &json!({ "n": -9 })).is_err());
}

#[test]
fn a_script_cannot_hold_nul() {
    let error = render_script("echo {{ v }}", &json!({ "v": "a\0b" })).unwrap_err();
    assert!(error.message.contains("NUL"), "{error}");
}

proptest! {
    #[test]
    fn any_value_is_one_word_and_comes_back_whole(value in "[^\\x00-]\\PC{0,20}[\\n'\"$`\\\\;]{0,6}") {
        let script = render_script("printf '%s' {{ v }}", &json!({ "v": &value })).unwrap();
        let output = Command::new("/bin/sh").args(["-c", &script]).output().unwrap();
        prop_assert_eq!(String::from_utf8(output.stdout).unwrap(), value);
    }

    #[test]
    fn any_source_gives_an_answer(source in "(\\{\\{|\\}\\}|\\{%|%\\}|\\{#|#\\}|if|for|in|endif|endfor|raw|x|\\.|\\[|\\]|\\||\"|'| |-|\n|é|0|\\(|\\)){0,30}") {
        let _ = variables(&source);
        let _ = check_script(&source);
        let _ = render(&source, &scope());
        let _ = render_script(&source, &scope());
    }
}
