//! The checksum of ZIP archives: CRC-32, of parts that come in any order.
//!
//! Its tables are made at first use, because in the page they would be 16 KiB that nothing compresses. It finds
//! accidents, not attacks: what is received is verified by BLAKE3 elsewhere.

use std::sync::LazyLock;

/// The polynomial, lowest power in the highest bit.
const POLYNOMIAL: u32 = 0xEDB8_8320;
/// The polynomial one.
const ONE: u32 = 1 << 31;
/// Bytes taken in one step.
const STEP: usize = 8;

/// What a byte does to the checksum, for each of its places within a step.
static TABLES: LazyLock<[[u32; 256]; STEP]> = LazyLock::new(|| {
    let mut tables = [[0; 256]; STEP];
    for (byte, entry) in (0..).zip(&mut tables[0]) {
        *entry = (0..8).fold(byte, |crc: u32, _| times_x(crc));
    }
    for place in 1..STEP {
        for byte in 0..256 {
            let before = tables[place - 1][byte];
            tables[place][byte] = (before >> 8) ^ tables[0][low_byte(before)];
        }
    }
    tables
});

/// The checksum of these bytes, one chunk after the other.
pub fn of<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> u32 {
    let tables = &*TABLES;
    let mut crc = u32::MAX;
    for chunk in chunks {
        let (steps, rest) = chunk.as_chunks::<STEP>();
        for &[a, b, c, d, e, f, g, h] in steps {
            let [i, j, k, l] = (crc ^ u32::from_le_bytes([a, b, c, d])).to_le_bytes();
            let at = |place: usize, byte: u8| tables[place][usize::from(byte)];
            crc = at(7, i) ^ at(6, j) ^ at(5, k) ^ at(4, l) ^ at(3, e) ^ at(2, f) ^ at(1, g) ^ at(0, h);
        }
        for byte in rest {
            crc = (crc >> 8) ^ tables[0][low_byte(crc) ^ usize::from(*byte)];
        }
    }
    !crc
}

/// The checksum of two parts, from the checksum of each and the length of the second.
pub fn joined(first: u32, second: u32, second_length: u64) -> u32 {
    // Appending a byte multiplies by x to the 8th: square and multiply.
    let (mut shift, mut power, mut left) = (ONE, ONE >> 8, second_length);
    while left > 0 {
        if left & 1 == 1 {
            shift = times(shift, power);
        }
        power = times(power, power);
        left >>= 1;
    }
    times(first, shift) ^ second
}

/// The product modulo the polynomial.
fn times(a: u32, b: u32) -> u32 {
    let (mut product, mut b) = (0, b);
    for bit in (0..32).rev() {
        if a >> bit & 1 == 1 {
            product ^= b;
        }
        b = times_x(b);
    }
    product
}

fn times_x(a: u32) -> u32 {
    if a & 1 == 1 { a >> 1 ^ POLYNOMIAL } else { a >> 1 }
}

fn low_byte(crc: u32) -> usize {
    usize::from(crc.to_le_bytes()[0])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_checksum_is_that_of_archives(bytes: Vec<u8>, at: prop::sample::Index) {
            let (first, second) = bytes.split_at(at.index(bytes.len() + 1));
            let known = crc32fast::hash(&bytes);
            prop_assert_eq!(of([bytes.as_slice()]), known);
            prop_assert_eq!(of([first, second]), known);
            prop_assert_eq!(joined(of([first]), of([second]), second.len() as u64), known);
        }

        #[test]
        fn parts_of_any_length_are_joined(first: u32, second: u32, length in 0..1_u64 << 48) {
            let mut known = crc32fast::Hasher::new_with_initial_len(first, 1);
            known.combine(&crc32fast::Hasher::new_with_initial_len(second, length));
            prop_assert_eq!(joined(first, second, length), known.finalize());
        }
    }
}
