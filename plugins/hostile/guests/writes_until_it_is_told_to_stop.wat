;; And then stops. What it wrote stays.
(func $misdeed
  (local $i i32)
  (i64.store (i32.const 1032) (i64.const 0x3030303030303030))
  (loop $more
    (i32.store8 (i32.const 1032) (i32.add (i32.const 0x30) (i32.rem_u (local.get $i) (i32.const 64))))
    (i32.store8 (i32.const 1033) (i32.add (i32.const 0x30) (i32.div_u (local.get $i) (i32.const 64))))
    (call $note (i32.const 1032) (i32.const 8))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $more (i32.eqz (call $told))))
  (call $expect (i32.const 2)))
