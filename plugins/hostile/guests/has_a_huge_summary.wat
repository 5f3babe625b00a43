;; It is cut.
(func $describe (result i32)
  (local $at i32)
  (local.set $at (call $alloc (i32.const 1048576) (i32.const 1)))
  (memory.fill (local.get $at) (i32.const 0x78) (i32.const 1048576))
  (i32.store (i32.const 436) (local.get $at))
  (i32.store (i32.const 440) (i32.const 1048576))
  (i32.const 400))
