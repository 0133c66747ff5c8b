//! `/etc/netmonitor.conf`: shell assignments, read and never run.
//!
//! Pure: text in, assignments and problems out. People come with files written for a
//! shell script, so the form is the shell's (`KEY="value"`, `#` comments, either kind
//! of quotes), but anything a shell would execute or expand is refused by name.

/// One `KEY=value` and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Assignment {
    /// Line number, from 1.
    pub(super) line: usize,
    /// Left of the `=`.
    pub(super) key: String,
    /// Right of it, without quotes.
    pub(super) value: String,
}

/// A line that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub(super) struct LineError {
    /// Line number, from 1.
    pub(super) line: usize,
    /// What is wrong and what to write instead.
    pub(super) reason: String,
}

/// A configuration file is a page; 64 KiB is far beyond any, and a wrong path
/// (`/dev/sda`, a log) is refused before it is searched for assignments.
pub(super) const MAX_BYTES: usize = 64 * 1024;

/// What a file holds: the good lines, and the bad ones.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub(super) assignments: Vec<Assignment>,
    pub(super) errors: Vec<LineError>,
}

/// A binary file has no more lines worth listing.
const MAX_ERRORS: usize = 20;

/// Reads every line of a file.
pub(super) fn parse(bytes: &[u8]) -> Parsed {
    let mut parsed = Parsed::default();
    if bytes.len() > MAX_BYTES {
        let reason = format!("the file is larger than {} KiB", MAX_BYTES / 1024);
        parsed.errors.push(LineError { line: 1, reason });
        return parsed;
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    for (index, raw) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = index + 1;
        match parse_line(raw) {
            Ok(Some((key, value))) => parsed.assignments.push(Assignment { line, key, value }),
            Ok(None) => {}
            Err(reason) => parsed.errors.push(LineError { line, reason }),
        }
        if parsed.errors.len() >= MAX_ERRORS {
            break;
        }
    }
    parsed
}

fn parse_line(raw: &[u8]) -> Result<Option<(String, String)>, String> {
    let text = std::str::from_utf8(raw).map_err(|error| {
        format!("not text: byte {} is not UTF-8; is this the right file?", error.valid_up_to() + 1)
    })?;
    let text = text.trim();
    if let Some(control) = text.chars().find(|c| c.is_control() && *c != '\t') {
        return Err(format!("not text: control character {control:?}; is this the right file?"));
    }
    if text.is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    let expected = "expected KEY=\"value\"";
    let (key, rest) = text.split_once('=').ok_or_else(|| format!("{expected}, found no \"=\""))?;
    if !is_name(key) {
        let key: String = key.chars().take(40).collect();
        return Err(format!("{expected}; \"{key}\" is not a name (no spaces around \"=\")"));
    }
    let value = parse_value(rest)?;
    Ok(Some((key.to_owned(), value)))
}

fn is_name(key: &str) -> bool {
    !key.is_empty()
        && !key.starts_with(|c: char| c.is_ascii_digit())
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The shell's rules for one word: quoted and bare pieces may follow each other.
fn parse_value(text: &str) -> Result<String, String> {
    let mut value = String::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '\'' => loop {
                match rest.next() {
                    Some('\'') => break,
                    Some(c) => value.push(c),
                    None => return Err("the quote ' is not closed".to_owned()),
                }
            },
            '"' => parse_double_quoted(&mut rest, &mut value)?,
            '\\' => value.extend(rest.next()),
            c if c.is_whitespace() => {
                let after = rest.as_str().trim_start();
                if after.is_empty() || after.starts_with('#') {
                    break;
                }
                // What follows may be the rest of a secret.
                return Err("put the value in quotes: it has a space".to_owned());
            }
            c => value.push(refuse_expansion(c).and_then(refuse_operator)?),
        }
    }
    Ok(value)
}

fn parse_double_quoted(rest: &mut std::str::Chars<'_>, value: &mut String) -> Result<(), String> {
    loop {
        match rest.next() {
            Some('"') => return Ok(()),
            Some('\\') => match rest.next() {
                Some(c @ ('"' | '\\' | '$' | '`')) => value.push(c),
                Some(c) => value.extend(['\\', c]),
                None => return Err("the quote \" is not closed".to_owned()),
            },
            Some(c) => value.push(refuse_expansion(c)?),
            None => return Err("the quote \" is not closed".to_owned()),
        }
    }
}

