;; Not only of the marked one: as much as one batch may, in each.
(func $behave
  (local $i i32)
  (loop $more
    (call $say (i32.const 256) (i32.const 80))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $more (i32.lt_u (local.get $i) (i32.const 400))))
  (call $answer (i32.const 1) (i32.const 320) (i32.const 17)))
