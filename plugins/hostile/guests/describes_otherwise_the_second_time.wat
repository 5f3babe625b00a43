;; Version 3.0.0 where it was 2.0.0.
(global $calls (mut i32) (i32.const 0))
(func $describe (result i32)
  (i32.store8 (i32.const 264) (i32.add (i32.const 0x32) (global.get $calls)))
  (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
  (i32.const 400))
