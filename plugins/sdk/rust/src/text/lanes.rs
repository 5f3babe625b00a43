//! Sixteen bytes at once: where in them something stands that a scanner looks for, a bit for each byte.
//!
//! With SIMD where the machine has it (WebAssembly's 128 bits, SSE2 on x86-64), and byte by byte elsewhere. The constant
//! parameter `SIMD` chooses, so that tests can hold one against the other.

/// How many bytes are looked at at once.
pub(super) const WIDTH: usize = 16;

/// The bit by which `[` and `]` differ from `{` and `}`.
const FOLD: u8 = 0x20;

/// What matters in a text that is known to be valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Structure {
    /// Quotes.
    pub quotes: u32,
    /// Backslashes.
    pub escapes: u32,
    /// Opening brackets of both kinds.
    pub opens: u32,
    /// Closing brackets of both kinds.
    pub closes: u32,
}

/// What ends plain text inside of a string: a quote, a backslash, a control character.
#[inline]
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
fn ends_text<const SIMD: bool>(bytes: &[u8; WIDTH]) -> u32 {
    if SIMD && simd::IS_THERE {
        let lanes = simd::load(bytes);
        return simd::ends_text(lanes);
    }
    places(bytes, |byte| matches!(byte, b'"' | b'\\' | 0..=0x1f))
}

/// Where plain text inside of a string ends, from a place on: at a quote, a backslash or a control character, or at the
/// end of all.
#[inline]
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
pub(super) fn text_end<const SIMD: bool>(text: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = text.get(at..).and_then(|rest| rest.first_chunk::<WIDTH>()) {
        let found = ends_text::<SIMD>(chunk);
        if found != 0 {
            return at + found.trailing_zeros() as usize;
        }
        at += WIDTH;
    }
    let rest = text.get(at..).unwrap_or_default();
    let is_end = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
    at + rest.iter().position(is_end).unwrap_or(rest.len())
}

/// Brackets, quotes and backslashes.
#[inline]
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
pub(super) fn structure<const SIMD: bool>(bytes: &[u8; WIDTH]) -> Structure {
    if SIMD && simd::IS_THERE {
        let lanes = simd::load(bytes);
        let folded = simd::or(lanes, FOLD);
        return Structure {
            quotes: simd::equal(lanes, b'"'),
            escapes: simd::equal(lanes, b'\\'),
            opens: simd::equal(folded, b'{'),
            closes: simd::equal(folded, b'}'),
        };
    }
    Structure {
        quotes: places(bytes, |byte| byte == b'"'),
        escapes: places(bytes, |byte| byte == b'\\'),
        opens: places(bytes, |byte| byte | FOLD == b'{'),
        closes: places(bytes, |byte| byte | FOLD == b'}'),
    }
}

/// A bit for each byte that is looked for.
#[inline]
fn places(bytes: &[u8; WIDTH], is_found: impl Fn(u8) -> bool) -> u32 {
    let bytes = bytes.iter().enumerate();
    bytes.fold(0, |found, (place, byte)| {
        found | u32::from(is_found(*byte)) << place
    })
}

#[cfg(target_arch = "wasm32")]
mod simd {
    use core::arch::wasm32::{
        i8x16_bitmask, u8x16_eq, u8x16_lt, u8x16_splat, v128, v128_load, v128_or,
    };

    pub(super) const IS_THERE: bool = true;

