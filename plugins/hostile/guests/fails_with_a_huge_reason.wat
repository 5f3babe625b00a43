;; A megabyte of it.
(func $misdeed
  (local $at i32)
  (local.set $at (call $alloc (i32.const 1048576) (i32.const 1)))
  (memory.fill (local.get $at) (i32.const 0x78) (i32.const 1048576))
  (call $answer (i32.const 3) (local.get $at) (i32.const 1048576)))
