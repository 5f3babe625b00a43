;; Of 2 MiB: it is cut.
(func $misdeed
  (local $at i32)
  (local.set $at (call $alloc (i32.const 2097152) (i32.const 1)))
  (memory.fill (local.get $at) (i32.const 0x78) (i32.const 2097152))
  (call $say (local.get $at) (i32.const 2097152)))
