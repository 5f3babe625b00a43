;; A line of 6 MiB.
(func $misdeed
  (local $at i32)
  (local.set $at (call $alloc (i32.const 6291456) (i32.const 1)))
  (memory.fill (local.get $at) (i32.const 0x78) (i32.const 6291456))
  (call $say (local.get $at) (i32.const 6291456)))
