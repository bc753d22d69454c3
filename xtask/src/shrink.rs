//! Takes out of a WebAssembly module what only debuggers read: its custom sections, the names of functions above all.
//!
//! wasm-bindgen needs them until it has run and trunk has no switch to drop them then. Touches no other section.
//! Module structure: WebAssembly core specification, section 5.5.

const HEADER: usize = 8;
const CUSTOM: u8 = 0;

/// The module without custom sections; `None` when it is not a module.
pub(crate) fn without_custom_sections(module: &[u8]) -> Option<Vec<u8>> {
    let (header, mut rest) = module.split_at_checked(HEADER)?;
    if !header.starts_with(b"\0asm") {
        return None;
    }
    let mut kept = header.to_vec();
    while let Some((&id, after_id)) = rest.split_first() {
        let (length, body) = unsigned(after_id)?;
        let next = body.get(length..)?;
        if id != CUSTOM {
            kept.extend_from_slice(&rest[..rest.len() - next.len()]);
        }
        rest = next;
    }
    Some(kept)
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

    #[test]
    fn custom_sections_go_and_all_others_stay_as_they_are() {
        let header = b"\0asm\x01\0\0\0".to_vec();
        let names = [&[0, 5, 4][..], b"name"].concat();
        let (types, code) = (vec![1, 4, 1, 0x60, 0, 0], [&[10, 0x80, 0x01][..], &[7; 128]].concat());
        let module = [&header[..], &types, &names, &code, &names].concat();
        assert_eq!(without_custom_sections(&module), Some([&header[..], &types, &code].concat()));
    }

    #[test]
    fn what_is_not_a_module_is_left_alone() {
        for bytes in [
            &b""[..],
            b"<html></html>",
            b"\0asm\x01\0\0\0\x01\xff",
            b"\0asm\x01\0\0\0\x01\xff\xff\xff\xff\xff",
        ] {
            assert_eq!(without_custom_sections(bytes), None);
        }
    }
}
