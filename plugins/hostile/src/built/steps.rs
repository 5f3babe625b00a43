//! Guests with many steps.

use crate::text::Text;

/// A migration with so many steps, which all derive from the same items and have names of their own:
/// `s0000` to `s9999`.
fn steps(count: usize) -> Vec<u8> {
    let text = format!(
        r#"
(memory $memory (export "memory") 32)
(data $mode (i32.const 465) "\01")
(func $behave (call $answer (i32.const 0) (i32.const 0) (i32.const 0)))
(func $digit (param $n i32) (param $by i32) (result i32)
  (i32.add (i32.const 0x30)
    (i32.rem_u (i32.div_u (local.get $n) (local.get $by)) (i32.const 10))))
(func $describe (result i32)
  (local $n i32) (local $step i32) (local $name i32)
  (loop $more
    (local.set $step (i32.add (i32.const 1048576) (i32.mul (local.get $n) (i32.const 36))))
    (local.set $name (i32.add (i32.const 524288) (i32.mul (local.get $n) (i32.const 8))))
    (memory.copy (local.get $step) (i32.const 456) (i32.const 36))
    (i32.store8 (local.get $name) (i32.const 0x73))
    (i32.store8 offset=1 (local.get $name) (call $digit (local.get $n) (i32.const 1000)))
    (i32.store8 offset=2 (local.get $name) (call $digit (local.get $n) (i32.const 100)))
    (i32.store8 offset=3 (local.get $name) (call $digit (local.get $n) (i32.const 10)))
    (i32.store8 offset=4 (local.get $name) (call $digit (local.get $n) (i32.const 1)))
    (i32.store (local.get $step) (local.get $name))
    (local.set $n (i32.add (local.get $n) (i32.const 1)))
    (br_if $more (i32.lt_u (local.get $n) (i32.const {count}))))
  (i32.store (i32.const 444) (i32.const 1048576))
  (i32.store (i32.const 448) (i32.const {count}))
  (i32.const 400))
"#
    );
    Text::new(&text).module()
}

/// As many steps as may be.
pub fn has_a_thousand_steps() -> Vec<u8> {
    steps(1_000)
}

/// One step more.
pub fn has_a_step_too_many() -> Vec<u8> {
    steps(1_001)
}

/// Far more steps than may be.
pub fn has_nine_thousand_steps() -> Vec<u8> {
    steps(9_000)
}
