//! Makes a WebAssembly module and the script around it smaller: what only debuggers read goes, names that nobody reads
//! become short.
//!
//! wasm-bindgen needs both until it has run, and trunk has no switch for what comes then. Touches no code.
//! Module structure: WebAssembly core specification, section 5.5.

use std::collections::{BTreeMap, BTreeSet};

const HEADER: usize = 8;
const CUSTOM: u8 = 0;
const IMPORTS: u8 = 2;
const EXPORTS: u8 = 7;
/// Hex digits at the end of a name that wasm-bindgen or the compiler made up. They are as good as random, so each costs
/// its full length on the wire, in the module and in the script.
const HASH: usize = 16;

/// How the names begin by which wasm-bindgen's script and module know each other.
const GLUE: &str = "__wbindgen_";
/// Letters of a name that is worth a shorter one.
const LONG: usize = 6;

/// The module and its script, smaller; `None` when it is not a module.
pub(crate) fn shrunk(module: &[u8], script: &str) -> Option<(Vec<u8>, String)> {
    let names = short_names(script);
    let (header, mut rest) = module.split_at_checked(HEADER)?;
    if !header.starts_with(b"\0asm") {
        return None;
    }
    let mut kept = header.to_vec();
    while let Some((&id, after_id)) = rest.split_first() {
        let (length, body) = unsigned(after_id)?;
        let (body, next) = body.split_at_checked(length)?;
        match id {
            CUSTOM => {}
            IMPORTS | EXPORTS => push_section(&mut kept, id, &renamed(body, &names)),
            _ => push_section(&mut kept, id, body),
        }
        rest = next;
    }
    let script: String = words(script).map(|word| names.get(word).map_or(word, String::as_str)).collect();
    Some((kept, direct(&bare(&script))))
}

/// The script without the variable that wasm-bindgen puts each result in before it returns it.
fn direct(script: &str) -> String {
    let (mut kept, mut lines) = (String::with_capacity(script.len()), script.lines().peekable());
    while let Some(line) = lines.next() {
        match line.strip_prefix("const ret = ") {
            Some(result) if lines.peek() == Some(&"return ret;") => {
                lines.next();
                kept.push_str("return ");
                kept.push_str(result);
            }
            _ => kept.push_str(line),
        }
        kept.push('\n');
    }
    kept
}

