//! Many bytes at once: where in them something stands that a reader of JSON looks for, a bit for each byte.
//!
//! With SSE2, which every x86-64 has, and byte by byte elsewhere.

/// How many bytes [`ends_text`] looks at.
pub(super) const TEXT: usize = 16;
/// How many bytes [`places`] looks at.
pub(super) const BLOCK: usize = 64;

/// What ends plain text inside of a string: a quote, a backslash, a control character.
#[inline]
pub(super) fn ends_text(bytes: &[u8; TEXT]) -> u32 {
    #[cfg(target_arch = "x86_64")]
    return sse2::ends_text(bytes);
    #[cfg(not(target_arch = "x86_64"))]
    return portable::ends_text(bytes);
}

/// Each byte that is this one.
#[inline]
pub(super) fn places(bytes: &[u8; BLOCK], byte: u8) -> u64 {
    #[cfg(target_arch = "x86_64")]
    return sse2::places(bytes, byte);
    #[cfg(not(target_arch = "x86_64"))]
    return portable::places(bytes, byte);
}

#[cfg(any(test, not(target_arch = "x86_64")))]
mod portable {
    use super::{BLOCK, TEXT};

    pub(super) fn ends_text(bytes: &[u8; TEXT]) -> u32 {
        bits(bytes, |byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)) as u32
    }

    pub(super) fn places(bytes: &[u8; BLOCK], byte: u8) -> u64 {
        bits(bytes, |found| found == byte)
    }

    fn bits(bytes: &[u8], is_it: impl Fn(u8) -> bool) -> u64 {
        let bytes = bytes.iter().enumerate();
        bytes.fold(0, |bits, (place, byte)| {
            bits | u64::from(is_it(*byte)) << place
        })
    }
}

#[cfg(target_arch = "x86_64")]
mod sse2 {
    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_max_epu8, _mm_movemask_epi8, _mm_or_si128,
        _mm_set1_epi8,
    };

    use super::{BLOCK, TEXT};

    #[inline]
    fn load(bytes: &[u8; 16]) -> __m128i {
        // SAFETY: every x86-64 has SSE2; the array has the 16 bytes, and no alignment is asked for.
        unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
    }

    #[inline]
    pub(super) fn ends_text(bytes: &[u8; TEXT]) -> u32 {
        let lanes = load(bytes);
        // SAFETY: every x86-64 has SSE2.
        unsafe {
            let last = _mm_set1_epi8(0x1f);
            let control = _mm_cmpeq_epi8(_mm_max_epu8(lanes, last), last);
            let quote = _mm_cmpeq_epi8(lanes, _mm_set1_epi8(b'"' as i8));
            let backslash = _mm_cmpeq_epi8(lanes, _mm_set1_epi8(b'\\' as i8));
            _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(control, quote), backslash)) as u32
        }
    }

    #[inline]
    pub(super) fn places(bytes: &[u8; BLOCK], byte: u8) -> u64 {
        let mut places = 0;
        for (number, part) in bytes.as_chunks::<16>().0.iter().enumerate() {
            // SAFETY: every x86-64 has SSE2.
            let found =
                unsafe { _mm_movemask_epi8(_mm_cmpeq_epi8(load(part), _mm_set1_epi8(byte as i8))) };
            places |= u64::from(found as u32) << (16 * number);
        }
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_found_everywhere_as_it_is_byte_by_byte() {
        for byte in 0..=u8::MAX {
            for place in 0..TEXT {
                let mut bytes = [b'a'; TEXT];
                bytes[place] = byte;
                assert_eq!(ends_text(&bytes), portable::ends_text(&bytes), "{byte}");
            }
            for place in 0..BLOCK {
                let mut bytes = [b'a'; BLOCK];
                bytes[place] = byte;
                for wanted in [byte, b'a', b':'] {
                    let found = places(&bytes, wanted);
                    assert_eq!(found, portable::places(&bytes, wanted), "{byte} {wanted}");
                }
            }
        }
        assert_eq!(ends_text(b"ab\"cd\\ef\x1fgh ij\x7f\xff"), 0b1_0010_0100);
    }
}
