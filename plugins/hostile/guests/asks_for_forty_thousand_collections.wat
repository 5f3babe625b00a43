;; All of them the same one.
(func $describe (result i32)
  (local $at i32)
  (local $i i32)
  (local.set $at (call $alloc (i32.const 320000) (i32.const 4)))
  (loop $more
    (i64.store (i32.add (local.get $at) (i32.mul (local.get $i) (i32.const 8)))
      (i64.load (i32.const 496)))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $more (i32.lt_u (local.get $i) (i32.const 40000))))
  (i32.store (i32.const 484) (local.get $at))
  (i32.store (i32.const 488) (i32.const 40000))
  (i32.const 400))
