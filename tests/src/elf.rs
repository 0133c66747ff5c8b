//! Is a program statically linked? Read from its ELF header (elf(5)): a dynamic one names
//! its loader in a program header of type `PT_INTERP`.

use std::path::Path;

use anyhow::{Context, Result};

const PT_INTERP: u64 = 3;

/// Whether the program in `file` needs no loader.
///
/// # Errors
/// When it cannot be read, or is no ELF file.
pub fn is_static(file: &Path) -> Result<bool> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let interpreted = has_interpreter(&bytes)
        .with_context(|| format!("{}: not a program (no whole ELF header)", file.display()))?;
    Ok(!interpreted)
}

/// `None`: not an ELF file, or cut off.
fn has_interpreter(elf: &[u8]) -> Option<bool> {
    if !elf.starts_with(b"\x7fELF") {
        return None;
    }
    let wide = match elf.get(4)? {
        1 => false,
        2 => true,
        _ => return None,
    };
    let little = match elf.get(5)? {
        1 => true,
        2 => false,
        _ => return None,
    };
    let number = |at: usize, length: usize| {
        let bytes = elf.get(at..at.checked_add(length)?)?;
        let add = |all: u64, byte: &u8| (all << 8) | u64::from(*byte);
        Some(if little { bytes.iter().rev().fold(0, add) } else { bytes.iter().fold(0, add) })
    };
    // Where e_phoff, e_phentsize and e_phnum are: ELF64, else ELF32.
    let (offset, size, count) = if wide {
        (number(32, 8)?, number(54, 2)?, number(56, 2)?)
    } else {
        (number(28, 4)?, number(42, 2)?, number(44, 2)?)
    };
    for index in 0..count {
        let at = usize::try_from(offset.checked_add(index * size)?).ok()?;
        if number(at, 4)? == PT_INTERP {
            return Some(true);
        }
    }
    Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A 64-bit little-endian header with two program headers.
    fn header(types: [u8; 2]) -> Vec<u8> {
        let mut elf = vec![0; 64 + 2 * 56];
        elf[..6].copy_from_slice(b"\x7fELF\x02\x01");
        (elf[32], elf[54], elf[56]) = (64, 56, 2);
        (elf[64], elf[64 + 56]) = (types[0], types[1]);
        elf
    }

    #[test]
    fn a_loader_makes_a_program_dynamic() {
        assert_eq!(has_interpreter(&header([6, 3])), Some(true));
        assert_eq!(has_interpreter(&header([1, 6])), Some(false));
    }

    #[test]
    fn mips_headers_are_32_bit_and_big_endian() {
        let mut elf = vec![0; 52 + 32];
        elf[..6].copy_from_slice(b"\x7fELF\x01\x02");
        (elf[31], elf[43], elf[45]) = (52, 32, 1);
        assert_eq!(has_interpreter(&elf), Some(false));
        elf[55] = 3;
        assert_eq!(has_interpreter(&elf), Some(true));
    }

    #[test]
    fn other_files_are_refused() {
        assert_eq!(has_interpreter(b"#!/bin/sh\n"), None);
        assert_eq!(has_interpreter(&header([6, 1])[..100]), None);
        assert_eq!(has_interpreter(b""), None);
    }

    #[test]
    fn this_test_is_dynamic() {
        assert!(!is_static(&std::env::current_exe().unwrap()).unwrap());
    }
}