    #[inline]
    #[target_feature(enable = "simd128")]
    pub(super) fn load(bytes: &[u8; super::WIDTH]) -> v128 {
        // SAFETY: the array has the 16 bytes, and no alignment is asked for.
        unsafe { v128_load(bytes.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "simd128")]
    pub(super) fn or(lanes: v128, bits: u8) -> v128 {
        v128_or(lanes, u8x16_splat(bits))
    }

    #[inline]
    #[target_feature(enable = "simd128")]
    pub(super) fn equal(lanes: v128, byte: u8) -> u32 {
        u32::from(i8x16_bitmask(u8x16_eq(lanes, u8x16_splat(byte))))
    }

    #[inline]
    #[target_feature(enable = "simd128")]
    pub(super) fn ends_text(lanes: v128) -> u32 {
        let quotes = u8x16_eq(lanes, u8x16_splat(b'"'));
        let escapes = u8x16_eq(lanes, u8x16_splat(b'\\'));
        let controls = u8x16_lt(lanes, u8x16_splat(b' '));
        u32::from(i8x16_bitmask(v128_or(v128_or(quotes, escapes), controls)))
    }
}

#[cfg(target_arch = "x86_64")]
mod simd {
    use core::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_max_epu8, _mm_movemask_epi8, _mm_or_si128,
        _mm_set1_epi8,
    };

    pub(super) const IS_THERE: bool = true;

    #[inline]
    pub(super) fn load(bytes: &[u8; super::WIDTH]) -> __m128i {
        // SAFETY: every x86-64 has SSE2; the array has the 16 bytes, and no alignment is asked for.
        unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
    }

    #[inline]
    pub(super) fn or(lanes: __m128i, bits: u8) -> __m128i {
        // SAFETY: every x86-64 has SSE2.
        unsafe { _mm_or_si128(lanes, _mm_set1_epi8(bits as i8)) }
    }

    #[inline]
    pub(super) fn equal(lanes: __m128i, byte: u8) -> u32 {
        // SAFETY: every x86-64 has SSE2.
        unsafe { _mm_movemask_epi8(_mm_cmpeq_epi8(lanes, _mm_set1_epi8(byte as i8))) as u32 }
    }

    #[inline]
    pub(super) fn ends_text(lanes: __m128i) -> u32 {
        // SAFETY: every x86-64 has SSE2.
        unsafe {
            let quotes = _mm_cmpeq_epi8(lanes, _mm_set1_epi8(b'"' as i8));
            let escapes = _mm_cmpeq_epi8(lanes, _mm_set1_epi8(b'\\' as i8));
            let last = _mm_set1_epi8(0x1f);
            let controls = _mm_cmpeq_epi8(_mm_max_epu8(lanes, last), last);
            let ends = _mm_or_si128(_mm_or_si128(quotes, escapes), controls);
            _mm_movemask_epi8(ends) as u32
        }
    }
}

#[cfg(not(any(target_arch = "wasm32", target_arch = "x86_64")))]
mod simd {
    pub(super) const IS_THERE: bool = false;

    pub(super) fn load(bytes: &[u8; super::WIDTH]) -> &[u8; super::WIDTH] {
        bytes
    }

    pub(super) fn or(lanes: &[u8; super::WIDTH], _: u8) -> &[u8; super::WIDTH] {
        lanes
    }

    pub(super) fn equal(_: &[u8; super::WIDTH], _: u8) -> u32 {
        unreachable!("there is no SIMD")
    }

    pub(super) fn ends_text(_: &[u8; super::WIDTH]) -> u32 {
        unreachable!("there is no SIMD")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_found_in_every_lane_as_without_simd() {
        for byte in 0..=u8::MAX {
            for place in 0..WIDTH {
                let mut bytes = [b'a'; WIDTH];
                bytes[place] = byte;
                assert_eq!(
                    ends_text::<true>(&bytes),
                    ends_text::<false>(&bytes),
                    "{byte}"
                );
                assert_eq!(
                    structure::<true>(&bytes),
                    structure::<false>(&bytes),
                    "{byte}"
                );
            }
        }
        assert_eq!(
            ends_text::<true>(b"ab\"cd\\ef\x1fgh ij\x7f\xff"),
            0b1_0010_0100
        );
        let found = structure::<true>(b"a{b}c[d]\"\\;=,:\x1f\xdb");
        let expected = Structure {
            quotes: 1 << 8,
            escapes: 1 << 9,
            opens: 1 << 1 | 1 << 5,
            closes: 1 << 3 | 1 << 7,
        };
        assert_eq!(found, expected);
    }
}
