use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn redact(text: &str) -> (String, u64) {
    let mut redactor = Redactor::default();
    let lines: Vec<String> = text.split('\n').map(|line| redactor.line(line.to_owned())).collect();
    (lines.join("\n"), redactor.hidden())
}

#[test]
fn the_table_is_sound() {
    assert!(RULES.len() <= 64);
    assert!(COMPILED.is_some() && KEY_BEGINS.is_some() && KEY_ENDS.is_some());
    let names: BTreeSet<_> = RULES.iter().map(|rule| rule.name).collect();
    assert_eq!(names.len(), RULES.len());
    for rule in RULES {
        let pattern = Regex::new(rule.pattern).unwrap_or_else(|error| panic!("{}: {error}", rule.name));
        assert!(pattern.captures_len() > 1, "{}", rule.name);
        assert!(rule.words.iter().all(|word| word.len() >= 3), "{}", rule.name);
    }
}

#[test]
fn every_rule_hides_its_secret_and_leaves_a_near_miss() {
    for rule in RULES {
        let (line, secret) = rule.hides;
        let (shown, hidden) = redact(line);
        assert_eq!(shown, line.replace(secret, &mark(rule.name)), "{}", rule.name);
        assert_eq!(hidden, 1, "{}", rule.name);
        assert_eq!(redact(rule.leaves), (rule.leaves.to_owned(), 0), "{}", rule.name);
    }
}

#[test]
fn secrets_go_in_the_forms_production_writes_them() {
    let gone = [
        ("postgres://shop:hunter2@db:5432/x", "hunter2"),
        ("mongodb+srv://u:hunter2@cluster0.example.net", "hunter2"),
        ("redis://:hunter2@cache:6379", "hunter2"),
        ("amqp://u:hun%20ter2@mq/%2f", "hun%20ter2"),
        ("DATABASE_URL=postgresql://a:p@ss:w0rd@db/x", "p@ss:w0rd"),
        ("Authorization: Bearer 0123456789abcdef0123456789abcdef", "0123456789abcdef"),
        ("curl -H \"authorization: token 0123456789abcdef\" https://x", "0123456789abcdef"),
        ("authorization: Digest username=\"u\", response=\"0123abcd\"", "0123abcd"),
        (r#"{"headers":{"Authorization":"Basic dTpwYXNzd29yZA=="}}"#, "dTpwYXNzd29yZA"),
        (r#"{\"authorization\":\"Bearer 0123456789abcdef\"}"#, "0123456789abcdef"),
        ("proxy-authorization: Basic dTpwYXNzd29yZA==", "dTpwYXNzd29yZA"),
        ("password=hunter2&user=shop", "hunter2"),
        ("PGPASSWORD=hunter2 psql", "hunter2"),
        ("DB_PASSWORD = \"hun ter2\"", "hun ter2"),
        ("password: hunter2", "hunter2"),
        ("  - token: hunter2", "hunter2"),
        ("{ user: 'shop', password: 'hunter2' }", "hunter2"),
        (r#"{"clientSecret": "hun\"ter2"}"#, "ter2"),
        (r#"{\"api_key\":\"hunter2\"}"#, "hunter2"),
        ("DB_PASSWORD=\"hun\\\"ter2\"", "ter2"),
        ("aws_secret_access_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalr"),
        ("//registry.npmjs.org/:_authToken=hunter2", "hunter2"),
        ("GET /cb?access_token=hunter2&state=1", "hunter2"),
        ("?sv=2022&sig=hunter2%3D&se=1", "hunter2"),
        ("AccountName=a;AccountKey=hunter2==;EndpointSuffix=x", "hunter2"),
        ("mytool --api-key=hunter2", "hunter2"),
        ("[\"mytool\",\"--password\",\"hunter2\"]", "hunter2"),
        ("redis-cli -h cache -p 6379 -a hunter2 info", "hunter2"),
        ("redis-cli --pass hunter2 info", "hunter2"),
        ("mysql -u root -phunter2 shop", "hunter2"),
        ("curl -u shop:hunter2 https://x", "hunter2"),
        ("sshpass -p hunter2 ssh x", "hunter2"),
        ("Cookie: a=hunter2; b=hunter2", "hunter2"),
        ("-H 'Cookie: sid=hunter2'", "hunter2"),
        (r#""set-cookie":["sid=hunter2; Path=/"]"#, "hunter2"),
        ("X-Auth-Token: hunter2", "hunter2"),
        ("sk-ant-api03-abcdefghij0123456789ABCDEFGHIJ", "abcdefghij"),
        ("sk-abcdefghijABCDEFGHIJ0123456789abcdef", "abcdefghij"),
    ];
    for (line, secret) in gone {
        let (shown, hidden) = redact(line);
        assert!(!shown.contains(secret) && hidden > 0, "{line}\n{shown}");
        assert_eq!(redact(&shown).0, shown, "{line}");
    }
}

#[test]
fn what_a_responder_needs_stays() {
    let kept = [
        "GET http://shop:8080/token/list 200",
        "PWD=/srv/app OLDPWD=/srv",
        "password=****** token=${TOKEN} secret=$SECRET",
        "the password was wrong for user shop",
        "Error: Invalid token: expected }",
        "tokens=12 max_tokens: 4096",
        "secretName: shop-db",
        "secrets \"shop\" is forbidden",
        "http://a:80/x,user@example.com",
        "mail to a@b.example: sent",
        "redis-cli --bigkeys",
        "curl -u https://example.com",
        "time 2026-01-02T03:04:05Z level=info msg=\"no cookie\"",
        "password: null",
    ];
    for line in kept {
        assert_eq!(redact(line), (line.to_owned(), 0));
    }
}

#[test]
fn a_private_key_goes_across_lines_and_what_follows_stays() {
    let text = "key:\n-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\n  abc+/=\n-----END RSA PRIVATE KEY----- after\nnext line";
    let (shown, hidden) = redact(text);
    let key = "‹redacted:private-key›";
    assert_eq!(shown, format!("key:\n{key}\n{key}\n{key}\n{key} after\nnext line"));
    assert_eq!(hidden, 1);
    let (shown, _) =
        redact("a -----BEGIN PRIVATE KEY-----\\nMIIE\\n-----END PRIVATE KEY----- b -----BEGIN PRIVATE KEY-----x-----END PRIVATE KEY-----");
    assert_eq!(shown, format!("a {key} b {key}"));
    // Never closed: it ends where lines no longer look like a key.
    let (shown, _) = redact("-----BEGIN PRIVATE KEY-----\nMIIE\nserver started: ok");
    assert_eq!(shown, format!("{key}\n{key}\nserver started: ok"));
    let public = "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----";
    assert_eq!(redact(public), (public.to_owned(), 0));
}

proptest! {
    #[test]
    fn redacting_twice_is_redacting_once(
        text in "(password|token|secret|=|:|: | |\"|'|://|@|u|/|authorization|bearer |basic |cookie|--|-a |redis-cli |eyJabcdefghijk|\\.|abcdefghijklmnop|hunter2|,|;|\\{|\\}|&|\\\\|-----BEGIN PRIVATE KEY-----|‹redacted:jwt›|ghp_0123456789abcdefghijABCDEFGHIJ|é|\n){0,30}"
    ) {
        let (once, _) = redact(&text);
        prop_assert_eq!(redact(&once).0, once);
    }
}