/// What a shell expands, inside double quotes too.
fn refuse_expansion(c: char) -> Result<char, String> {
    match c {
        '$' => Err("\"$\" (variable or command) is not expanded here: write the value itself, \
                    or put a plain $ in single quotes"
            .to_owned()),
        '`' => Err("\"`\" (command) is not executed here: write the value itself".to_owned()),
        c => Ok(c),
    }
}

/// What ends a bare word for a shell and starts something else.
fn refuse_operator(c: char) -> Result<char, String> {
    match c {
        ';' | '&' | '|' | '<' | '>' | '(' | ')' => Err(format!(
            "\"{c}\" is not allowed: this file is read, not run; put the value in quotes"
        )),
        c => Ok(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(line: &str, expected: Result<Option<(&str, &str)>, &str>) {
        let found = parse_line(line.as_bytes());
        let found = found.as_ref().map(|pair| pair.as_ref().map(|(k, v)| (k.as_str(), v.as_str())));
        match (found, expected) {
            (Err(reason), Err(part)) => assert!(reason.contains(part), "{line}: {reason}"),
            (found, expected) => assert_eq!(found.ok(), expected.ok(), "{line}"),
        }
    }

    #[test]
    fn assignments_as_a_shell_reads_them() {
        check("", Ok(None));
        check("   # a comment", Ok(None));
        check("API_PORT=8321", Ok(Some(("API_PORT", "8321"))));
        check("API_PORT=\"8321\"\r", Ok(Some(("API_PORT", "8321"))));
        check("  WAN_IFACE='wan'  # the port", Ok(Some(("WAN_IFACE", "wan"))));
        check("PING_TARGETS=\"1.1.1.1 8.8.8.8\"", Ok(Some(("PING_TARGETS", "1.1.1.1 8.8.8.8"))));
        check("PPPOE_IFACE=\"\"", Ok(Some(("PPPOE_IFACE", ""))));
        check("PPPOE_IFACE=", Ok(Some(("PPPOE_IFACE", ""))));
        check("TOKEN=a\"b c\"'d$e'", Ok(Some(("TOKEN", "ab cd$e"))));
        check("TOKEN=\"a\\\"b\\$c\\d\"", Ok(Some(("TOKEN", "a\"b$c\\d"))));
        check("TOKEN=a#b", Ok(Some(("TOKEN", "a#b"))));
        check("OPTICAL_SOURCE=\"command:a;b\"", Ok(Some(("OPTICAL_SOURCE", "command:a;b"))));
    }

    #[test]
    fn what_a_shell_would_run_is_refused() {
        check("TOKEN=$(cat /etc/passwd)", Err("variable or command"));
        check("TOKEN=\"$(cat /etc/passwd)\"", Err("variable or command"));
        check("TOKEN=`id`", Err("not executed"));
        check("TOKEN=\"`id`\"", Err("not executed"));
        check("TOKEN=$HOME", Err("variable or command"));
        check("TOKEN=a; reboot", Err("\";\" is not allowed"));
        check("TOKEN=a|b", Err("\"|\" is not allowed"));
        check("reboot", Err("found no \"=\""));
        check("export TOKEN=a", Err("is not a name"));
        check("TOKEN = a", Err("no spaces around"));
        check("TOKEN=a b", Err("put the value in quotes"));
    }

    #[test]
    fn half_written_and_binary_files_are_refused_with_their_line() {
        let errors = parse(b"API_PORT=\"8321\nTOKEN='x\n").errors;
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            ["line 1: the quote \" is not closed", "line 2: the quote ' is not closed"]
        );
        for bytes in [&b"\x7fELF\x02\x01\x00\xff"[..], &vec![b'#'; MAX_BYTES + 1], &[0; 4096]] {
            assert!(!parse(bytes).errors.is_empty());
        }
        assert_eq!(parse("\0\n".repeat(100).as_bytes()).errors.len(), MAX_ERRORS);
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        assert_eq!(parse("\u{feff}LOG_LEVEL=3".as_bytes()).assignments[0].key, "LOG_LEVEL");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let parsed = parse(&bytes);
            prop_assert!(parsed.errors.len() <= MAX_ERRORS);
        }

        #[test]
        fn any_value_in_single_quotes_comes_back(value in "[^'\\p{C}]{0,40}") {
            let found = parse(format!("TOKEN='{value}'").as_bytes()).assignments;
            prop_assert_eq!(&found[0].value, &value);
        }
    }
}
