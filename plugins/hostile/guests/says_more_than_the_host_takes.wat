;; A list of 100,000 steps that are all the same; each is an object for the host.
(func $describe (result i32)
  (local $at i32)
  (local $i i32)
  (local.set $at (call $alloc (i32.const 3600000) (i32.const 4)))
  (i32.store (i32.const 444) (local.get $at))
  (i32.store (i32.const 448) (i32.const 100000))
  (loop $more
    (memory.copy (i32.add (local.get $at) (i32.mul (local.get $i) (i32.const 36)))
      (i32.const 456) (i32.const 36))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $more (i32.lt_u (local.get $i) (i32.const 100000))))
  (i32.const 400))