/// The script without indentation and without lines that are nothing but comment.
pub(crate) fn bare(script: &str) -> String {
    let (mut kept, mut in_comment) = (String::with_capacity(script.len()), false);
    for line in script.lines().map(str::trim) {
        in_comment |= line.starts_with("/*");
        if in_comment {
            in_comment = !line.ends_with("*/");
        } else if !line.is_empty() && !line.starts_with("//") {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// A short name for each that ends in a hash, and for each of the script's own functions and variables.
fn short_names(script: &str) -> BTreeMap<&str, String> {
    let own = own_names(script);
    let wanted =
        words(script).filter(|word| ends_in_hash(word) || word.starts_with(GLUE) || own.contains(word));
    let mut names: BTreeMap<&str, String> = wanted.map(|word| (word, String::new())).collect();
    for (number, short) in names.values_mut().enumerate() {
        *short = format!("_{number:x}");
    }
    names
}

/// What is declared outside of all functions, unless something that is not the script's own may be called so too.
fn own_names(script: &str) -> BTreeSet<&str> {
    let declared = script.lines().filter_map(|line| {
        let rest = ["function ", "let ", "const "].iter().find_map(|begin| line.strip_prefix(begin))?;
        words(rest).next()
    });
    let foreign = |name: &str| {
        [(".", ""), ("'", "'"), ("\"", "\""), ("", ":")]
            .iter()
            .any(|(before, after)| script.contains(&format!("{before}{name}{after}")))
    };
    declared.filter(|name| name.len() >= LONG && !foreign(name)).collect()
}

fn ends_in_hash(word: &str) -> bool {
    word.len().checked_sub(HASH).and_then(|at| word.split_at_checked(at)).is_some_and(|(name, hash)| {
        let name = name.strip_suffix('h').unwrap_or(name);
        name.ends_with('_') && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// The script cut before and after each identifier; nothing is lost.
fn words(script: &str) -> impl Iterator<Item = &str> {
    let mut rest = script;
    core::iter::from_fn(move || {
        let is_part = |character: char| character.is_alphanumeric() || matches!(character, '_' | '$');
        let part = is_part(rest.chars().next()?);
        let end = rest.find(|character| is_part(character) != part).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        Some(word)
    })
}

/// A section of names, with the long ones replaced. Names are bytes behind their length.
fn renamed(section: &[u8], names: &BTreeMap<&str, String>) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::with_capacity(section.len()), section);
    while let Some((&first, after)) = rest.split_first() {
        let name = unsigned(rest).and_then(|(length, bytes)| bytes.split_at_checked(length));
        let short = name.and_then(|(name, next)| Some((names.get(core::str::from_utf8(name).ok()?)?, next)));
        rest = if let Some((short, next)) = short {
            push_unsigned(&mut out, short.len());
            out.extend_from_slice(short.as_bytes());
            next
        } else {
            out.push(first);
            after
        };
    }
    out
}

fn push_section(module: &mut Vec<u8>, id: u8, body: &[u8]) {
    module.push(id);
    push_unsigned(module, body.len());
    module.extend_from_slice(body);
}

/// Writes a number in LEB128.
fn push_unsigned(out: &mut Vec<u8>, mut value: usize) {
    loop {
        #[expect(clippy::cast_possible_truncation, reason = "seven bits")]
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

/// A LEB128 number of at most 32 bits, and what follows it.
fn unsigned(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0;
    for (position, byte) in bytes.iter().enumerate().take(5) {
        value |= usize::from(byte & 0x7f) << (7 * position);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[position + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"\0asm\x01\0\0\0";

    #[test]
    fn custom_sections_go_and_all_others_stay_as_they_are() {
        let names = [&[0, 5, 4][..], b"name"].concat();
        let (types, code) = (vec![1, 4, 1, 0x60, 0, 0], [&[10, 0x80, 0x01][..], &[7; 128]].concat());
        let module = [HEAD, &types, &names, &code, &names].concat();
        let expected = ([HEAD, &types, &code].concat(), "f();\n".to_owned());
        assert_eq!(shrunk(&module, "f();"), Some(expected));
    }

    #[test]
    fn names_that_end_in_a_hash_become_short_in_the_module_and_in_the_script() {
        let long = "__wbg_open_f249a2a76caa9a55";
        let import = |name: &str| {
            let length = u8::try_from(name.len()).unwrap();
            [&[1, 1, b'm', length][..], name.as_bytes(), &[0, 0]].concat()
        };
        let section =
            |body: &[u8]| [HEAD, &[2, u8::try_from(body.len()).unwrap()], body, &[10, 1, 0]].concat();
        let script = format!("const i = {{ {long}: open, other_f249: 1 }}; // f249a2a76caa9a55 {long}");
        let (module, script) = shrunk(&section(&import(long)), &script).unwrap();
        assert_eq!(module, section(&import("_0")));
        assert_eq!(script, "const i = { _0: open, other_f249: 1 }; // f249a2a76caa9a55 _0\n");
    }

    #[test]
    fn the_scripts_own_names_become_short_where_nothing_else_is_called_so() {
        let script = "function getMemory(a) {\n  const ret = a.className;\n  return ret;\n}\nlet className = 1;\n\
            const state = getMemory(wasm.__wbindgen_malloc);";
        let (_, script) = shrunk(HEAD, script).unwrap();
        assert_eq!(
            script,
            "function _1(a) {\nreturn a.className;\n}\nlet className = 1;\nconst state = _1(wasm._0);\n"
        );
    }

    #[test]
    fn a_script_keeps_its_code_and_loses_lines_of_comment_and_indentation() {
        let script =
            "// what it does\n\n/** Two\n * lines. */\nfn();\n  /* one */\n  a = 1; // one\n\tb = \"//\";\n";
        assert_eq!(bare(script), "fn();\na = 1; // one\nb = \"//\";\n");
    }

    #[test]
    fn numbers_are_read_as_they_are_written() {
        for value in [0, 1, 127, 128, 300, 1 << 20] {
            let mut bytes = Vec::new();
            push_unsigned(&mut bytes, value);
            assert_eq!(unsigned(&bytes), Some((value, &[][..])));
        }
    }

    #[test]
    fn what_is_not_a_module_is_left_alone() {
        for bytes in [
            &b""[..],
            b"<html></html>",
            b"\0asm\x01\0\0\0\x01\xff",
            b"\0asm\x01\0\0\0\x01\xff\xff\xff\xff\xff",
        ] {
            assert_eq!(shrunk(bytes, ""), None);
        }
    }
}
