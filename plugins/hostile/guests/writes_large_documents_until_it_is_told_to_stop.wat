;; A quarter of a megabyte each; bytes are bounded, too.
(memory $memory (export "memory") 8)
(func $misdeed
  (local $i i32)
  (memory.fill (i32.const 200000) (i32.const 0x20) (i32.const 262144))
  (i32.store8 (i32.const 200000) (i32.const 0x31))
  (loop $more
    (i32.store8 (i32.const 1032) (i32.add (i32.const 0x30) (local.get $i)))
    (call $put (i32.const 288) (i32.const 5) (i32.const 1032) (i32.const 1)
      (i32.const 200000) (i32.const 262144) (i32.const 600))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $more (i32.eqz (call $told))))
  (call $expect (i32.const 2))
  (if (i32.gt_u (local.get $i) (i32.const 20)) (then (unreachable))))
